//! Throws broken and random bytes at what reads who asks: headers, tokens, claims, and the keys that a
//! sign-in publishes.

use super::claims::Claims;
use super::*;
use crate::fuzz::{inputs, pieces};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::http::HeaderName;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bolero::check;
use futures_util::FutureExt;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

const HEAD: &str = "{\"alg\": \"HS256\", \"typ\": \"JWT\"}";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Knows the secret, and a key that is published.
static SIGN_IN: LazyLock<SignIn> = LazyLock::new(SignIn::new);

struct SignIn {
    verifier: Verifier,
    /// A good token of each kind.
    real: [String; 2],
}

impl SignIn {
    fn new() -> Self {
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        // One byte that says how the point is written, then both coordinates.
        let (x, y) = ec.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (BASE64.encode(x), BASE64.encode(y));
        let set = json!({"keys": [{"kid": "k", "kty": "EC", "crv": "P-256", "x": x, "y": y}]});
        let keys = KeySet::known_as(keys::keys(set.to_string().as_bytes()).expect("a key set"));
        let claims = json!({
            "sub": "ann", "aud": "authenticated", "role": "authenticated", "exp": 1e11,
        });
        let by_secret = signed(HEAD.as_bytes(), claims.to_string().as_bytes());
        let head = json!({"alg": "ES256", "kid": "k"});
        let message = message(head.to_string().as_bytes(), claims.to_string().as_bytes());
        let signature = ec.sign(&SystemRandom::new(), message.as_bytes()).expect("a signature");
        let by_key = format!("{message}.{}", BASE64.encode(signature));
        let verifier = Verifier::new(Some(SECRET), Some(keys), None).expect("a long secret");
        Self { verifier, real: [by_secret, by_key] }
    }

    /// What is said of a token, where nothing has to be waited for.
    fn verified(&self, token: &str) -> Result<Claims, Refusal> {
        let verified = self.verifier.verify(token).now_or_never();
        verified.expect("there is nobody to wait for")
    }
}

fn message(head: &[u8], claims: &[u8]) -> String {
    format!("{}.{}", BASE64.encode(head), BASE64.encode(claims))
}

/// A token whose signature holds, whatever it says.
fn signed(head: &[u8], claims: &[u8]) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let message = message(head, claims);
    let signature = BASE64.encode(aws_lc_rs::hmac::sign(&key, message.as_bytes()));
    format!("{message}.{signature}")
}

#[test]
fn bearer_lines() {
    let schemes = bolero::produce::<(Vec<u8>, bool, u8)>();
    let pieces = pieces(&[
        "Bearer ", "bearer", " ", "\t", ",", "loadcore", "bearer.", "a.b.c", ".", "", "\u{e9}",
        "lc_", "=", "x",
    ]);
    check!().with_iterations(inputs(1)).with_generator(schemes).for_each(
        |(choices, raw, lines)| {
            let text = if *raw { choices.clone() } else { pieces(choices) };
            let Ok(value) = HeaderValue::from_bytes(&text) else { return };
            for name in [header::AUTHORIZATION, header::SEC_WEBSOCKET_PROTOCOL] {
                let mut headers = HeaderMap::new();
                for _ in 0..=lines % 3 {
                    headers.append(&name, value.clone());
                }
                let told = token(&headers);
                if name == header::AUTHORIZATION {
                    let is_one = told.as_ref().is_ok_and(Option::is_some);
                    assert!(
                        is_one || told.is_err(),
                        "such a line is a token or a fault: {value:?}"
                    );
                    assert!(told.is_err() || headers.len() == 1, "two lines are none: {value:?}");
                }
                if let Ok(Some(token)) = told {
                    let shown = value.to_str().expect("what is no text is no token");
                    assert!(shown.contains(&token), "{token:?} of {shown:?}");
                }
            }
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(USER_HEADER), value.clone());
            if let Ok(caller) = named(&headers) {
                assert!(
                    is_user(caller.owner.as_str())
                        && value.as_bytes() == caller.owner.as_str().as_bytes()
                );
            }
        },
    );
}

#[test]
fn broken_tokens() {
    for real in &SIGN_IN.real {
        assert!(SIGN_IN.verified(real).is_ok(), "{real}");
    }
    let edits = bolero::produce::<(bool, Vec<(u16, u8)>, Option<u16>, Vec<u8>)>();
    check!().with_iterations(inputs(1)).with_generator(edits).for_each(
        |(which, edits, keep, appended)| {
            let real = &SIGN_IN.real[usize::from(*which)];
            let mut bytes = real.clone().into_bytes();
            for (at, value) in edits {
                let at = usize::from(*at) % bytes.len();
                bytes[at] ^= value;
            }
            if let Some(keep) = keep {
                bytes.truncate(usize::from(*keep) % bytes.len());
                bytes.extend(appended);
            }
            let token = String::from_utf8_lossy(&bytes);
            let is_real = token == *real;
            assert_eq!(
                SIGN_IN.verified(&token).is_ok(),
                is_real,
                "only what was signed holds: {token}"
            );
        },
    );
}

