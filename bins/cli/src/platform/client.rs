//! Turns calls of a controller's REST API into HTTP requests, and replies into documents or reasons.
//!
//! Each call has a connection of its own: there are few a second, and so a controller that was
//! started again meanwhile is nothing special.

use super::problem::{CallError, Problem};
use crate::exit::Failure;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::{Scheme, Uri};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write as HyperWrite};
use hyper_util::rt::TokioIo;
use loadcore::http::{TlsOptions, tls_config};
use serde_json::Value;
use std::error::Error;
use std::io::Write;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// Under which all calls lie.
const API: &str = "/api/v1";
/// The longest that a connection may take to open, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest wait for an answer to begin, or to go on: a controller gives up after 30 s itself.
const ANSWER: Duration = Duration::from_secs(40);
/// The largest document that is read: a scenario of 8 MiB in a result, and plenty beside it.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// A controller that can be called.
pub(crate) struct Client {
    tls: Option<TlsConnector>,
    host: String,
    port: u16,
    /// Of the header `Host`.
    authority: HeaderValue,
    /// The URL's path, without a slash at its end, and [`API`].
    base: String,
    authorization: Option<HeaderValue>,
    shown: String,
}

impl Client {
    /// Prepares calls of the controller at `url`, in the name of `token`'s owner.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub(crate) fn new(url: &str, token: Option<&str>) -> Result<Self, Failure> {
        let refused = |why: String| Failure::Usage(format!("--controller: {why}"));
        // It may hold a password, and is not repeated then.
        if url.contains('@') {
            let why = "a user name or password in the URL is not supported; give --token";
            return Err(refused(why.into()));
        }
        let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri =
            whole.parse().map_err(|error| refused(format!("{url:?} is no URL: {error}")))?;
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(refused(format!("{url:?} is no http:// or https:// URL"))),
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| refused(format!("{url:?} has no host")))?;
        if uri.query().is_some() {
            return Err(refused(format!("{url:?} has a query; give the URL before it alone")));
        }
        let authority = uri.authority().map_or(host, http::uri::Authority::as_str);
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            tls: is_tls.then(connector).transpose()?,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority).map_err(|why| refused(why.to_string()))?,
            base: format!("{path}{API}"),
            authorization: token.map(bearer).transpose()?,
            shown: format!("{}://{authority}{path}", if is_tls { "https" } else { "http" }),
        })
    }

    /// The controller's URL, for messages.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Reads a document.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, CallError> {
        self.document(Method::GET, path, Bytes::new()).await
    }

    /// Does something, with a document or without one.
    pub(crate) async fn post(&self, path: &str, body: Option<&Value>) -> Result<Value, CallError> {
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        self.document(Method::POST, path, body).await
    }

    /// Reads a text of any length into a writer, piece by piece.
    pub(crate) async fn copy(&self, path: &str, to: &mut impl Write) -> Result<(), CallError> {
        let response = self.answer(Method::GET, path, Bytes::new()).await?;
        pieces(response.into_body(), |piece| to.write_all(piece).map_err(CallError::Write)).await?;
        to.flush().map_err(CallError::Write)
    }

    async fn document(&self, method: Method, path: &str, body: Bytes) -> Result<Value, CallError> {
        let bytes = whole(self.answer(method, path, body).await?.into_body()).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            CallError::Problem(Problem::foreign(format!("its answer is no JSON ({error})")))
        })
    }

    /// The answer, if it is a good one.
    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, CallError> {
        let request = self.request(method, path, body)?;
        let exchange = timeout(ANSWER, self.exchange(request)).await;
        let waited = || format!("does not answer within {} s", ANSWER.as_secs());
        let response = exchange.unwrap_or_else(|_| Err(waited())).map_err(CallError::Away)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = whole(response.into_body()).await.unwrap_or_default();
        Err(Problem::of(status, &body).into())
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, CallError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(HOST, &self.authority)
            .header(ACCEPT, "application/json, */*")
            .header(USER_AGENT, concat!("loadcore/", env!("CARGO_PKG_VERSION")));
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(Full::new(body)).map_err(|error| {
            CallError::Problem(Problem::foreign(format!("it named {path:?}: {error}")))
        })
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, String> {
        let unreachable = |why: &dyn Error| format!("cannot be reached: {}", chain(why));
        let connect = timeout(CONNECT, TcpStream::connect((self.host.as_str(), self.port))).await;
        let slow = || format!("cannot be reached within {} s", CONNECT.as_secs());
        let stream = connect.map_err(|_| slow())?.map_err(|error| unreachable(&error))?;
        let Some(tls) = &self.tls else { return over(TokioIo::new(stream), request).await };
        let name = ServerName::try_from(self.host.clone()).map_err(|error| unreachable(&error))?;
        let handshake = timeout(CONNECT, tls.connect(name, stream)).await;
        let stream = handshake.map_err(|_| slow())?.map_err(|error| unreachable(&error))?;
        over(TokioIo::new(stream), request).await
    }
}

