//! Answers with live streams of a run over WebSockets.

use super::answers::{BadRequest, Internal, NotFound, NotReady};
use super::scenarios::newest_run_of;
use crate::access::SUBPROTOCOL;
use crate::extract::{Query, User};
use crate::problem::{Kind, Problem};
use crate::state::{AppState, MAX_STREAMS, Platform};
use crate::stream;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use loadcore::cluster::{Owner, RunId};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_run)).routes(routes!(of_scenario))
}

/// Readers have nothing to say.
const MAX_INCOMING_BYTES: usize = 1_024;

/// Where to go on, and with what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Since {
    /// Frames after this number: the last one that was seen. 0: all that are known. A number beyond
    /// the last one counts as the last one.
    since: Option<u64>,
    /// `false`: the distribution of each second is left out, and null.
    distribution: Option<bool>,
}

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// Streams a run: a JSON text each second, `{"seq", "type": "interval|event|end", "data": {}}`.
///
/// A WebSocket; each of its messages is a `Frame` (`#/components/schemas/Frame`). It is pinged every 20 s, and closed with 1000 after the frame `end`, with 1001 when
/// the controller ends or another one drives the run from now on, with 1013 when the reader is too slow
/// or answers no pings (come again with `since`). What a reader sends is answered 1002 where it is no
/// frame, 1007 where its text is not UTF-8, 1009 where it is longer than 1 KiB; its Close with a Close.
#[utoipa::path(get, path = "/runs/{id}/stream", operation_id = "streamRun", tag = "runs",
    params(("id" = String, Path, description = "the run"), Since),
    responses(
        (status = 101, description = "the WebSocket is open"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn of_run(
    State(state): State<AppState>,
    platform: Platform,
    User(owner): User,
    Path(id): Path<RunId>,
    Query(from): Query<Since>,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    open(&state, &platform, &owner, &id, from, upgrade).await
}

/// Streams the newest run of a scenario, as it is when the stream is opened.
#[utoipa::path(get, path = "/scenarios/{id}/stream", operation_id = "streamScenario", tag = "runs",
    params(("id" = String, Path, description = "the scenario"), Since),
    responses(
        (status = 101, description = "the WebSocket is open"),
        BadRequest, NotFound, Internal, NotReady,
    ),
)]
async fn of_scenario(
    State(state): State<AppState>,
    platform: Platform,
    User(owner): User,
    Path(id): Path<String>,
    Query(from): Query<Since>,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let run = newest_run_of(&platform, &owner, &id).await?.id;
    open(&state, &platform, &owner, &run, from, upgrade).await
}

async fn open(
    state: &AppState,
    platform: &Platform,
    owner: &Owner,
    run: &RunId,
    from: Since,
    upgrade: Upgrade,
) -> Result<Response, Problem> {
    let frames = platform.controller.frames(owner, run, from.since.unwrap_or(0)).await?;
    let frames = stream::of(frames, from.distribution.unwrap_or(true));
    let upgrade = upgrade.map_err(|error| {
        let detail = format!("a stream is a WebSocket, and this is none: {}", error.body_text());
        Problem::new(Kind::BadRequest, detail)
    })?;
    let permit = Arc::clone(&state.streams).try_acquire_owned().map_err(|_| {
        Problem::new(Kind::NotReady, format!("{MAX_STREAMS} streams are open, which is the limit"))
    })?;
    let ending = state.ending.clone();
    Ok(upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(MAX_INCOMING_BYTES)
        // Each message goes to the socket at once, so that a slow reader is noticed.
        .write_buffer_size(0)
        .on_upgrade(move |socket| stream::serve(socket, frames, ending, permit)))
}
