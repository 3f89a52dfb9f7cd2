//! Makes API tokens, and turns one into its caller: for pipelines, which nobody signs in.
//!
//! A token is shown once. What is kept of it is a hash, by which it is known again; it names its owner
//! and its place, so that it is found without a search.

use super::caller::{Caller, Scope, Via};
use crate::problem::{Kind, Problem};
use crate::state::Platform;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use loadcore::cluster::store::{Note, NoteKind, Page};
use loadcore::cluster::{Owner, StoreError};
use loadcore::time::unix_millis;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What every token begins with, so that it is known as one, by scanners of repositories too.
const PREFIX: &str = "lc_";
/// Random bytes of a token.
const SECRET_BYTES: usize = 32;
/// Tokens of a user.
pub const MOST_TOKENS: usize = 100;
/// How often its last use is written down, at most.
const USE_NOTED: Duration = Duration::from_secs(60);

/// What is kept of a token, beside its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// What its owner calls it.
    pub name: String,
    /// What it is good for.
    pub scopes: Vec<Scope>,
    /// When it was made, in milliseconds since 1970.
    pub created_unix_ms: u64,
    /// Until when it is good.
    pub expires_unix_ms: u64,
    /// When it was used last, to the minute.
    pub last_used_unix_ms: Option<u64>,
    /// Of its secret part.
    hash: String,
}

/// Whether a text looks like one.
#[must_use]
pub fn is_one(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// Makes a token that is good for so long. Answers its id, what is kept, and its text.
///
/// # Errors
/// When its owner has as many as may be, or the store does not answer.
pub async fn make(
    platform: &Platform,
    owner: &Owner,
    name: &str,
    scopes: Vec<Scope>,
    good_for: Duration,
) -> Result<(String, Kept, String), Problem> {
    if list(platform, owner).await?.len() >= MOST_TOKENS {
        let detail =
            format!("a user has at most {MOST_TOKENS} tokens; delete one (DELETE /tokens/ID)");
        return Err(Problem::new(Kind::Conflict, detail));
    }
    let mut secret = [0; SECRET_BYTES];
    aws_lc_rs::rand::fill(&mut secret).map_err(|error| Problem::internal(&error))?;
    let (id, secret) = (loadcore::cluster::ScenarioId::random().to_string(), BASE64.encode(secret));
    let now = unix_millis();
    let lifetime = u64::try_from(good_for.as_millis()).unwrap_or(u64::MAX);
    let kept = Kept {
        name: name.to_owned(),
        scopes,
        created_unix_ms: now,
        expires_unix_ms: now.saturating_add(lifetime),
        last_used_unix_ms: None,
        hash: hash(&secret),
    };
    platform.store.keep_note(&note(owner, &id, 0, &kept)?).await?;
    let token = format!("{PREFIX}{}.{id}.{secret}", BASE64.encode(owner.as_str()));
    Ok((id, kept, token))
}

/// A user's tokens, newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list(platform: &Platform, owner: &Owner) -> Result<Vec<(String, Kept)>, Problem> {
    let page = Page { after: None, most: MOST_TOKENS };
    let notes = platform.store.notes(NoteKind::Token, Some(owner), &page).await?;
    notes.into_iter().map(|note| Ok((note.name.clone(), read(note)?))).collect()
}

/// Takes a token from whoever has it; says whether it was there.
///
/// # Errors
/// When the store does not answer.
pub async fn revoke(platform: &Platform, owner: &Owner, id: &str) -> Result<bool, StoreError> {
    platform.store.delete_note(NoteKind::Token, owner, id).await
}

/// Who calls with a token.
///
/// # Errors
/// When it is not known, or good no more.
pub(super) async fn caller(platform: &Platform, token: &str) -> Result<Caller, Problem> {
    let unknown = || Problem::new(Kind::Unauthorized, "the API token is not known, or was revoked");
    let (owner, id, secret) = parts(token).ok_or_else(unknown)?;
    let note = platform.store.note(NoteKind::Token, &owner, id).await?.ok_or_else(unknown)?;
    let revision = note.revision;
    let kept = read(note)?;
    verify_slices_are_equal(kept.hash.as_bytes(), hash(secret).as_bytes())
        .map_err(|_| unknown())?;
    let now = unix_millis();
    if now >= kept.expires_unix_ms {
        return Err(Problem::new(Kind::Unauthorized, "the API token has expired; make another"));
    }
    let id = id.to_owned();
    note_use(platform, &owner, &id, revision, &kept, now)?;
    // An admin's pipeline is no admin.
    Ok(Caller { owner, is_admin: false, via: Via::Token { id, scopes: kept.scopes } })
}

/// Writes down that it was used, beside the call: it waits for nothing, and where that fails the next
/// use is noted.
fn note_use(
    platform: &Platform,
    owner: &Owner,
    id: &str,
    revision: u64,
    kept: &Kept,
    now: u64,
) -> Result<(), Problem> {
    let noted = kept.last_used_unix_ms.unwrap_or(0);
    if u128::from(now.saturating_sub(noted)) < USE_NOTED.as_millis() {
        return Ok(());
    }
    let used = Kept { last_used_unix_ms: Some(now), ..kept.clone() };
    let (store, note) = (platform.store.clone(), note(owner, id, revision, &used)?);
    tokio::spawn(async move { store.keep_note(&note).await });
    Ok(())
}

/// Owner, id and secret.
pub(super) fn parts(token: &str) -> Option<(Owner, &str, &str)> {
    let mut parts = token.strip_prefix(PREFIX)?.split('.');
    let (owner, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let owner = String::from_utf8(BASE64.decode(owner).ok()?).ok()?;
    let is_whole = parts.next().is_none() && super::is_user(&owner) && super::is_user(id);
    is_whole.then_some((owner.into(), id, secret))
}

fn hash(secret: &str) -> String {
    BASE64.encode(digest(&SHA256, secret.as_bytes()))
}

fn note(owner: &Owner, id: &str, revision: u64, kept: &Kept) -> Result<Note, Problem> {
    let document = serde_json::to_value(kept).map_err(|error| Problem::internal(&error))?;
    Ok(Note {
        kind: NoteKind::Token,
        owner: owner.clone(),
        name: id.to_owned(),
        revision,
        document,
    })
}

fn read(note: Note) -> Result<Kept, Problem> {
    serde_json::from_value(note.document)
        .map_err(|error| Problem::damaged(&format!("the token {}: {error}", note.name)))
}
