//! Turns what is stored of a run into its final result: the same bytes whichever controller
//! computes it, and whenever.

use super::books::{Settled, settle};
use super::by_name::{ByName, Divided};
use super::live::run_start;
use crate::analysis::{Judge, WorkerTotals};
use crate::cluster::coordinator::SnapshotRecord;
use crate::cluster::journal::Entry;
use crate::cluster::planned_load::PlannedLoad;
use crate::cluster::standing::{Member, Standing};
use crate::cluster::store::{IntervalRecord, RunRecord, RunState};
use crate::cluster::{Owner, RunId, Store, StoreError};
use crate::record::{
    Interval, Merge, Named, Reading, Snapshot, SnapshotReader, WorkerInterval, absorb_workers,
};
use crate::request::DropReason;
use crate::result::{ResultBuilder, RunEnd, RunResult, Span};
use crate::scenario::Scenario;
use crate::schedule::Share;
use crate::time::{Nanos, SECOND, seconds};
use std::collections::BTreeMap;

/// The result of a run that has ended.
///
/// # Errors
/// When a stored snapshot cannot be read.
pub(super) fn result(
    record: &RunRecord,
    scenario: &Scenario,
    snapshots: &[SnapshotRecord],
    intervals: &[IntervalRecord],
) -> Result<RunResult, String> {
    let standing = Standing::of(&record.journal);
    let mut load = PlannedLoad::new(scenario);
    record.journal.iter().for_each(|entry| load.read(entry));
    let started_unix_ms = standing.start_us.unwrap_or(0) / 1_000 + load.measured_from() / 1_000_000;
    let (mut merged, finals, workers) = merged(snapshots, &standing)?;
    let (workers, totals): (Vec<_>, Vec<_>) = workers.into_iter().unzip();
    let mut by_worker = Vec::new();
    totals.iter().for_each(|total| absorb_workers(&mut by_worker, std::slice::from_ref(total)));
    let missing =
        missing(record, scenario, &standing, &mut load.clone(), &merged, &finals, snapshots);
    let all = missing.unknown + missing.fenced;
    let counted = merged.total.counters.due + all;
    let load_end = load.ended_at(load.measured_from() + merged.elapsed_ns, counted);
    let measured_end = load_end.saturating_sub(load.measured_from());
    let start = run_start(record, scenario, started_unix_ms);
    let mut judge = Judge::new(scenario.sla.clone(), &start);
    workers.into_iter().for_each(|totals| judge.worker(totals));
    let mut builder = ResultBuilder::new(start);
    let missed = (all, missing.unknown > 0);
    let course_and_mix = (&mut load, scenario.picks());
    for settled in settle(read_intervals(intervals), course_and_mix, missed, load_end)? {
        let Settled { interval, span, unknown, unknown_of, workers, observed } = settled?;
        Reading::unpack(&observed)?.iter().for_each(|reading| judge.observed(reading));
        builder.interval_with_unknown(&interval, span, unknown, &unknown_of);
        builder.by_worker(&workers, span);
        judge.interval(&interval, span, unknown);
        judge.by_worker(&workers, span);
    }
    let unknown_of = settle_names(scenario, &mut load, &mut merged, &missing);
    if missing.fenced > 0 {
        let counters = &mut merged.total.counters;
        counters.due += missing.fenced;
        counters.dropped[DropReason::Fenced as usize] += missing.fenced;
    }
    let ending = RunEnd {
        duration_ns: load.profile_time(load_end),
        drain_ns: merged.elapsed_ns.saturating_sub(measured_end),
        interrupted: record.state == RunState::Aborted || standing.stopped_at.is_some(),
        unknown: missing.unknown,
        unknown_of,
        lost_workers: lost(&standing, |member| finals.get(member) == Some(&true)),
        workers: by_worker,
    };
    Ok(judge.judge(builder.build(&merged, &ending)))
}

