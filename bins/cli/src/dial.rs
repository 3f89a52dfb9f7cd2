//! Turns the options that belong to this machine, files and proxies, into those of HTTP.

use crate::args::DialArgs;
use crate::exit::Failure;
use http::Uri;
use http::header::PROXY_AUTHORIZATION;
use loadcore::http::HttpOptions;
use loadcore::request::{Url, has_scheme, with_scheme};
use loadcore::scenario::{HttpVersion, Scenario, Target};
use std::path::Path;

/// What [`Dialling::apply`] changes, read and checked.
#[derive(Debug)]
pub(crate) struct Dialling {
    ca_pem: Option<Vec<u8>>,
    client_pem: Option<(Vec<u8>, Vec<u8>)>,
    proxy: Option<Uri>,
}

impl Dialling {
    /// Reads the files, and finds the proxy for the target of `scenario`.
    ///
    /// # Errors
    /// When a file cannot be read, or a proxy cannot be used.
    pub(crate) fn read(args: &DialArgs, scenario: &Scenario) -> Result<Self, Failure> {
        let target = &scenario.target;
        let read = |option: &str, path: Option<&Path>| {
            path.map(|path| std::fs::read(path).map_err(Failure::unreadable(option, path)))
                .transpose()
        };
        let ca_pem = read("--cacert", args.cacert.as_deref())?;
        let cert = read("--cert", args.cert.as_deref())?;
        let key = read("--key", args.key.as_deref())?;
        let proxy = match args.proxy.as_deref() {
            None => None,
            Some("env") => proxy_of_environment(target, |name| std::env::var(name).ok()),
            Some(url) => Some(url.to_owned()),
        };
        let proxy = proxy.map(|url| proxy_uri(&url)).transpose()?;
        if proxy.is_some() && target.unix_socket().is_some() {
            return Err(Failure::Usage("--proxy: a Unix socket is not reached by a proxy".into()));
        }
        // Without TLS there is no tunnel: the proxy itself would be spoken to, and knows HTTP/1.1.
        let is_h2c = scenario.http_version == HttpVersion::Http2 && !target.is_tls();
        if proxy.is_some() && is_h2c {
            return Err(Failure::Usage(
                "--proxy: requests for http:// go through it as HTTP/1.1; leave out --http2, or the proxy, or give an https:// URL".into(),
            ));
        }
        Ok(Self { ca_pem, client_pem: cert.zip(key), proxy })
    }

    pub(crate) fn apply(self, args: &DialArgs, options: &mut HttpOptions) {
        options.tls.ca_pem = self.ca_pem;
        options.tls.client_pem = self.client_pem;
        // It is for a proxy alone, and here there is none: the environment has none for this host.
        if args.proxy.is_some() && self.proxy.is_none() {
            options.headers.retain(|(name, _)| *name != PROXY_AUTHORIZATION);
        }
        options.proxy = self.proxy;
        options.connect_to.clone_from(&args.connect_to);
        if args.unix_socket.is_some() {
            options.unix_socket.clone_from(&args.unix_socket);
        }
    }
}

fn proxy_uri(text: &str) -> Result<Uri, Failure> {
    let refused = |why: &str| Failure::Usage(format!("--proxy: {why}"));
    let whole = with_scheme(text);
    let Some((scheme, rest)) = whole.split_once("://").filter(|_| has_scheme(&whole)) else {
        return Err(refused("it is not a whole URL; begin with http://"));
    };
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(refused("only http:// proxies are supported"));
    }
    // A name and a password stand before the last @, and are never repeated.
    let (user, host) =
        rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
    let url = Url::parse(&format!("http://{host}")).map_err(|why| refused(&why))?;
    let (Some(user), Some(authority)) = (user, url.uri().authority()) else {
        return Ok(url.uri().clone());
    };
    let whole = format!("{user}@{authority}");
    let uri = format!("http://{whole}/").parse().ok();
    // A slash in a password would end the authority before it.
    let uri = uri.filter(|uri: &Uri| uri.authority().is_some_and(|it| it.as_str() == whole));
    uri.ok_or_else(|| refused("its name and password have to be percent-encoded (/ as %2F)"))
}

/// The proxy that the environment names for `target`, in the way of curl: lower case is looked at
/// first, and a host in `NO_PROXY` has none.
fn proxy_of_environment(target: &Target, get: impl Fn(&str) -> Option<String>) -> Option<String> {
    let variable = |name: &str| {
        let value = get(name).or_else(|| get(&name.to_ascii_uppercase()));
        value.filter(|value| !value.trim().is_empty())
    };
    if variable("no_proxy").is_some_and(|list| is_excepted(&list, target.host())) {
        return None;
    }
    let own = if target.is_tls() { "https_proxy" } else { "http_proxy" };
    variable(own).or_else(|| variable("all_proxy"))
}

/// Whether a `NO_PROXY` list names `host`: `*`, the host itself, or a domain above it.
fn is_excepted(list: &str, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.trim_matches(['[', ']']).trim_start_matches('.').to_ascii_lowercase();
        let below = host.strip_suffix(&entry).is_some_and(|rest| rest.ends_with('.'));
        entry == "*" || entry == host || below
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let target = Target::parse(url).unwrap();
        let get = |name: &str| variables.iter().find(|(known, _)| *known == name);
        proxy_of_environment(&target, |name| get(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_names_a_proxy_for_each_scheme() {
        let both = [("HTTP_PROXY", "a:1"), ("https_proxy", "b:2"), ("HTTPS_PROXY", "c:3")];
        assert_eq!(found("http://h/", &both).as_deref(), Some("a:1"));
        assert_eq!(found("https://h/", &both).as_deref(), Some("b:2"));
        assert_eq!(found("https://h/", &[("ALL_PROXY", "d:4")]).as_deref(), Some("d:4"));
        assert_eq!(found("http://h/", &[("http_proxy", "")]), None);
    }

    #[test]
    fn excepted_hosts_have_none() {
        let with = |list| [("http_proxy", "a:1"), ("NO_PROXY", list)];
        for (url, list, expected) in [
            ("http://a.test/", "a.test", false),
            ("http://b.a.test/", "x, .A.test", false),
            ("http://ba.test/", "a.test", true),
            ("http://a.test/", "*", false),
            ("http://[::1]/", "::1", false),
            ("http://a.test/", "", true),
        ] {
            assert_eq!(found(url, &with(list)).is_some(), expected, "{url} {list}");
        }
    }

    #[test]
    fn a_proxy_is_plain_http_and_its_password_is_not_repeated() {
        assert_eq!(proxy_uri("h:3128").unwrap(), "http://h:3128/");
        assert_eq!(proxy_uri("h:").unwrap(), "http://h/");
        assert_eq!(proxy_uri("pr\u{f6}xy.test:3128").unwrap(), "http://xn--prxy-6qa.test:3128/");
        assert_eq!(proxy_uri("u:p@h:3128").unwrap().authority().unwrap(), "u:p@h:3128");
        for (text, why) in [
            ("https://u:s3cret@h", "only http://"),
            ("http://u:s3cret@h i", "has the character ' '"),
            ("http:/u:s3cret@h", "begin with http://"),
            ("http://u:s3cret/1@h:3128", "percent-encoded"),
            ("u:12/s3cret@h", "percent-encoded"),
            ("u:s3cret?@h", "percent-encoded"),
            ("u:s3cret#@h", "percent-encoded"),
            ("a b", "has the character ' '"),
            ("socks5://h", "only http://"),
        ] {
            let error = proxy_uri(text).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert!(!error.to_string().contains("s3cret"));
            assert_eq!(error.code(), 2);
        }
    }
}
