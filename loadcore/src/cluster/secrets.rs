//! Turns what is secret in a scenario into what may be kept and carried, and back.
//!
//! Two ways. **At rest** the values of secret headers and of cookies, a private key, what stands before the
//! `@` of a URL, what alerts are signed with and where Slack takes them are
//! sealed one by one under the platform's key, so that the rest of the document stays readable,
//! searchable and comparable. **On the way** a run's whole plan is sealed under a key of its own,
//! and that key to each admitted worker's public key (HPKE, RFC 9180), which lives as long as its
//! process: so whoever reads Redis or a network between learns nothing.

use super::signed::Signer;
use crate::scenario::{REDACTED, is_named, is_secret_header};
use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
// Of its letters none means anything in a URL.
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_256 as SUITE;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke, HpkePrivateKey, HpkePublicKey};
use serde_json::{Map, Value};
use std::fmt;
use std::path::Path;

/// What a sealed text begins with. A header's value cannot begin so by chance: NUL is not allowed in
/// one.
const SEALED: &str = "\u{0}sealed:";
/// What the platform's key seals, and nothing else.
const AT_REST: &[u8] = b"loadcore secret at rest, version 1";
/// What a run's key seals.
const PLAN: &[u8] = b"loadcore plan of a run, version 1";
/// What a worker's key seals.
const PLAN_KEY: &[u8] = b"loadcore key of a plan, version 1";
/// What a text's fingerprint begins with.
const FINGERPRINT: &[u8] = b"loadcore fingerprint, version 1: ";
/// What the platform signs with follows from its key and this.
const SIGNING: &[u8] = b"loadcore signatures of a platform, version 1";
/// What is wrong with what no key opens.
pub(super) const OTHER_KEY: &str = "it was sealed with another key; give the platform the key that it had \
                         (LOADCORE_SECRET_KEY_PREVIOUS, or LOADCORE_SECRET_KEY or the key file in its data directory)";
/// The least that a key's text must have.
const MIN_TEXT: usize = 16;

/// A key of AES-256.
type Key = [u8; 32];

/// The platform's key: seals secrets at rest. Beside it may stand keys that it had before, which open what
/// they have sealed, and seal nothing.
#[derive(Clone)]
pub struct Secrets {
    key: Key,
    previous: Vec<Key>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// From a text such as `LOADCORE_SECRET_KEY`: at least 16 characters.
    ///
    /// # Errors
    /// When it is shorter.
    pub fn from_text(text: &str) -> Result<Self, String> {
        if text.chars().count() < MIN_TEXT {
            return Err(format!("a secret key needs at least {MIN_TEXT} characters"));
        }
        let mut key = Key::default();
        key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Ok(Self::of(key))
    }

