//! Wraps a connection so that the bytes of HTTP/2 are counted on their way, above TLS, and so that
//! it is read to its end although it can be written no more.

use crate::http::connect::Stream;
use crate::http::moved::Moved;
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A server that goes away says in its last bytes what it has not processed (GOAWAY). They may lie
/// unread when writing fails since it has left, and `h2` would read no more: so what cannot be written
/// is forgotten, and the connection ends when it has been read to its end, with the error of writing.
#[derive(Debug)]
pub(super) struct Counted {
    stream: Stream,
    moved: Rc<Moved>,
    heard: Rc<Cell<bool>>,
    write_error: Option<io::Error>,
}

impl Counted {
    /// `heard` becomes true when something has come.
    pub(super) fn new(stream: Stream, moved: Rc<Moved>, heard: Rc<Cell<bool>>) -> Self {
        Self { stream, moved, heard, write_error: None }
    }

    /// What a write of `length` bytes came to: those that were written count.
    fn written(
        &mut self,
        length: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(written)) => {
                self.moved.add_sent(written as u64);
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(error)) => {
                self.write_error = Some(error);
                Poll::Ready(Ok(length))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        let read = buffer.filled().len() - before;
        self.moved.add_received(read as u64);
        self.heard.set(self.heard.get() || read > 0);
        // What cannot be written to has ended, or is about to: its end wakes the reader.
        match self.write_error.take_if(|_| read == 0) {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Ready(result),
        }
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.write_error.is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(bytes.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = pieces.iter().map(|piece| piece.len()).sum();
        if self.write_error.is_some() {
            return Poll::Ready(Ok(length));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.written(length, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write_error.is_some() {
            return Poll::Ready(Ok(()));
        }
        match ready!(Pin::new(&mut self.stream).poll_flush(cx)) {
            Ok(()) => {}
            Err(error) => self.write_error = Some(error),
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
