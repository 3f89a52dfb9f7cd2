//! Lists what a run is told, from its start to its end: the list only grows.
//!
//! # Who owns what
//!
//! Every arrival of the run's one global schedule belongs to at most one worker. A worker takes
//! **parts** of the schedule ([`Share`]s) from a moment on, and may release one at a moment. When
//! one is lost its parts are taken by others, whole or split, from a moment on at which its lease is
//! surely over. Nothing is ever taken from a worker that did not release it and may still be
//! sending, so no arrival is sent twice, however late anybody hears of anything.
//!
//! # Moments
//!
//! `..._ns` are nanoseconds of the run's clock, whose zero is the start of the warm-up and the same
//! on all workers ([`Entry::Start`]). An entry that is heard of after its moment is applied as of
//! its moment.

use super::signed::{About, Refused, Signer, hear};
use super::{Lease, RunId, WorkerId};
use crate::schedule::Share;
use crate::time::Nanos;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A worker's term in a run. The worker counts its terms itself; a worker that has lost its lease
/// comes back in a new one.
pub type Epoch = u64;

/// With what a worker makes its load, as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Means {
    /// Processors that it may use.
    pub cores: u64,
    /// Engine threads; 0: as many as its part needs.
    pub threads: u64,
    /// How long its pacer may let due requests gather.
    pub slack_ns: Nanos,
}

/// What held before it was said.
fn default_lease_ms() -> u64 {
    Lease::default().ms()
}

/// One line of a run's journal. Its number is its place in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Entry {
    /// A worker that has taken a task belongs to the run, and may read its plan.
    Admit {
        /// Which worker.
        worker: WorkerId,
        /// In which term.
        epoch: Epoch,
        /// The key of the run's plan, sealed to the worker's public key. Empty where the plan is
        /// not sealed.
        key: String,
        /// With what it makes its load; `None` where nobody has said it.
        #[serde(default)]
        means: Option<Means>,
        /// How long it may be silent, in milliseconds: what controller and worker go by.
        #[serde(default = "default_lease_ms")]
        lease_ms: u64,
        /// What people call it; empty where nobody has said it.
        #[serde(default)]
        name: String,
    },
    /// The run's clock shows 0 when the coordinator's shows this.
    Start {
        /// Microseconds since 1970 on the coordinator's clock.
        at_us: u64,
    },
    /// A part of the schedule is this worker's from a moment on.
    Take {
        /// Which worker.
        worker: WorkerId,
        /// In which term.
        epoch: Epoch,
        /// Which arrivals.
        part: Share,
        /// Those that fall due after this moment.
        from_ns: Nanos,
        /// And are not among the first so many of the whole run: the worker that had the part may
        /// have sent them, before it heard of a change that places them later. In closed loop,
        /// where a number of requests ends it: those that were sent of the part.
        #[serde(default)]
        past: u64,
    },
    /// A part is no longer this worker's from a moment on. It acknowledges that by reporting how
    /// many entries it has applied; nobody takes the part before.
    Release {
        /// Which worker.
        worker: WorkerId,
        /// In which term.
        epoch: Epoch,
        /// Which arrivals.
        part: Share,
        /// Those that fall due after this moment are not its own.
        from_ns: Nanos,
    },
    /// The worker's lease is over, or it has left, and what it owned has no owner from then on
    /// until it is taken.
    Lost {
        /// Which worker.
        worker: WorkerId,
        /// In which term.
        epoch: Epoch,
        /// It has not sent anything after this moment.
        at_ns: Nanos,
        /// How many entries of this journal it had surely applied: of later ones it may not have
        /// heard.
        applied: u64,
        /// It left in peace, with nobody there to take its share, and hands in all that it measured.
        #[serde(default)]
        left: bool,
    },
    /// The profile's clock stops.
    Pause {
        /// When.
        at_ns: Nanos,
    },
    /// The profile's clock goes on.
    Resume {
        /// When.
        at_ns: Nanos,
    },
    /// What is left of the profile becomes a line to another rate, and that rate after it.
    Rate {
        /// When.
        at_ns: Nanos,
        /// All workers together.
        target_rps: f64,
        /// Length of the line.
        over_seconds: f64,
    },
    /// The load ends.
    Stop {
        /// When.
        at_ns: Nanos,
    },
    /// Everything is kept. Workers may forget the run.
    Close,
}

/// A line of a journal as it is carried: an entry, signed by the platform together with its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Line(pub Bytes);

impl Line {
    /// What stands in this place of a run's journal.
    #[must_use]
    pub fn new(signer: &Signer, run: &RunId, place: u64, entry: &Entry) -> Self {
        Self(signer.say(&About::Line(run, place), &json(entry)))
    }

