//! Checks what must hold: the invariants, each by its number.

use super::faults::Disturbance;
use super::{Dice, World, post};
use crate::cluster::Coordinator;
use crate::cluster::controller::api::{Command, KnownResult};
use crate::cluster::journal::Entry;
use crate::cluster::planned_load::PlannedLoad;
use crate::cluster::store::{RunRecord, RunState, Store};
use crate::cluster::{Controller, ControllerOptions};
use crate::engine::SentWatch;
use crate::result::{LoopKind, RunResult, RunSummary, SeriesRow};
use crate::scenario::Scenario;
use crate::time::{Nanos, SECOND, now};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The target, and whoever looks over the engines' shoulders.
#[derive(Debug)]
pub(super) struct Witness {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    /// The target does not answer any more.
    hangs: bool,
    counted: u64,
    numbers: BTreeSet<u64>,
    /// Arrivals sent, by the second of the run's clock in which they were due.
    by_second: BTreeMap<u64, u64>,
    violations: Vec<String>,
    /// When a stop was accepted while nothing was wrong.
    stopped: Option<Instant>,
    newest: BTreeMap<(String, u64), u64>,
    /// Since when nothing has been wrong.
    calm: Option<Instant>,
    /// When something was last sent.
    sent: Option<Instant>,
}

impl SentWatch for Witness {
    fn sent(&self, number: u64, intended: Option<Nanos>, now: Nanos, fence: Nanos) {
        let mut state = self.state.lock().unwrap();
        state.sent = Some(crate::time::now());
        if !state.numbers.insert(number) {
            state.violations.push(format!("6: arrival {number} was sent twice"));
        }
        if now >= fence {
            state.violations.push(format!("8: sent at {now} behind the fence at {fence}"));
        }
        if let Some(intended) = intended {
            // What is due at the very end of a second is due by it.
            *state.by_second.entry(intended.saturating_sub(1) / SECOND).or_default() += 1;
        }
        if let Some(stopped) = state.stopped
            && since(stopped) > Duration::from_secs(2)
        {
            state.violations.push("9: sent more than 2 s after a stop".into());
        }
    }
}

fn since(instant: Instant) -> Duration {
    now().saturating_duration_since(instant)
}

impl Witness {
    pub(super) fn new(seed: u64) -> Self {
        let state = State {
            dice: Dice::new(seed),
            hangs: false,
            counted: 0,
            numbers: BTreeSet::new(),
            by_second: BTreeMap::new(),
            violations: Vec::new(),
            stopped: None,
            newest: BTreeMap::new(),
            calm: None,
            sent: None,
        };
        Self { state: Mutex::new(state) }
    }

    /// The target has got a request: how long it takes to answer.
    pub(super) fn counts(&self) -> Duration {
        let mut state = self.state.lock().unwrap();
        state.counted += 1;
        if state.hangs {
            return Duration::from_secs(3_600);
        }
        let slow = state.dice.chance(1);
        let ms = if slow { state.dice.between(500, 3_000) } else { state.dice.between(1, 20) };
        Duration::from_millis(ms)
    }

    /// From now on no request is answered.
    pub(super) fn hangs(&self) {
        self.state.lock().unwrap().hangs = true;
    }

    pub(super) fn violation(&self, what: String) {
        self.state.lock().unwrap().violations.push(what);
    }

    pub(super) fn stopped(&self, calm: bool) {
        if calm {
            self.state.lock().unwrap().stopped = Some(now());
        }
    }

    pub(super) fn disturbed(&self) {
        let mut state = self.state.lock().unwrap();
        state.stopped = state.stopped.filter(|at| since(*at) >= Duration::from_secs(2));
        state.calm = None;
    }

    fn counted(&self) -> u64 {
        self.state.lock().unwrap().counted
    }
}

/// What must hold at every moment.
pub(super) async fn in_between(world: &mut World) -> Result<(), String> {
    let record = world.record().await;
    if let Some(leader) = world.leader()
        && !world.network.is_troubled()
        && let Ok(KnownResult::Live(result)) = leader.result(&record.owner, &record.id).await
    {
        identity(&result)?;
    }
    let now_us = world.coordinator.now_us().await.unwrap();
    the_load_goes_on(world, &record, now_us)?;
    // 3: what is stored never gets older.
    let stored = world.store.snapshots(&record.owner, &record.id).await.unwrap();
    let mut state = world.witness.state.lock().unwrap();
    for snapshot in stored {
        let key = (snapshot.worker.0.clone(), snapshot.epoch);
        let seq = state.newest.entry(key).or_default();
        if snapshot.seq < *seq {
            return Err(format!("3: {} fell from {seq} to {}", snapshot.worker, snapshot.seq));
        }
        *seq = snapshot.seq;
    }
    match state.violations.first() {
        Some(violation) => Err(format!("{violation}: {:#?}", record.journal)),
        None => Ok(()),
    }
}

