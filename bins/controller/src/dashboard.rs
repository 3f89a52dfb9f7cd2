//! Turns the dashboard's built files, which are inside this program, into what a browser is sent of them.

use crate::conditions::Conditions;
use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{LazyLock, OnceLock};

/// The page, which is every page: what it shows follows from its address.
pub const PAGE: &str = "index.html";
/// Where those files are whose names change with what is in them.
pub const ASSETS: &str = "assets/";

#[derive(RustEmbed)]
#[folder = "dashboard/dist"]
struct Built;

/// All of them by their paths.
static FILES: LazyLock<BTreeMap<String, File>> = LazyLock::new(|| {
    let read = |path: std::borrow::Cow<'static, str>| {
        Built::get(&path).map(|built| (path.to_string(), File::of(&path, built)))
    };
    Built::iter().filter_map(read).collect()
});

/// A file as it is sent.
#[derive(Debug)]
pub struct File {
    kind: &'static str,
    keeps: &'static str,
    plain: Bytes,
    /// Where it pays; made when it is asked for first.
    gzip: OnceLock<Option<Bytes>>,
    /// Of what is in it.
    hash: String,
}

/// The file at a path, such as `assets/app.js`.
#[must_use]
pub fn file(path: &str) -> Option<&'static File> {
    FILES.get(path)
}

/// The paths of all of them.
pub fn paths() -> impl Iterator<Item = &'static str> {
    FILES.keys().map(String::as_str)
}

impl File {
    fn of(path: &str, built: EmbeddedFile) -> Self {
        let hash = built.metadata.sha256_hash();
        Self {
            kind: kind(path),
            keeps: if path.starts_with(ASSETS) { FOR_EVER } else { ASK_AGAIN },
            plain: Bytes::from_owner(built.data),
            gzip: OnceLock::new(),
            hash: hash[..12].iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    /// The answer to who asks for it.
    pub fn answer(&self, asked: &HeaderMap, conditions: &Conditions) -> Response {
        let packed = takes_gzip(asked).then(|| self.packed()).flatten();
        let tag = match packed {
            Some(_) => format!("{}-gzip", self.hash),
            None => self.hash.clone(),
        };
        let mut headers = HeaderMap::new();
        let mut says = |name: HeaderName, value: &str| {
            // They are made of letters, digits and quotes.
            HeaderValue::from_str(value).map(|value| headers.insert(name, value)).is_ok()
        };
        says(ETAG, &format!("\"{tag}\""));
        says(CACHE_CONTROL, self.keeps);
        says(VARY, "accept-encoding");
        if conditions.names(&tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        says(CONTENT_TYPE, self.kind);
        if packed.is_some() {
            says(CONTENT_ENCODING, "gzip");
        }
        let content = packed.unwrap_or(&self.plain).clone();
        (headers, Body::from(content)).into_response()
    }

    fn packed(&self) -> Option<&Bytes> {
        let pack = || is_text(self.kind).then(|| gzip(&self.plain)).flatten();
        self.gzip.get_or_init(pack).as_ref()
    }
}

/// Its name changes with what is in it.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// It may be kept, and is asked for each time whether it has changed.
const ASK_AGAIN: &str = "no-cache";

/// What a file is, by the end of its name. Browsers are told not to guess.
fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => UNKNOWN,
    }
}

const UNKNOWN: &str = "application/octet-stream";

/// Whether it gets smaller: others are packed already.
fn is_text(kind: &str) -> bool {
    ["text/", "application/json", "application/manifest", "image/svg"]
        .iter()
        .any(|of_text| kind.starts_with(of_text))
}

fn gzip(plain: &[u8]) -> Option<Bytes> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(plain).ok()?;
    let packed = packer.finish().ok()?;
    (packed.len() < plain.len()).then(|| packed.into())
}

/// Whether `Accept-Encoding` has gzip, by its name or with all.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let lines = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut any = false;
    for coding in lines.flat_map(|line| line.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let is_taken = weight.is_none_or(|q| q.parse::<f64>().is_ok_and(|q| q > 0.0));
        match name.as_str() {
            "gzip" | "x-gzip" => return is_taken,
            "*" => any = is_taken,
            _ => {}
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        let takes = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, line.parse().unwrap());
            takes_gzip(&headers)
        };
        for yes in ["gzip", "br, gzip;q=0.5, *;q=0", "GZIP", "x-gzip", "*", "deflate , gzip ; q=1"]
        {
            assert!(takes(yes), "{yes}");
        }
        for no in
            ["", "br", "gzip;q=0", "gzip; q=0.000", "*, gzip;q=0", "*;q=0", "identity", "gzip;q=x"]
        {
            assert!(!takes(no), "{no}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn every_built_file_is_of_a_known_type_and_on_a_route() {
        assert!(file(PAGE).is_some(), "dashboard/dist holds what is built");
        for path in paths() {
            assert_ne!(kind(path), UNKNOWN, "{path}: give its type in `kind`");
            let name = path.strip_prefix(ASSETS);
            let is_asked_for = name.is_some_and(|name| !name.contains('/'));
            assert!(is_asked_for || [PAGE, "favicon.svg"].contains(&path), "{path} has no route");
        }
    }
}
