//! Turns calls of a controller's REST API into HTTP requests, and replies into documents or reasons.
//!
//! Each call has a connection of its own: there are few a second, and so a controller that was
//! started again meanwhile is nothing special. One that stands by names who leads, and is left for
//! that one.

use super::problem::{CallError, Problem};
use crate::exit::Failure;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write as HyperWrite};
use hyper_util::rt::TokioIo;
use loadcore::http::{Origin, TlsOptions, tls_config};
use loadcore::request::{Url, with_scheme};
use serde_json::Value;
use std::error::Error;
use std::io::Write;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
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

/// Standbys that are followed in one call: each may have heard of another leader.
const MOST_HOPS: usize = 3;

/// The controllers of a platform, of which one can be called.
pub(crate) struct Client {
    /// As the user has named it.
    named: Arc<Controller>,
    /// Who led when it was last asked, if that was another one.
    leader: Mutex<Option<Arc<Controller>>>,
    authorization: Option<HeaderValue>,
}

/// One controller's address.
struct Controller {
    tls: Option<TlsConnector>,
    host: String,
    port: u16,
    /// Of the header `Host`.
    authority: HeaderValue,
    /// The URL's path, without a slash at its end, and [`API`].
    base: String,
    shown: String,
}

impl Controller {
    fn at(url: &str) -> Result<Self, Failure> {
        let refused = |why: String| Failure::Usage(format!("--controller: {why}"));
        // It may hold a password, and is not repeated then.
        if url.contains('@') {
            let why = "a user name or password in the URL is not supported; give --token";
            return Err(refused(why.into()));
        }
        let parsed = Url::parse(&with_scheme(url)).map_err(&refused)?;
        let (uri, Origin { tls: is_tls, host, port }) = (parsed.uri(), parsed.origin().clone());
        if uri.query().is_some() {
            return Err(refused(format!("{url:?} has a query; give the URL before it alone")));
        }
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            tls: is_tls.then(connector).transpose()?,
            host,
            port,
            authority: HeaderValue::from_str(authority).map_err(|why| refused(why.to_string()))?,
            base: format!("{path}{API}"),
            shown: format!("{}://{authority}{path}", if is_tls { "https" } else { "http" }),
        })
    }

    /// Whether a token that was meant for `self` may go to `other` as well.
    fn trusts(&self, other: &Self) -> bool {
        // An address that listens everywhere is nobody's name, and who was asked over TLS is not
        // left for one that listens in the clear.
        let is_a_place = other.host.parse().map_or(true, |ip: IpAddr| !ip.is_unspecified());
        is_a_place && (other.tls.is_some() || self.tls.is_none())
    }
}

impl Client {
    /// Prepares calls of the controller at `url`, in the name of `token`'s owner.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub(crate) fn new(url: &str, token: Option<&str>) -> Result<Self, Failure> {
        Ok(Self {
            named: Arc::new(Controller::at(url)?),
            leader: Mutex::default(),
            authorization: token.map(bearer).transpose()?,
        })
    }

    /// The controller's URL, for messages.
    pub(crate) fn shown(&self) -> &str {
        &self.named.shown
    }

    /// Who is to be asked.
    fn controller(&self) -> Arc<Controller> {
        let leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(leader.as_ref().unwrap_or(&self.named))
    }

    /// Turns to who leads, as `from` has said; `false`: that is nobody else who could be asked.
    fn follow(&self, from: &Controller, leader: &str) -> bool {
        let Ok(leader) = Controller::at(leader) else { return false };
        let other = leader.shown != from.shown && self.named.trusts(&leader);
        if other {
            *self.leader.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(leader));
        }
        other
    }

    /// The one that was named is asked again: who led is not there.
    fn go_back(&self) {
        *self.leader.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Reads a document.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, CallError> {
        self.document(Method::GET, path, (Bytes::new(), None)).await
    }

    /// Does something, with a document or without one.
    pub(crate) async fn post(&self, path: &str, body: Option<&Value>) -> Result<Value, CallError> {
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        self.document(Method::POST, path, (body, None)).await
    }

    /// Posts what is to be done once, however often it is posted with this key.
    pub(crate) async fn post_once(
        &self,
        path: &str,
        body: &Value,
        key: &str,
    ) -> Result<Value, CallError> {
        self.document(Method::POST, path, (body.to_string().into(), Some(key))).await
    }

    /// Reads a text of any length into a writer, piece by piece.
    pub(crate) async fn copy(&self, path: &str, to: &mut impl Write) -> Result<(), CallError> {
        let response = self.answer(Method::GET, path, (Bytes::new(), None)).await?;
        pieces(response.into_body(), |piece| to.write_all(piece).map_err(CallError::Write)).await?;
        to.flush().map_err(CallError::Write)
    }

    async fn document(
        &self,
        method: Method,
        path: &str,
        body: (Bytes, Option<&str>),
    ) -> Result<Value, CallError> {
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
        body: (Bytes, Option<&str>),
    ) -> Result<Response<Incoming>, CallError> {
        for _ in 0..MOST_HOPS {
            let controller = self.controller();
            let request = self.request(&controller, &method, path, body.clone())?;
            let exchange = timeout(ANSWER, controller.exchange(request)).await;
            let waited =
                || Unanswered::Sent(format!("does not answer within {} s", ANSWER.as_secs()));
            let response = match exchange.unwrap_or_else(|_| Err(waited())) {
                Ok(response) => response,
                Err(why) => {
                    self.go_back();
                    return Err(why.into());
                }
            };
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            let told = whole(response.into_body()).await.unwrap_or_default();
            let problem = Problem::of(status, &told);
            if !problem.leader().is_some_and(|leader| self.follow(&controller, leader)) {
                return Err(problem.into());
            }
        }
        self.go_back();
        Err(CallError::Busy("and who it says leads stand by for each other".into()))
    }

    fn request(
        &self,
        controller: &Controller,
        method: &Method,
        path: &str,
        (body, key): (Bytes, Option<&str>),
    ) -> Result<Request<Full<Bytes>>, CallError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", controller.base))
            .header(HOST, &controller.authority)
            .header(ACCEPT, "application/json, */*")
            .header(USER_AGENT, concat!("loadcore/", env!("CARGO_PKG_VERSION")));
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(Full::new(body)).map_err(|error| {
            CallError::Problem(Problem::foreign(format!("it named {path:?}: {error}")))
        })
    }
}