    /// A run's end: it holds in every place of its journal.
    #[must_use]
    pub fn end(signer: &Signer, run: &RunId) -> Self {
        Self(signer.say(&About::End(run), &json(&Entry::Close)))
    }

    /// What it says in this place of the run's journal, if `trusted` hears it from the platform.
    pub(super) fn read(
        &self,
        run: &RunId,
        place: u64,
        trusted: impl Fn(&About<'_>, &Bytes) -> Result<Bytes, Refused>,
    ) -> Result<Entry, Refused> {
        let read = |said: Bytes| serde_json::from_slice(&said).map_err(|_| Refused::Illegible);
        match trusted(&About::Line(run, place), &self.0) {
            Ok(said) => read(said),
            Err(why) => match trusted(&About::End(run), &self.0).and_then(read) {
                Ok(Entry::Close) => Ok(Entry::Close),
                _ => Err(why),
            },
        }
    }
}

/// A whole journal, signed.
pub(super) fn lines(signer: &Signer, run: &RunId, from: u64, entries: &[Entry]) -> Vec<Line> {
    (from..).zip(entries).map(|(place, entry)| Line::new(signer, run, place, entry)).collect()
}

/// The entries of a journal up to the first line that this platform has not said, and what is wrong
/// with that one.
pub(super) fn entries(
    signer: &Signer,
    run: &RunId,
    lines: &[Line],
) -> (Vec<Entry>, Option<Refused>) {
    let own = |about: &About<'_>, words: &Bytes| match hear(about, words)? {
        (key, said) if key == signer.key() => Ok(said),
        (key, _) => Err(Refused::Stranger(key)),
    };
    let mut entries = Vec::with_capacity(lines.len());
    for (place, line) in (0..).zip(lines) {
        match line.read(run, place, own) {
            Ok(entry) => entries.push(entry),
            Err(why) => return (entries, Some(why)),
        }
    }
    (entries, None)
}

/// What whoever has signed it says, as far as it was said in its place: for who has another key.
pub(super) fn said_by_anybody(run: &RunId, lines: &[Line]) -> Vec<Entry> {
    let anybody = |about: &About<'_>, words: &Bytes| hear(about, words).map(|(_, said)| said);
    let read = |(place, line): (u64, &Line)| line.read(run, place, anybody).ok();
    (0..).zip(lines).filter_map(read).collect()
}

/// Entries have names and numbers only, so there is nothing in them that JSON does not have.
fn json(entry: &Entry) -> Vec<u8> {
    serde_json::to_vec(entry).unwrap_or_default()
}

/// What a worker is offered: to take part in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Which run.
    pub run: RunId,
}

/// The journal of a worker itself, apart from any run: an [`Entry::Close`] in it asks the worker to
/// drain.
#[must_use]
pub fn mailbox(worker: &WorkerId) -> RunId {
    RunId(format!("worker-{worker}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(count: u64) -> Vec<Entry> {
        (0..count).map(|at_ns| Entry::Pause { at_ns }).collect()
    }

    #[test]
    fn a_journal_is_read_up_to_the_first_line_that_is_not_the_platforms() {
        let (ours, other) = (Signer::random().unwrap(), Signer::random().unwrap());
        let (run, all) = (RunId::from("r"), journal(4));
        let signed = lines(&ours, &run, 0, &all);
        assert_eq!(entries(&ours, &run, &signed), (all.clone(), None));
        assert_eq!(lines(&ours, &run, 2, &all[2..]), signed[2..]);
        let stop = Entry::Stop { at_ns: 0 };
        for wrong in [
            Line::new(&other, &run, 2, &stop),
            Line::new(&ours, &"q".into(), 2, &stop),
            Line::new(&ours, &run, 1, &stop),
            Line::end(&other, &run),
            Line::end(&ours, &"q".into()),
            Line(ours.say(&About::End(&run), &json(&stop))),
            Line(ours.say(&About::Plan(&run), &json(&stop))),
            Line(ours.say(&About::Line(&run, 2), b"{\"entry\":\"dance\"}")),
            Line(json(&stop).into()),
            Line(Bytes::new()),
            signed[1].clone(),
        ] {
            let mut changed = signed.clone();
            changed[2] = wrong;
            let (read, why) = entries(&ours, &run, &changed);
            assert_eq!(read, all[..2]);
            assert!(why.is_some());
        }
        let mut closed = signed;
        closed[2] = Line::end(&ours, &run);
        assert_eq!(entries(&ours, &run, &closed).0[2], Entry::Close);
    }
}
