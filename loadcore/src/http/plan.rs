//! Turns what the user asks for into what is sent: origins, and request bytes made once.

use super::policy::TargetPolicy;
use super::proxy::Proxy;
use super::resolve::Resolver;
use super::tls::{self, TlsError, TlsOptions};
use crate::request::{
    AddressFamily, Checks, ConnectTo, FieldName, HttpVersion, Origin, Url, check_method,
    check_value, framing, shown,
};
use bytes::Bytes;
use http::header::{
    ACCEPT, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT,
};
use http::uri::Authority;
use http::{HeaderMap, Method, Uri};
use rustls::ClientConfig;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Requests that a connection of HTTP/2 carries at once in open loop, where nobody says otherwise.
const OPEN_STREAMS: usize = 100;

/// One HTTP request, and how connections for it are made.
#[derive(Clone)]
pub struct HttpOptions {
    /// `http` or `https`, with host, path and query.
    pub uri: Uri,
    /// The method.
    pub method: Method,
    /// Header fields in the order in which they are sent. `Proxy-Authorization` goes to the proxy, where
    /// there is one, and not to the origin.
    pub headers: Vec<(FieldName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// The requests of a mix, in its order, in the place of the one that URI, method, headers and body
    /// make. Which of them is sent is told by [`Call::request`](crate::transport::Call::request).
    pub mix: Vec<HttpRequest>,
    /// What a reply must have, beyond its status being 2xx or 3xx, to be ok. Where redirects are
    /// followed, the last one.
    pub checks: Checks,
    /// Which version of HTTP.
    pub version: HttpVersion,
    /// Requests that a connection of HTTP/2 carries at once; `None`: one in closed loop, where the
    /// connections are the load, and 100 in open loop.
    pub streams: Option<usize>,
    /// Use a connection for more than one request.
    pub keep_alive: bool,
    /// Redirects followed within one request; 0: a redirect is an answer like any other.
    pub max_redirects: u32,
    /// Certificates.
    pub tls: TlsOptions,
    /// Which addresses may be loaded.
    pub policy: TargetPolicy,
    /// Which addresses of a name are dialled: the target's, or the proxy's where there is one.
    pub address_family: AddressFamily,
    /// Dial these in the place of what the URL names. A proxy is asked for a tunnel to them.
    pub connect_to: Vec<ConnectTo>,
    /// Connect to this socket in the place of the URL's host.
    pub unix_socket: Option<PathBuf>,
    /// An HTTP proxy: `http://host:port`, with `name:password@` before the host where it asks for them.
    pub proxy: Option<Uri>,
    /// Whether a name that a proxy is to resolve is resolved here too, and refused where `policy` refuses
    /// one of its addresses: for a service that loads on behalf of others. Without it a proxy is trusted
    /// with names, and this machine asks nobody for them.
    pub judges_names: bool,
}

/// Without what may be a secret: the values of headers, who we are to a proxy, a private key.
impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.headers.iter().map(|(name, _)| name.written());
        f.debug_struct("HttpOptions")
            .field("uri", &shown(&self.uri))
            .field("method", &self.method)
            .field("headers", &names.collect::<Vec<_>>())
            .field("body", &self.body.len())
            .field("mix", &self.mix.len())
            .field("checks", &self.checks)
            .field("version", &self.version)
            .field("streams", &self.streams)
            .field("keep_alive", &self.keep_alive)
            .field("max_redirects", &self.max_redirects)
            .field("tls", &self.tls)
            .field("policy", &self.policy)
            .field("address_family", &self.address_family)
            .field("connect_to", &self.connect_to)
            .field("unix_socket", &self.unix_socket)
            .field("proxy", &self.proxy.as_ref().map(shown))
            .field("judges_names", &self.judges_names)
            .finish()
    }
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
            mix: Vec::new(),
            checks: Checks::default(),
            version: HttpVersion::Auto,
            streams: None,
            keep_alive: true,
            max_redirects: 0,
            tls: TlsOptions::default(),
            policy: TargetPolicy::default(),
            address_family: AddressFamily::Any,
            connect_to: Vec::new(),
            unix_socket: None,
            proxy: None,
            judges_names: false,
        }
    }

    /// Requests that a connection of HTTP/2 carries at once. In closed loop the connections are the load:
    /// each carries one, unless more are asked for.
    pub(crate) fn streams(&self, open: bool) -> usize {
        self.streams.unwrap_or(if open { OPEN_STREAMS } else { 1 })
    }

    /// The requests that are made of it.
    fn requests(&self) -> Vec<HttpRequest> {
        if !self.mix.is_empty() {
            return self.mix.clone();
        }
        let Self { uri, method, headers, body, checks, .. } = self.clone();
        vec![HttpRequest { uri, method, headers, body, checks }]
    }

    /// Where connections for `origin` lead: what `connect_to` says of it, or itself.
    pub(super) fn dialled<'a>(&'a self, origin: &'a Origin) -> (&'a str, u16) {
        let Origin { host, port, .. } = origin;
        let rule = self.connect_to.iter().find(|rule| {
            (rule.host.is_empty() || rule.host.eq_ignore_ascii_case(host))
                && (rule.port == 0 || rule.port == *port)
        });
        match rule {
            None => (host, *port),
            Some(rule) => (
                if rule.to_host.is_empty() { host } else { &rule.to_host },
                if rule.to_port == 0 { *port } else { rule.to_port },
            ),
        }
    }

    /// An address that is named outright, and will never be dialled, is seen before there is a run.
    fn check_family(&self, uri: &Uri, origin: &Origin) -> Result<(), PlanError> {
        let host = match &self.proxy {
            Some(proxy) => proxy.host().unwrap_or_default().trim_matches(['[', ']']),
            None => self.dialled(origin).0,
        };
        match host.parse::<IpAddr>() {
            Ok(address) if self.unix_socket.is_none() && !self.address_family.has(address) => {
                let family = self.address_family;
                let why = format!("{address} is no {family} address, and only such are dialled");
                Err(PlanError::Target { uri: shown(uri), why })
            }
            _ => Ok(()),
        }
    }

    /// Whether a proxy is asked for a tunnel: for TLS, and, as curl does it, where `connect_to` leads
    /// elsewhere than the URL, by which alone a proxy would go otherwise.
    pub(super) fn tunnels(&self, origin: &Origin) -> bool {
        origin.tls || self.dialled(origin) != (origin.host.as_str(), origin.port)
    }
}

