//! Turns a reference, relative or not, into a URL.

use super::Url;
use iri_string::types::{IriAbsoluteStr, IriReferenceStr};
use std::fmt::Write;

impl Url {
    /// What `reference` leads to from here (RFC 3986 section 5). Letters beyond ASCII are written as
    /// browsers send them (RFC 3987), and a fragment stays with the client.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn join(&self, reference: &str) -> Result<Self, String> {
        let reference = IriReferenceStr::new(reference).map_err(|error| error.to_string())?;
        let base = self.uri().to_string();
        let base = IriAbsoluteStr::new(&base).map_err(|error| error.to_string())?;
        let resolved = reference.resolve_against(base).to_string();
        let resolved = resolved.split('#').next().unwrap_or_default();
        Self::parse(&encoded(resolved))
    }
}

/// Path and query in ASCII; the host's name is [`Url`]'s to write.
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

    #[test]
    fn references_resolve_like_in_the_rfc() {
        let base = Url::parse("http://a/b/c/d?q").unwrap();
        for (reference, expected) in [
            ("g", "http://a/b/c/g"),
            ("/g", "http://a/g"),
            ("", "http://a/b/c/d?q"),
            ("//g:8080/x", "http://g:8080/x"),
            ("?y", "http://a/b/c/d?y"),
            ("../g", "http://a/b/g"),
            ("https://b/x#part", "https://b/x"),
            ("http://g?y", "http://g/?y"),
            ("http://g:/y?to=http://x/", "http://g/y?to=http://x/"),
            ("/\u{e4}?\u{f6}", "http://a/%C3%A4?%C3%B6"),
        ] {
            assert_eq!(base.join(reference).unwrap().uri(), expected, "{reference}");
        }
        for (reference, why) in [
            ("ht tp://x", ""),
            ("http://g:99999/", "out of range"),
            ("http:///g", "no host"),
            ("ftp://g/", "scheme"),
            ("http://u:p@g/", "user name"),
        ] {
            let error = base.join(reference).unwrap_err();
            assert!(error.contains(why), "{reference}: {error}");
        }
    }

    #[test]
    #[cfg(feature = "idna")]
    fn a_reference_may_have_an_international_host() {
        let base = Url::parse("http://a/b").unwrap();
        let url = base.join("//b\u{fc}cher.example:81/\u{fc}").unwrap();
        assert_eq!(url.uri(), "http://xn--bcher-kva.example:81/%C3%BC");
    }
}
