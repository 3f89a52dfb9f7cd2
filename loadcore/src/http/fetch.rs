//! Fetches what lies beside the load: one request through the target policy, within bounds.
//!
//! For what a run tells others, and what it asks of them. Nothing of the load goes this way: each
//! request has a connection of its own, HTTP/1.1, and redirects are answers like any other, since one
//! may lead anywhere.

use super::connect;
use super::plan::{HttpOptions, Prepared};
use super::policy::TargetPolicy;
use super::reader::{ResponseReader, Watch};
use super::resolve::Resolver;
use super::tls::{self, TlsOptions};
use crate::request::{AddressFamily, ErrorClass, Failure, FieldName, HttpVersion, Url};
use crate::time::now;
use bytes::Bytes;
use http::header::{FROM, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use rustls::ClientConfig;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

/// What is read from a connection at once.
const PIECE_BYTES: usize = 16 * 1024;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Whom.
    pub url: Url,
    /// How.
    pub method: Method,
    /// Fields beside those that every request has.
    pub headers: Vec<(FieldName, HeaderValue)>,
    /// What is sent with it.
    pub body: Bytes,
}

impl Ask {
    /// A GET of `url`.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self { url, method: Method::GET, headers: Vec::new(), body: Bytes::new() }
    }
}

/// How much may come of it.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// From the look-up of the name to the last byte of the reply.
    pub deadline: Duration,
    /// Bytes of a body.
    pub most_bytes: usize,
}

/// What came.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status, 3xx too.
    pub status: u16,
    /// Its fields.
    pub headers: HeaderMap,
    /// All of its body.
    pub body: Bytes,
}

/// Why there is no reply. It names no URL, for that may be a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// It is no request that can be sent.
    #[error("it cannot be asked: {0}")]
    Unusable(String),
    /// Refused by the policy, not reached, broken off, no HTTP.
    #[error("{}: {}", .0.class.name(), .0)]
    Failed(Failure),
    /// It took too long.
    #[error("no {awaited} within {} s", .deadline.as_secs_f64())]
    Late {
        /// What did not come.
        awaited: &'static str,
        /// The limit.
        deadline: Duration,
    },
    /// The body is too long. What lies beyond was not read.
    #[error("the reply's body is longer than {most_bytes} bytes")]
    TooLong {
        /// The limit.
        most_bytes: usize,
    },
}

/// Asks, by one policy and one idea of whom to trust.
#[derive(Debug)]
pub struct Fetcher {
    options: HttpOptions,
    /// Read when it is first needed: the system's certificates take their time.
    tls: OnceLock<Arc<ClientConfig>>,
    resolver: fn() -> Resolver,
    contact: Option<HeaderValue>,
}

impl Fetcher {
    /// One that dials what `policy` allows, with `tls` where a URL asks for it.
    #[must_use]
    pub fn new(policy: TargetPolicy, tls: TlsOptions) -> Self {
        let options = HttpOptions {
            version: HttpVersion::Http1,
            keep_alive: false,
            policy,
            tls,
            ..HttpOptions::get(Uri::default())
        };
        Self { options, tls: OnceLock::new(), resolver, contact: None }
    }

    /// The same, which tells those that it asks, in `From`, who answers for that.
    #[must_use]
    pub fn answered_for_by(self, contact: Option<HeaderValue>) -> Self {
        Self { contact, ..self }
    }

    /// Whether the policy refuses every address of the URL's host, as far as can be told now. A name that
    /// does not resolve is not refused: it cannot be asked.
    ///
    /// # Errors
    /// `blocked_by_policy`.
    pub async fn check(&self, url: &Url) -> Result<(), Failure> {
        let origin = url.origin();
        let asked = (origin.host.as_str(), origin.port);
        connect::check_host(&self.options.policy, &(self.resolver)(), asked).await
    }

    /// The reply to `ask`.
    ///
    /// # Errors
    /// When there is none within `bounds`.
    pub async fn fetch(&self, ask: &Ask, bounds: &Bounds) -> Result<Reply, FetchError> {
        let until = Instant::from_std(now() + bounds.deadline);
        let (method, body) = (ask.method.clone(), ask.body.clone());
        let mut headers = ask.headers.clone();
        let is_told = headers.iter().any(|(name, _)| *name == FROM);
        let contact = self.contact.clone().filter(|_| !is_told);
        headers.extend(contact.map(|it| (FieldName::known(FROM, "From"), it)));
        let prepared = Prepared::new(&self.options, &ask.url, method, &headers, body)
            .map_err(FetchError::Unusable)?;
        let late = |awaited| move |_| FetchError::Late { awaited, deadline: bounds.deadline };
        let origin = ask.url.origin();

        self.options.policy.check_host(&origin.host, origin.port)?;
        let resolver = (self.resolver)();
        let addresses = timeout_at(until, resolver.addresses(&origin.host)).await;
        let addresses = addresses.map_err(late("answer to the look-up of the name"))??;
        let asked = (origin.host.as_str(), origin.port);
        let dialled = connect::dial_one(&self.options.policy, &addresses, asked);
        let socket = timeout_at(until, dialled).await.map_err(late("connection"))??;
        let reply = "whole reply";
        if !origin.tls {
            let exchanged = timeout_at(until, exchange(socket, &prepared, bounds));
            return exchanged.await.map_err(late(reply))?;
        }
        let secured = timeout_at(until, connect::handshake(self.tls()?, &origin.host, socket));
        let stream = secured.await.map_err(late("end of the TLS handshake"))??;
        let exchanged = timeout_at(until, exchange(stream, &prepared, bounds));
        exchanged.await.map_err(late(reply))?
    }

    fn tls(&self) -> Result<&Arc<ClientConfig>, FetchError> {
        if let Some(config) = self.tls.get() {
            return Ok(config);
        }
        let config = tls::config(&self.options.tls, &[b"http/1.1"]);
        let config = config.map_err(|error| FetchError::Unusable(error.to_string()))?;
        Ok(self.tls.get_or_init(|| config))
    }
}

/// One for each fetch: a name that nobody answers for must not hold up those who ask for another.
fn resolver() -> Resolver {
    Resolver::new(AddressFamily::Any)
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Sends the request and reads its reply.
async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    prepared: &Prepared,
    bounds: &Bounds,
) -> Result<Reply, FetchError> {
    let sent = async {
        stream.write_all(&prepared.http1).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| tls::failure_of(ErrorClass::Write, error))?;
    let mut reader = ResponseReader::default();
    reader.start(prepared.is_head, false);
    let mut kept = Kept::default();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = stream.read(&mut piece).await;
        let count = read.map_err(|error| tls::failure_of(ErrorClass::Read, error))?;
        if count == 0 {
            reader.end_of_stream()?;
            break;
        }
        let fed = reader.feed_watched(&piece[..count], &mut kept)?;
        if kept.body.len() > bounds.most_bytes {
            return Err(FetchError::TooLong { most_bytes: bounds.most_bytes });
        }
        if fed.done {
            break;
        }
    }
    Ok(Reply { status: reader.status(), headers: kept.headers, body: kept.body.into() })
}

/// A reply as it is read.
#[derive(Default)]
struct Kept {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Watch for Kept {
    fn head(&mut self, _status: u16, fields: &[httparse::Header<'_>]) {
        // What is no field to `http` is none to whoever reads them.
        let fields = fields.iter().filter_map(|field| {
            let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(field.value).ok()?))
        });
        for (name, value) in fields {
            self.headers.append(name, value);
        }
    }

    fn body(&mut self, piece: &[u8]) {
        self.body.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests;