impl Controller {
    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let unreachable =
            |why: &dyn Error| Unanswered::Unsent(format!("cannot be reached: {}", chain(why)));
        let connect = timeout(CONNECT, TcpStream::connect((self.host.as_str(), self.port))).await;
        let slow =
            || Unanswered::Unsent(format!("cannot be reached within {} s", CONNECT.as_secs()));
        let stream = connect.map_err(|_| slow())?.map_err(|error| unreachable(&error))?;
        let Some(tls) = &self.tls else { return over(TokioIo::new(stream), request).await };
        let name = ServerName::try_from(self.host.clone()).map_err(|error| unreachable(&error))?;
        let handshake = timeout(CONNECT, tls.connect(name, stream)).await;
        let stream = handshake.map_err(|_| slow())?.map_err(|error| unreachable(&error))?;
        over(TokioIo::new(stream), request).await
    }
}

/// Why nobody answered.
enum Unanswered {
    /// Nothing was sent.
    Unsent(String),
    /// It may have been heard, and done.
    Sent(String),
}

impl From<Unanswered> for CallError {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Unsent(why) => Self::Busy(why),
            Unanswered::Sent(why) => Self::Away(why),
        }
    }
}

async fn over<S: Read + HyperWrite + Unpin + Send + 'static>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, Unanswered> {
    let broken = |error: hyper::Error| Unanswered::Sent(format!("broke off: {}", chain(&error)));
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
            ("load.test:/a", "http://load.test/a", 80, "/a/api/v1"),
            ("l\u{f6}ad.test:8", "http://xn--lad-sna.test:8", 8, "/api/v1"),
        ] {
            let client = Client::new(url, None).map_err(|error| error.to_string()).unwrap();
            let made = (client.shown(), client.named.port, client.named.base.as_str());
            assert_eq!(made, (shown, port, base), "{url}");
        }
    }

    #[test]
    fn only_a_leader_that_can_be_named_and_trusted_is_followed() {
        for (named, leader, followed) in [
            ("http://a:1", "http://127.0.0.1:2", true),
            ("http://a:1", "https://b", true),
            ("https://a", "http://b", false),
            ("http://a:1", "http://0.0.0.0:1", false),
            ("http://a:1", "http://[::]:1", false),
            ("http://a:1", "an address not known yet", false),
            ("http://a:1", "a:1", false),
        ] {
            let client = Client::new(named, None).map_err(|error| error.to_string()).unwrap();
            assert_eq!(client.follow(&client.controller(), leader), followed, "{named}, {leader}");
            let asked = client.controller().shown.clone();
            assert_eq!(asked == named, !followed, "{asked}");
            client.go_back();
            assert_eq!(client.controller().shown, named);
        }
    }

    #[test]
    fn what_cannot_be_used_is_wrong_usage_and_no_secret_is_repeated() {
        for (url, token, why) in [
            ("ftp://h", None, "give http or https"),
            ("http://", None, "has no host"),
            ("h:99999", None, "port \"99999\" is out of range"),
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
