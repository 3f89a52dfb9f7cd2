//! Says to people at a terminal what they may do next; what happens stands in the log.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Writes it. A reader that closed the pipe has read enough.
pub fn tell(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Where a browser on this machine finds what listens at this address: no browser goes to 0.0.0.0.
pub fn page(scheme: &str, address: SocketAddr) -> String {
    let mut shown = address;
    if address.ip().is_unspecified() {
        shown.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("{scheme}://{shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_where_a_browser_can_go() {
        let of = |address: &str| page("http", address.parse().unwrap());
        assert_eq!(of("127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(of("[::1]:80"), "http://[::1]:80");
        assert_eq!(of("0.0.0.0:8080"), "http://127.0.0.1:8080");
        assert_eq!(of("[::]:8080"), "http://127.0.0.1:8080");
    }
}
