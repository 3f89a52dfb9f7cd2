//! Fetches the keys that a sign-in publishes (a JWK set), and keeps them for a while.
//!
//! One fetch at a time, whoever waits for it, and none so soon after another: a token can name any key,
//! and must not make us ask for each.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use loadcore::http::TargetPolicy;
use loadcore::http::TlsOptions;
use loadcore::http::fetch::{Ask, Bounds, Fetcher};
use loadcore::request::Url;
use loadcore::time::now;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long keys are taken as they are.
const FRESH: Duration = Duration::from_secs(600);
/// How long they are used beyond that while no others can be had.
const STALE: Duration = Duration::from_secs(24 * 3_600);
/// Between two fetches, at least.
const PAUSE: Duration = Duration::from_secs(5);
/// A set has a few keys of some hundred bytes each.
const BOUNDS: Bounds = Bounds { deadline: Duration::from_secs(5), most_bytes: 256 * 1024 };
/// Keys of a set that are read.
const MOST_KEYS: usize = 100;

/// By the key's name and its algorithm.
pub(super) type Keys = HashMap<(String, &'static str), DecodingKey>;

/// The keys that are published at an address.
pub struct KeySet {
    ask: Ask,
    fetcher: Fetcher,
    known: RwLock<Known>,
    /// Held by who fetches.
    fetching: Mutex<()>,
}

#[derive(Default)]
struct Known {
    keys: Keys,
    /// When they came.
    since: Option<Instant>,
    /// When they were asked for last, and what came of it.
    tried: Option<(Instant, Result<(), String>)>,
}

impl KeySet {
    /// Those at `url`, which are asked for when the first token needs one.
    #[must_use]
    pub fn at(url: Url) -> Self {
        // The operator names it, so that it may be anywhere but where nothing may be.
        let fetcher = Fetcher::new(TargetPolicy::default(), TlsOptions::default());
        Self { ask: Ask::get(url), fetcher, known: RwLock::default(), fetching: Mutex::default() }
    }

    /// These, of which no others are ever to be had.
    #[cfg(test)]
    pub(super) fn known_as(keys: Keys) -> Self {
        // They came, and were asked for, in a year.
        let then = now() + 365 * STALE;
        let known = Known { keys, since: Some(then), tried: Some((then, Ok(()))) };
        let nowhere = Url::parse("http://127.0.0.1:9/").expect("a URL");
        let closed = TargetPolicy::only("192.0.2.1".parse().expect("a list"));
        let fetcher = Fetcher::new(closed, TlsOptions::default());
        let known = RwLock::new(known);
        Self { ask: Ask::get(nowhere), fetcher, known, fetching: Mutex::default() }
    }

    /// The key of a name for an algorithm; `None` where there is none.
    ///
    /// # Errors
    /// When the keys cannot be had.
    pub(super) async fn find(
        &self,
        kid: &str,
        algorithm: &'static str,
    ) -> Result<Option<DecodingKey>, String> {
        if let Some(key) = self.known(kid, algorithm, FRESH) {
            return Ok(Some(key));
        }
        let _alone = self.fetching.lock().await;
        // Whoever fetched meanwhile did so for us too.
        if let Some(key) = self.known(kid, algorithm, FRESH) {
            return Ok(Some(key));
        }
        if !self.has_just_tried() {
            let fetched = self.fetch().await;
            self.learn(fetched);
        }
        if let Some(key) = self.known(kid, algorithm, FRESH + STALE) {
            return Ok(Some(key));
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match &known.tried {
            Some((_, Err(why))) => Err(format!("the keys of the sign-in cannot be had: {why}")),
            _ => Ok(None),
        }
    }

    fn known(
        &self,
        kid: &str,
        algorithm: &'static str,
        not_older: Duration,
    ) -> Option<DecodingKey> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.since.filter(|since| now().saturating_duration_since(*since) < not_older)?;
        known.keys.get(&(kid.to_owned(), algorithm)).cloned()
    }

    fn has_just_tried(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.tried.as_ref().is_some_and(|(at, _)| now().saturating_duration_since(*at) < PAUSE)
    }

    async fn fetch(&self) -> Result<Keys, String> {
        let reply =
            self.fetcher.fetch(&self.ask, &BOUNDS).await.map_err(|error| error.to_string())?;
        if reply.status != 200 {
            return Err(format!("the answer has status {}", reply.status));
        }
        keys(&reply.body)
    }

    fn learn(&self, fetched: Result<Keys, String>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let at = now();
        let failed = fetched.as_ref().err().cloned();
        let was_well = known.tried.as_ref().is_none_or(|(_, done)| done.is_ok());
        if let Ok(keys) = fetched {
            known.keys = keys;
            known.since = Some(at);
        }
        if let Some(why) = failed.as_ref().filter(|_| was_well) {
            tracing::warn!("the keys of the sign-in cannot be had: {why}; trying again");
        }
        known.tried = Some((at, failed.map_or(Ok(()), Err)));
    }
}

/// The keys of a set that verify signatures and are of a kind that is known; others may be there too.
pub(super) fn keys(text: &[u8]) -> Result<Keys, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(text)
        .map_err(|_| "the answer is no JSON of a key set".to_owned())?;
    let one = |key: Value| {
        let key: Jwk = serde_json::from_value(key).ok()?;
        let (kid, algorithm) = (key.common.key_id.clone()?, algorithm(&key)?);
        Some(((kid, algorithm), DecodingKey::from_jwk(&key).ok()?))
    };
    Ok(set.keys.into_iter().take(MOST_KEYS).filter_map(one).collect())
}

/// For which algorithm a key is. What the key itself says must not be otherwise.
fn algorithm(key: &Jwk) -> Option<&'static str> {
    let named = key.common.key_algorithm;
    if !matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    match &key.algorithm {
        AlgorithmParameters::EllipticCurve(curve)
            if curve.curve == EllipticCurve::P256
                && matches!(named, None | Some(KeyAlgorithm::ES256)) =>
        {
            Some("ES256")
        }
        AlgorithmParameters::RSA(_) if matches!(named, None | Some(KeyAlgorithm::RS256)) => {
            Some("RS256")
        }
        // A secret is not to be published.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_keys_that_verify_signatures_are_taken() {
        let ec = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "ec"});
        let with = |change: Value| {
            let mut key = ec.clone();
            key.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            key
        };
        let set = json!({"keys": [
            ec,
            with(json!({"kid": "enc", "use": "enc"})),
            with(json!({"kid": "384", "crv": "P-384"})),
            with(json!({"kid": "other", "alg": "ES384"})),
            with(json!({"kid": null})),
            {"kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256"},
            {"kty": "RSA", "n": "AA", "e": "AQAB", "kid": "rsa", "alg": "RS256", "use": "sig"},
            {"kty": "new kind", "kid": "new"},
            17,
        ]});
        let mut names: Vec<_> = keys(set.to_string().as_bytes()).unwrap().into_keys().collect();
        names.sort();
        assert_eq!(names, [("ec".to_owned(), "ES256"), ("rsa".to_owned(), "RS256")]);
        for wrong in ["", "[]", "{}", "{\"keys\": 1}", "<html>"] {
            assert!(keys(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
