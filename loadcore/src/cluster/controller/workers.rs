//! Reads which workers there are, starts local ones where some are lacking, and lets one end.

use super::api::{ControllerError, WorkerView};
use super::hear::Ears;
use super::{AGAIN, Controller, Inner};
use crate::cluster::coordinator::Seen;
use crate::cluster::journal::{Entry, Line, mailbox};
use crate::time::now;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often workers are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// The workers, as last looked at.
pub(super) struct Workers {
    pub(super) list: Vec<Seen>,
    pub(super) checked: Instant,
}

impl Controller {
    /// The workers that are known.
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerView> {
        let (now_us, lease) = (self.inner().now_us(), self.inner().options.lease.length());
        let workers = self.inner().workers.borrow();
        let view = |seen: &Seen| WorkerView {
            alive: u128::from(now_us.saturating_sub(seen.at_us)) < lease.as_micros(),
            seen: seen.clone(),
        };
        workers.list.iter().map(view).collect()
    }

    /// Lets a worker finish or hand over what it has, and end.
    ///
    /// # Errors
    /// When the coordinator does not answer; `Refused` when there is no such worker.
    pub async fn drain_worker(&self, worker: &str) -> Result<(), ControllerError> {
        self.inner().must_lead()?;
        let known = self.workers().into_iter().find(|it| it.seen.report.worker.0 == worker);
        let Some(known) = known else {
            return Err(ControllerError::Refused(format!("there is no worker {worker}")));
        };
        let (term, mailbox) = (self.inner().term(), mailbox(&known.seen.report.worker));
        let said = [Line::new(&self.inner().signer, &mailbox, 0, &Entry::Close)];
        Ok(self.inner().coordinator.open(term, &mailbox, bytes::Bytes::new(), &said).await?)
    }
}

impl Inner {
    pub(super) fn want_local_workers(&self, wanted: u32) {
        let Some(local) = &self.local else { return };
        let idle = self.workers.borrow();
        let idle = idle.list.iter().filter(|it| it.report.task.is_none()).count();
        local.want(&self.coordinator, idle, wanted as usize);
    }

    /// How many workers could be started here at once.
    pub(super) fn room_for_workers(&self) -> u32 {
        self.local.as_ref().map_or(0, |local| u32::try_from(local.room()).unwrap_or(u32::MAX))
    }

    pub(super) async fn look_at_workers(self: Arc<Self>) {
        let mut ears = Ears::default();
        loop {
            match self.coordinator.workers().await {
                Ok(shown) => {
                    let list = ears.hear(shown, self.now_us(), &self.refusals);
                    self.workers.send_replace(Workers { list, checked: now() });
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