/// One request of a mix.
#[derive(Clone)]
pub struct HttpRequest {
    /// `http` or `https`, with host, path and query.
    pub uri: Uri,
    /// The method.
    pub method: Method,
    /// All of its header fields, in the order in which they are sent.
    pub headers: Vec<(FieldName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// What its reply must have.
    pub checks: Checks,
}

/// Without what may be a secret.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, shown(&self.uri))
    }
}

/// A request in the form that each version of HTTP sends.
#[derive(Clone)]
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
    /// The header fields that were asked for.
    pub given: Arc<[(FieldName, HeaderValue)]>,
    /// Head and body for HTTP/1.1.
    pub http1: Bytes,
    /// The reply has no body, whatever it says.
    pub is_head: bool,
    /// What the reply must have.
    pub checks: Checks,
}

/// Without what may be a secret.
impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, shown(&self.uri))
    }
}

impl Prepared {
    /// The request of `options`, for `url` with `method` and `body` (a redirect changes them).
    ///
    /// # Errors
    /// What cannot be sent, as text.
    pub fn new(
        options: &HttpOptions,
        url: &Url,
        method: Method,
        given: &[(FieldName, HeaderValue)],
        body: Bytes,
    ) -> Result<Self, String> {
        check_method(&method)?;
        check_fields(given)?;
        let headers = &for_whom(options, url, given)?[..];
        let (uri, origin) = (url.uri().clone(), url.origin().clone());
        let http2_uri = with_host(&uri, headers)?;
        let fields = fields(&uri, &method, headers, &body)?;
        let http1 = http1_bytes(&request_line(options, url, &method), &fields, options, &body);
        let fields = fields.into_iter().filter(|(name, _)| is_of_http2(name));
        let mut http2_fields = HeaderMap::new();
        for (name, value) in fields {
            http2_fields.append(&*name, value);
        }
        let is_head = method == Method::HEAD;
        let (fields, given, checks) = (http2_fields, given.into(), Checks::default());
        Ok(Self { origin, uri, http2_uri, method, fields, body, given, http1, is_head, checks })
    }
}

