//! Hands a worker's snapshots to the coordinator, until the last of them is known to be kept.
//!
//! Each snapshot holds all before it, so one that cannot be put is no loss: the next one brings its
//! counts. What waits is a bounded ring, kept for resolution in time alone.

use super::trust::Trust;
use crate::cluster::Coordinator;
use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::signed::About;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Snapshots that wait while the coordinator is away.
const MOST_WAITING: usize = 60;
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(250);

/// Snapshots on their way out.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: Mutex<VecDeque<SnapshotRecord>>,
    news: Notify,
    /// The number of the last snapshot that is known to be kept.
    durable: watch::Sender<u64>,
    /// The number of the last snapshot that the coordinator has.
    put: watch::Sender<u64>,
}

impl Outbox {
    pub(super) fn new() -> Self {
        let waiting = Mutex::new(VecDeque::new());
        let (durable, put) = (watch::Sender::new(0), watch::Sender::new(0));
        Self { waiting, news: Notify::new(), durable, put }
    }

    pub(super) fn push(&self, snapshot: SnapshotRecord) {
        let mut waiting = self.waiting.lock().expect("nobody panics with it");
        if waiting.len() == MOST_WAITING {
            waiting.pop_front();
        }
        waiting.push_back(snapshot);
        self.news.notify_one();
    }

    /// Waits until snapshot `seq` is known to be kept.
    pub(super) async fn kept(&self, seq: u64) {
        let mut durable = self.durable.subscribe();
        // The sender is ours: it does not end before us.
        let _ = durable.wait_for(|durable| *durable >= seq).await;
    }

    /// Waits until the coordinator has snapshot `seq`, from which any controller may take it.
    pub(super) async fn put(&self, seq: u64) {
        let mut put = self.put.subscribe();
        let _ = put.wait_for(|put| *put >= seq).await;
    }

    /// Puts what waits, in order; the last snapshot again and again until it is kept. Never ends.
    pub(super) async fn deliver(&self, coordinator: &dyn Coordinator, trust: &Trust) {
        let mut last: Option<SnapshotRecord> = None;
        loop {
            let next = self.waiting.lock().expect("nobody panics with it").pop_front();
            let Some(snapshot) = next.or_else(|| last.take()) else {
                self.news.notified().await;
                continue;
            };
            match coordinator.put(&snapshot).await {
                Ok(said) => {
                    let durable = said.and_then(|said| kept(trust, &snapshot, &said)).unwrap_or(0);
                    let is_kept = durable >= snapshot.seq;
                    self.put.send_if_modified(|put| {
                        let newer = snapshot.seq > *put;
                        *put = snapshot.seq.max(*put);
                        newer
                    });
                    self.durable.send_if_modified(|known| {
                        let newer = durable > *known;
                        *known = durable.max(*known);
                        newer
                    });
                    if snapshot.is_final && !is_kept {
                        last = Some(snapshot);
                        tokio::time::sleep(AGAIN).await;
                    }
                }
                Err(_) => {
                    match snapshot.is_final {
                        true => last = Some(snapshot),
                        false => self.put_back(snapshot),
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    fn put_back(&self, snapshot: SnapshotRecord) {
        let mut waiting = self.waiting.lock().expect("nobody panics with it");
        if waiting.len() < MOST_WAITING {
            waiting.push_front(snapshot);
        }
    }
}

/// Up to which number the platform keeps the snapshots of this one's worker. What it has not said counts
/// for nothing: the snapshot is offered again.
fn kept(trust: &Trust, snapshot: &SnapshotRecord, said: &Bytes) -> Option<u64> {
    let about = About::Kept(&snapshot.run, &snapshot.worker, snapshot.epoch);
    let number = trust.hear(&about, said).ok()?;
    str::from_utf8(&number).ok()?.parse().ok()
}
