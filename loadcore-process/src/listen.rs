//! Turns an address into a listener, and an address that is taken into words that help.

use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Listens on `wanted`, and says where: port 0 takes a free one.
///
/// # Errors
/// Why it cannot, naming the address.
pub async fn bound(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), String> {
    let failed = |why: io::Error| match why.kind() {
        io::ErrorKind::AddrInUse => format!(
            "could not listen on {wanted}: another program listens there; end it, or take another \
             address (port 0 is a free one)"
        ),
        _ => format!("could not listen on {wanted}: {why}"),
    };
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_taken_is_named_with_what_to_do() {
        let (_taken, address) = bound("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let told = bound(address).await.unwrap_err();
        assert!(told.contains(&format!("on {address}: another program listens")), "{told}");
        // An address that is no one's here.
        let told = bound("192.0.2.1:1".parse().unwrap()).await.unwrap_err();
        assert!(told.contains("192.0.2.1:1") && !told.contains("another program"), "{told}");
    }
}
