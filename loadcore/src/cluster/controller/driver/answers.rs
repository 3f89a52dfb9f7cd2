//! Answers those who asked for a change, once the change is where it outlives this controller.

use super::ElapsedNow;
use crate::cluster::controller::api::ControllerError;
use crate::cluster::coordinator::{CoordinatorError, Kind};
use crate::time::now;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long whoever asked for a change waits for it to be where it outlives this controller.
const TO_OUTLIVE: Duration = Duration::from_secs(2);

/// Everybody who asked for a change that stands in the journal.
#[derive(Default)]
pub(super) struct Answers(Vec<Answer>);

struct Answer {
    to: oneshot::Sender<Result<(), ControllerError>>,
    /// Entries that have to be somewhere else too before it is sent.
    entries: u64,
    since: Instant,
}

impl Answers {
    /// The first `entries` of the journal hold the change.
    pub(super) fn add(&mut self, to: oneshot::Sender<Result<(), ControllerError>>, entries: u64) {
        self.0.push(Answer { to, entries, since: now() });
    }

    /// The coordinator has so many entries, and the store has all of them where `kept`.
    pub(super) fn send(&mut self, published: u64, kept: bool) {
        for answer in std::mem::take(&mut self.0) {
            if kept || published >= answer.entries {
                let _ = answer.to.send(Ok(()));
            } else if answer.since.elapsed_now() > TO_OUTLIVE {
                let text = "neither the workers nor the store have heard of this change within 2 s; \
                            it is made as soon as they can be reached, if this controller lives";
                let kind = Kind::Unavailable(text.to_owned());
                let error = CoordinatorError { kind, doing: "pass the change on", source: None };
                let _ = answer.to.send(Err(error.into()));
            } else {
                self.0.push(answer);
            }
        }
    }
}
