//! Wraps a TCP connection so that it says when what is read from it has come.
//!
//! Whoever reads a reply late measures their own lateness with it. The kernel knows better: it
//! stamps each packet when it takes it in (Linux, `SO_TIMESTAMPNS`), and `recvmsg` tells the stamp of
//! the last one that was read. So the end of a reply is known to the microsecond, whenever it is read.

use crate::time::Nanos;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// A connection whose packets the kernel stamps.
#[derive(Debug)]
pub struct StampedTcp {
    stream: TcpStream,
    /// Room for the stamp; none: it is not asked for.
    control: Vec<u8>,
    stamp: Option<Nanos>,
}

impl StampedTcp {
    /// Asks the kernel for stamps.
    ///
    /// # Errors The connection as it is, where the kernel has no stamps for it.
    pub fn new(stream: TcpStream) -> Result<Self, TcpStream> {
        match kernel::ask(&stream) {
            Some(control) => Ok(Self { stream, control, stamp: None }),
            None => Err(stream),
        }
    }

    /// When the bytes that were read last came, in nanoseconds of the wall clock since 1970.
    #[inline]
    pub fn stamp(&self) -> Option<Nanos> {
        self.stamp
    }

    /// From now on it reads without stamps, as any connection does.
    pub fn stop(&mut self) {
        self.control = Vec::new();
        self.stamp = None;
    }
}

impl AsyncRead for StampedTcp {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, control, stamp } = self.get_mut();
        if control.is_empty() {
            return Pin::new(stream).poll_read(cx, buffer);
        }
        loop {
            ready!(stream.poll_read_ready(cx))?;
            let bytes = buffer.initialize_unfilled();
            let room = bytes.len();
            let mut got = None;
            let tried = stream.try_io(Interest::READABLE, || {
                let (count, came) = kernel::read(stream, bytes, control)?;
                got = Some((count, came));
                // Less than there was room for: the socket is empty, and its readiness over. That
                // saves the call that would find it out.
                if 0 < count && count < room {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(())
            });
            match (got, tried) {
                (Some((count, came)), _) => {
                    buffer.advance(count);
                    *stamp = came;
                    return Poll::Ready(Ok(()));
                }
                (None, Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                (None, tried) => return Poll::Ready(tried),
            }
        }
    }
}

impl AsyncWrite for StampedTcp {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use crate::time::{Nanos, SECOND};
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
    use nix::sys::time::TimeSpec;
    use std::io::{self, IoSliceMut};
    use std::os::fd::AsRawFd;
    use tokio::net::TcpStream;

    /// Asks for stamps; answers the room that one needs.
    pub(super) fn ask(stream: &TcpStream) -> Option<Vec<u8>> {
        setsockopt(stream, sockopt::ReceiveTimestampns, &true).ok()?;
        Some(nix::cmsg_space!(TimeSpec))
    }

    /// One read, with its stamp.
    #[inline]
    pub(super) fn read(
        stream: &TcpStream,
        bytes: &mut [u8],
        control: &mut [u8],
    ) -> io::Result<(usize, Option<Nanos>)> {
        let mut pieces = [IoSliceMut::new(bytes)];
        let fd = stream.as_raw_fd();
        let message = recvmsg::<()>(fd, &mut pieces, Some(control), MsgFlags::empty())?;
        // The bytes are read, whatever is wrong with the stamp.
        let stamp = message.cmsgs().ok().and_then(|mut all| {
            all.find_map(|it| match it {
                ControlMessageOwned::ScmTimestampns(time) => {
                    Some(time.tv_sec() as Nanos * SECOND + time.tv_nsec() as Nanos)
                }
                _ => None,
            })
        });
        Ok((message.bytes, stamp))
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use crate::time::Nanos;
    use std::io;
    use tokio::net::TcpStream;

    /// Nothing is stamped here.
    pub(super) fn ask(_stream: &TcpStream) -> Option<Vec<u8>> {
        None
    }

    pub(super) fn read(
        _stream: &TcpStream,
        _bytes: &mut [u8],
        _control: &mut [u8],
    ) -> io::Result<(usize, Option<Nanos>)> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::time::{MILLISECOND, unix_nanos};
    use std::net::TcpListener;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn pair() -> (TcpStream, StampedTcp) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let theirs = listener.accept().unwrap().0;
        theirs.set_nonblocking(true).unwrap();
        (TcpStream::from_std(theirs).unwrap(), StampedTcp::new(ours).unwrap())
    }

    #[tokio::test]
    async fn a_stamp_is_when_bytes_came_and_not_when_they_were_read() {
        let (mut theirs, mut ours) = pair().await;
        let mut shown = false;
        // The kernel begins to stamp a moment after it was asked, and may take a packet in late.
        for _ in 0..20 {
            let before = unix_nanos();
            theirs.write_all(b"x").await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            let read_at = unix_nanos();
            assert_eq!(ours.read_u8().await.unwrap(), b'x');
            if let Some(stamp) = ours.stamp() {
                assert!(before <= stamp && stamp <= unix_nanos(), "{before} {stamp}");
                shown = stamp + 10 * MILLISECOND < read_at;
            }
            if shown {
                break;
            }
        }
        assert!(shown, "no stamp, or none that is older than its reading");
        ours.stop();
        theirs.write_all(b"y").await.unwrap();
        assert_eq!((ours.read_u8().await.unwrap(), ours.stamp()), (b'y', None));
    }

    #[tokio::test]
    async fn what_comes_in_pieces_and_what_fills_the_buffer_is_read_to_the_end() {
        let (mut theirs, mut ours) = pair().await;
        let sent: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
        let (mut got, mut piece) = (Vec::new(), [0; 1_000]);
        let writing = async {
            for piece in sent.chunks(7_777) {
                theirs.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(theirs);
        };
        let reading = async {
            loop {
                match ours.read(&mut piece).await.unwrap() {
                    0 => break,
                    count => got.extend_from_slice(&piece[..count]),
                }
            }
        };
        tokio::join!(writing, reading);
        assert!(got == sent, "{} of {} bytes", got.len(), sent.len());
    }
}
