//! A redirect's Location into the next request (RFC 9110 section 15.4).

use super::plan::{Plan, Prepared};
use crate::request::{ErrorClass, Failure, FieldName, Url};
use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, PROXY_AUTHORIZATION,
};
use http::{Method, Uri};
use iri_string::types::{IriAbsoluteStr, IriReferenceStr};
use std::fmt::Write;

/// Whether `status` asks to go on elsewhere.
#[must_use]
pub fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The request that follows `previous` after `status` with `location`.
///
/// 303 becomes GET; 301 and 302 turn a POST into a GET, as every browser does; 307 and 308 change
/// nothing. Credentials do not follow to another origin.
///
/// # Errors
/// `protocol` when the location is no usable URL.
pub fn next(
    plan: &Plan,
    previous: &Prepared,
    status: u16,
    location: &[u8],
) -> Result<Prepared, Failure> {
    let unusable = |why: String| {
        Failure::text(
            ErrorClass::Protocol,
            format_args!(
                "the redirect to \"{}\" cannot be followed: {why}",
                location.escape_ascii()
            ),
        )
    };
    let url = resolve(&previous.uri, location).map_err(unusable)?;
    let to_get = match status {
        303 => previous.method != Method::HEAD,
        301 | 302 => previous.method == Method::POST,
        _ => false,
    };
    let (method, body) = if to_get {
        (Method::GET, Bytes::new())
    } else {
        (previous.method.clone(), previous.body.clone())
    };
    let same_origin = *url.origin() == plan.request.origin;
    let no_proxy = plan.proxy.is_none();
    let kept = |name: &FieldName| {
        let of_body = *name == CONTENT_TYPE || *name == CONTENT_ENCODING;
        // Without a proxy it was the origin that was to read it.
        let of_origin = *name == AUTHORIZATION
            || *name == COOKIE
            || *name == HOST
            || (*name == PROXY_AUTHORIZATION && no_proxy);
        !(of_body && body.is_empty()) && (same_origin || !of_origin)
    };
    let headers: Vec<_> =
        plan.options.headers.iter().filter(|(name, _)| kept(name)).cloned().collect();
    let next = Prepared::new(&plan.options, &url, method, &headers, body).map_err(unusable)?;
    Ok(Prepared { checks: previous.checks.clone(), ..next })
}

/// RFC 3986 section 5, and RFC 3987 for letters beyond ASCII, which many servers do not encode.
fn resolve(base: &Uri, location: &[u8]) -> Result<Url, String> {
    let text = std::str::from_utf8(location).map_err(|error| error.to_string())?;
    let reference = IriReferenceStr::new(text).map_err(|error| error.to_string())?;
    let base = base.to_string();
    let base = IriAbsoluteStr::new(&base).map_err(|error| error.to_string())?;
    let resolved = reference.resolve_against(base).to_string();
    // The fragment stays with the client.
    let resolved = resolved.split('#').next().unwrap_or_default();
    Url::parse(&encoded(resolved))
}

/// Path and query in ASCII, as browsers and curl send them; the host's name is [`Url`]'s to write.
fn encoded(url: &str) -> String {
    let host = url.find("://").map_or(0, |at| at + 3);
    let path = url[host..].find(['/', '?']).map_or(url.len(), |at| host + at);
    let mut written = url[..path].to_owned();
    for byte in url[path..].bytes() {
        if byte.is_ascii() {
            written.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(written, "%{byte:02X}");
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpOptions;

    #[test]
    fn locations_resolve_like_in_the_rfc() {
        let base: Uri = "http://a/b/c/d?q".parse().unwrap();
        for (location, expected) in [
            ("g", "http://a/b/c/g"),
            ("/g", "http://a/g"),
            ("//g:8080/x", "http://g:8080/x"),
            ("?y", "http://a/b/c/d?y"),
            ("../g", "http://a/b/g"),
            ("https://b/x#part", "https://b/x"),
            ("http://g?y", "http://g/?y"),
            ("http://g:/y?to=http://x/", "http://g/y?to=http://x/"),
            ("/\u{e4}?\u{f6}", "http://a/%C3%A4?%C3%B6"),
        ] {
            let url = resolve(&base, location.as_bytes()).unwrap();
            assert_eq!(url.uri(), expected, "{location}");
        }
        for (location, why) in [
            ("ht tp://x", ""),
            ("http://g:99999/", "out of range"),
            ("http:///g", "no host"),
            ("ftp://g/", "scheme"),
            ("http://u:p@g/", "user name"),
        ] {
            let error = resolve(&base, location.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{location}: {error}");
        }
    }

    #[test]
    #[cfg(feature = "idna")]
    fn a_location_may_have_an_international_host() {
        let base: Uri = "http://a/b".parse().unwrap();
        let url = resolve(&base, "//b\u{fc}cher.example:81/\u{fc}".as_bytes()).unwrap();
        assert_eq!(url.uri(), "http://xn--bcher-kva.example:81/%C3%BC");
    }

    #[test]
    fn methods_and_credentials_change_as_the_rfc_says() {
        let mut options = HttpOptions::get("http://a/x".parse().unwrap());
        options.method = Method::POST;
        options.body = Bytes::from_static(b"data");
        options.headers = vec![
            ("AuthorizatioN".parse().unwrap(), "Bearer t".parse().unwrap()),
            ("content-TYPE".parse().unwrap(), "text/plain".parse().unwrap()),
        ];
        let plan = Plan::new(options).unwrap();
        let step = |status, location: &str| {
            let next = next(&plan, &plan.request, status, location.as_bytes()).unwrap();
            let text = String::from_utf8(next.http1.to_vec()).unwrap();
            assert_eq!(text.contains("AuthorizatioN: "), text.contains("Bearer"), "{text}");
            (next.method, text.contains("Bearer"), text.contains("text/plain"))
        };
        assert_eq!(step(302, "/y"), (Method::GET, true, false));
        assert_eq!(step(307, "/y"), (Method::POST, true, true));
        assert_eq!(step(308, "http://b/y"), (Method::POST, false, true));
        assert_eq!(step(303, "https://a/y"), (Method::GET, false, false));
        // Once the body is gone, no later hop describes it again.
        let get = next(&plan, &plan.request, 303, b"/y").unwrap();
        let after = next(&plan, &get, 307, b"/z").unwrap();
        assert!(!String::from_utf8(after.http1.to_vec()).unwrap().contains("text/plain"));
    }
}