/// How a request is framed and how long its connection lasts is decided here alone.
fn check_fields(headers: &[(FieldName, HeaderValue)]) -> Result<(), String> {
    for (name, value) in headers {
        if let Some(instead) = framing(name) {
            return Err(format!("the header {name} is set by the load generator: {instead}"));
        }
        check_value(name, value).map_err(|why| format!("the header {name}: {why}"))?;
    }
    Ok(())
}

/// The fields for whoever reads the request: the proxy gets what proves who we are to it, and nobody
/// behind it does.
fn for_whom(
    options: &HttpOptions,
    url: &Url,
    headers: &[(FieldName, HeaderValue)],
) -> Result<Vec<(FieldName, HeaderValue)>, String> {
    let mut headers = headers.to_vec();
    let Some(proxy) = &options.proxy else { return Ok(headers) };
    let is_ours = |(name, _): &(FieldName, HeaderValue)| *name == PROXY_AUTHORIZATION;
    if options.tunnels(url.origin()) {
        headers.retain(|field| !is_ours(field));
    } else if !headers.iter().any(is_ours) {
        headers.extend(Proxy::new(proxy, &[])?.field());
    }
    Ok(headers)
}

/// The fields of the request, whichever version sends it: those that are given, and before them
/// those that a request should have.
fn fields(
    uri: &Uri,
    method: &Method,
    headers: &[(FieldName, HeaderValue)],
    body: &[u8],
) -> Result<Vec<(FieldName, HeaderValue)>, String> {
    let host = uri.authority().map_or("", Authority::as_str);
    let host = HeaderValue::try_from(host).map_err(|error| error.to_string())?;
    let agent = HeaderValue::from_static(concat!("loadcore/", env!("CARGO_PKG_VERSION")));
    let accept = HeaderValue::from_static("*/*");
    let mut fields: Vec<_> =
        [(HOST, "Host", host), (USER_AGENT, "User-Agent", agent), (ACCEPT, "Accept", accept)]
            .map(|(name, written, value)| (FieldName::known(name, written), value))
            .into();
    fields.retain(|(name, _)| headers.iter().all(|(given, _)| given != name));
    fields.extend_from_slice(headers);
    // RFC 9110 section 8.6: a method that anticipates content says so even when there is none.
    let anticipates = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    if !body.is_empty() || anticipates {
        let name = FieldName::known(CONTENT_LENGTH, "Content-Length");
        fields.push((name, body.len().into()));
    }
    Ok(fields)
}

/// Whether HTTP/2 has the field: not the host, which it says in another place, and not what belongs
/// to a connection (RFC 9113 section 8.2.2), which would make the request malformed.
fn is_of_http2(name: &HeaderName) -> bool {
    !matches!(name.as_str(), "host" | "keep-alive" | "proxy-connection")
}

fn request_line(options: &HttpOptions, url: &Url, method: &Method) -> String {
    let uri = url.uri();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if options.proxy.is_some() && !options.tunnels(url.origin()) {
        let authority = uri.authority().map_or("", Authority::as_str);
        return format!("{method} http://{authority}{path} HTTP/1.1\r\n");
    }
    format!("{method} {path} HTTP/1.1\r\n")
}

