//! What the user asks for into what is sent: origins, and request bytes made once.

use super::policy::TargetPolicy;
use super::tls::{self, TlsError, TlsOptions};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderMap, Method, Uri};
use rustls::ClientConfig;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// One HTTP request, and how connections for it are made.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// `http` or `https`, with host, path and query.
    pub uri: Uri,
    /// The method.
    pub method: Method,
    /// Header fields in the order in which they are sent.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// Which version of HTTP.
    pub version: HttpVersion,
    /// Requests that a connection of HTTP/2 carries at once.
    pub streams: usize,
    /// Use a connection for more than one request.
    pub keep_alive: bool,
    /// Redirects followed within one request; 0: a redirect is an answer like any other.
    pub max_redirects: u32,
    /// Certificates.
    pub tls: TlsOptions,
    /// Which addresses may be loaded.
    pub policy: TargetPolicy,
    /// Dial these in the place of what the URL names.
    pub connect_to: Vec<ConnectTo>,
    /// Connect to this socket in the place of the URL's host.
    pub unix_socket: Option<PathBuf>,
    /// An HTTP proxy: `http://host:port`.
    pub proxy: Option<Uri>,
}

impl HttpOptions {
    /// A GET of `uri` with the defaults of a scenario.
    #[must_use]
    pub fn get(uri: Uri) -> Self {
        Self {
            uri,
            method: Method::GET,
            headers: Vec::new(),
            body: Bytes::new(),
            version: HttpVersion::Auto,
            streams: 100,
            keep_alive: true,
            max_redirects: 0,
            tls: TlsOptions::default(),
            policy: TargetPolicy::default(),
            connect_to: Vec::new(),
            unix_socket: None,
            proxy: None,
        }
    }
}

/// Which version of HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpVersion {
    /// HTTP/2 where TLS negotiates it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2; without TLS by prior knowledge.
    Http2,
}

/// "What would go to this host and port goes to that one": an empty host or port 0 fits any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    /// Host in the URL; empty: any.
    pub host: String,
    /// Port in the URL; 0: any.
    pub port: u16,
    /// Host to dial; empty: as it was.
    pub to_host: String,
    /// Port to dial; 0: as it was.
    pub to_port: u16,
}

/// Scheme, host and port: what a connection belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Over TLS.
    pub tls: bool,
    /// Without brackets.
    pub host: String,
    /// Given, or the scheme's own.
    pub port: u16,
}

impl Origin {
    /// The origin of an absolute URI.
    ///
    /// # Errors
    /// What is missing or not supported, as text.
    pub fn of(uri: &Uri) -> Result<Self, String> {
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(other) => return Err(format!("the scheme {other}: is not http: or https:")),
            None => return Err("the scheme is missing: begin with http:// or https://".into()),
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("it holds a user or password: send an Authorization header instead".into());
        }
        let host = uri.host().unwrap_or("").trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err("the host is missing".into());
        }
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host, port })
    }
}

/// A request in the form that each version of HTTP sends.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Where it goes.
    pub origin: Origin,
    /// The absolute URI.
    pub uri: Uri,
    /// The same with the authority of a Host field, where one is given: HTTP/2 has no other place
    /// for it.
    pub http2_uri: Uri,
    /// The method.
    pub method: Method,
    /// Header fields for HTTP/2.
    pub fields: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Head and body for HTTP/1.1.
    pub http1: Bytes,
    /// The reply has no body, whatever it says.
    pub is_head: bool,
}

