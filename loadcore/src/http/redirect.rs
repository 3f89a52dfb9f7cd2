//! Turns a redirect's Location into the next request (RFC 9110 section 15.4).

use super::plan::{HttpPlan, Prepared};
use crate::request::{ErrorClass, Failure, FieldName, Url};
use bytes::Bytes;
use http::Method;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, PROXY_AUTHORIZATION,
};

/// Whether `status` asks to go on elsewhere.
#[must_use]
pub fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The request that follows `previous` after `status` with `location`; the first of them was `first`.
///
/// 303 becomes GET; 301 and 302 turn a POST into a GET, as every browser does; 307 and 308 change
/// nothing. Credentials do not follow to another origin.
///
/// # Errors
/// `protocol` when the location is no usable URL.
pub fn next(
    plan: &HttpPlan,
    (first, previous): (&Prepared, &Prepared),
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
    let text = std::str::from_utf8(location).map_err(|error| unusable(error.to_string()))?;
    let base = Url::of(&previous.uri).map_err(unusable)?;
    let url = base.join(text).map_err(unusable)?;
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
    let same_origin = *url.origin() == first.origin;
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
    let headers: Vec<_> = first.given.iter().filter(|(name, _)| kept(name)).cloned().collect();
    let next = Prepared::new(&plan.options, &url, method, &headers, body).map_err(unusable)?;
    Ok(Prepared { checks: previous.checks.clone(), ..next })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpOptions;

    #[test]
    fn methods_and_credentials_change_as_the_rfc_says() {
        let mut options = HttpOptions::get("http://a/x".parse().unwrap());
        options.method = Method::POST;
        options.body = Bytes::from_static(b"data");
        options.headers = vec![
            ("AuthorizatioN".parse().unwrap(), "Bearer t".parse().unwrap()),
            ("content-TYPE".parse().unwrap(), "text/plain".parse().unwrap()),
        ];
        let plan = HttpPlan::new(options).unwrap();
        let first = &plan.requests[0];
        let step = |status, location: &str| {
            let next = next(&plan, (first, first), status, location.as_bytes()).unwrap();
            let text = String::from_utf8(next.http1.to_vec()).unwrap();
            assert_eq!(text.contains("AuthorizatioN: "), text.contains("Bearer"), "{text}");
            (next.method, text.contains("Bearer"), text.contains("text/plain"))
        };
        assert_eq!(step(302, "/y"), (Method::GET, true, false));
        assert_eq!(step(307, "/y"), (Method::POST, true, true));
        assert_eq!(step(308, "http://b/y"), (Method::POST, false, true));
        assert_eq!(step(303, "https://a/y"), (Method::GET, false, false));
        // Once the body is gone, no later hop describes it again.
        let get = next(&plan, (first, first), 303, b"/y").unwrap();
        let after = next(&plan, (first, &get), 307, b"/z").unwrap();
        assert!(!String::from_utf8(after.http1.to_vec()).unwrap().contains("text/plain"));
    }
}