/// How long after the last fault, and after a lease's end, somebody must make all of the load again: a
/// task, a plan, threads, and the notice.
const TO_GO_ON: Duration = Duration::from_secs(7);
/// In a time so long something is sent at any rate that is looked at.
const A_WHILE: Duration = Duration::from_secs(3);

/// Whatever has failed: once nothing is wrong any more, what falls due is sent.
fn the_load_goes_on(world: &World, record: &RunRecord, now_us: u64) -> Result<(), String> {
    let frozen = world.workers.iter().any(super::host::Host::is_frozen);
    let somebody = world.workers.iter().any(super::host::Host::is_running);
    let mut state = world.witness.state.lock().unwrap();
    if world.network.is_troubled() || frozen || !somebody || world.leader().is_none() {
        state.calm = None;
        return Ok(());
    }
    let calm = since(*state.calm.get_or_insert_with(now));
    let silent = state.sent.is_none_or(|at| since(at) > A_WHILE);
    let document = world.secrets.open(&record.scenario).unwrap();
    let may_rest = record.state != RunState::Running || document["onWorkerLoss"] == "continue";
    if calm < world.lease.length() + TO_GO_ON || !silent || may_rest {
        return Ok(());
    }
    let mut load = PlannedLoad::new(&Scenario::from_value(document).unwrap());
    record.journal.iter().for_each(|entry| load.read(entry));
    let start = record.journal.iter().find_map(|entry| match entry {
        Entry::Start { at_us } => Some(*at_us),
        _ => None,
    });
    let run_ns = now_us.saturating_sub(start.unwrap_or(u64::MAX)) * 1_000;
    let before = load.due_by(run_ns.saturating_sub(A_WHILE.as_nanos() as u64)).unwrap_or(0);
    let due = load.due_by(run_ns).unwrap_or(0) - before;
    if due >= 20 {
        return Err(format!(
            "1: {due} fell due within {A_WHILE:?}, none was sent, and nothing has been wrong for \
             {calm:?}: {:#?}",
            record.journal
        ));
    }
    Ok(())
}

/// Nobody is lost with whom nothing was wrong, whatever controllers and stores do.
fn nobody_healthy_is_lost(record: &RunRecord, faults: &[(u64, Disturbance)]) -> Result<(), String> {
    let harmless = |fault: &Disturbance| {
        matches!(
            fault,
            Disturbance::KillController
                | Disturbance::AddController
                | Disturbance::CutControllers
                | Disturbance::ReconnectControllers
                | Disturbance::StoreDown
                | Disturbance::StoreUp
                | Disturbance::Tell(_)
                | Disturbance::AddWorker
        )
    };
    // Who had come to the end of what it knew is held for lost when word of a change comes after.
    let changed = |fault: &Disturbance| {
        matches!(fault, Disturbance::Tell(Command::Pause | Command::Rate { .. }))
    };
    let cut = |fault: &Disturbance| matches!(fault, Disturbance::CutControllers);
    if faults.iter().any(|(_, it)| changed(it)) && faults.iter().any(|(_, it)| cut(it)) {
        return Ok(());
    }
    let lost = record.journal.iter().find(|entry| matches!(entry, Entry::Lost { .. }));
    match lost.filter(|_| faults.iter().all(|(_, fault)| harmless(fault))) {
        Some(lost) => Err(format!("1: nothing was wrong with it, and it was lost: {lost:?}")),
        None => Ok(()),
    }
}

/// Invariant 5.
pub(super) fn identity(result: &RunResult) -> Result<(), String> {
    let it = &result.arrivals;
    if it.due != it.sent + it.dropped + it.backlog + it.unknown {
        return Err(format!("5: {it:?}"));
    }
    let outcomes = &result.outcomes;
    if it.sent != outcomes.ok + outcomes.failed + outcomes.unfinished {
        return Err(format!("5: sent {} and {outcomes:?}", it.sent));
    }
    let (mut due, mut told) = (0, 0);
    for row in &result.series {
        (due, told) = (due + row.due, told + row.sent + row.dropped);
        if due != told + row.backlog + row.unknown {
            return Err(format!("5: second {}: {:#?}", row.second, result.series));
        }
    }
    if due != it.due || told != it.sent + it.dropped {
        return Err(format!("5: the rows come to {due} and {told}: {it:?}, {:#?}", result.series));
    }
    identity_by_name(result)
}