/// Names and ids of the workers that were lost, each once. Who left in peace and has handed in its
/// last snapshot was not.
pub(super) fn lost(standing: &Standing, is_final: impl Fn(&Member) -> bool) -> Vec<String> {
    let owners = standing.lost.keys().filter(|member| {
        let is_missed = !standing.left.contains(*member) || !is_final(member);
        standing.owners.contains(*member) && is_missed
    });
    let mut names: Vec<_> = owners.map(|(worker, _)| standing.name_of(worker)).collect();
    // One that was lost in two of its terms stands there once: they are in the order of workers.
    names.dedup();
    names
}

type Merged = (Snapshot, BTreeMap<Member, bool>, Vec<(WorkerTotals, WorkerInterval)>);

/// All snapshots added up, which member's is the last one, and what each of them did.
fn merged(snapshots: &[SnapshotRecord], standing: &Standing) -> Result<Merged, String> {
    // The store has the newest of each member, and no other.
    let mut merged = Snapshot::default();
    let mut reader = SnapshotReader::default();
    let mut own = Interval::new();
    let (mut finals, mut workers) = (BTreeMap::new(), Vec::new());
    for record in snapshots {
        own.reset();
        let added = reader.add_to(&mut own, &record.bytes);
        let snapshot = added.map_err(|error| error.to_string())?;
        merged.total.merge(&own);
        let name = standing.name_of(&record.worker);
        let (in_flight, backlog) = (snapshot.in_flight, snapshot.backlog);
        let brief = WorkerInterval::of(name.clone(), &own, in_flight, backlog);
        workers.push((WorkerTotals::of(name, &own), brief));
        merged.elapsed_ns = merged.elapsed_ns.max(snapshot.elapsed_ns);
        merged.in_flight = merged.in_flight.saturating_add(snapshot.in_flight);
        merged.backlog = merged.backlog.saturating_add(snapshot.backlog);
        finals.insert((record.worker.clone(), record.epoch), snapshot.is_final);
    }
    // What a lost worker had waiting is known to have been due, and nothing else is known of it.
    merged.total.counters.due -= merged.backlog.min(merged.total.counters.due);
    for Named { counters, .. } in &mut merged.total.named {
        counters.due = counters.sent.saturating_add(counters.dropped_total());
    }
    merged.backlog = 0;
    Ok((merged, finals, workers))
}

/// Arrivals that were planned and that nobody has reported.
struct Missing {
    /// Due on a worker that may have sent them.
    unknown: u64,
    /// Due while their part had no owner: surely not sent.
    fenced: u64,
}

fn missing(
    record: &RunRecord,
    scenario: &Scenario,
    standing: &Standing,
    load: &mut PlannedLoad,
    merged: &Snapshot,
    finals: &BTreeMap<Member, bool>,
    snapshots: &[SnapshotRecord],
) -> Missing {
    let whole = standing.owners.iter().all(|member| finals.get(member) == Some(&true));
    let lacking = match load.planned() {
        Some(planned) => planned.saturating_sub(merged.total.counters.due),
        // A closed loop has no plan to be held against.
        None if whole => 0,
        None => {
            let left = scenario.max_requests.unwrap_or(u64::MAX);
            let left = left.saturating_sub(merged.total.counters.due);
            // Where a number of requests ended the load, a lost worker may have sent all that the
            // others have not.
            let by_number = scenario.max_requests.is_some()
                && standing.stopped_at.is_none()
                && load.end_at().is_some_and(|end| ended_before(record, standing, end));
            if by_number { left } else { closed_loop_guess(standing, finals, snapshots).min(left) }
        }
    };
    if whole {
        Missing { unknown: 0, fenced: lacking }
    } else {
        // A worker that had not heard of a stop or a change may have sent more than was planned.
        let unheard = unheard(record, scenario, finals, snapshots);
        Missing { unknown: lacking.max(unheard), fenced: 0 }
    }
}

