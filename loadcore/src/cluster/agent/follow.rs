//! Turns a run's journal into entries as they are appended.

use crate::cluster::journal::Entry;
use crate::cluster::{Coordinator, RunId};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long one question waits for an entry.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two questions that found no journal, or no coordinator.
const AGAIN: Duration = Duration::from_millis(200);

/// Entries that wait to be applied.
pub(super) const MOST_WAITING: usize = 64;

/// Sends every entry, in order, once. Ends when nobody listens. A journal that has vanished comes
/// back: the controller brings it again.
pub(super) async fn follow(
    coordinator: &dyn Coordinator,
    run: &RunId,
    entries: mpsc::Sender<Entry>,
) {
    let mut read = 0;
    loop {
        match coordinator.journal(run, read, PATIENCE).await {
            Ok(Some(new)) => {
                // A closed run's journal may be shown by its last word alone.
                for entry in new {
                    read += 1;
                    if entries.send(entry).await.is_err() {
                        return;
                    }
                }
            }
            Ok(None) | Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}