/// The same for each request of a mix, and the sums of them are the whole.
fn identity_by_name(result: &RunResult) -> Result<(), String> {
    let mut sums = [0; 7];
    for request in &result.requests {
        let (it, outcomes) = (&request.arrivals, &request.outcomes);
        let rows = |of: fn(&SeriesRow) -> u64| request.series.iter().map(of).sum::<u64>();
        let told = it.sent + it.dropped + it.backlog + it.unknown;
        let ended = outcomes.ok + outcomes.failed;
        if it.due != told
            || it.sent != ended + outcomes.unfinished
            || (rows(|row| row.due), rows(|row| row.sent)) != (it.due, it.sent)
            || it.dropped_by_reason.values().sum::<u64>() != it.dropped
        {
            return Err(format!("5: {}: {it:?} {outcomes:?} {:#?}", request.name, request.series));
        }
        let all = [it.due, it.sent, it.dropped, it.backlog, it.unknown, ended, outcomes.unfinished];
        sums.iter_mut().zip(all).for_each(|(sum, count)| *sum += count);
    }
    let it = &result.arrivals;
    let (ended, unfinished) = (result.total_requests, result.outcomes.unfinished);
    let all = [it.due, it.sent, it.dropped, it.backlog, it.unknown, ended, unfinished];
    if !result.requests.is_empty() && sums != all {
        return Err(format!("5: the requests come to {sums:?}, and the whole is {all:?}"));
    }
    Ok(())
}

/// Which request each arrival was follows from the seed: what is counted of each is what was computed,
/// and what the target has got of it.
fn by_name(
    world: &World,
    record: &RunRecord,
    result: &RunResult,
    told: bool,
) -> Result<(), String> {
    let document = world.secrets.open(&record.scenario).unwrap();
    let mix = Scenario::from_value(document).unwrap().picks();
    let numbers = world.witness.state.lock().unwrap().numbers.clone();
    let measured = mix.counts(numbers);
    let due = mix.counts(0..result.arrivals.due);
    let is_open = result.loop_kind == LoopKind::Open;
    for (place, request) in result.requests.iter().enumerate() {
        let it = &request.arrivals;
        let measured = measured[place];
        let right = if result.complete { measured == it.sent } else { measured >= it.sent };
        // Whoever had not heard of a stop or a change may have done more than was planned, of which
        // only the sum is known.
        let exact = told || !is_open || (it.due == due[place] && measured <= it.sent + it.unknown);
        if !right || !exact {
            return Err(format!(
                "6: {}: {it:?}; {} were due, and the target counted {measured}: {:#?}",
                request.name, due[place], result.requests
            ));
        }
    }
    Ok(())
}

/// What must hold when the run has ended.
pub(super) async fn at_the_end(
    world: &mut World,
    record: &RunRecord,
    faults: &[(u64, Disturbance)],
) -> Result<(), String> {
    in_between(world).await?;
    let stored = world.store.analysis(&record.owner, &record.id, "result").await.unwrap();
    let Some(stored) = stored else { return without_result(world, record, faults) };
    let result: RunResult = serde_json::from_value(stored.clone()).unwrap();
    identity(&result)?;
    if record.summary.as_deref() != Some(&RunSummary::of(&result)) {
        return Err(format!("the summary is not the result's: {:?}", record.summary));
    }
    against_the_target(world, &result)?;
    let calm = faults.iter().all(|(_, fault)| matches!(fault, Disturbance::Tell(_)));
    against_the_plan(world, record, &result, calm)?;
    by_name(world, record, &result, !calm && was_told(record))?;
    nobody_healthy_is_lost(record, faults)?;
    let gentle = |fault: &Disturbance| {
        matches!(
            fault,
            Disturbance::Tell(_)
                | Disturbance::AddWorker
                | Disturbance::DrainWorker(_)
                | Disturbance::AddController
        )
    };
    let gentle = faults.iter().all(|(_, fault)| gentle(fault));
    if gentle && !result.complete {
        return Err(format!(
            "1: nothing failed, and the result is not complete: {:?}",
            result.arrivals
        ));
    }
    // 4
    let histogram = &result.histograms.as_ref().unwrap().latency;
    if histogram.count() != result.total_requests {
        return Err(format!("4: {} and {}", histogram.count(), result.total_requests));
    }
    post::check(world).await?;
    // Once all are told of it.
    let record = world.record().await;
    ended_stays_ended(world, &record, &stored).await
}

/// A run that ended without a result has sent nothing.
fn without_result(
    world: &World,
    record: &RunRecord,
    faults: &[(u64, Disturbance)],
) -> Result<(), String> {
    let counted = world.witness.counted();
    if record.state == RunState::Completed || counted > 0 {
        return Err(format!("{counted} were sent, and there is no result: {record:#?}"));
    }
    if faults.is_empty() {
        return Err(format!("nothing failed, and the run has: {record:#?}"));
    }
    Ok(())
}

