//! Turns the options that say which way connections go, with their files and the environment, into
//! what a scenario says of it.

use crate::exit::Failure;
use loadcore::request::{Certificates, ProxyUrl, with_scheme};
use loadcore::scenario::Target;
use std::path::Path;

/// The certificates of an option's file. What else is in it, such as a key, is left out.
///
/// # Errors
/// When the file cannot be read, or holds none.
pub(crate) fn certificates(option: &str, path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(Failure::unreadable(option, path))?;
    match Certificates::parse(&bytes) {
        Ok(certificates) => Ok(certificates.pem().to_owned()),
        Err(why) => Err(Failure::Usage(format!("{option} {}: {why}", path.display()))),
    }
}

/// The private key of an option's file.
///
/// # Errors
/// When the file cannot be read, or holds none.
pub(crate) fn private_key(option: &str, path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(Failure::unreadable(option, path))?;
    if text.contains("-----BEGIN ") {
        return Ok(text);
    }
    let why = "there is no PEM block of a private key in it";
    Err(Failure::Usage(format!("{option} {}: {why}", path.display())))
}

/// The proxy that an option names, for `target`; `None` where the environment names none.
///
/// # Errors
/// When it cannot be used.
pub(crate) fn proxy(given: &str, target: Option<&Target>) -> Result<Option<String>, Failure> {
    let of_environment = |name: &str| std::env::var(name).ok();
    let url = match (given, target) {
        ("env", Some(target)) => proxy_of_environment(target, of_environment),
        ("env", None) => None,
        (url, _) => Some(url.to_owned()),
    };
    url.map(|url| proxy_url(&url)).transpose()
}

/// A whole URL: of what somebody types the scheme may be left out.
fn proxy_url(text: &str) -> Result<String, Failure> {
    let url = ProxyUrl::parse(&with_scheme(text));
    let url = url.map_err(|why| Failure::Usage(format!("--proxy: {why}")))?;
    Ok(url.secret().to_owned())
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
        assert_eq!(proxy_url("h:3128").unwrap(), "http://h:3128/");
        assert_eq!(proxy_url("h:").unwrap(), "http://h/");
        assert_eq!(proxy_url("pr\u{f6}xy.test:3128").unwrap(), "http://xn--prxy-6qa.test:3128/");
        assert_eq!(proxy_url("u:p@h:3128").unwrap(), "http://u:p@h:3128/");
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
            let error = proxy_url(text).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert!(!error.to_string().contains("s3cret"));
            assert_eq!(error.code(), 2);
        }
    }
}