/// What is signed may still be nonsense: whoever signs it may make mistakes.
#[test]
fn signed_claims() {
    let (names, values) = (claim_names(), claim_values());
    let choices = bolero::produce::<(Vec<(u8, u8)>, Vec<u8>, u8)>();
    check!().with_iterations(inputs(2)).with_generator(choices).for_each(|(choices, raw, how)| {
        let mut claims = json!({
            "sub": "ann", "aud": "authenticated", "role": "authenticated", "exp": 1e11,
        });
        for (name, value) in choices {
            let name = names[usize::from(*name) % names.len()];
            claims[name] = values[usize::from(*value) % values.len()].clone();
        }
        let token = match how % 8 {
            0 => signed(HEAD.as_bytes(), raw),
            1 => signed(raw, claims.to_string().as_bytes()),
            _ => signed(HEAD.as_bytes(), claims.to_string().as_bytes()),
        };
        match SIGN_IN.verified(&token) {
            Ok(said) => {
                assert!(is_user(&said.sub) && said.sub == claims["sub"], "{claims}");
                assert_eq!(claims["role"], "authenticated");
                let admin = &claims["app_metadata"];
                let listed =
                    admin["roles"].as_array().is_some_and(|all| all.contains(&json!("admin")));
                assert_eq!(said.is_admin(), admin["role"] == "admin" || listed, "{claims}");
            }
            Err(Refusal::Invalid(why)) => assert!(!why.is_empty()),
            Err(Refusal::Unavailable(why)) => panic!("nothing is to be fetched: {why}"),
        }
    });
}

fn claim_names() -> Vec<&'static str> {
    "sub aud role exp nbf iat iss app_metadata user_metadata nonsense".split(' ').collect()
}

fn claim_values() -> Vec<Value> {
    let numbers = [0.0, -1.0, 1e9, 1e10, 1e11, 1e300, 0.5].map(Value::from);
    let texts =
        ["", "ann", "authenticated", "anon", "admin", "a b", "\u{e9}", "\u{0}"].map(Value::from);
    let others = [
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(["authenticated"]),
        json!(["authenticated", 5]),
        json!("x".repeat(129)),
        json!({"role": "admin"}),
        json!({"roles": ["x", "admin"]}),
        json!({"roles": "admin", "role": ["admin"]}),
    ];
    numbers.into_iter().chain(texts).chain(others).collect()
}

#[test]
fn api_tokens() {
    let real = format!("lc_{}.an-id.{}", BASE64.encode("ann"), BASE64.encode([7; 32]));
    let edits = bolero::produce::<(Vec<(u8, u8)>, Vec<u8>, bool)>();
    check!().with_iterations(inputs(1)).with_generator(edits).for_each(|(edits, appended, raw)| {
        let mut bytes = if *raw { b"lc_".to_vec() } else { real.clone().into_bytes() };
        bytes.extend(appended);
        for (at, value) in edits {
            let at = usize::from(*at) % bytes.len();
            bytes[at] ^= value;
        }
        let token = String::from_utf8_lossy(&bytes);
        if let Some((owner, id, secret)) = tokens::parts(&token) {
            assert!(is_user(owner.as_str()) && is_user(id), "{token}");
            let again = format!("lc_{}.{id}.{secret}", BASE64.encode(owner.as_str()));
            assert_eq!(again, token, "it is one that could have been made");
        }
    });
}

#[test]
fn key_sets() {
    let (names, values) = (key_names(), key_values());
    let choices = bolero::produce::<Vec<(u8, u8, bool)>>();
    check!().with_iterations(inputs(4)).with_generator(choices).for_each(|choices| {
        let (mut set, mut key) = (Vec::new(), Map::new());
        for (name, value, is_whole) in choices {
            let name = names[usize::from(*name) % names.len()];
            key.insert(name.into(), values[usize::from(*value) % values.len()].clone());
            if *is_whole {
                set.push(Value::from(std::mem::take(&mut key)));
            }
        }
        let named: Vec<_> = set.iter().map(|key| key["kid"].clone()).collect();
        let keys = keys::keys(json!({"keys": set}).to_string().as_bytes());
        let keys = keys.expect("other keys may be there too");
        for (kid, algorithm) in keys.keys() {
            assert!(named.contains(&json!(kid)) && ["ES256", "RS256"].contains(algorithm));
        }
    });
    check!().with_iterations(inputs(4)).for_each(|input: &[u8]| {
        if let Ok(keys) = keys::keys(input) {
            assert!(keys.len() <= 100);
        }
    });
}

fn key_names() -> Vec<&'static str> {
    "kty crv x y n e k kid alg use key_ops x5c d nonsense".split(' ').collect()
}

fn key_values() -> Vec<Value> {
    let texts = "EC RSA oct OKP P-256 P-384 Ed25519 AA AQAB ES256 RS256 HS256 RS512 none sig enc verify a b \
                 %%% f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    let texts = texts.split(' ').map(Value::from);
    let others = [
        json!(null),
        json!(5),
        json!(""),
        json!([]),
        json!(["verify"]),
        json!({}),
        json!("\u{e9}"),
    ];
    texts.chain(others).collect()
}
