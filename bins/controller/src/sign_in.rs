//! Turns what is said of the sign-in, a Supabase project, into a verifier of its tokens.

use loadcore::request::Url;
use loadcore_controller::access::{KeySet, Verifier};

/// The environment variable of the secret. No option has it: others see a command line.
pub const SECRET: &str = "LOADCORE_SUPABASE_JWT_SECRET";
/// Where a project's sign-in is, and what its tokens name as their issuer.
const AUTH: &str = "/auth/v1";
/// Where its keys are, below that.
const KEYS: &str = "/.well-known/jwks.json";

/// Of which project users are.
#[derive(Clone)]
pub struct SignIn {
    url: Option<String>,
    secret: Option<String>,
}

impl SignIn {
    /// By the project's address, its secret, or both; `None` where neither is said.
    ///
    /// # Errors
    /// When one is wrong, by its name.
    pub fn of(url: Option<String>, secret: Option<String>) -> Result<Option<Self>, String> {
        let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let sign_in = Self { url: said(url), secret: said(secret) };
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

    /// Whether keys come over a connection that anybody on the way could change.
    pub fn is_plain(&self) -> bool {
        self.url.as_deref().is_some_and(|url| url.starts_with("http://"))
    }
}

fn issuer(url: &str) -> Result<String, String> {
    let wrong =
        |why: &str| format!("--supabase-url {url}: {why}; write https://PROJECT.supabase.co");
    let base = url.trim_end_matches('/');
    let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
    let host = rest.ok_or_else(|| wrong("it is no URL of HTTP"))?;
    if host.is_empty() || host.contains(['/', '?', '#', '@']) {
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
        let of = |url: &str, secret: &str| SignIn::of(Some(url.into()), Some(secret.into()));
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
}
