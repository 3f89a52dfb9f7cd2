//! Names who makes a request, and what they may do.

use super::claims::Claims;
use super::table::Right;
use loadcore::cluster::Owner;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose scenarios and runs the request is about.
    pub owner: Owner,
    /// They may do what holds for everybody.
    pub is_admin: bool,
    /// How they said who they are.
    pub via: Via,
}

/// How a caller said who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// By a header that anybody may send, where nobody is authenticated.
    Name,
    /// By a token of the platform's sign-in.
    SignIn,
    /// By an API token.
    Token {
        /// Which.
        id: String,
        /// What it is good for.
        scopes: Vec<Scope>,
    },
}

/// What an API token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To read scenarios, runs and results.
    Read,
    /// To make and start scenarios, and to steer runs.
    Run,
}

impl Caller {
    /// Where nobody is authenticated everybody may do everything.
    pub(super) fn named(owner: Owner) -> Self {
        Self { owner, is_admin: true, via: Via::Name }
    }

    pub(super) fn signed_in(claims: Claims) -> Self {
        let is_admin = claims.is_admin();
        Self { owner: claims.sub.into(), is_admin, via: Via::SignIn }
    }

    /// Whether they may do what needs this right.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        let scopes = match &self.via {
            Via::Token { scopes, .. } => Some(scopes),
            Via::Name | Via::SignIn => None,
        };
        let has = |scope| scopes.is_none_or(|scopes| scopes.contains(&scope));
        match right {
            Right::Open | Right::Probe => true,
            Right::Read => has(Scope::Read),
            Right::Run => has(Scope::Run),
            // So a pipeline's token that was stolen makes no others, and outlasts no revocation.
            Right::Account => scopes.is_none(),
            Right::Admin => scopes.is_none() && self.is_admin,
        }
    }

    /// Why they may not.
    pub(super) fn lacks(&self, right: Right) -> String {
        match (&self.via, right) {
            (Via::Token { .. }, Right::Read) => "this token does not have the scope `read`".into(),
            (Via::Token { .. }, Right::Run) => "this token does not have the scope `run`".into(),
            (Via::Token { .. }, _) => {
                "an API token is not enough here: sign in, and use that token".into()
            }
            _ => "this is for admins: users whose `app_metadata` has \"role\": \"admin\"".into(),
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("name"),
            Self::SignIn => f.write_str("sign-in"),
            Self::Token { id, .. } => write!(f, "token {id}"),
        }
    }
}
