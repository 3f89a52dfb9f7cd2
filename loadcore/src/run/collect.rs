//! Turns the threads' reports into one cumulative snapshot a second, a series, and the result.
//!
//! The collector has a thread of its own, so that neither an engine thread nor the user's runtime
//! pays for merging. An interval is published when every thread has closed it (the watermark); a
//! thread that is stuck holds it up for [`MAX_AHEAD`] intervals at most.
//!
//! All workers of a run close their intervals at the same moment. Would they all merge, encode and
//! hand in at once, a machine that many of them share had no time for the load just then, every
//! second. So each waits for its turn, which its place among them tells.

use super::RunError;
use super::feed::Teller;
use super::handle::Control;
use super::observe::Readings;
use super::progress::Progress;
use crate::analysis::{Judge, WorkerTotals};
use crate::engine::{self, Report};
use crate::record::{Counters, Interval, Merge, Snapshot, WorkerInterval};
use crate::result::{ResultBuilder, RunEnd, RunResult, Span};
use crate::time::{Nanos, now};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How many intervals the quickest thread may be ahead of the published ones.
const MAX_AHEAD: usize = 8;
/// The time in which all workers of a run have their turn to publish an interval.
pub(super) const TURNS: Duration = Duration::from_millis(250);

/// What a process is called that makes a run's whole load: it is the run's one worker.
const ALONE: &str = "local";

/// One interval of the whole run, as it closes.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClosedInterval<'a> {
    /// What was recorded in it.
    pub interval: &'a Interval,
    /// From when to when, counted from the start of the measured time.
    pub span: Span,
    /// Everything since the start.
    pub total: &'a Snapshot,
    /// When the measured time began, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// Names and weights of the requests; none without a mix.
    pub mix: &'a [(String, f64)],
    /// Arrivals come by time alone, and do not wait for replies.
    pub open: bool,
}

/// What the collector of a run needs.
pub(super) struct Collector {
    pub(super) interval: Nanos,
    /// The number of the first interval.
    pub(super) first: u64,
    /// How long what all threads have closed waits until it is published.
    pub(super) turn: Duration,
    /// Whose the snapshots are, and in which term.
    pub(super) worker: String,
    pub(super) epoch: u64,
    pub(super) reports: Receiver<Report>,
    /// Where each thread gets its emptied sets back.
    pub(super) spares: Vec<SyncSender<Box<Interval>>>,
    pub(super) threads: Vec<JoinHandle<io::Result<()>>>,
    pub(super) builder: ResultBuilder,
    /// `None` on assignment: a part of a run says nothing about the whole, which is judged, second by second
    /// as well, where all parts are merged.
    pub(super) judge: Option<Judge>,
    /// What the target tells of itself meanwhile.
    pub(super) readings: Option<Readings>,
    pub(super) control: Control,
    /// A rule has ended the run.
    pub(super) aborted: bool,
    pub(super) snapshots: Teller<Arc<Snapshot>>,
    pub(super) progress: Teller<Progress>,
    pub(super) observers: Vec<Observer>,
    pub(super) started_unix_ms: u64,
}

/// Called with each interval as it closes, on the collector's thread. Clones of a test have theirs in
/// common.
#[derive(Clone)]
pub(super) struct Observer(pub(super) Arc<Mutex<Observe>>);