/// Divides what is missing among the requests of the mix: what had no owner is put into `merged`,
/// and what is unknown of each is answered.
fn settle_names(
    scenario: &Scenario,
    load: &mut PlannedLoad,
    merged: &mut Snapshot,
    missing: &Missing,
) -> Vec<u64> {
    // Counting a long run's arrivals takes seconds: only where something is missing.
    if missing.unknown + missing.fenced == 0 {
        return Vec::new();
    }
    let mut by_name = ByName::new(scenario.picks());
    merged.total.make_room(scenario.mix.len());
    // In closed loop the requests of a whole number are known beforehand too.
    let counted = merged.total.counters.due + missing.unknown;
    let by_number = scenario.max_requests.filter(|limit| *limit == counted);
    let Some(planned) = load.planned().or(by_number) else {
        return by_name.guess(missing.unknown);
    };
    let both = (missing.fenced, missing.unknown);
    let Divided { fenced, unknown, .. } = by_name.divide(&merged.total, planned, both);
    for (named, fenced) in merged.total.named.iter_mut().zip(fenced) {
        named.counters.due += fenced;
        named.counters.dropped[DropReason::Fenced as usize] += fenced;
    }
    unknown
}

/// Whether the load ended before `end` on the run's clock, and nobody had told it to.
fn ended_before(record: &RunRecord, standing: &Standing, end: Nanos) -> bool {
    let stopping = record.since.get(&RunState::Stopping).zip(standing.start_us);
    // A moment is told in whole milliseconds.
    stopping.is_some_and(|(ms, start_us)| (ms + 1) * 1_000 < start_us + end / 1_000)
}

/// The most that lost workers may have sent after their last snapshots, by what they had heard.
fn unheard(
    record: &RunRecord,
    scenario: &Scenario,
    finals: &BTreeMap<Member, bool>,
    snapshots: &[SnapshotRecord],
) -> u64 {
    let lost = record.journal.iter().filter_map(|entry| match entry {
        Entry::Lost { worker, epoch, at_ns, applied, .. } => {
            Some(((worker.clone(), *epoch), *at_ns, *applied))
        }
        _ => None,
    });
    let lost = lost.filter(|(member, ..)| finals.get(member) != Some(&true));
    lost.map(|(member, at_ns, applied)| {
        let heard = &record.journal[..record.journal.len().min(applied as usize)];
        let reported = snapshots
            .iter()
            .find(|it| (&it.worker, it.epoch) == (&member.0, member.1))
            .and_then(|it| Snapshot::decode(&it.bytes).ok())
            .map_or(0, |it| it.total.counters.due.saturating_sub(it.backlog));
        due_of(heard, scenario, &member, at_ns).saturating_sub(reported)
    })
    .sum()
}

/// How many arrivals fell due on a member's parts by `at`, to the best of its knowledge.
fn due_of(heard: &[Entry], scenario: &Scenario, member: &Member, at: Nanos) -> u64 {
    let mut load = PlannedLoad::new(scenario);
    let mut parts = Vec::new();
    let mut released = 0;
    for entry in heard {
        match entry {
            Entry::Take { worker, epoch, part, from_ns, past }
                if (worker, epoch) == (&member.0, &member.1) =>
            {
                parts.push((*part, load.due_by(*from_ns).unwrap_or(0).max(*past)));
            }
            Entry::Release { worker, epoch, part, from_ns }
                if (worker, epoch) == (&member.0, &member.1) =>
            {
                let by = load.due_by(*from_ns).unwrap_or(0);
                let ended = parts.extract_if(.., |(owned, _)| owned == part);
                released += ended.map(|(part, from)| due_between(part, from, by)).sum::<u64>();
            }
            entry => load.read(entry),
        }
    }
    let by = load.due_by(at).unwrap_or(0);
    released + parts.into_iter().map(|(part, from)| due_between(part, from, by)).sum::<u64>()
}

/// How many of a part's arrivals are among the first `by` and not among the first `from`. A worker
/// may be lost before the moment from which a part is its own.
fn due_between(part: Share, from: u64, by: u64) -> u64 {
    part.count(by).saturating_sub(part.count(from))
}

/// What lost workers of a closed loop may have sent after their last snapshot: twice what they sent
/// in a mean second, for each. It is a guess, for nothing was planned.
fn closed_loop_guess(
    standing: &Standing,
    finals: &BTreeMap<Member, bool>,
    snapshots: &[SnapshotRecord],
) -> u64 {
    let open = standing.owners.iter().filter(|member| finals.get(*member) != Some(&true));
    open.map(|(worker, epoch)| {
        let record = snapshots.iter().find(|it| it.worker == *worker && it.epoch == *epoch);
        let snapshot = record.and_then(|it| Snapshot::decode(&it.bytes).ok());
        snapshot.map_or(1, |it| {
            let mean = it.total.counters.sent as f64 / seconds(it.elapsed_ns.max(SECOND));
            (2.0 * mean).ceil() as u64 + 1
        })
    })
    .sum()
}

