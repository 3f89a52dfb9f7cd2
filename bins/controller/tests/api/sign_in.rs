//! Makes tokens as a sign-in does, and others that are almost like them; and publishes keys.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use loadcore::request::Url;
use loadcore_controller::access::{Access, KeySet, Verifier};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub const SECRET: &str = "a secret of the tests, which is long enough";
pub const ISSUER: &str = "https://project.test/auth/v1";

pub fn now() -> u64 {
    loadcore::time::unix_millis() / 1_000
}

/// What a user's token says, with some of it changed; null takes a claim away.
pub fn claims(user: &str, change: Value) -> Value {
    let now = now();
    let mut claims = json!({
        "iss": ISSUER, "sub": user, "aud": "authenticated", "role": "authenticated",
        "iat": now - 10, "exp": now + 3_600, "email": "user@example.com",
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {"role": "admin"}, "session_id": "1", "is_anonymous": false,
    });
    merge(&mut claims, change);
    claims
}

pub fn merge(into: &mut Value, change: Value) {
    let (Value::Object(into), Value::Object(change)) = (into, change) else { panic!("objects") };
    for (name, value) in change {
        match value {
            Value::Null => drop(into.remove(&name)),
            value => drop(into.insert(name, value)),
        }
    }
}

/// A token of these two parts, signed by `sign`.
pub fn token(head: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message =
        format!("{}.{}", BASE64.encode(head.to_string()), BASE64.encode(claims.to_string()));
    let signature = BASE64.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

pub fn by_secret(secret: &[u8]) -> impl FnOnce(&[u8]) -> Vec<u8> {
    move |message| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
}

/// A token of a user, signed with the secret.
pub fn of_user(user: &str) -> String {
    signed(&claims(user, json!({})))
}

pub fn of_admin(user: &str) -> String {
    signed(&claims(user, json!({"app_metadata": {"role": "admin"}})))
}

pub fn signed(claims: &Value) -> String {
    token(&json!({"alg": "HS256", "typ": "JWT"}), claims, by_secret(SECRET.as_bytes()))
}

/// Lets those in whose tokens were signed with the secret.
pub fn access() -> Access {
    let verifier = Verifier::new(Some(SECRET), None, Some(ISSUER.into())).expect("a verifier");
    Access::verified(verifier, true)
}

/// The same, and those of keys that are published.
pub fn access_with(keys: &Published) -> Access {
    let set = KeySet::at(Url::parse(&keys.url).expect("a URL"));
    let verifier = Verifier::new(Some(SECRET), Some(set), Some(ISSUER.into()));
    Access::verified(verifier.expect("a verifier"), true)
}

/// Keys of the kinds that a sign-in has, and of others.
pub struct Signers {
    pub ec: EcdsaKeyPair,
    pub rsa: RsaKeyPair,
    pub ed: Ed25519KeyPair,
}

impl Signers {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let ed = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
        let ed = Ed25519KeyPair::from_pkcs8(ed.as_ref()).expect("a key");
        let rsa = rsa::KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der: Pkcs8V1Der<'static> = rsa.as_der().expect("a key");
        let rsa = RsaKeyPair::from_pkcs8(der.as_ref()).expect("a key");
        Self { ec, rsa, ed }
    }

    pub fn ec(&self) -> impl FnOnce(&[u8]) -> Vec<u8> {
        |message| self.ec.sign(&SystemRandom::new(), message).expect("signed").as_ref().to_vec()
    }

    pub fn rsa(&self) -> impl FnOnce(&[u8]) -> Vec<u8> {
        |message| {
            let mut signature = vec![0; self.rsa.public_modulus_len()];
            let random = SystemRandom::new();
            self.rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("signed");
            signature
        }
    }

    pub fn ed(&self) -> impl FnOnce(&[u8]) -> Vec<u8> {
        |message| self.ed.sign(message).as_ref().to_vec()
    }

    /// As they are published: `ec` and `rsa`, and others that verify nothing here.
    pub fn set(&self) -> Value {
        let public = self.ec.public_key().as_ref();
        let (x, y) = (BASE64.encode(&public[1..33]), BASE64.encode(&public[33..]));
        let rsa = self.rsa.public_key();
        let n = BASE64.encode(rsa.modulus().big_endian_without_leading_zero());
        let e = BASE64.encode(rsa.exponent().big_endian_without_leading_zero());
        json!({"keys": [
            {"kid": "ec", "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "x": x, "y": y},
            {"kid": "rsa", "kty": "RSA", "alg": "RS256", "use": "sig", "n": n, "e": e},
            {"kid": "for-encryption", "kty": "EC", "crv": "P-256", "use": "enc", "x": x, "y": y},
            {"kid": "secret", "kty": "oct", "alg": "HS256", "k": BASE64.encode("published by mistake, 32 bytes long")},
            {"kid": "ed", "kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(self.ed.public_key().as_ref())},
        ]})
    }
}

/// A server that publishes keys.
pub struct Published {
    pub url: String,
    /// How often it was asked.
    pub asked: Arc<AtomicUsize>,
}

impl Published {
    pub async fn new(set: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
        let asked = Arc::new(AtomicUsize::new(0));
        let (counted, body) = (asked.clone(), set.to_string());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 2_048];
                let _ = stream.read(&mut request).await;
                let length = body.len();
                let reply = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(reply.as_bytes()).await;
            }
        });
        Self { url, asked }
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}