type Observe = dyn FnMut(&ClosedInterval<'_>) + Send;

impl Observer {
    fn observe(&self, closed: &ClosedInterval<'_>) {
        (self.0.lock().unwrap_or_else(PoisonError::into_inner))(closed);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// What is known of each thread.
#[derive(Debug, Clone, Copy, Default)]
struct ThreadState {
    closed: u64,
    /// When its load ended, on the run's clock, once it has.
    load_end: Option<Nanos>,
    ending: Option<engine::ThreadEnd>,
}

struct ThreadMerge {
    states: Vec<ThreadState>,
    /// Intervals that not all threads have closed, by number.
    open: BTreeMap<u64, Box<Interval>>,
    /// Emptied ones, to be used again. Boxed, as they go to and fro between threads.
    #[expect(clippy::vec_box, reason = "an interval is moved as a box, and never by value")]
    empty: Vec<Box<Interval>>,
    total: Snapshot,
    published: u64,
    shared: Shared,
}

/// Snapshots that were given away. Those that everybody is done with are used again: each has
/// histograms of more than a megabyte, and fresh memory costs more than filling it.
#[derive(Default)]
struct Shared(Vec<Arc<Snapshot>>);

impl Shared {
    /// The most that are kept for that.
    const MOST: usize = 2;

    /// A copy to be given away.
    fn copy(&mut self, snapshot: &Snapshot) -> Arc<Snapshot> {
        let place = self.0.iter().position(|shared| Arc::strong_count(shared) == 1);
        let mut free = place.map(|place| self.0.swap_remove(place));
        match free.as_mut().and_then(Arc::get_mut) {
            Some(memory) => memory.assign(snapshot),
            None => free = None,
        }
        let copy = free.unwrap_or_else(|| Arc::new(snapshot.clone()));
        self.0.truncate(Self::MOST - 1);
        self.0.push(Arc::clone(&copy));
        copy
    }
}

impl Collector {
    /// Merges until every thread has ended; answers the result.
    pub(super) fn collect(mut self) -> Result<RunResult, RunError> {
        let mut merging = self.merging();
        // What all threads have closed waits for our turn, and we for the next report.
        let mut turn: Option<Instant> = None;
        loop {
            let wait = turn.map_or(Duration::MAX, |at| at.saturating_duration_since(now()));
            match self.reports.recv_timeout(wait) {
                Ok(report) => {
                    self.hear(&mut merging, report);
                    if merging.may_publish() {
                        turn.get_or_insert_with(|| now() + self.turn);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.publish_closed(&mut merging);
                    turn = None;
                }
                // The last thread has dropped its sender.
                Err(RecvTimeoutError::Disconnected) => return self.end(merging),
            }
        }
    }

    /// The same without a thread to wait on, for simulations.
    #[cfg(test)]
    pub(super) async fn collect_here(mut self) -> Result<RunResult, RunError> {
        use std::sync::mpsc::TryRecvError;
        let mut merging = self.merging();
        loop {
            match self.reports.try_recv() {
                Ok(report) => {
                    self.hear(&mut merging, report);
                    self.publish_closed(&mut merging);
                }
                Err(TryRecvError::Disconnected) => return self.end(merging),
                Err(TryRecvError::Empty) => {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            }
        }
    }

    fn merging(&mut self) -> ThreadMerge {
        ThreadMerge {
            states: vec![ThreadState::default(); self.spares.len()],
            open: BTreeMap::new(),
            empty: Vec::new(),
            total: Snapshot {
                worker: std::mem::take(&mut self.worker),
                epoch: self.epoch,
                ..Snapshot::default()
            },
            published: self.first,
            shared: Shared::default(),
        }
    }

    fn hear(&mut self, merging: &mut ThreadMerge, report: Report) {
        let thread = report.thread;
        let set = merging.take(report);
        // The thread may have ended; it needs no set then.
        let _ = self.spares[thread].try_send(set);
    }

    fn publish_closed(&mut self, merging: &mut ThreadMerge) {
        while merging.may_publish() {
            self.publish(merging);
        }
    }

    fn end(mut self, mut merging: ThreadMerge) -> Result<RunResult, RunError> {
        // It waited for its turn, and is known even if a thread has failed.
        self.publish_closed(&mut merging);
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| io::Error::other("it panicked"))??;
        }
        while !merging.open.is_empty() {
            self.publish(&mut merging);
        }
        Ok(self.result(merging))
    }

    /// Publishes the next interval.
    fn publish(&mut self, merging: &mut ThreadMerge) {
        let number = merging.published;
        merging.published += 1;
        let interval = merging.open.remove(&number).unwrap_or_else(|| merging.spare());
        let from_ns = number * self.interval;
        let is_last = merging.open.is_empty() && merging.all_ended();
        let to_ns = if is_last { merging.end().max(from_ns) } else { from_ns + self.interval };
        let draining = merging.load_end().is_some_and(|end| from_ns >= end);
        let span = Span { from_ns, to_ns, draining };
        let total = &mut merging.total;
        total.total.merge(&interval);
        total.seq += 1;
        total.elapsed_ns = to_ns;
        total.is_final = is_last;
        // From the counts of this interval and all before, so that both identities hold in every
        // snapshot, wherever the threads are by now.
        let counters = &total.total.counters;
        total.in_flight = counters.sent - counters.outcomes();
        total.backlog = counters.due - counters.sent - counters.dropped_total();
        let closed = ClosedInterval {
            interval: &interval,
            span,
            total,
            started_unix_ms: self.started_unix_ms,
            mix: self.builder.mix(),
            open: self.builder.is_open_loop(),
        };
        // What comes after the load with nothing in it is no second of the run.
        if !(is_last && draining && interval.counters == Counters::default()) {
            self.observers.iter().for_each(|observer| observer.observe(&closed));
            self.progress.send(&closed.progress(), is_last);
        }
        if let Some(judge) = &mut self.judge {
            self.builder.interval(&interval, span);
            judge.interval(&interval, span, 0);
            let (in_flight, backlog) = (total.in_flight, total.backlog);
            let alone = [WorkerInterval::of(ALONE.into(), &interval, in_flight, backlog)];
            self.builder.by_worker(&alone, span);
            judge.by_worker(&alone, span);
            self.readings
                .iter_mut()
                .flat_map(Readings::new_ones)
                .for_each(|it| judge.observed(&it));
            if judge.abort().is_some() && !self.aborted {
                self.aborted = true;
                self.control.stop();
            }
        }
        self.snapshots.send(&merging.shared.copy(total), is_last);
        merging.recycle(interval);
    }

    fn result(mut self, merging: ThreadMerge) -> RunResult {
        let endings = || merging.states.iter().filter_map(|state| state.ending);
        let duration_ns = endings().map(|ending| ending.load_end).max().unwrap_or(0);
        let Snapshot { total, in_flight, backlog, .. } = &merging.total;
        let ending = RunEnd {
            duration_ns,
            drain_ns: endings().map(|ending| ending.drain).max().unwrap_or(0),
            interrupted: endings().any(|ending| ending.stopped),
            workers: vec![WorkerInterval::of(ALONE.into(), total, *in_flight, *backlog)],
            ..RunEnd::default()
        };
        let result = self.builder.build(&merging.total, &ending);
        match self.judge {
            Some(mut judge) => {
                judge.worker(WorkerTotals::of(ALONE.into(), total));
                self.readings
                    .iter_mut()
                    .flat_map(Readings::new_ones)
                    .for_each(|it| judge.observed(&it));
                judge.judge(result)
            }
            None => result,
        }
    }
}

impl ThreadMerge {
    /// Merges a report into its interval; answers the emptied set.
    fn take(&mut self, report: Report) -> Box<Interval> {
        let Report { thread, closed, mut set, load_end, ending } = report;
        self.states[thread] = ThreadState { closed, load_end, ending };
        // A report that comes late goes to the next interval that is published.
        let number = closed.saturating_sub(1).max(self.published);
        match self.open.get_mut(&number) {
            Some(open) => open.merge(&set),
            None => {
                let mut open = self.spare();
                std::mem::swap(&mut open, &mut set);
                self.open.insert(number, open);
            }
        }
        set.reset();
        set
    }

    fn may_publish(&self) -> bool {
        let watermark = self
            .states
            .iter()
            .filter(|state| state.ending.is_none())
            .map(|state| state.closed)
            .min();
        match watermark {
            Some(watermark) => watermark > self.published || self.open.len() > MAX_AHEAD,
            // All have ended: the rest is published when they are joined.
            None => false,
        }
    }

    fn all_ended(&self) -> bool {
        self.states.iter().all(|state| state.ending.is_some())
    }

    /// When the load ended, once it has on all threads.
    fn load_end(&self) -> Option<Nanos> {
        self.states
            .iter()
            .map(|state| state.load_end)
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .max()
    }

    /// When the last thread ended, drain included.
    fn end(&self) -> Nanos {
        let drained = |state: &ThreadState| Some(state.load_end? + state.ending?.drain);
        self.states.iter().filter_map(drained).max().unwrap_or(0)
    }

    fn spare(&mut self) -> Box<Interval> {
        self.empty.pop().unwrap_or_default()
    }

    fn recycle(&mut self, mut interval: Box<Interval>) {
        interval.reset();
        self.empty.push(interval);
    }
}