fn http1_bytes(
    line: &str,
    fields: &[(FieldName, HeaderValue)],
    options: &HttpOptions,
    body: &[u8],
) -> Bytes {
    let mut bytes = line.as_bytes().to_vec();
    for (name, value) in fields {
        bytes.extend_from_slice(name.written().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    if !options.keep_alive {
        bytes.extend_from_slice(b"Connection: close\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes.into()
}

/// `uri`, with the authority that a Host field gives.
fn with_host(uri: &Uri, headers: &[(FieldName, HeaderValue)]) -> Result<Uri, String> {
    let Some((_, host)) = headers.iter().find(|(name, _)| *name == HOST) else {
        return Ok(uri.clone());
    };
    let mut parts = uri.clone().into_parts();
    let authority = Authority::try_from(host.as_bytes());
    parts.authority = Some(authority.map_err(|error| format!("the header host: {error}"))?);
    Uri::from_parts(parts).map_err(|error| error.to_string())
}

/// Everything about a run's requests that is decided before the first one.
#[derive(Debug)]
pub struct HttpPlan {
    /// What was asked for.
    pub options: HttpOptions,
    /// The requests of the mix, or the one that there is without.
    pub requests: Box<[Prepared]>,
    /// Where they go: those of one origin share connections.
    pub origins: Box<[Origin]>,
    /// Who passes it on.
    pub proxy: Option<Proxy>,
    /// Resolves the names that a proxy is to resolve, all of their addresses, where they are judged.
    pub judged: Option<Resolver>,
    /// TLS, ready to use, where it may be needed: reading the system's certificates takes longer
    /// than making a connection does.
    pub tls: Option<Arc<ClientConfig>>,
}

/// A request that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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

impl HttpPlan {
    /// Checks and prepares.
    ///
    /// # Errors
    /// When the URL, the proxy or a certificate cannot be used.
    pub fn new(options: HttpOptions) -> Result<Self, PlanError> {
        let proxy = options.proxy.as_ref().map(|uri| {
            let refused = |why| PlanError::Proxy { uri: shown(uri), why };
            Proxy::new(uri, &options.headers).map_err(refused)
        });
        let proxy = proxy.transpose()?;
        let requests = options.requests().into_iter().map(|request| {
            let HttpRequest { uri, method, headers, body, checks } = request;
            let refused = |why| PlanError::Target { uri: shown(&uri), why };
            let url = Url::of(&uri).map_err(refused)?;
            let prepared = Prepared::new(&options, &url, method, &headers, body);
            let prepared = prepared.map_err(refused)?;
            options.check_family(&uri, &prepared.origin)?;
            Ok(Prepared { checks, ..prepared })
        });
        let requests: Box<[_]> = requests.collect::<Result<_, PlanError>>()?;
        let mut origins: Vec<Origin> = Vec::new();
        for Prepared { origin, .. } in &requests {
            if !origins.contains(origin) {
                origins.push(origin.clone());
            }
        }
        let alpn: &[&[u8]] = match options.version {
            HttpVersion::Auto => &[b"h2", b"http/1.1"],
            HttpVersion::Http1 => &[b"http/1.1"],
            HttpVersion::Http2 => &[b"h2"],
        };
        // A redirect may lead to https.
        let needed = origins.iter().any(|origin| origin.tls) || options.max_redirects > 0;
        let tls = needed.then(|| tls::config(&options.tls, alpn)).transpose()?;
        let judged =
            (options.judges_names && proxy.is_some()).then(|| Resolver::new(AddressFamily::Any));
        Ok(Self { options, requests, origins: origins.into(), proxy, judged, tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut HttpOptions)) -> String {
        let mut options = HttpOptions::get("http://a/".parse().unwrap());
        change(&mut options);
        HttpPlan::new(options).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_sent_is_refused_whoever_asks() {
        assert_eq!(
            refused(|options| options.uri = "http://h:99999/".parse().unwrap()),
            "the target http://h:99999/ cannot be used: port \"99999\" is out of range; give 1 to 65535"
        );
        assert_eq!(
            refused(|options| options.proxy = Some("http://h:0".parse().unwrap())),
            "the proxy http://h:0/ cannot be used: port \"0\" is out of range; give 1 to 65535"
        );
        assert_eq!(
            refused(|options| {
                options.uri = "http://127.0.0.1:1/".parse().unwrap();
                options.address_family = AddressFamily::Ipv6;
            }),
            "the target http://127.0.0.1:1/ cannot be used: 127.0.0.1 is no IPv6 address, and only such are dialled"
        );
        let connection = |options: &mut HttpOptions| {
            options.headers =
                vec![(http::header::CONNECTION.into(), HeaderValue::from_static("close"))];
        };
        assert!(refused(connection).contains("give keepAlive: false"));
        assert!(refused(|options| options.method = Method::CONNECT).contains("opens a tunnel"));
    }

    #[test]
    fn a_query_without_a_path_has_one() {
        let plan = HttpPlan::new(HttpOptions::get("http://h?x=1".parse().unwrap())).unwrap();
        assert!(plan.requests[0].http1.starts_with(b"GET /?x=1 HTTP/1.1\r\nHost: h\r\n"));
        assert_eq!(plan.requests[0].http2_uri, "http://h/?x=1");
    }

    #[test]
    fn what_is_for_a_proxy_reaches_nobody_behind_it() {
        let sent = |url: &str, given: Option<&str>| {
            let mut options = HttpOptions::get(url.parse().unwrap());
            options.proxy = Some("http://u:p@proxy:3128".parse().unwrap());
            options.headers = given
                .map(|value| ("proxy-AUTHORIZATION".parse().unwrap(), value.parse().unwrap()))
                .into_iter()
                .collect();
            let plan = HttpPlan::new(options).unwrap();
            let asks = String::from_utf8(plan.proxy.unwrap().connect("h:443")).unwrap();
            let http2 = plan.requests[0].fields.contains_key(PROXY_AUTHORIZATION);
            (String::from_utf8(plan.requests[0].http1.to_vec()).unwrap(), http2, asks)
        };
        let (plain, _, _) = sent("http://h/", None);
        assert!(plain.contains("\r\nProxy-Authorization: Basic dTpw\r\n"), "{plain}");
        let (plain, _, _) = sent("http://h/", Some("Bearer t"));
        assert!(plain.contains("\r\nproxy-AUTHORIZATION: Bearer t\r\n"), "{plain}");
        assert!(!plain.contains("dTpw"), "{plain}");
        for (given, expected) in [(None, "Basic dTpw"), (Some("Bearer t"), "Bearer t")] {
            let (tunnelled, http2, asks) = sent("https://h/", given);
            assert!(!tunnelled.to_lowercase().contains("proxy-auth") && !http2, "{tunnelled}");
            assert!(asks.contains(&format!("\r\nProxy-Authorization: {expected}\r\n")), "{asks}");
        }
    }

    #[test]
    fn both_versions_have_the_same_fields() {
        let mut options = HttpOptions::get("http://h/".parse().unwrap());
        options.headers = [("TE", "trailers"), ("Keep-Alive", "a"), ("X-a", "1"), ("x-A", "2")]
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .into();
        options.body = Bytes::from_static(b"12");
        let request = &HttpPlan::new(options).unwrap().requests[0];
        let fields =
            "TE: trailers\r\nKeep-Alive: a\r\nX-a: 1\r\nx-A: 2\r\nContent-Length: 2\r\n\r\n12";
        assert!(request.http1.ends_with(fields.as_bytes()), "{:?}", request.http1);
        let of = |name: &str| request.fields.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(of("te"), ["trailers"]);
        assert!(of("keep-alive").is_empty());
        assert_eq!(of("x-a"), ["1", "2"]);
        assert_eq!(of("accept"), ["*/*"]);
        assert_eq!(of("content-length"), ["2"]);
        assert_eq!((of("user-agent").len(), of("host").len()), (1, 0));
    }
}