    /// From a file that only its owner may read, which is made with a random key if it is not there.
    ///
    /// # Errors
    /// When the file cannot be read or made, or others may read it.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let tell = |what: &str, why: &dyn fmt::Display| {
            format!("the secret key's file {} {what}: {why}", path.display())
        };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                owner_only(path).map_err(|why| tell("may be read by others", &why))?;
                let key = BASE64.decode(text.trim()).ok().and_then(|key| key.try_into().ok());
                let key = key.ok_or_else(|| tell("is damaged", &"it holds no key of 32 bytes"))?;
                Ok(Self::of(key))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let made = Self::ephemeral();
                write_new(path, &BASE64.encode(made.key))
                    .map_err(|why| tell("cannot be made", &why))?;
                Ok(made)
            }
            Err(error) => Err(tell("cannot be read", &error)),
        }
    }

    fn of(key: Key) -> Self {
        Self { key, previous: Vec::new() }
    }

    /// The same key, beside others that the platform had before.
    #[must_use]
    pub fn after(mut self, previous: impl IntoIterator<Item = Self>) -> Self {
        let keys = previous.into_iter().flat_map(|it| [vec![it.key], it.previous].concat());
        for key in keys {
            if key != self.key && !self.previous.contains(&key) {
                self.previous.push(key);
            }
        }
        self
    }

    /// The keys that the platform had before, each alone: what follows from a key may follow from one of
    /// these as well.
    pub fn previous(&self) -> impl Iterator<Item = Self> {
        self.previous.iter().map(|key| Self::of(*key))
    }

    /// A short text, sealed.
    #[must_use]
    pub(in crate::cluster) fn seal_text(&self, clear: &[u8]) -> String {
        BASE64.encode(seal(&self.key, AT_REST, clear))
    }

    /// What [`Secrets::seal_text`] sealed.
    pub(in crate::cluster) fn open_text(&self, sealed: &str) -> Option<Vec<u8>> {
        self.open_bytes(&BASE64.decode(sealed).ok()?)
    }

    fn open_bytes(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let mut keys = std::iter::once(&self.key).chain(&self.previous);
        keys.find_map(|key| open(key, AT_REST, sealed.to_vec()))
    }

    /// Whether the platform's own key has sealed a text.
    fn has_sealed(&self, text: &str) -> bool {
        let sealed = BASE64.decode(text).ok();
        sealed.is_some_and(|sealed| open(&self.key, AT_REST, sealed).is_some())
    }

    /// A short text that a key of before has sealed, sealed with this one; `None` where this one has.
    ///
    /// # Errors
    /// When no key opens it.
    pub(in crate::cluster) fn reseal_text(&self, sealed: &str) -> Result<Option<String>, String> {
        if self.has_sealed(sealed) {
            return Ok(None);
        }
        let clear = self.open_text(sealed).ok_or_else(|| OTHER_KEY.to_owned())?;
        Ok(Some(self.seal_text(&clear)))
    }

    /// A document in which a key of before has sealed something, sealed with this one; `None` where this
    /// one has sealed all of it.
    ///
    /// # Errors
    /// When something in it is opened by no key.
    pub fn reseal(&self, document: &Value) -> Result<Option<Value>, String> {
        let mut is_own = true;
        each_secret(&mut document.clone(), |text| {
            is_own &= text.strip_prefix(SEALED).is_none_or(|sealed| self.has_sealed(sealed));
            None
        });
        if is_own {
            return Ok(None);
        }
        Ok(Some(self.seal(self.open(document)?)))
    }

    /// What tells texts apart without telling anything of them, as long as the key is the same.
    #[must_use]
    pub fn fingerprint(&self, text: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        BASE64.encode(hmac::sign(&key, &[FINGERPRINT, text].concat()))
    }

    /// Who signs for the platform: the same wherever the key is the same. As long as a key of before is
    /// given that is the one: workers believe whom they have believed, and obey in the runs that go on.
    #[must_use]
    pub fn signer(&self) -> Signer {
        let mut seed = Key::default();
        Salt::new(HKDF_SHA256, &[])
            .extract(self.previous.first().unwrap_or(&self.key))
            .expand(&[SIGNING], HKDF_SHA256)
            .and_then(|found| found.fill(&mut seed))
            .expect("as many bytes as the digest has");
        Signer::of(&seed)
    }

    /// Whether a fingerprint is that of a text, by this key or one of before.
    #[must_use]
    pub fn is_fingerprint(&self, fingerprint: &str, text: &[u8]) -> bool {
        let of = |it: &Self| it.fingerprint(text) == fingerprint;
        of(self) || self.previous().any(|it| of(&it))
    }

    /// A random key, for a platform that keeps nothing.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self::of(random_key())
    }

    /// The document of a scenario with its secrets sealed: for the store. What is sealed already
    /// stays as it is, and so does what is nothing but the name of a secret.
    #[must_use]
    pub fn seal(&self, mut document: Value) -> Value {
        each_secret(&mut document, |text| {
            (!text.starts_with(SEALED) && !is_named(text)).then(|| {
                let sealed = seal(&self.key, AT_REST, text.as_bytes());
                format!("{SEALED}{}", BASE64.encode(sealed))
            })
        });
        document
    }

    /// The document with its secrets in the clear: for making the run, never for showing.
    ///
    /// # Errors
    /// When they were sealed with another key.
    pub fn open(&self, document: &Value) -> Result<Value, String> {
        let mut document = document.clone();
        let mut failed = false;
        each_secret(&mut document, |text| {
            let opened = BASE64.decode(text.strip_prefix(SEALED)?).ok();
            let opened = opened.and_then(|sealed| self.open_bytes(&sealed));
            let opened = opened.and_then(|bytes| String::from_utf8(bytes).ok());
            failed |= opened.is_none();
            opened
        });
        if failed {
            return Err(OTHER_KEY.into());
        }
        Ok(document)
    }

    /// A sealed document as it may be shown: [`REDACTED`] in the place of each secret.
    #[must_use]
    pub fn redact(document: &Value) -> Value {
        let mut document = document.clone();
        each_secret(&mut document, |text| (!is_named(text)).then(|| REDACTED.into()));
        document
    }

    /// `new` with the secrets of `old` (sealed) wherever it says [`REDACTED`]: what a client sends
    /// back that has read a redacted document.
    #[must_use]
    pub fn restore(mut new: Value, old: &Value) -> Value {
        let mut kept = Vec::new();
        let mut known = old.clone();
        each_secret_named(&mut known, |name, text| {
            kept.push((name.to_owned(), text.to_owned()));
            None
        });
        each_secret_named(&mut new, |name, text| {
            let at = kept.iter().position(|(known, _)| known == name)?;
            // Of several values under one name each is given back once, in order.
            let (_, secret) = kept.remove(at);
            (text == REDACTED).then_some(secret)
        });
        new
    }
}

