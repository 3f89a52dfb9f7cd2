//! Turns what a driver decides into entries that the workers read.

use super::{CHECK, Driver};
use crate::cluster::coordinator;
use crate::cluster::journal::Entry;
use crate::cluster::standing::Member;
use crate::cluster::store::RunState;
use crate::time::now;
use std::collections::BTreeMap;
use std::time::Instant;

/// How often workers are told of the end, a second apart, until that was heard.
const CLOSES: u32 = 60;

/// What the coordinator has of the run, as far as we know.
pub(super) struct Carried {
    /// Entries of the journal; `None`: nothing yet.
    pub(super) journal: Option<u64>,
    /// Tasks offered so far, those that were taken included; `None`: nobody knows.
    pub(super) tasks: Option<u32>,
    /// The newest snapshot of each member that it was told is kept.
    confirmed: BTreeMap<Member, u64>,
    /// When it was last looked whether it still has the journal.
    pub(super) checked: Instant,
}

impl Carried {
    pub(super) fn nothing() -> Self {
        Self { journal: None, tasks: None, confirmed: BTreeMap::new(), checked: now() }
    }
}

impl Driver {
    /// Adds an entry, and acts on it.
    pub(super) fn note(&mut self, entry: Entry) {
        self.standing.read(&entry);
        self.load.read(&entry);
        let is_start = matches!(entry, Entry::Start { .. });
        self.record.journal.push(entry);
        self.changed = true;
        if is_start {
            self.pin();
        }
    }

    /// Brings the coordinator what it does not have yet.
    pub(super) async fn publish_journal(&mut self) {
        if self.record.state == RunState::Queued || !self.may_tell_start() {
            return;
        }
        let (term, run) = (self.controller.term(), &self.record.id);
        let journal = &self.record.journal;
        let whole = journal.len() as u64;
        let coordinator = &self.controller.coordinator;
        let done = match self.carried.journal {
            Some(published) if published == whole => return,
            Some(published) => {
                coordinator.append(term, run, published, &journal[published as usize..]).await
            }
            None => coordinator.open(term, run, self.plan.bytes.clone().into(), journal).await,
        };
        self.carried.journal = match done.map_err(|error| error.kind) {
            Ok(()) => Some(whole),
            // It has forgotten what it had: all of it is brought again.
            Err(coordinator::Kind::Conflict) => {
                self.carried.confirmed.clear();
                None
            }
            Err(_) => self.carried.journal,
        };
    }

    /// The coordinator may have forgotten everything: looks, and brings it again.
    pub(super) async fn check_journal(&mut self) {
        let run = &self.record.id;
        let there = self.controller.coordinator.journal_len(run).await;
        if let Ok(there) = there
            && there.unwrap_or(0) < self.record.journal.len() as u64
        {
            self.carried.journal = None;
            // Tasks that nobody had taken are gone as well, and what is known to be kept.
            self.carried.tasks = None;
            self.carried.confirmed.clear();
            self.publish_journal().await;
        }
    }

    /// Lets the workers go: until they hear of it they wait to hand in what is kept already.
    pub(super) async fn close(&mut self) {
        for _ in 0..CLOSES {
            self.publish_journal().await;
            let published = self.carried.journal == Some(self.record.journal.len() as u64);
            let (term, run) = (self.controller.term(), &self.record.id);
            if published && self.controller.coordinator.close(term, run).await.is_ok() {
                return;
            }
            tokio::time::sleep(CHECK).await;
        }
    }

    /// Tells workers which of their snapshots are durable.
    pub(super) async fn confirm(&mut self) {
        let kept = self.keeper.kept().borrow().snapshots.clone();
        let news: Vec<_> = kept
            .into_iter()
            .filter(|(member, seq)| self.carried.confirmed.get(member) != Some(seq))
            .collect();
        if news.is_empty() {
            return;
        }
        let said: Vec<_> =
            news.iter().map(|((worker, epoch), seq)| (worker.clone(), *epoch, *seq)).collect();
        let term = self.controller.term();
        if self.controller.coordinator.confirm(term, &self.record.id, &said).await.is_ok() {
            self.carried.confirmed.extend(news);
        }
    }
}
