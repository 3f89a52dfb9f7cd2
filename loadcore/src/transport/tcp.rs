//! Turns an address into an open TCP connection, or into why there is none: the target's fault, or
//! what this machine lacked.

use crate::request::{ErrorClass, Failure};
use rustix::io::Errno;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use tokio::net::TcpStream;

/// Opens a connection for a [`Lane`](super::Lane) or a [`Session`](super::Session): what is written
/// goes out at once.
///
/// # Errors
/// When the target refuses or does not answer, as class `connect_refused` or `connect_timeout`; as
/// [`Failure::shortage`] when this machine had no port, descriptor or memory for it.
pub async fn connect(address: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address).await.map_err(|error| {
        let what = format_args!("connect to {address}: {error}");
        match lacks(&error, address) {
            true => Failure::shortage(what),
            false => Failure::text(refused_class(&error), what),
        }
    })?;
    stream.set_nodelay(true).map_err(|error| Failure::io(ErrorClass::Internal, error))?;
    Ok(stream)
}

/// The class of a connect that failed for want of the target.
pub(crate) fn refused_class(error: &io::Error) -> ErrorClass {
    match error.kind() {
        io::ErrorKind::TimedOut => ErrorClass::ConnectTimeout,
        _ => ErrorClass::ConnectRefused,
    }
}

/// Whether a connect to `address` could not begin since this machine had run out of something.
fn lacks(error: &io::Error, address: SocketAddr) -> bool {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        // Either no port is left for this address, or the machine has no address to dial it from, as
        // without IPv6, which is no shortage. A datagram's socket has ports of its own and so tells
        // the two apart; nothing is sent.
        Some(Errno::ADDRNOTAVAIL) => {
            let any: IpAddr = match address {
                SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            let way = UdpSocket::bind((any, 0)).and_then(|socket| socket.connect(address));
            way.map_or_else(|error| is_shortage(&error), |()| true)
        }
        Some(Errno::ADDRINUSE | Errno::AGAIN) => true,
        _ => is_shortage(error),
    }
}

/// Whether this machine had run out of descriptors, memory or places in its tables.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        number,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::NOSPC)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_machine_has_run_out_of_is_told_from_what_it_never_had() {
        let error = |number: Errno| io::Error::from_raw_os_error(number.raw_os_error());
        let loopback = ([127, 0, 0, 1], 80).into();
        for number in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL]
        {
            assert!(lacks(&error(number), loopback), "{number}");
        }
        // From here no packet leaves for an address without its interface, whatever ports are left.
        assert!(!lacks(&error(Errno::ADDRNOTAVAIL), "[fe80::1]:80".parse().unwrap()));
        for number in [Errno::CONNREFUSED, Errno::NETUNREACH, Errno::TIMEDOUT] {
            assert!(!lacks(&error(number), loopback), "{number}");
        }
    }
}