async fn over<S: Read + HyperWrite + Unpin + Send + 'static>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, String> {
    let broken = |error: hyper::Error| format!("broke off: {}", chain(&error));
    let (mut sender, connection) = http1::handshake(stream).await.map_err(broken)?;
    // It ends with the answer, or when nobody reads that any more.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(broken)
}

async fn whole(body: Incoming) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    pieces(body, |piece| {
        if bytes.len() + piece.len() > MAX_ANSWER_BYTES {
            let why = format!("its answer is longer than {} MiB", MAX_ANSWER_BYTES >> 20);
            return Err(CallError::Problem(Problem::foreign(why)));
        }
        bytes.extend_from_slice(piece);
        Ok(())
    })
    .await?;
    Ok(bytes)
}

async fn pieces(
    mut body: Incoming,
    mut take: impl FnMut(&[u8]) -> Result<(), CallError>,
) -> Result<(), CallError> {
    let away = |why: String| CallError::Away(format!("broke off in its answer: {why}"));
    loop {
        let waited = || away(format!("nothing came for {} s", ANSWER.as_secs()));
        match timeout(ANSWER, body.frame()).await.map_err(|_| waited())? {
            None => return Ok(()),
            Some(Err(error)) => return Err(away(chain(&error))),
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    take(piece)?;
                }
            }
        }
    }
}

/// The system's certificates are trusted, or those that `SSL_CERT_FILE` names.
fn connector() -> Result<TlsConnector, Failure> {
    let config = tls_config(&TlsOptions::default(), &[b"http/1.1"]);
    let config = config.map_err(|error| Failure::Platform(format!("TLS: {error}")))?;
    Ok(TlsConnector::from(config))
}

fn bearer(token: &str) -> Result<HeaderValue, Failure> {
    // What is wrong with it is not repeated, for it is a secret.
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
        .map_err(|_| Failure::Usage("--token: it has characters that no header may have".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error with all that caused it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(&format!(": {inner_text}"));
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_lack_its_scheme_and_have_a_path() {
        for (url, shown, port, base) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080", 8080, "/api/v1"),
            ("http://load.test/", "http://load.test", 80, "/api/v1"),
            ("https://load.test/a/", "https://load.test/a", 443, "/a/api/v1"),
            ("http://[::1]:9", "http://[::1]:9", 9, "/api/v1"),
        ] {
            let client = Client::new(url, None).map_err(|error| error.to_string()).unwrap();
            let made = (client.shown(), client.port, client.base.as_str());
            assert_eq!(made, (shown, port, base), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_wrong_usage_and_no_secret_is_repeated() {
        for (url, token, why) in [
            ("ftp://h", None, "no http:// or https://"),
            ("http://", None, "no URL"),
            ("http://h/?a=b", None, "query"),
            ("http://me:s3cret@h", None, "give --token"),
            ("http://h", Some("s3cret\n\u{1}x"), "--token"),
        ] {
            let error = Client::new(url, token).err().unwrap();
            assert!(error.to_string().contains(why), "{url}: {error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
            assert_eq!(error.code(), 2);
        }
    }
}
