//! Deletes runs that ended long ago: once a day, by the controller that leads.

use super::Inner;
use crate::time::unix_millis;
use std::sync::Arc;
use std::time::Duration;

/// Between two times that old runs are deleted.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// From the start to the first time, and from a failure to the next: the runs that go on come first.
const SOON: Duration = Duration::from_secs(60);

impl Inner {
    pub(super) async fn forget_old_runs(self: Arc<Self>, retention: Duration) {
        let mut pause = SOON;
        loop {
            tokio::time::sleep(pause).await;
            let kept = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
            let before = unix_millis().saturating_sub(kept);
            let done = self.is_leading() && self.store.forget(before).await.is_ok();
            pause = if done { DAY } else { SOON };
        }
    }
}