/// Shows each secret of a document to `change`, and puts what it answers in its place.
fn each_secret(document: &mut Value, mut change: impl FnMut(&str) -> Option<String>) {
    each_secret_named(document, |_, text| change(text));
}

fn each_secret_named(document: &mut Value, mut change: impl FnMut(&str, &str) -> Option<String>) {
    let Some(document) = document.as_object_mut() else { return };
    if let Some(Value::String(url)) = document.get_mut("targetUrl") {
        change_userinfo(url, |text| change("targetUrl", text));
    }
    if let Some(Value::String(url)) = document.get_mut("proxy") {
        change_userinfo(url, |text| change("proxy", text));
    }
    if let Some(Value::String(key)) =
        document.get_mut("clientCertificate").and_then(|identity| identity.get_mut("key"))
        && let Some(changed) = change("clientCertificate.key", key)
    {
        *key = changed;
    }
    each_secret_header(document, "", &mut change);
    // By the request's name: a mix that is sent back may have another order.
    for request in document.get_mut("mix").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(request) = request.as_object_mut() else { continue };
        let name = request.get("name").and_then(Value::as_str).unwrap_or_default();
        let of = format!("mix.{name}.");
        if let Some(Value::String(url)) = request.get_mut("url") {
            change_userinfo(url, |text| change(&format!("{of}url"), text));
        }
        each_secret_header(request, &of, &mut change);
    }
    for alert in document.get_mut("alerts").and_then(Value::as_array_mut).into_iter().flatten() {
        each_secret_of_alert(alert, &mut change);
    }
    if let Some(cookies) = document.get_mut("cookies").and_then(Value::as_object_mut) {
        change_values(cookies, |name| Some(format!("cookies.{name}")), &mut change);
    }
}

/// What a webhook's alerts are signed with, by its URL: nobody is given another one's. Of Slack the URL
/// itself, and nothing tells two of them apart but their order.
fn each_secret_of_alert(alert: &mut Value, change: &mut impl FnMut(&str, &str) -> Option<String>) {
    let is_slack = alert.get("type").is_some_and(|kind| kind == "slack");
    let url = alert.get("url").and_then(Value::as_str).unwrap_or_default();
    let (field, name) = match is_slack {
        true => ("url", "alerts.slack".to_owned()),
        false => ("secret", format!("alerts.webhook.{url}")),
    };
    if let Some(Value::String(text)) = alert.get_mut(field)
        && let Some(changed) = change(&name, text)
    {
        *text = changed;
    }
}

fn each_secret_header(
    request: &mut Map<String, Value>,
    of: &str,
    change: &mut impl FnMut(&str, &str) -> Option<String>,
) {
    if let Some(headers) = request.get_mut("headers").and_then(Value::as_object_mut) {
        let named = |name: &String| {
            is_secret_header(name).then(|| format!("{of}{}", name.to_ascii_lowercase()))
        };
        change_values(headers, named, change);
    }
}

/// Changes the values of those entries that `named` gives a name.
fn change_values(
    entries: &mut Map<String, Value>,
    named: impl Fn(&String) -> Option<String>,
    change: &mut impl FnMut(&str, &str) -> Option<String>,
) {
    for (name, value) in entries {
        let Some(name) = named(name) else { continue };
        let values = match value {
            Value::Array(values) => values.iter_mut().collect(),
            one => vec![one],
        };
        for value in values {
            if let Value::String(text) = value
                && let Some(changed) = change(&name, text)
            {
                *text = changed;
            }
        }
    }
}

/// `http://user:password@host/`: what stands between `//` and `@`.
fn change_userinfo(url: &mut String, change: impl FnOnce(&str) -> Option<String>) {
    let Some(start) = url.find("://").map(|at| at + 3) else { return };
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let Some(at) = url[start..end].rfind('@').map(|at| start + at) else { return };
    if let Some(changed) = change(&url[start..at]) {
        url.replace_range(start..at, &changed);
    }
}

