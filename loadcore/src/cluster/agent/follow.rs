//! Turns a run's journal into entries as they are appended: of what the platform has said alone.

use super::trust::Trust;
use crate::cluster::journal::Entry;
use crate::cluster::{Coordinator, RunId};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long one question waits for an entry.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two questions that found no journal, no coordinator, or a line that is not the platform's.
const AGAIN: Duration = Duration::from_millis(200);

/// Entries that wait to be applied.
pub(super) const MOST_WAITING: usize = 64;

/// Sends every entry, in order, once. Ends when nobody listens. A journal that has vanished, or has a
/// line that the platform has not said, comes back: the controller brings it again.
pub(super) async fn follow(
    coordinator: &dyn Coordinator,
    trust: &Trust,
    run: &RunId,
    entries: mpsc::Sender<Entry>,
) {
    let (mut read, mut is_told) = (0, false);
    loop {
        let Ok(Some(lines)) = coordinator.journal(run, read, PATIENCE).await else {
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        for line in lines {
            match trust.entry(run, read, &line) {
                Ok(entry) => {
                    read += 1;
                    if entries.send(entry).await.is_err() {
                        return;
                    }
                }
                Err(why) => {
                    // As if nothing stood there yet.
                    if !std::mem::replace(&mut is_told, true) {
                        tracing::warn!(%run, "line {read} of the journal is not obeyed: {why}");
                    }
                    tokio::time::sleep(AGAIN).await;
                    break;
                }
            }
        }
    }
}
