//! Turns what a driver decides into signed lines that the workers read, and sees to it that those stand
//! where they do.

use super::super::Inner;
use super::super::refusals::Words;
use super::{CHECK, Driver, Reports};
use crate::cluster::coordinator::{self, TaskState, Tip};
use crate::cluster::journal::{Entry, Line, entries, lines};
use crate::cluster::signed::{About, Refused, hear};
use crate::cluster::standing::Member;
use crate::cluster::store::RunState;
use crate::time::now;
use bytes::Bytes;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

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
    /// The timeline says that others have written there.
    is_told: bool,
}

impl Carried {
    pub(super) fn nothing() -> Self {
        Self {
            journal: None,
            tasks: None,
            confirmed: BTreeMap::new(),
            checked: now(),
            is_told: false,
        }
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
        let whole = self.record.journal.len() as u64;
        let coordinator = &self.controller.coordinator;
        let done = match self.carried.journal {
            Some(published) if published == whole => return,
            Some(published) => {
                let news = self.lines(published, whole);
                coordinator.append(term, run, published, &news).await
            }
            None => {
                let journal = self.lines(0, whole);
                coordinator.open(term, run, self.signed_plan(), &journal).await
            }
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

    /// The lines of the journal from one number to another, as they are carried.
    fn lines(&self, from: u64, to: u64) -> Vec<Line> {
        let entries = &self.record.journal[from as usize..to as usize];
        lines(&self.controller.signer, &self.record.id, from, entries)
    }

    fn signed_plan(&self) -> Bytes {
        self.controller.signer.say(&About::Plan(&self.record.id), &self.plan.bytes)
    }

    /// The coordinator may have forgotten everything, or hold what others have written there: looks, and
    /// brings all of it again.
    pub(super) async fn check_journal(&mut self, reports: &Reports) {
        let Some(published) = self.carried.journal else { return };
        let Some(is_anothers) = self.is_wrong(published, reports).await else { return };
        if is_anothers {
            self.tell_who_wrote();
        }
        self.carried.journal = None;
        // Tasks that nobody had taken may be gone as well, and what is known to be kept.
        self.carried.tasks = None;
        self.carried.confirmed.clear();
        self.publish_journal().await;
    }

    /// Whether what the coordinator holds is not what was published, and whether others have written it;
    /// `None` where nothing is wrong, as far as it is known.
    async fn is_wrong(&self, published: u64, reports: &Reports) -> Option<bool> {
        let Inner { coordinator, signer, .. } = &*self.controller;
        let run = &self.record.id;
        let last = self.lines(published.saturating_sub(1), published).pop();
        let tip = coordinator.tip(run).await.ok()?;
        // What everybody has obeyed needs no further look.
        if tip == Some(Tip { lines: published, last }) && !self.somebody_lags(published, reports) {
            return None;
        }
        let journal = coordinator.journal(run, 0, Duration::ZERO).await.ok()?;
        let plan = coordinator.plan(run).await.ok()?;
        let own = (Some(self.lines(0, published)), Some(self.signed_plan()));
        let anothers = journal.as_ref().is_some_and(|it| entries(signer, run, it).1.is_some())
            || plan.as_ref().is_some_and(|it| hear(&About::Plan(run), it).is_err());
        ((journal, plan) != own).then_some(anothers)
    }

    /// Whether a member has yet to read what stands there, for whatever reason.
    fn somebody_lags(&self, published: u64, reports: &Reports) -> bool {
        let lags = |member| {
            self.task(reports, member).is_some_and(|(_, state, applied)| {
                applied < published || matches!(state, TaskState::Taken)
            })
        };
        self.standing.members.keys().any(lags)
    }

    /// Others have written what only this platform may say: once in the timeline.
    pub(super) fn tell_who_wrote(&mut self) {
        let run = self.record.id.clone();
        self.controller.refusals.note(Words::Journal, run.as_str(), Refused::Forged);
        if !std::mem::replace(&mut self.carried.is_told, true) {
            let text = "the coordinator held a journal or a plan that this platform has not written: \
                        workers did not obey it, and it was brought again";
            self.warn(text);
            self.event("journal_restored", text, Value::Null);
        }
    }

    /// Lets the workers go: until they hear of it they wait to hand in what is kept already.
    pub(super) async fn close(&mut self) {
        for _ in 0..CLOSES {
            self.publish_journal().await;
            let published = self.carried.journal == Some(self.record.journal.len() as u64);
            if published && self.controller.close(&self.record.id).await.is_ok() {
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
        let (term, run) = (self.controller.term(), &self.record.id);
        let said = news.iter().map(|((worker, epoch), seq)| {
            let about = About::Kept(run, worker, *epoch);
            let said = self.controller.signer.say(&about, seq.to_string().as_bytes());
            (worker.clone(), *epoch, said)
        });
        let said: Vec<_> = said.collect();
        if self.controller.coordinator.confirm(term, run, &said).await.is_ok() {
            self.carried.confirmed.extend(news);
        }
    }
}
