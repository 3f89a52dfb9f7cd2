//! Turns a URL and options into where Redis is and how to speak to it.
//!
//! A password stands in the URL, and URLs are what people paste into tickets: no error, no
//! `Debug` and no message of this crate shows one, also where the URL cannot be read.

use crate::url::redact;
use loadcore::http::{TlsError, TlsOptions, tls_config};
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::fmt;
use std::sync::Arc;

/// Where Redis is, and under which names things are kept there.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// `redis://[user][:password@]host[:port][/database]`, `rediss://...` for TLS (with `#insecure`
    /// at its end: whatever its certificate), or `redis+unix:///path?db=0&user=...&pass=...`.
    pub url: String,
    /// What the names of all keys begin with; by default `loadcore`. Platforms with different ones
    /// can share a Redis.
    pub prefix: String,
    /// How TLS connections are made, for `rediss://`.
    pub tls: TlsOptions,
}

impl RedisOptions {
    /// The defaults with a URL.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), prefix: "loadcore".into(), tls: TlsOptions::default() }
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, prefix, tls: _ } = self;
        f.debug_struct("RedisOptions")
            .field("url", &redact(url))
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

/// Options that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The URL.
    #[error("the redis url {url} cannot be used: {reason}")]
    Url {
        /// The URL without its password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The prefix.
    #[error("the prefix {0:?} holds a brace: braces mark what keys of one run have in common")]
    Prefix(String),
    /// The TLS options.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The host and the port of a URL; `None` where it is a socket's, or no URL.
#[must_use]
pub fn server(url: &str) -> Option<(String, u16)> {
    let mut url = redis::parse_redis_url(url)?;
    url.set_fragment(None);
    match url.into_connection_info().ok()?.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Some((host.clone(), *port))
        }
        _ => None,
    }
}

/// What a connection needs to know.
pub(crate) struct Address {
    pub(crate) info: ConnectionInfo,
    pub(crate) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// For people: the URL without its password.
    pub(crate) shown: String,
}

impl Address {
    pub(crate) fn new(options: &RedisOptions) -> Result<Self, OptionsError> {
        if options.prefix.contains(['{', '}']) {
            return Err(OptionsError::Prefix(options.prefix.clone()));
        }
        let shown = redact(&options.url);
        let unusable = |reason: String| OptionsError::Url { url: shown.clone(), reason };
        let mut url = redis::parse_redis_url(&options.url).ok_or_else(|| {
            unusable("it does not begin like redis://host or rediss://host".into())
        })?;
        let is_tls = matches!(url.scheme(), "rediss" | "valkeys");
        let is_insecure = match url.fragment() {
            None => false,
            Some("insecure") if is_tls => true,
            Some(_) => return Err(unusable("after # only \"insecure\" is known".into())),
        };
        if is_tls {
            // The connection is made here and not by the client library, which would take the
            // process-wide cryptography, and read the certificates again for each connection.
            url.set_scheme("redis").map_err(|()| unusable("it has no host".into()))?;
        }
        let info = url.into_connection_info().map_err(|error| unusable(error.to_string()))?;
        let tls = match info.addr() {
            ConnectionAddr::Tcp(host, _) if is_tls => {
                let insecure = is_insecure || options.tls.insecure;
                let config = tls_config(&TlsOptions { insecure, ..options.tls.clone() }, &[])?;
                let name = ServerName::try_from(host.clone());
                Some((config, name.map_err(|error| unusable(error.to_string()))?))
            }
            _ => None,
        };
        // The replies are read as the older protocol has them, which all servers speak.
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        Ok(Self { info: info.set_redis_settings(redis), tls, shown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_said_without_the_password() {
        for (url, reason) in [
            ("http://me:s3cret@host", "does not begin like"),
            ("s3cret", "does not begin like"),
            ("redis://me:s3cret@host:port", "does not begin like"),
            ("redis://me:s3cret@", "does not begin like"),
            ("redis://me:s3cret@host/name", "database number"),
            ("rediss://me:s3cret@host#secure", "after #"),
        ] {
            let options = RedisOptions::new(url);
            let error = Address::new(&options).map(|_| ()).unwrap_err();
            let text = format!("{error} {error:?} {options:?}");
            assert!(text.contains(reason), "{text}");
            assert!(!text.contains(":s3cret"), "{text}");
        }
        let options = RedisOptions { prefix: "a{b".into(), ..RedisOptions::new("redis://h") };
        let error = Address::new(&options).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("\"a{b\" holds a brace"), "{error}");
    }

    #[test]
    fn urls_are_understood() {
        let address = |url: &str| Address::new(&RedisOptions::new(url)).unwrap();
        let plain = address("redis://me:a%40b@host/3");
        assert_eq!(plain.info.addr(), &ConnectionAddr::Tcp("host".into(), 6379));
        let settings = plain.info.redis_settings();
        let seen = (settings.username(), settings.password(), settings.db());
        assert_eq!(seen, (Some("me"), Some("a@b"), 3));
        assert!(plain.tls.is_none());
        for url in ["rediss://host:7", "valkeys://host:7", "rediss://[::1]:7#insecure"] {
            assert!(address(url).tls.is_some(), "{url}");
        }
        let unix = address("redis+unix:///tmp/a");
        assert_eq!(unix.info.addr(), &ConnectionAddr::Unix("/tmp/a".into()));
    }
}