/// The intervals that lie in the last `window` of a run that has ended. Its last one is searched for:
/// a run may have 3,600, and a window is a few of them.
pub(super) async fn last_intervals(
    store: &dyn Store,
    owner: &Owner,
    run: &RunId,
    window: Nanos,
) -> Result<Vec<IntervalRecord>, StoreError> {
    let (mut last, mut longest) = (None, 0);
    // Steps that double until they lead beyond the end, and then halve.
    let (mut low, mut beyond) = (0_u64, None);
    while beyond.is_none_or(|beyond| low < beyond) {
        let number = beyond.map_or(2 * low, |beyond| low.midpoint(beyond));
        match store.intervals(owner, run, number, 1).await?.pop() {
            Some(IntervalRecord { number, from_ns, to_ns, .. }) => {
                (low, last) = (number + 1, Some(to_ns));
                longest = longest.max(to_ns - from_ns);
            }
            None => beyond = Some(number),
        }
    }
    let from_ns = last.unwrap_or(0).saturating_sub(window);
    // The first one may have begun before.
    let number = from_ns.saturating_sub(longest) / SECOND;
    let mut stored = store.intervals(owner, run, number, usize::MAX).await?;
    stored.retain(|it| it.to_ns > from_ns);
    Ok(stored)
}

/// Stored intervals, read one at a time: each takes more than a megabyte, and a run has thousands. A
/// clone of it goes through them again.
///
/// One that begins within another is left out. A controller that was cut off while another took its
/// run up may have kept some seconds of a time that the other has in one.
pub(super) fn read_intervals(
    stored: &[IntervalRecord],
) -> impl Iterator<Item = Result<(Snapshot, Span), String>> + Clone {
    let mut end = 0;
    let apart = stored.iter().filter(move |it| {
        let apart = it.from_ns >= end;
        end = end.max(it.to_ns);
        apart
    });
    apart.map(|it| {
        let snapshot = Snapshot::decode(&it.bytes).map_err(|error| error.to_string())?;
        let span = Span { from_ns: it.from_ns, to_ns: it.to_ns, draining: it.draining };
        Ok((snapshot, span))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::WorkerId;
    use crate::cluster::memory::MemoryStore;
    use serde_json::json;

    #[test]
    fn a_worker_that_was_lost_before_its_part_began_owes_nothing() {
        let scenario = Scenario::from_value(json!({
            "name": "a", "targetUrl": "http://target.test/", "durationSeconds": 10,
            "loadProfile": {"type": "CONSTANT", "initialRps": 100},
        }));
        let member = (WorkerId("w".into()), 1);
        let (worker, epoch) = member.clone();
        let part = Share::WHOLE;
        let take =
            Entry::Take { worker: worker.clone(), epoch, part, from_ns: 5 * SECOND, past: 0 };
        let release = Entry::Release { worker, epoch, part, from_ns: 4 * SECOND };
        let scenario = scenario.unwrap();
        let start = Entry::Start { at_us: 1_000_000 };
        let owed = |heard: &[Entry], at| due_of(heard, &scenario, &member, at);
        let heard = [start, take, release];
        assert_eq!(owed(&heard[..2], SECOND), 0);
        assert_eq!(owed(&heard[..2], 6 * SECOND), 100);
        assert_eq!(owed(&heard, 6 * SECOND), 0);
    }

    #[test]
    fn what_each_worker_did_is_known_beside_the_sum() {
        let record = |worker: &str, epoch, sent, ms: u64| {
            let mut snapshot =
                Snapshot { worker: worker.into(), epoch, seq: 1, ..Snapshot::default() };
            let Interval { counters, histograms, .. } = &mut snapshot.total;
            (counters.due, counters.sent, counters.ok) = (sent, sent, sent);
            histograms.response.record_n(ms * 1_000_000, sent);
            histograms.service.record_n(ms * 1_000_000, sent);
            SnapshotRecord {
                run: RunId::from("r"),
                worker: WorkerId(worker.into()),
                epoch,
                seq: 1,
                elapsed_ns: SECOND,
                is_final: true,
                bytes: snapshot.encode().into(),
            }
        };
        let snapshots = [record("a", 1, 3, 5), record("a", 2, 4, 5), record("b", 1, 6, 90)];
        let (merged, finals, workers) = merged(&snapshots, &Standing::default()).unwrap();
        assert_eq!((merged.total.counters.sent, finals.len()), (13, 3));
        assert_eq!(merged.total.histograms.response.count(), 13);
        let each: Vec<_> = workers.iter().map(|(it, _)| (&*it.worker, it.counters.sent)).collect();
        assert_eq!(each, [("a", 3), ("a", 4), ("b", 6)]);
        let slowest = workers[2].0.response.quantile(0.5).unwrap();
        assert!(slowest > 80_000_000 && workers[1].0.service.count() == 4, "{slowest}");
    }

    #[test]
    fn what_two_controllers_have_kept_of_one_time_counts_once() {
        let second = |from: u64, to: u64, sent| {
            let mut snapshot = Snapshot::default();
            snapshot.total.counters.sent = sent;
            let (from_ns, to_ns) = (from * SECOND, to * SECOND);
            let bytes = snapshot.encode().into();
            IntervalRecord { number: from, from_ns, to_ns, draining: false, bytes }
        };
        let stored = [(0, 1, 7), (1, 4, 30), (2, 3, 10), (3, 4, 10), (4, 5, 9), (4, 5, 9)];
        let stored = stored.map(|(from, to, sent)| second(from, to, sent));
        let read = read_intervals(&stored);
        let sent = |it: Result<(Snapshot, Span), String>| it.unwrap().0.total.counters.sent;
        // Each clone begins anew.
        assert_eq!(read.clone().map(sent).collect::<Vec<_>>(), [7, 30, 9]);
        assert_eq!(read.map(sent).collect::<Vec<_>>(), [7, 30, 9]);
    }

    fn run() -> RunRecord {
        RunRecord {
            id: RunId::random(),
            owner: Owner::from("somebody"),
            scenario_id: crate::cluster::ScenarioId::from("a scenario"),
            revision: 0,
            created_unix_ms: 0,
            ended_unix_ms: Some(1),
            state: RunState::Completed,
            since: Default::default(),
            ends_as: None,
            scenario: json!({}),
            journal: Vec::new(),
            reached: 0,
            plan_key: String::new(),
            secrets: String::new(),
            warnings: Vec::new(),
            timeline: Vec::new(),
            baseline: false,
            told: Vec::new(),
            summary: None,
        }
    }

    #[tokio::test]
    async fn the_last_intervals_are_those_at_the_end() {
        // How many, of how many seconds each, and how much of the last one was recorded.
        for (count, length, rest) in
            [(0, 1, 1), (1, 1, 1), (2, 1, 1), (61, 1, 1), (100, 7, 2), (1, 168, 3), (130, 168, 168)]
        {
            let (store, run) = (MemoryStore::new(), run());
            store.insert_run(&run).await.unwrap();
            let stored: Vec<_> = (0..count)
                .map(|at| {
                    let number = at * length;
                    let seconds = if at + 1 == count { rest } else { length };
                    let (from_ns, to_ns) = (number * SECOND, (number + seconds) * SECOND);
                    let bytes = Snapshot::default().encode().into();
                    IntervalRecord { number, from_ns, to_ns, draining: false, bytes }
                })
                .collect();
            store.keep_intervals(&run.owner, &run.id, &stored).await.unwrap();
            let end = stored.last().map_or(0, |it| it.to_ns);
            for window in [1, 2, 60, 3_600].map(|seconds| seconds * SECOND) {
                let read = last_intervals(&store, &run.owner, &run.id, window).await.unwrap();
                let from = end.saturating_sub(window);
                let wanted: Vec<_> = stored.iter().filter(|it| it.to_ns > from).cloned().collect();
                assert_eq!(read, wanted, "{count} of {length} s, the last {window} ns");
            }
        }
    }
}
