//! Turns a browser's request into yes or no, by the page that it comes from and the host name that
//! it asks for.
//!
//! Where nobody is authenticated, any page that a user of this machine opens could start load in
//! their name. Browsers say with `Origin` which page asks, on WebSockets too; other clients say
//! nothing and are let through. A page can also have its own name lead to this machine (DNS
//! rebinding); then it is of the same origin, and all that gives it away is the name in `Host`. So a
//! controller that listens on loopback answers to the names of this machine, and to those that it
//! was given, alone.

use crate::problem::{Kind, Problem};
use crate::state::AppState;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// The names by which the controller may be asked.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    /// These and this machine's alone.
    restricted: bool,
    named: Vec<String>,
}

impl Hosts {
    /// Those of a server that only this machine reaches (`loopback`), or others too, and that is
    /// also called `named`: names without ports.
    #[must_use]
    pub fn new(loopback: bool, named: Vec<String>) -> Self {
        Self { restricted: loopback || !named.is_empty(), named }
    }

    /// Whether a request for this authority is ours. Browsers always say one.
    pub(crate) fn answer_to(&self, authority: &str) -> bool {
        !self.restricted || authority.is_empty() || self.are_trusted(authority)
    }

    fn are_trusted(&self, authority: &str) -> bool {
        let host = host(authority);
        is_this_machine(host) || self.named.iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    /// The origin, where it is neither this server nor a trusted page that asks a trusted name: that
    /// is a dashboard under development.
    fn foreign(&self, headers: &HeaderMap, asked: &str) -> Option<String> {
        let origin = headers.get(header::ORIGIN)?;
        let origin = String::from_utf8_lossy(origin.as_bytes()).into_owned();
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        let same = authority.eq_ignore_ascii_case(asked) && !asked.is_empty();
        let both_trusted = self.are_trusted(authority) && self.are_trusted(asked);
        (!same && !both_trusted).then_some(origin)
    }
}

/// The layer that refuses requests for other names, and from pages of other sites.
pub async fn refuse_foreign(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let asked = asked(&request);
    if !state.hosts.answer_to(&asked) {
        let detail = format!(
            "this controller is not called {asked}: ask for localhost or 127.0.0.1, or start it with \
             --allow-hosts {}",
            host(&asked)
        );
        return Problem::new(Kind::ForeignHost, detail).into_response();
    }
    match state.hosts.foreign(request.headers(), &asked) {
        None => next.run(request).await,
        Some(origin) => {
            let detail = format!("a page of {origin} may not use this controller");
            Problem::new(Kind::ForeignOrigin, detail).into_response()
        }
    }
}

/// The authority that was asked: the URI's in HTTP/2, else the header's.
fn asked(request: &Request) -> String {
    let in_uri = request.uri().authority().map(ToString::to_string);
    let header = request.headers().get(header::HOST);
    let header = header.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    in_uri.or(header).unwrap_or_default()
}

/// An authority without its port; nothing where it is more than both.
fn host(authority: &str) -> &str {
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']').unwrap_or_default(),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    if is_whole { host } else { "" }
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_foreign(origin: &str, asked: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().unwrap());
        Hosts::default().foreign(&headers, asked).is_some()
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
        let headers = HeaderMap::new();
        assert!(Hosts::default().foreign(&headers, "127.0.0.1:8080").is_none());
    }

    #[test]
    fn on_loopback_only_the_names_of_this_machine_and_those_given_are_answered() {
        let here = Hosts::new(true, Vec::new());
        for right in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.8.8.8", "[::1]:8080", ""]
        {
            assert!(here.answer_to(right), "{right}");
        }
        for wrong in [
            "evil.example:8080",
            "localhost.evil.example",
            "10.0.0.1",
            "127.0.0.1.nip.io",
            "localhost:80@evil.example",
            "localhost:evil.example",
            "[::1]evil.example",
            "[::1",
        ] {
            assert!(!here.answer_to(wrong), "{wrong}");
        }
        let behind_a_proxy = Hosts::new(true, vec!["load.example".into()]);
        assert!(behind_a_proxy.answer_to("Load.Example:443"));
        assert!(behind_a_proxy.answer_to("127.0.0.1:8080"));
        assert!(!behind_a_proxy.answer_to("evil.example"));
        assert!(Hosts::new(false, Vec::new()).answer_to("controller.lan:8080"));
        assert!(!Hosts::new(false, vec!["load.example".into()]).answer_to("evil.example"));
    }
}
