//! Turns a request into its caller, or refuses it: who asks, whether they may, and how often.
//!
//! Who asks is said by a token, or, where nobody is authenticated, by a header that anybody may send.
//! What they may do stands in one [`table`]: a route without a row does not answer.

mod caller;
mod claims;
#[cfg(test)]
mod fuzz;
mod keys;
mod pace;
pub mod table;
pub mod tokens;
mod verify;

pub use caller::{Caller, Scope, Via};
pub use keys::KeySet;
pub use verify::{MIN_SECRET, Refusal, Verifier};

use crate::problem::{Kind, Problem};
use crate::state::AppState;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use loadcore::cluster::Owner;
use pace::Pace;
use table::Right;

/// Names the user where nobody is authenticated.
pub const USER_HEADER: &str = "x-user-id";
/// Characters of a user's name.
pub const MAX_USER: usize = 128;
/// What a stream speaks, where its reader says so: browsers cannot send other headers with a WebSocket.
pub const SUBPROTOCOL: &str = "loadcore";
/// What stands before a token among the subprotocols that a stream's reader offers.
const BEARER_SUBPROTOCOL: &str = "bearer.";

/// How callers are known, and what each may have.
#[derive(Debug, Default)]
pub struct Access {
    /// Tells tokens of the platform's sign-in; `None` where nobody is authenticated.
    verifier: Option<Verifier>,
    /// Health and metrics are not answered without a token.
    guards_probes: bool,
    pace: Pace,
}

impl Access {
    /// For those whom `verifier` knows. `guards_probes`: others than this machine reach health and
    /// metrics.
    #[must_use]
    pub fn verified(verifier: Verifier, guards_probes: bool) -> Self {
        Self { verifier: Some(verifier), guards_probes, pace: Pace::default() }
    }

    /// Who makes a request of these headers; `None` for nobody who is known.
    async fn caller(
        &self,
        headers: &HeaderMap,
        state: &AppState,
    ) -> Result<Option<Caller>, Problem> {
        let Some(verifier) = &self.verifier else { return named(headers).map(Some) };
        let Some(token) = token(headers)? else { return Ok(None) };
        if tokens::is_one(&token) {
            let caller = tokens::caller(&state.platform()?, &token).await?;
            return Ok(Some(caller));
        }
        let claims = verifier.verify(&token).await.map_err(|refusal| match refusal {
            Refusal::Invalid(why) => unauthorized(&format!("the token is not accepted: {why}")),
            Refusal::Unavailable(why) => Problem::new(Kind::NotReady, why),
        })?;
        Ok(Some(Caller::signed_in(claims)))
    }

    /// Whether nobody needs to be known for it.
    fn is_open(&self, right: Right) -> bool {
        right == Right::Open || right == Right::Probe && !self.guards_probes
    }

    /// The caller, where they may do this, and now.
    async fn admitted(
        &self,
        headers: &HeaderMap,
        state: &AppState,
        right: Right,
    ) -> Result<Caller, Problem> {
        let how =
            "send `Authorization: Bearer TOKEN`, with a token of your sign-in or of POST /tokens";
        let caller = self.caller(headers, state).await?.ok_or_else(|| unauthorized(how))?;
        // Beside a token it says nothing, and has to be one all the same.
        named(headers)?;
        if self.verifier.is_some() {
            self.pace.take(&caller.owner).map_err(Problem::too_fast)?;
        }
        match caller.may(right) {
            true => Ok(caller),
            false => Err(Problem::new(Kind::Forbidden, caller.lacks(right))),
        }
    }
}

/// The layer that lets nobody pass who may not.
pub async fn admit(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    // What is no route is nobody's: it is answered as such.
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        return next.run(request).await;
    };
    let right = match table::right(request.method(), path.as_str()) {
        Ok(right) => right,
        Err(allowed) => return no_row(request.method().as_str(), path.as_str(), &allowed),
    };
    if !state.access.is_open(right) {
        match state.access.admitted(request.headers(), &state, right).await {
            Ok(caller) => drop(request.extensions_mut().insert(caller)),
            Err(problem) => return problem.into_response(),
        }
    }
    next.run(request).await
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // The layer has put it there, but where nobody needs to be known.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| unauthorized("nobody is known here"))
    }
}