/// A run's plan, sealed under a key that is made for it.
#[derive(Debug)]
pub struct SealedPlan {
    /// What may be carried anywhere.
    pub bytes: Vec<u8>,
    key: PlanKey,
}

/// The key of a run's plan.
#[derive(Clone, PartialEq, Eq)]
pub struct PlanKey(Key);

impl fmt::Debug for PlanKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlanKey")
    }
}

impl PlanKey {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(random_key())
    }

    /// As it is kept with its run: sealed under the platform's key.
    #[must_use]
    pub fn at_rest(&self, secrets: &Secrets) -> String {
        secrets.seal_text(&self.0)
    }

    /// From what was kept.
    #[must_use]
    pub fn from_rest(text: &str, secrets: &Secrets) -> Option<Self> {
        Some(Self(secrets.open_text(text)?.try_into().ok()?))
    }
}

impl SealedPlan {
    /// Seals a plan.
    #[must_use]
    pub fn new(plan: &[u8], key: PlanKey) -> Self {
        Self { bytes: seal(&key.0, PLAN, plan), key }
    }

    /// Its key, sealed to a worker's public key (base64).
    ///
    /// # Errors
    /// When that is no key.
    pub fn key_for(&self, public_key: &str) -> Result<String, String> {
        let bad = || format!("the worker's public key {public_key:?} is none");
        let public = HpkePublicKey(BASE64.decode(public_key).map_err(|_| bad())?);
        let (EncapsulatedSecret(encapsulated), sealed) =
            SUITE.seal(PLAN_KEY, &[], &self.key.0, &public).map_err(|_| bad())?;
        Ok(format!("{}.{}", BASE64.encode(encapsulated), BASE64.encode(sealed)))
    }
}

/// A worker's pair of keys: made at its start, kept nowhere.
pub struct WorkerKeys {
    public: HpkePublicKey,
    private: HpkePrivateKey,
}

impl fmt::Debug for WorkerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorkerKeys")
    }
}

impl WorkerKeys {
    /// A new pair.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self, String> {
        let (public, private) = SUITE.generate_key_pair().map_err(|error| error.to_string())?;
        Ok(Self { public, private })
    }

    /// The public one, in base64.
    #[must_use]
    pub fn public(&self) -> String {
        BASE64.encode(&self.public.0)
    }

    /// Opens a plan with the key that was sealed to this worker.
    ///
    /// # Errors
    /// When key or plan are damaged, or were sealed to somebody else.
    pub fn open(&self, key: &str, plan: &[u8]) -> Result<Vec<u8>, String> {
        let opened = || {
            let (encapsulated, sealed) = key.split_once('.')?;
            let encapsulated = EncapsulatedSecret(BASE64.decode(encapsulated).ok()?);
            let sealed = BASE64.decode(sealed).ok()?;
            let key = SUITE.open(&encapsulated, PLAN_KEY, &[], &sealed, &self.private).ok()?;
            open(&key.try_into().ok()?, PLAN, plan.to_vec())
        };
        opened().ok_or_else(|| "the run's plan was not sealed to this worker, or is damaged".into())
    }
}

fn random_key() -> Key {
    let mut key = Key::default();
    // The system's generator fails only before it was ever seeded, at boot.
    aws_lc_rs::rand::fill(&mut key).expect("the system's randomness");
    key
}

fn seal(key: &Key, what: &[u8], clear: &[u8]) -> Vec<u8> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).expect("a key of 32 bytes");
    let mut sealed = clear.to_vec();
    let nonce = key
        .seal_in_place_append_tag(Aad::from(what), &mut sealed)
        .expect("less than the 64 GiB that AES-GCM takes");
    [nonce.as_ref().as_slice(), &sealed].concat()
}

fn open(key: &Key, what: &[u8], sealed: Vec<u8>) -> Option<Vec<u8>> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?;
    let (nonce, rest) = sealed.split_first_chunk::<12>()?;
    let mut rest = rest.to_vec();
    let clear = key.open_in_place(nonce.into(), Aad::from(what), &mut rest).ok()?;
    Some(clear.to_vec())
}

#[cfg(unix)]
fn owner_only(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map_err(|error| error.to_string())?.permissions().mode();
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(format!("its mode is {:o}; make it 600", mode & 0o777)),
    }
}

