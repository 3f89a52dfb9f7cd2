//! Deletes runs that ended long ago, and old entries of the audit log: once a day, by the controller that
//! leads.

use super::Inner;
use crate::cluster::StoreError;
use crate::cluster::store::NoteKind;
use crate::time::unix_millis;
use std::sync::Arc;
use std::time::Duration;

/// Between two times that old runs are deleted.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// From the start to the first time, and from a failure to the next: the runs that go on come first.
const SOON: Duration = Duration::from_secs(60);

impl Inner {
    pub(super) async fn forget_what_is_old(self: Arc<Self>) {
        let mut pause = SOON;
        loop {
            tokio::time::sleep(pause).await;
            let done = self.is_leading() && self.forget().await.is_ok();
            pause = if done { DAY } else { SOON };
        }
    }

    async fn forget(&self) -> Result<(), StoreError> {
        if let Some(kept) = self.options.retention {
            self.store.forget(before(kept)).await?;
        }
        if let Some(kept) = self.options.keep_audit {
            let oldest = id_since(before(kept));
            self.store.forget_notes(NoteKind::Audit, &oldest).await?;
        }
        Ok(())
    }
}

/// So long ago, in milliseconds since 1970.
fn before(kept: Duration) -> u64 {
    unix_millis().saturating_sub(u64::try_from(kept.as_millis()).unwrap_or(u64::MAX))
}

/// The least id (UUIDv7) that something made at that moment may have: the moment stands at its beginning.
fn id_since(unix_ms: u64) -> String {
    let hex = format!("{:012x}", unix_ms & 0xffff_ffff_ffff);
    format!("{}-{}-7000-8000-000000000000", &hex[..8], &hex[8..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::{NoContext, Timestamp, Uuid};

    #[test]
    fn an_id_is_old_where_its_moment_is() {
        let id = |ms: u64| {
            let (seconds, millis) = (ms / 1_000, (ms % 1_000) as u32);
            Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, millis * 1_000_000)).to_string()
        };
        let moment = 1_800_000_000_123;
        assert!(id(moment - 1) < id_since(moment));
        assert!(id(moment) > id_since(moment) && id(moment + 1) > id_since(moment));
    }
}
