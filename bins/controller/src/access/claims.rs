//! Reads what a verified token says of its bearer, with the types that it must have.

use serde::Deserialize;
use serde_json::Value;

/// The role of who has signed in, and the audience of their tokens.
pub(super) const AUTHENTICATED: &str = "authenticated";
/// The role that an admin has in `app_metadata`, which users cannot change themselves.
const ADMIN: &str = "admin";
/// How far ahead of ours the clock of who made a token may be, in seconds.
const CLOCK: f64 = 60.0;

/// What counts of a token's claims. The signature, the expiry, the audience and the issuer were checked
/// before; here each has the type that it must have, and stands there once.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Claims {
    /// Who it is: the user's id.
    pub sub: String,
    role: String,
    exp: f64,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    app_metadata: AppMetadata,
}

/// What the sign-in's own server says of a user.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
struct AppMetadata {
    /// Of whatever type: others' tokens may have anything here.
    #[serde(default)]
    role: Value,
    #[serde(default)]
    roles: Value,
}

impl Claims {
    /// Why they are not those of a user who has signed in.
    pub(super) fn fault(&self, now_unix_s: f64) -> Option<&'static str> {
        if self.role != AUTHENTICATED {
            Some("its role is not `authenticated`")
        } else if !super::is_user(&self.sub) {
            Some("its subject is no name of 1 to 128 visible ASCII characters")
        } else if self.exp <= now_unix_s {
            Some("it has expired")
        } else if self.iat.is_some_and(|made| made > now_unix_s + CLOCK) {
            Some("it was made in the future")
        } else {
            None
        }
    }

    /// Whether the sign-in's server calls them an admin.
    pub(super) fn is_admin(&self) -> bool {
        let named = self.app_metadata.roles.as_array();
        self.app_metadata.role == ADMIN
            || named.is_some_and(|roles| roles.iter().any(|role| role == ADMIN))
    }
}