/// A route that no row of the table lets anybody use.
fn no_row(method: &str, path: &str, allowed: &[&str]) -> Response {
    if allowed.is_empty() {
        let detail = format!("there is nothing at {path}; /openapi.json lists what there is");
        return Problem::new(Kind::NoRoute, detail).into_response();
    }
    let detail = format!("{path} does not have {method}; the header Allow lists what it has");
    let mut response = Problem::new(Kind::MethodNotAllowed, detail).into_response();
    if let Ok(allowed) = HeaderValue::from_str(&allowed.join(",")) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Kind::Unauthorized, detail)
}

/// The token of a request: that of `Authorization`, or of a WebSocket's subprotocols.
fn token(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(offered(headers)) };
    let shown = line.to_str().ok().and_then(|line| line.trim().split_once(' '));
    match shown {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") && lines.next().is_none() =>
        {
            Ok(Some(token.trim().to_owned()))
        }
        _ => Err(unauthorized("the header Authorization is one line `Bearer TOKEN`")),
    }
}

/// `Sec-WebSocket-Protocol: loadcore, bearer.TOKEN`.
fn offered(headers: &HeaderMap) -> Option<String> {
    headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().find_map(|line| {
        let mut offered = line.to_str().ok()?.split(',').map(str::trim);
        offered.find_map(|one| one.strip_prefix(BEARER_SUBPROTOCOL).map(str::to_owned))
    })
}

/// Whom the header names, where nobody is authenticated.
fn named(headers: &HeaderMap) -> Result<Caller, Problem> {
    let mut values = headers.get_all(USER_HEADER).iter();
    let Some(value) = values.next() else { return Ok(Caller::named(Owner::local())) };
    match value.to_str() {
        Ok(name) if is_user(name) && values.next().is_none() => Ok(Caller::named(name.into())),
        _ => Err(Problem::new(
            Kind::BadRequest,
            format!("the header X-User-Id is one name of 1 to {MAX_USER} visible ASCII characters"),
        )),
    }
}

/// Whether a text may be a user's name.
#[must_use]
pub fn is_user(name: &str) -> bool {
    (1..=MAX_USER).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_where_nobody_is_authenticated() {
        let of = |name: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(USER_HEADER, name.parse().unwrap());
            named(&headers).map(|caller| caller.owner)
        };
        assert_eq!(named(&HeaderMap::new()).unwrap().owner, Owner::from("local"));
        assert_eq!(of("ann@example.com").unwrap(), Owner::from("ann@example.com"));
        for wrong in ["", "a b", "\u{e9}", &"x".repeat(129)] {
            assert!(of(wrong).unwrap_err().detail.contains("1 to 128 visible"), "{wrong:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append(USER_HEADER, "a".parse().unwrap());
        twice.append(USER_HEADER, "b".parse().unwrap());
        assert!(named(&twice).is_err());
    }

    #[test]
    fn tokens_are_one_header_or_one_subprotocol() {
        let of = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            token(&headers)
        };
        assert_eq!(of("authorization", "Bearer a.b.c").unwrap().as_deref(), Some("a.b.c"));
        assert_eq!(of("authorization", "bearer  a.b.c").unwrap().as_deref(), Some("a.b.c"));
        let offered = of("sec-websocket-protocol", "loadcore, bearer.a.b.c").unwrap();
        assert_eq!(offered.as_deref(), Some("a.b.c"));
        assert_eq!(of("sec-websocket-protocol", "loadcore").unwrap(), None);
        for wrong in ["Basic YTpi", "Bearer", "a.b.c", ""] {
            assert!(of("authorization", wrong).is_err(), "{wrong:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append("authorization", "Bearer a".parse().unwrap());
        twice.append("authorization", "Bearer a".parse().unwrap());
        assert!(token(&twice).is_err());
    }
}
