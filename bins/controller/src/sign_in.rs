//! Turns what is said of the sign-in, a Supabase project, into a verifier of its tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use loadcore::request::Url;
use loadcore_controller::about::SignInPlace;
use loadcore_controller::access::{KeySet, Verifier};
use serde_json::Value;

/// The environment variable of the secret. No option has it: others see a command line.
pub const SECRET: &str = "LOADCORE_SUPABASE_JWT_SECRET";
/// Where a project's sign-in is, and what its tokens name as their issuer.
const AUTH: &str = "/auth/v1";
/// Where its keys are, below that.
const KEYS: &str = "/.well-known/jwks.json";

/// The option of the key that pages are given.
const PUBLISHABLE: &str = "--supabase-publishable-key";
/// Bytes of that key.
const MAX_PUBLISHABLE: usize = 2_048;

/// Of which project users are.
#[derive(Clone)]
pub struct SignIn {
    url: Option<String>,
    secret: Option<String>,
    publishable_key: Option<String>,
}

impl SignIn {
    /// By the project's address, its secret, or both; `None` where neither is said. With the address and the
    /// key for browsers a page can offer to sign in.
    ///
    /// # Errors
    /// When one is wrong, by its name.
    pub fn of(
        url: Option<String>,
        secret: Option<String>,
        publishable_key: Option<String>,
    ) -> Result<Option<Self>, String> {
        let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let publishable_key = said(publishable_key).map(|key| public(key.trim())).transpose()?;
        let sign_in = Self { url: said(url), secret: said(secret), publishable_key };
        if sign_in.url.is_none() && sign_in.publishable_key.is_some() {
            return Err(format!(
                "{PUBLISHABLE} stands without its project: give --supabase-url URL"
            ));
        }
        if sign_in.url.is_none() && sign_in.secret.is_none() {
            return Ok(None);
        }
        sign_in.verifier()?;
        Ok(Some(sign_in))
    }

    /// The verifier of its tokens.
    ///
    /// # Errors
    /// When address or secret are wrong.
    pub fn verifier(&self) -> Result<Verifier, String> {
        let issuer = self.url.as_deref().map(issuer).transpose()?;
        let keys = issuer.as_ref().map(|issuer| keys(issuer)).transpose()?;
        Verifier::new(self.secret.as_deref(), keys.map(KeySet::at), issuer)
            .map_err(|error| format!("{SECRET}: {error}"))
    }

    /// Where users sign in.
    pub fn place(&self) -> SignInPlace {
        let url = self.url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
        match self.publishable_key.clone() {
            Some(key) => SignInPlace { url, publishable_key: Some(key) },
            None => SignInPlace::default(),
        }
    }

    /// Whether keys come over a connection that anybody on the way could change.
    pub fn is_plain(&self) -> bool {
        self.url.as_deref().is_some_and(|url| url.starts_with("http://"))
    }
}

/// A key that every page may have: Supabase's secret ones open all of a project's data.
fn public(key: &str) -> Result<String, String> {
    let role =
        key.split('.').nth(1).and_then(|part| BASE64.decode(part.trim_end_matches('=')).ok());
    let role = role.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    let is_secret = key.starts_with("sb_secret_")
        || role.is_some_and(|claims| claims["role"].as_str().is_some_and(|role| role != "anon"));
    if is_secret {
        return Err(format!(
            "{PUBLISHABLE}: it is a secret key, and this one is shown to everybody: give the publishable or `anon` key"
        ));
    }
    if key.len() > MAX_PUBLISHABLE || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let length = key.len();
        return Err(format!(
            "{PUBLISHABLE}: it has {length} bytes; give 1 to {MAX_PUBLISHABLE} visible ASCII characters"
        ));
    }
    Ok(key.to_owned())
}

fn issuer(url: &str) -> Result<String, String> {
    let wrong =
        |why: &str| format!("--supabase-url {url}: {why}; write https://PROJECT.supabase.co");
    let base = url.trim_end_matches('/');
    let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
    let host = rest.ok_or_else(|| wrong("it is no URL of HTTP"))?;
    if host.is_empty() || host.contains(['/', '?', '#', '@', ';', ',', ' ']) {
        return Err(wrong("it is more than scheme, host and port"));
    }
    Ok(format!("{base}{AUTH}"))
}

fn keys(issuer: &str) -> Result<Url, String> {
    let url = format!("{issuer}{KEYS}");
    Url::parse(&url).map_err(|error| format!("--supabase-url: {url}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_named_by_its_address_or_its_secret() {
        let of = |url: &str, secret: &str| SignIn::of(Some(url.into()), Some(secret.into()), None);
        let long = "0123456789abcdef0123456789abcdef";
        assert!(of("", " ").unwrap().is_none());
        assert!(of("https://p.supabase.co/", "").unwrap().is_some());
        assert!(of("", long).unwrap().is_some());
        let plain = of("http://127.0.0.1:54321", long).unwrap().unwrap();
        assert!(plain.is_plain());
        for wrong in ["p.supabase.co", "ftp://p", "https://", "https://p/auth/v1", "https://a@p"] {
            let told = of(wrong, "").err().unwrap();
            assert!(told.contains("--supabase-url") && told.contains("https://PROJECT"), "{told}");
        }
        let told = of("", "short").err().unwrap();
        assert!(told.contains(SECRET) && told.contains("5 bytes") && told.contains("32"), "{told}");
        assert!(!told.contains("short"), "{told}");
    }
    #[test]
    fn pages_are_given_a_key_that_is_no_secret() {
        let of = |url: &str, key: &str| SignIn::of(Some(url.into()), None, Some(key.into()));
        let jwt = |claims: &str| format!("e30.{}.sig", BASE64.encode(claims));
        let url = "https://p.supabase.co";
        for key in ["sb_publishable_abc", &jwt(r#"{"role":"anon"}"#)] {
            let place = of(&format!("{url}/"), key).unwrap().unwrap().place();
            assert_eq!(
                (place.url.as_deref(), place.publishable_key.as_deref()),
                (Some(url), Some(key))
            );
        }
        // Without a key nothing can be offered, so nothing is.
        assert!(of(url, " ").unwrap().unwrap().place().url.is_none());
        for (url, key, told) in [
            ("", "sb_publishable_abc", "give --supabase-url"),
            (url, "sb_secret_geheim", "it is a secret key"),
            (url, &jwt(r#"{"role":"service_role"}"#), "it is a secret key"),
            (url, "a b", "visible ASCII"),
            (url, &"x".repeat(2_049), "it has 2049 bytes"),
        ] {
            let error = of(url, key).err().unwrap();
            assert!(
                error.contains("--supabase-publishable-key") && error.contains(told),
                "{error}"
            );
            assert!(!error.contains("geheim"), "{error}");
        }
    }
}