#[cfg(not(unix))]
fn owner_only(_: &Path) -> Result<(), String> {
    Ok(())
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "name": "a", "targetUrl": "http://me:pass-of-mine@host.test/x?a=b@c",
            "headers": {"Authorization": "Bearer t", "X-Api-Key": ["first-of-two-keys", "second-of-two-keys"], "Accept": "*/*"},
            "cookies": {"id": "cookie-of-mine", "Id": ["cookie-of-two", "cookie-too"]},
            "proxy": "http://u:pass-of-proxy@proxy.test:3128",
            "clientCertificate": {"certificate": "shown", "key": "a-private-key"},
        })
    }

    #[test]
    fn what_is_sealed_can_be_opened_with_the_same_key_alone() {
        let secrets = Secrets::from_text("0123456789abcdef").unwrap();
        let sealed = secrets.seal(document());
        let text = sealed.to_string();
        for secret in [
            "Bearer t",
            "first-of-two-keys",
            "second-of-two-keys",
            "pass-of-mine",
            "cookie-of-mine",
            "cookie-of-two",
            "cookie-too",
            "pass-of-proxy",
            "a-private-key",
        ] {
            assert!(!text.contains(secret), "{secret} stands in {text}");
        }
        assert!(text.contains("*/*") && text.contains("host.test/x?a=b@c"));
        assert_eq!(secrets.open(&sealed).unwrap(), document());
        assert_eq!(secrets.open(&secrets.seal(sealed.clone())).unwrap(), document());
        assert!(Secrets::ephemeral().open(&sealed).unwrap_err().contains("another key"));
        assert!(Secrets::from_text("short").unwrap_err().contains("at least 16"));
    }

    #[test]
    fn who_changes_a_webhook_does_not_get_the_secret_of_the_one_before() {
        let hook =
            |url: &str, secret: &str| json!({"type": "webhook", "url": url, "secret": secret});
        let slack = |url: &str| json!({"type": "slack", "url": url});
        let secrets = Secrets::ephemeral();
        let given = json!({"alerts": [
            hook("http://a/", "of a"), hook("http://b/", "of b"), slack("https://s/1"),
        ]});
        let sealed = secrets.seal(given.clone());
        for hidden in ["of a", "of b", "https://s/1"] {
            assert!(!sealed.to_string().contains(hidden), "{sealed}");
        }
        assert_eq!(secrets.open(&sealed).unwrap(), given);
        let shown = Secrets::redact(&sealed);
        assert_eq!(
            shown["alerts"],
            json!([hook("http://a/", REDACTED), hook("http://b/", REDACTED), slack(REDACTED),])
        );
        let changed = json!({"alerts": [
            slack(REDACTED), hook("http://b/", REDACTED), hook("http://evil/", REDACTED),
        ]});
        let restored = secrets.open(&secrets.seal(Secrets::restore(changed, &sealed))).unwrap();
        assert_eq!(
            restored["alerts"],
            json!([
                slack("https://s/1"),
                hook("http://b/", "of b"),
                hook("http://evil/", REDACTED),
            ])
        );
    }

    #[test]
    fn a_key_of_before_opens_what_is_then_sealed_with_the_new_one() {
        let (old, older, new) = (Secrets::ephemeral(), Secrets::ephemeral(), Secrets::ephemeral());
        let both = new.clone().after([old.clone().after([older.clone()]), older.clone()]);
        assert_eq!(both.previous().count(), 2);
        for before in [&old, &older] {
            let (sealed, text) = (before.seal(document()), before.seal_text(b"short"));
            assert!(new.open(&sealed).is_err() && new.reseal(&sealed).is_err());
            assert!(new.reseal_text(&text).is_err());
            assert_eq!(both.open(&sealed).unwrap(), document());
            let again = both.reseal(&sealed).unwrap().expect("it was sealed with another");
            assert_eq!(new.open(&again).unwrap(), document());
            assert_eq!(both.reseal(&again), Ok(None));
            let text = both.reseal_text(&text).unwrap().expect("it was sealed with another");
            assert_eq!(new.open_text(&text).unwrap(), b"short");
            assert_eq!(both.reseal_text(&text), Ok(None));
            assert!(both.is_fingerprint(&before.fingerprint(b"a"), b"a"));
            assert!(!both.is_fingerprint(&before.fingerprint(b"a"), b"b"));
        }
        // In one document several keys may have sealed something.
        let mut mixed = old.seal(document());
        mixed["headers"] = new.seal(document())["headers"].clone();
        let again = both.reseal(&mixed).unwrap().unwrap();
        assert_eq!(new.open(&again).unwrap(), document());
    }

    #[test]
    fn a_secrets_name_is_kept_in_the_clear() {
        let secrets = Secrets::ephemeral();
        let headers =
            json!({"Authorization": "Bearer ${secret:T}", "Cookie": "a=b; c=${secret:T}"});
        let sealed = secrets.seal(json!({"headers": headers}));
        assert_eq!(sealed["headers"]["Authorization"], "Bearer ${secret:T}");
        assert_eq!(secrets.open(&sealed).unwrap()["headers"], headers);
        let shown = Secrets::redact(&sealed);
        assert_eq!(shown["headers"]["Authorization"], "Bearer ${secret:T}");
        assert_eq!(shown["headers"]["Cookie"], REDACTED);
    }

    #[test]
    fn a_fingerprint_tells_texts_apart_and_needs_the_key() {
        let secrets = Secrets::from_text("0123456789abcdef").unwrap();
        let again = Secrets::from_text("0123456789abcdef").unwrap();
        assert_eq!(secrets.fingerprint(b"a"), again.fingerprint(b"a"));
        assert_ne!(secrets.fingerprint(b"a"), secrets.fingerprint(b"b"));
        assert_ne!(secrets.fingerprint(b"a"), Secrets::ephemeral().fingerprint(b"a"));
    }

    #[test]
    fn a_platform_signs_with_one_key_wherever_its_secret_is_the_same() {
        let key = |text| Secrets::from_text(text).unwrap().signer().key();
        assert_eq!(key("0123456789abcdef"), key("0123456789abcdef"));
        assert_ne!(key("0123456789abcdef"), key("0123456789abcdeg"));
        // Workers are given it: it must not change with a version.
        assert_eq!(
            key("0123456789abcdef").to_string(),
            "W16t-DGndQRx6Db8k1JoBD55DqKdT6KcM-sqIxpT-iM"
        );
    }

    #[test]
    fn what_was_redacted_comes_back_as_it_was_kept() {
        let secrets = Secrets::ephemeral();
        let sealed = secrets.seal(document());
        let mut shown = Secrets::redact(&sealed);
        assert_eq!(shown["headers"]["Authorization"], REDACTED);
        assert_eq!(shown["targetUrl"], format!("http://{REDACTED}@host.test/x?a=b@c"));
        assert_eq!(shown["cookies"], json!({"id": REDACTED, "Id": [REDACTED, REDACTED]}));
        assert_eq!(shown["proxy"], format!("http://{REDACTED}@proxy.test:3128"));
        assert_eq!(shown["clientCertificate"], json!({"certificate": "shown", "key": REDACTED}));
        shown["headers"]["Authorization"] = "Bearer new".into();
        shown["cookies"]["id"] = "new".into();
        let restored = secrets.open(&Secrets::restore(shown, &sealed)).unwrap();
        let mut wanted = document();
        wanted["headers"]["Authorization"] = "Bearer new".into();
        wanted["cookies"]["id"] = "new".into();
        assert_eq!(restored, wanted);
    }

    #[test]
    fn a_platform_signs_as_before_as_long_as_its_key_of_before_is_given() {
        let key = |text| Secrets::from_text(text).unwrap();
        let (old, new) = (key("0123456789abcdef"), key("another key of it"));
        let both = new.clone().after(vec![old.clone()]);
        assert_eq!(both.signer().key(), old.signer().key());
        assert_ne!(new.signer().key(), old.signer().key());
    }

    #[test]
    fn a_plan_is_for_admitted_workers() {
        let (ours, other) = (WorkerKeys::generate().unwrap(), WorkerKeys::generate().unwrap());
        let plan = SealedPlan::new(b"the plan", PlanKey::random());
        let key = plan.key_for(&ours.public()).unwrap();
        assert_eq!(ours.open(&key, &plan.bytes).unwrap(), b"the plan");
        assert!(other.open(&key, &plan.bytes).is_err());
        assert!(ours.open("a.b", &plan.bytes).is_err() && ours.open(&key, b"short").is_err());
        assert!(!plan.bytes.windows(4).any(|bytes| bytes == b"plan"));
        assert!(plan.key_for("no key").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_is_made_once_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("loadcore-key-{}", uuid::Uuid::now_v7()));
        let sealed = Secrets::from_file(&path).unwrap().seal(document());
        assert_eq!(Secrets::from_file(&path).unwrap().open(&sealed).unwrap(), document());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Secrets::from_file(&path).unwrap_err().contains("644"));
        std::fs::remove_file(&path).unwrap();
    }
}
