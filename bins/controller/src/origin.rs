//! A browser's request into yes or no, by the page that it comes from.
//!
//! Where nobody is authenticated, any page that a user of this machine opens could start load in
//! their name. Browsers say with `Origin` which page asks, on WebSockets too; other clients say
//! nothing and are let through.

use crate::problem::{Kind, Problem};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// The layer that refuses requests from pages of other sites.
pub async fn refuse_foreign(request: Request, next: Next) -> Response {
    let host = host_of(&request);
    match foreign(request.headers(), &host) {
        None => next.run(request).await,
        Some(origin) => {
            let detail = format!("a page of {origin} may not use this controller");
            Problem::new(Kind::ForeignOrigin, detail).into_response()
        }
    }
}

/// The authority that was asked: the URI's in HTTP/2, else the header's.
fn host_of(request: &Request) -> String {
    let in_uri = request.uri().authority().map(ToString::to_string);
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    in_uri.or_else(|| header.map(str::to_owned)).unwrap_or_default()
}

/// The origin, where it is neither this server nor, as this server, on this machine: that is a
/// dashboard under development.
fn foreign(headers: &HeaderMap, host: &str) -> Option<String> {
    let origin = headers.get(header::ORIGIN)?;
    let origin = String::from_utf8_lossy(origin.as_bytes()).into_owned();
    let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
    let same = authority.eq_ignore_ascii_case(host) && !host.is_empty();
    let both_here = is_this_machine(authority) && is_this_machine(host);
    (!same && !both_here).then_some(origin)
}

fn is_this_machine(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_foreign(origin: &str, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().unwrap());
        foreign(&headers, host).is_some()
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        assert!(is_foreign("https://evil.example", "127.0.0.1:8080"));
        assert!(is_foreign("null", "127.0.0.1:8080"));
        assert!(is_foreign("http://localhost.evil.example", "localhost:8080"));
        assert!(is_foreign("http://127.0.0.1:8080", "controller.example"));
    }

    #[test]
    fn its_own_pages_and_those_of_this_machine_are_not() {
        assert!(!is_foreign("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(!is_foreign("http://localhost:5173", "127.0.0.1:8080"));
        assert!(!is_foreign("http://[::1]:5173", "localhost:8080"));
        assert!(!is_foreign("https://load.example", "load.example"));
        assert!(foreign(&HeaderMap::new(), "127.0.0.1:8080").is_none());
    }
}