/// Invariants 1 and 2.
fn against_the_target(world: &World, result: &RunResult) -> Result<(), String> {
    let counted = world.witness.counted();
    let (sent, unknown) = (result.arrivals.sent, result.arrivals.unknown);
    let killed = world.workers.iter().any(|worker| worker.was_killed);
    let warmup = result.warmup_seconds > 0.0;
    // The warm-up's requests are counted by the target, and by nobody else.
    let measured = world.witness.state.lock().unwrap().numbers.len() as u64;
    if !warmup && counted != measured {
        return Err(format!("the target counted {counted} of {measured} that were sent"));
    }
    let returned = world.workers.iter().all(|worker| worker.is_running() || !worker.was_killed);
    if !killed && result.complete && sent != measured {
        return Err(format!("1: sent {sent}, and the target counted {measured}"));
    }
    // Of a closed loop it is guessed, and no more than was asked for: see `against_the_plan`.
    let at_most = if result.loop_kind == LoopKind::Open { sent + unknown } else { u64::MAX };
    if sent > measured || measured > at_most {
        return Err(format!(
            "2: sent {sent}, the target counted {measured}, unknown {unknown} ({returned}): {:?}",
            result.arrivals
        ));
    }
    Ok(())
}

/// Invariant 6: no more than was planned, and everything that was planned is accounted for.
fn against_the_plan(
    world: &World,
    record: &RunRecord,
    result: &RunResult,
    calm: bool,
) -> Result<(), String> {
    let document = world.secrets.open(&record.scenario).unwrap();
    let scenario = Scenario::from_value(document).unwrap();
    let mut load = PlannedLoad::new(&scenario);
    record.journal.iter().for_each(|entry| load.read(entry));
    let due = result.arrivals.due;
    let Some(planned) = load.planned() else {
        let most = scenario.max_requests.unwrap_or(u64::MAX);
        let measured = world.witness.state.lock().unwrap().numbers.len() as u64;
        // Where a number has ended it, all of it is accounted for.
        let by_number =
            result.duration_seconds < scenario.duration.as_secs_f64() && !result.interrupted;
        let right = due <= most && measured <= most && (!by_number || due == most);
        return if right {
            Ok(())
        } else {
            Err(format!("6: at most {most}: {:?}", result.arrivals))
        };
    };
    let told = was_told(record);
    // What a worker that could not be reached did before it heard of a change was right then.
    let told_late = told && !calm;
    if due < planned || (due > planned && !told_late) {
        return Err(format!("6: {planned} were planned: {:?}", result.arrivals));
    }
    if told {
        return Ok(());
    }
    let mut load = PlannedLoad::new(&scenario);
    let mut before = 0;
    let last = load.end_at().unwrap_or(0) / SECOND + 1;
    for second in 0..=last {
        let by = load.due_by((second + 1) * SECOND).unwrap_or(0);
        let state = world.witness.state.lock().unwrap();
        let sent = state.by_second.get(&second).copied().unwrap_or(0);
        if sent > by - before {
            return Err(format!("6: {sent} in second {second}, of {} planned", by - before));
        }
        before = by;
    }
    Ok(())
}

/// Whether the load was changed while it went on.
fn was_told(record: &RunRecord) -> bool {
    record
        .journal
        .iter()
        .any(|entry| matches!(entry, Entry::Pause { .. } | Entry::Rate { .. } | Entry::Stop { .. }))
}

/// Invariant 7: an ended run does not change, whoever comes.
async fn ended_stays_ended(
    world: &mut World,
    record: &RunRecord,
    stored: &serde_json::Value,
) -> Result<(), String> {
    world.network.calm();
    for worker in &world.workers {
        worker.go_on();
    }
    let options =
        ControllerOptions { secrets: world.secrets.clone(), ..ControllerOptions::default() };
    let another = Controller::start(
        Arc::clone(&world.store) as _,
        Arc::clone(&world.coordinator) as _,
        options,
    )
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_secs(12)).await;
    let mut later = world.record().await;
    // A write of the same that nobody had answered may have come after all.
    later.revision = record.revision;
    let result = world.store.analysis(&record.owner, &record.id, "result").await.unwrap();
    drop(another);
    if later != *record || result.as_ref() != Some(stored) {
        return Err(format!("7: an ended run has changed: {record:#?} to {later:#?}"));
    }
    match world.witness.state.lock().unwrap().violations.first() {
        Some(violation) => Err(violation.clone()),
        None => Ok(()),
    }
}
