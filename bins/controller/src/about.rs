//! Says what a page has to know before anybody signs in: what runs here, and where to sign in.

use serde::Serialize;
use utoipa::ToSchema;

/// What everybody may know of a controller.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The program's version.
    pub version: &'static str,
    /// Where users sign in; null where nobody has to.
    pub sign_in: Option<SignInPlace>,
    /// It was started with `--demo`: there is something to look at.
    pub demo: bool,
}

/// Where users sign in: both are null where a page cannot offer it. A token that somebody has is taken
/// all the same.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInPlace {
    /// The Supabase project.
    #[schema(example = "https://PROJECT.supabase.co")]
    pub url: Option<String>,
    /// Its key for browsers, which is no secret.
    pub publishable_key: Option<String>,
}

impl Default for About {
    fn default() -> Self {
        Self { version: env!("CARGO_PKG_VERSION"), sign_in: None, demo: false }
    }
}

impl About {
    /// Whom else a page that is served here has to ask.
    #[must_use]
    pub fn sign_in_url(&self) -> Option<&str> {
        self.sign_in.as_ref()?.url.as_deref()
    }
}