impl Prepared {
    /// The request of `options`, for `uri` with `method` and `body` (a redirect changes them).
    ///
    /// # Errors
    /// What is wrong with `uri`, as text.
    pub fn new(
        options: &HttpOptions,
        uri: Uri,
        method: Method,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<Self, String> {
        let origin = Origin::of(&uri)?;
        check_fields(headers)?;
        let http2_uri = with_host(&uri, headers)?;
        let through_proxy = options.proxy.is_some() && !origin.tls;
        let http1 = http1_bytes(options, &uri, &method, headers, &body, through_proxy);
        let mut fields = HeaderMap::new();
        for (name, value) in headers.iter().filter(|(name, _)| *name != HOST) {
            fields.append(name, value.clone());
        }
        let is_head = method == Method::HEAD;
        Ok(Self { origin, uri, http2_uri, method, fields, body, http1, is_head })
    }
}

fn http1_bytes(
    options: &HttpOptions,
    uri: &Uri,
    method: &Method,
    headers: &[(HeaderName, HeaderValue)],
    body: &[u8],
    absolute: bool,
) -> Bytes {
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    let mut head = format!("{method} ");
    if absolute {
        let authority = uri.authority().map_or("", |a| a.as_str());
        let _ = write!(head, "http://{authority}");
    }
    let _ = write!(head, "{path} HTTP/1.1\r\n");
    let mut bytes = head.into_bytes();
    let mut field = |name: &str, value: &[u8]| {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    };
    let given = |name: &str| headers.iter().any(|(n, _)| n.as_str() == name);
    if !given("host") {
        field("Host", host_of(uri).as_bytes());
    }
    if !given("user-agent") {
        field("User-Agent", concat!("loadcore/", env!("CARGO_PKG_VERSION")).as_bytes());
    }
    if !given("accept") {
        field("Accept", b"*/*");
    }
    for (name, value) in headers {
        field(name.as_str(), value.as_bytes());
    }
    // RFC 9110 section 8.6: a method that anticipates content says so even when there is none.
    let anticipates = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    if !body.is_empty() || anticipates {
        field("Content-Length", body.len().to_string().as_bytes());
    }
    if !options.keep_alive {
        field("Connection", b"close");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes.into()
}

/// How a request is framed and how long its connection lasts is decided here alone.
fn check_fields(headers: &[(HeaderName, HeaderValue)]) -> Result<(), String> {
    let ours = [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];
    match headers.iter().find(|(name, _)| ours.contains(name)) {
        Some((name, _)) => {
            Err(format!("the header {name} is set by the load generator: leave it out"))
        }
        None => Ok(()),
    }
}

/// `uri`, with the authority that a Host field gives.
fn with_host(uri: &Uri, headers: &[(HeaderName, HeaderValue)]) -> Result<Uri, String> {
    let Some((_, host)) = headers.iter().find(|(name, _)| *name == HOST) else {
        return Ok(uri.clone());
    };
    let mut parts = uri.clone().into_parts();
    let authority = Authority::try_from(host.as_bytes());
    parts.authority = Some(authority.map_err(|error| format!("the header host: {error}"))?);
    Uri::from_parts(parts).map_err(|error| error.to_string())
}

/// Host and port as in the URI, without user and password.
fn host_of(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |a| a.as_str());
    authority.rsplit('@').next().unwrap_or(authority).to_owned()
}

/// Everything about a run's requests that is decided before the first one.
#[derive(Debug)]
pub struct Plan {
    /// What was asked for.
    pub options: HttpOptions,
    /// The request.
    pub request: Prepared,
    /// TLS, ready to use, where it may be needed: reading the system's certificates takes longer
    /// than making a connection does.
    pub tls: Option<Arc<ClientConfig>>,
}

/// A request that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The URL.
    #[error("the target {uri} cannot be used: {why}")]
    Target {
        /// As given.
        uri: String,
        /// What is wrong.
        why: String,
    },
    /// The proxy.
    #[error("the proxy {uri} cannot be used: {why}")]
    Proxy {
        /// As given.
        uri: String,
        /// What is wrong.
        why: String,
    },
    /// A certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Plan {
    /// Checks and prepares.
    ///
    /// # Errors
    /// When the URL, the proxy or a certificate cannot be used.
    pub fn new(options: HttpOptions) -> Result<Self, PlanError> {
        let shown = options.uri.to_string();
        let request = Prepared::new(
            &options,
            options.uri.clone(),
            options.method.clone(),
            &options.headers,
            options.body.clone(),
        )
        .map_err(|why| PlanError::Target { uri: shown, why })?;
        if let Some(proxy) = &options.proxy {
            let refused = |why| PlanError::Proxy { uri: proxy.to_string(), why };
            let origin = Origin::of(proxy).map_err(refused)?;
            if origin.tls {
                return Err(refused("only http:// proxies are supported".into()));
            }
        }
        let alpn: &[&[u8]] = match options.version {
            HttpVersion::Auto => &[b"h2", b"http/1.1"],
            HttpVersion::Http1 => &[b"http/1.1"],
            HttpVersion::Http2 => &[b"h2"],
        };
        // A redirect may lead to https.
        let needed = request.origin.tls || options.max_redirects > 0;
        let tls = needed.then(|| tls::config(&options.tls, alpn)).transpose()?;
        Ok(Self { options, request, tls })
    }
}
