//! Turns the token of a sign-in (a JWT as Supabase makes it) into the claims of its bearer, or says why
//! it is not accepted.
//!
//! Which key a token is held against follows from its algorithm, and never from what else it says of
//! itself: HS256 goes with the shared secret alone, ES256 and RS256 with the project's published keys
//! alone. So a public key is never taken for a secret.

use super::claims::{AUTHENTICATED, Claims};
use super::keys::KeySet;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use loadcore::time::unix_millis;
use serde::Deserialize;
use std::fmt;

/// The fewest bytes of a secret: those of the hash that it goes into (RFC 7518, section 3.2).
pub const MIN_SECRET: usize = 32;
/// The longest token that is read. Those of a sign-in have some 1,000 characters.
const MAX_TOKEN: usize = 8 * 1024;
/// The longest name of a key.
const MAX_KEY_ID: usize = 256;

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It never will be.
    Invalid(String),
    /// The keys that it would be held against are not there now.
    Unavailable(String),
}

/// Knows the tokens of a sign-in.
pub struct Verifier {
    secret: Option<DecodingKey>,
    keys: Option<KeySet>,
    issuer: Option<String>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// What counts of a token's head.
#[derive(Deserialize)]
struct Head {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    /// What the reader has to understand: there is nothing of that kind that we do.
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

impl Verifier {
    /// By a secret that was agreed on, by keys that are published, or by both; with an issuer, where one
    /// is known.
    ///
    /// # Errors
    /// When the secret is too short, or there is neither.
    pub fn new(
        secret: Option<&str>,
        keys: Option<KeySet>,
        issuer: Option<String>,
    ) -> Result<Self, String> {
        if let Some(short) = secret.filter(|secret| secret.len() < MIN_SECRET) {
            let has = short.len();
            return Err(format!("the secret has {has} bytes; it needs at least {MIN_SECRET}"));
        }
        if secret.is_none() && keys.is_none() {
            return Err("there is neither a secret nor a set of keys".into());
        }
        let secret = secret.map(|secret| DecodingKey::from_secret(secret.as_bytes()));
        Ok(Self { secret, keys, issuer })
    }

    /// What a token says of its bearer.
    ///
    /// # Errors
    /// When it is not accepted.
    pub(super) async fn verify(&self, token: &str) -> Result<Claims, Refusal> {
        let head = head(token).map_err(invalid)?;
        let (algorithm, key) = match head.alg.as_str() {
            "HS256" => (Algorithm::HS256, self.secret.clone()),
            "ES256" => (Algorithm::ES256, self.published("ES256", head.kid).await?),
            "RS256" => (Algorithm::RS256, self.published("RS256", head.kid).await?),
            other => {
                let shown: String = other.chars().take(16).collect();
                return Err(invalid(&format!(
                    "its algorithm is {shown:?}; HS256, ES256 and RS256 are known"
                )));
            }
        };
        let key = key.ok_or_else(|| invalid("there is no key here for its algorithm"))?;
        let decoded = decode::<Claims>(token, &key, &self.rules(algorithm));
        let claims = decoded.map_err(|error| invalid(&told(error.kind())))?.claims;
        match claims.fault(unix_millis() as f64 / 1e3) {
            None => Ok(claims),
            Some(why) => Err(invalid(why)),
        }
    }

    async fn published(
        &self,
        algorithm: &'static str,
        kid: Option<String>,
    ) -> Result<Option<DecodingKey>, Refusal> {
        let Some(keys) = &self.keys else { return Ok(None) };
        let kid = kid.ok_or_else(|| invalid("it does not name its key (`kid`)"))?;
        if kid.len() > MAX_KEY_ID {
            return Err(invalid("the name of its key is longer than 256 bytes"));
        }
        match keys.find(&kid, algorithm).await {
            Ok(Some(key)) => Ok(Some(key)),
            Ok(None) => Err(invalid("its key is not one of those that are published")),
            Err(why) => Err(Refusal::Unavailable(why)),
        }
    }

    fn rules(&self, algorithm: Algorithm) -> Validation {
        let mut rules = Validation::new(algorithm);
        rules.leeway = 0;
        rules.validate_nbf = true;
        rules.set_audience(&[AUTHENTICATED]);
        rules.set_required_spec_claims(&["exp", "sub", "aud"]);
        if let Some(issuer) = &self.issuer {
            rules.set_issuer(&[issuer]);
            rules.required_spec_claims.insert("iss".into());
        }
        rules
    }
}

fn invalid(why: &str) -> Refusal {
    Refusal::Invalid(why.to_owned())
}

/// The head of a token of three parts.
fn head(token: &str) -> Result<Head, &'static str> {
    if token.len() > MAX_TOKEN {
        return Err("it is longer than 8 KiB");
    }
    if token.split('.').count() != 3 {
        return Err("it is no JWT: that has three parts with dots between them");
    }
    let first = token.split('.').next().unwrap_or_default();
    let text = URL_SAFE_NO_PAD.decode(first).map_err(|_| "its head is no base64url")?;
    let head: Head = serde_json::from_slice(&text).map_err(|_| "its head is no JSON of a JWT")?;
    if head.crit.is_some() {
        return Err("it asks for what is not known here (`crit`)");
    }
    if head.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return Err("its type is not JWT");
    }
    Ok(head)
}

/// Why the library does not take a token, in our words.
fn told(error: &ErrorKind) -> String {
    match error {
        ErrorKind::InvalidSignature => "its signature does not hold".into(),
        ErrorKind::ExpiredSignature => "it has expired".into(),
        ErrorKind::ImmatureSignature => "it is not valid yet (`nbf`)".into(),
        ErrorKind::InvalidAudience => "its audience is not `authenticated`".into(),
        ErrorKind::InvalidIssuer => "it comes from another issuer".into(),
        ErrorKind::MissingRequiredClaim(name) => {
            format!("it lacks `{name}`, or that has a wrong type")
        }
        ErrorKind::InvalidClaimFormat(name) => format!("`{name}` has a wrong type"),
        ErrorKind::Json(_) => "what it says has not the types that it must have".into(),
        _ => "it is damaged, or of a key of another kind".into(),
    }
}
