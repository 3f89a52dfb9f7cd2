//! Turns a run's intervals into what people see while it goes on: statistics of the last seconds,
//! the result so far, what a frame tells of an interval.

use super::api::{
    IntervalFrame, Realtime, RealtimeRequest, RequestFrame, Violated, Waiting, WorkerFrame,
};
use super::frames::Told;
use super::merge::Published;
use crate::analysis::Judge;
use crate::analysis::sla::Event;
use crate::cluster::journal::{Entry, Means};
use crate::cluster::planned_load::PlannedLoad;
use crate::cluster::standing::{Member, Standing};
use crate::cluster::store::RunRecord;
use crate::cluster::threads::{self, AS_NEEDED};
use crate::record::{
    Counters, Histogram, Interval, Merge, Named, PackedHistogram, Reading, Snapshot, WorkerInterval,
};
use crate::request::ErrorClass;
use crate::result::{
    Environment, LoopKind, ResultBuilder, RunEnd, RunResult, RunStart, RunSummary, SeriesRow, Span,
    WorkerFigures,
};
use crate::run::DEFAULT_SLACK;
use crate::scenario::Scenario;
use crate::schedule::Share;
use crate::time::{Nanos, SECOND, nanos, seconds};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use std::{iter, mem};

/// Seconds that statistics can look back, and frames that a watcher can catch up on.
pub(super) const KEPT: usize = 3_600;

/// What is known of a running test.
pub(super) struct LiveView {
    pub(super) record: RunRecord,
    builder: ResultBuilder,
    judge: Judge,
    recent: VecDeque<Second>,
    total: Snapshot,
    ending: RunEnd,
    /// What lists show of it, once somebody has asked since the last interval.
    summary: Option<Box<RunSummary>>,
    /// What those who watch are told.
    pub(super) told: Told,
    pub(super) active_workers: u64,
    /// Workers that it looks for before its start.
    pub(super) seeks: u32,
    /// What the run waits for, beside its own time.
    pub(super) waiting: Option<Waiting>,
}

/// One published interval, packed.
struct Second {
    span: Span,
    all: Packed,
    /// Of each request of the mix.
    named: Vec<Packed>,
}

/// What came of all requests of an interval, or of one of the mix.
struct Packed {
    due: u64,
    ok: u64,
    failed: u64,
    statuses: Vec<(u16, u64)>,
    errors: [u64; ErrorClass::ALL.len()],
    response: PackedHistogram,
}

impl LiveView {
    pub(super) fn new(record: RunRecord, scenario: &Scenario, started_unix_ms: u64) -> Self {
        let start = run_start(&record, scenario, started_unix_ms);
        Self {
            judge: Judge::new(scenario.sla.clone(), &start),
            builder: ResultBuilder::new(start),
            record,
            recent: VecDeque::new(),
            total: Snapshot::default(),
            ending: RunEnd::default(),
            summary: None,
            told: Told::default(),
            active_workers: 0,
            seeks: 0,
            waiting: None,
        }
    }

    /// The start is known, and by whom the load is made.
    pub(super) fn starts(&mut self, record: &RunRecord, scenario: &Scenario, started_unix_ms: u64) {
        self.record = record.clone();
        self.builder = ResultBuilder::new(run_start(&self.record, scenario, started_unix_ms));
    }

    /// Adds an interval; answers what it changed about the rules, and what is told of it.
    pub(super) fn interval(
        &mut self,
        published: &Published,
        span: Span,
        load: &PlannedLoad,
        (unknown, unknown_of): (u64, Vec<u64>),
        lost_workers: Vec<String>,
    ) -> (Vec<Event>, IntervalFrame) {
        let Published { interval, total, workers, worker_totals, .. } = published;
        self.builder.interval_with_unknown(interval, span, unknown, &unknown_of);
        self.builder.by_worker(workers, span);
        let events = self.judge.interval(interval, span, unknown);
        self.judge.by_worker(workers, span);
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(Second::of(interval, span));
        let measured = load.profile_time(load.measured_from() + span.to_ns);
        let load_end = load.end_at().map(|end| end.saturating_sub(load.measured_from()));
        self.ending = RunEnd {
            duration_ns: measured,
            drain_ns: load_end.map_or(0, |end| span.to_ns.saturating_sub(end)),
            interrupted: false,
            unknown,
            unknown_of,
            lost_workers,
            workers: worker_totals.clone(),
        };
        self.total = total.clone();
        self.summary = None;
        let workers = self.worker_frames(workers, span);
        (events, IntervalFrame { workers, ..self.frame(interval, span) })
    }

    /// Adds what endpoints of the target told.
    pub(super) fn observed(&mut self, readings: &[Reading]) {
        readings.iter().for_each(|reading| self.judge.observed(reading));
    }

    /// A rule has said that the run is to end.
    pub(super) fn abort(&self) -> Option<String> {
        self.judge.abort().map(|rule| rule.rule.to_string())
    }

    /// How many of its rules do not hold just now; `None` of a run without one, or that has ended.
    pub(super) fn violated(&self) -> Option<Violated> {
        self.judge.rule(0).filter(|_| !self.record.state.has_ended())?;
        Some(Violated {
            run_id: self.record.id.clone(),
            scenario_id: self.record.scenario_id.clone(),
            rules: self.judge.violated(),
        })
    }

    /// The result so far; `None` before the first interval was published.
    pub(super) fn result(&self) -> Option<RunResult> {
        let (so_far, in_flight) = self.so_far()?;
        let mut judged = self.judge.judge(so_far);
        unfinished(&mut judged).zip(in_flight).for_each(|(place, count)| *place = count);
        Some(judged)
    }

    /// The result so far as it is to be judged, and what it counted as unfinished: that is in flight, may
    /// end well yet, and speaks neither for nor against anything.
    fn so_far(&self) -> Option<(RunResult, Vec<u64>)> {
        (!self.recent.is_empty()).then(|| {
            let mut result = self.builder.build(&self.total, &self.ending);
            let in_flight = unfinished(&mut result).map(mem::take).collect();
            (result, in_flight)
        })
    }

    /// What lists show of it; `None` before the first interval was published. Nothing is judged for it but
    /// the rules.
    pub(super) fn summary(&mut self) -> Option<Box<RunSummary>> {
        if self.summary.is_none() {
            let (mut result, _) = self.so_far()?;
            result.sla = self.judge.rules(&result);
            self.summary = Some(Box::new(RunSummary::unjudged(&result)));
        }
        self.summary.clone()
    }

    pub(super) fn realtime(&self, last: u32) -> Realtime {
        let skip = self.recent.len().saturating_sub(last as usize);
        realtime(&self.record, self.active_workers, self.recent.iter().skip(skip))
    }

    fn request_frames(&self, interval: &Interval, span: Span) -> Vec<RequestFrame> {
        let length = seconds(span.to_ns - span.from_ns);
        let frame = |((name, _), named): (&(String, f64), &Named)| RequestFrame {
            name: name.clone(),
            row: SeriesRow::of_named(named, span),
            rps: (length > 0.0).then(|| named.counters.outcomes() as f64 / length),
            status_codes: named.counters.statuses.iter().copied().collect(),
            errors: errors(&named.counters.errors),
        };
        self.builder.mix().iter().zip(&interval.named).map(frame).collect()
    }

    fn worker_frames(&self, workers: &[WorkerInterval], span: Span) -> Vec<WorkerFrame> {
        let length = span.to_ns.saturating_sub(span.from_ns);
        let is_open = self.builder.is_open_loop();
        let frame = |worker: &WorkerInterval| WorkerFrame {
            worker: worker.worker.clone(),
            figures: WorkerFigures::of(worker, length, is_open),
        };
        workers.iter().map(frame).collect()
    }

    fn frame(&self, interval: &Interval, span: Span) -> IntervalFrame {
        let length = seconds(span.to_ns - span.from_ns);
        let per_second = |count: u64| (length > 0.0).then(|| count as f64 / length);
        let counters = &interval.counters;
        let row = SeriesRow::of(interval, span);
        IntervalFrame {
            row: SeriesRow { backlog: self.total.backlog, unknown: self.ending.unknown, ..row },
            rps: per_second(counters.outcomes()),
            offered_rps: per_second(counters.due).filter(|_| has_plan(&self.record)),
            status_codes: counters.statuses.iter().copied().collect(),
            errors: errors(&counters.errors),
            in_flight: self.total.in_flight,
            active_workers: self.active_workers,
            state: self.record.state,
            requests: self.request_frames(interval, span),
            workers: Vec::new(),
        }
    }
}

/// How many requests never ended: of all, and of each name.
fn unfinished(result: &mut RunResult) -> impl Iterator<Item = &mut u64> {
    let named = result.requests.iter_mut().map(|request| &mut request.outcomes.unfinished);
    iter::once(&mut result.outcomes.unfinished).chain(named)
}

impl Second {
    fn of(interval: &Interval, span: Span) -> Self {
        let Interval { counters, histograms, named, .. } = interval;
        let of_named = |it: &Named| Packed::of(&it.counters, &it.response);
        Self {
            span,
            all: Packed::of(counters, &histograms.response),
            named: named.iter().map(of_named).collect(),
        }
    }
}

impl Packed {
    fn of(counters: &Counters, response: &Histogram) -> Self {
        Self {
            due: counters.due,
            ok: counters.ok,
            failed: counters.failed,
            statuses: counters.statuses.clone(),
            errors: counters.errors,
            response: response.pack(),
        }
    }
}

/// What a result document of this run begins with.
pub(super) fn run_start(record: &RunRecord, scenario: &Scenario, started_unix_ms: u64) -> RunStart {
    let standing = Standing::of(&record.journal);
    let means = means(record, &standing, scenario);
    let sum = |of: fn(&Means) -> u64| {
        means.as_ref().map(|all| all.iter().map(of).fold(0, u64::saturating_add))
    };
    RunStart {
        scenario: scenario.public_value(),
        started_unix_ms,
        environment: Environment {
            version: env!("CARGO_PKG_VERSION").into(),
            os: Environment::os_here(),
            cores: sum(|it| it.cores),
            threads: sum(|it| it.threads),
            workers: standing.owners.len() as u64,
            options: serde_json::Map::from_iter([
                ("connections".to_owned(), Value::from(scenario.connections)),
                ("maxBacklog".to_owned(), json!(scenario.max_backlog)),
            ]),
        },
        loop_kind: if scenario.load.is_open() { LoopKind::Open } else { LoopKind::Closed },
        warmup_seconds: scenario.warmup.as_secs_f64(),
        planned_seconds: planned(scenario).unwrap_or_default().as_secs_f64(),
        slack_ns: slack_of(means.as_deref()),
        mix: scenario.mix.iter().map(|it| (it.name.clone(), it.weight)).collect(),
        observe: scenario
            .observe
            .iter()
            .map(|it| (it.name.clone(), it.url.uri().to_string()))
            .collect(),
    }
}

/// With what each of those that made load makes it, as they said when they were admitted; `None`
/// where one has not said it. Of one that uses as many threads as its part needs it follows from that.
fn means(record: &RunRecord, standing: &Standing, scenario: &Scenario) -> Option<Vec<Means>> {
    let first_part = |member: &Member| {
        record.journal.iter().find_map(|entry| match entry {
            Entry::Take { worker, epoch, part, .. } => {
                (*worker == member.0 && *epoch == member.1).then_some(*part)
            }
            _ => None,
        })
    };
    let admitted = record.journal.iter().filter_map(|entry| {
        let Entry::Admit { worker, epoch, means, .. } = entry else { return None };
        let member = (worker.clone(), *epoch);
        standing.owners.contains(&member).then_some(means.map(|means| {
            let Means { cores, threads, slack_ns } = means;
            let own = Some(threads).filter(|own| *own != AS_NEEDED);
            // Who has no part yet makes nothing: a thread stands for it.
            let threads = match (first_part(&member), own) {
                (None, None) => 1,
                (part, own) => threads::of(scenario, own, part.unwrap_or(Share::WHOLE), cores),
            };
            Means { cores, threads, slack_ns: scenario.slack.map_or(slack_ns, nanos) }
        }))
    });
    admitted.collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())
}

/// The longest slack of them: all lags are in one histogram, and none may count as late that was
/// allowed to be.
fn slack_of(means: Option<&[Means]>) -> Nanos {
    let longest = means.and_then(|all| all.iter().map(|it| it.slack_ns).max());
    longest.unwrap_or(nanos(DEFAULT_SLACK))
}

/// Statistics of stored intervals: of a run that has ended.
///
/// # Errors
/// When one of them cannot be read.
pub(super) fn realtime_of(
    record: &RunRecord,
    intervals: impl Iterator<Item = Result<(Snapshot, Span), String>>,
) -> Result<Realtime, String> {
    let packed = |read: Result<(Snapshot, Span), String>| {
        read.map(|(interval, span)| Second::of(&interval.total, span))
    };
    let seconds = intervals.map(packed).collect::<Result<Vec<_>, _>>()?;
    Ok(realtime(record, 0, seconds.iter()))
}

fn realtime<'a>(
    record: &RunRecord,
    active_workers: u64,
    window: impl Iterator<Item = &'a Second>,
) -> Realtime {
    let names = names_of(record);
    let mut all = Sum::new(Histogram::new());
    let mut named: Vec<_> = names.iter().map(|_| Sum::new(Histogram::coarse())).collect();
    let (mut length, mut until) = (0, 0);
    for second in window {
        all.add(&second.all);
        named.iter_mut().zip(&second.named).for_each(|(sum, packed)| sum.add(packed));
        // What came in the drain belongs to no second of the load.
        if !second.span.draining {
            length += second.span.to_ns - second.span.from_ns;
        }
        until = second.span.to_ns;
    }
    let window_seconds = seconds(length);
    let rate = |count: u64| (window_seconds > 0.0).then(|| count as f64 / window_seconds);
    let offered = |due: u64| rate(due).filter(|_| has_plan(record));
    let of_request = |(name, sum): (&String, &Sum)| RealtimeRequest {
        name: name.clone(),
        total_requests: sum.total(),
        success_rate: sum.success_rate(),
        avg_latency_ms: sum.response.mean().map(|mean| mean / 1e6),
        p50_latency_ms: sum.quantile(0.5),
        p95_latency_ms: sum.quantile(0.95),
        p99_latency_ms: sum.quantile(0.99),
        current_rps: rate(sum.total()),
        offered_rps: offered(sum.due),
        status_code_distribution: sum.statuses.clone(),
        errors: errors(&sum.errors),
    };
    Realtime {
        scenario_id: record.scenario_id.0.clone(),
        run_id: record.id.clone(),
        total_requests: all.total(),
        success_rate: all.success_rate(),
        avg_latency_ms: all.response.mean().map(|mean| mean / 1e6),
        p50_latency_ms: all.quantile(0.5),
        p95_latency_ms: all.quantile(0.95),
        p99_latency_ms: all.quantile(0.99),
        current_rps: rate(all.total()),
        offered_rps: offered(all.due),
        status_code_distribution: all.statuses.clone(),
        errors: errors(&all.errors),
        window_seconds,
        until_second: seconds(until),
        active_workers,
        requests: names.iter().zip(&named).map(of_request).collect(),
    }
}

/// What came in a window.
struct Sum {
    due: u64,
    ok: u64,
    failed: u64,
    statuses: BTreeMap<u16, u64>,
    errors: [u64; ErrorClass::ALL.len()],
    response: Histogram,
}

impl Sum {
    fn new(response: Histogram) -> Self {
        let (statuses, errors) = (BTreeMap::new(), [0; ErrorClass::ALL.len()]);
        Self { due: 0, ok: 0, failed: 0, statuses, errors, response }
    }

    fn add(&mut self, packed: &Packed) {
        self.due += packed.due;
        self.ok += packed.ok;
        self.failed += packed.failed;
        for (status, count) in &packed.statuses {
            *self.statuses.entry(*status).or_insert(0) += count;
        }
        self.errors.iter_mut().zip(packed.errors).for_each(|(sum, count)| *sum += count);
        self.response.merge(&packed.response.unpack());
    }

    fn total(&self) -> u64 {
        self.ok + self.failed
    }

    fn success_rate(&self) -> Option<f64> {
        let total = self.total();
        (total > 0).then(|| 100.0 * self.ok as f64 / total as f64)
    }

    fn quantile(&self, quantile: f64) -> Option<f64> {
        self.response.quantile(quantile).map(crate::result::ms)
    }
}

/// The names of the run's mix, in its order.
fn names_of(record: &RunRecord) -> Vec<String> {
    let mix = record.scenario.get("mix").and_then(Value::as_array);
    let name = |request: &Value| request.get("name").and_then(Value::as_str).map(str::to_owned);
    mix.into_iter().flatten().filter_map(name).collect()
}

/// Whether the run is an open loop: one without a profile offers no rate, one that is paused offers 0.
fn has_plan(record: &RunRecord) -> bool {
    record.scenario.get("loadProfile").is_some_and(|profile| !profile.is_null())
}

fn errors(counts: &[u64; ErrorClass::ALL.len()]) -> BTreeMap<String, u64> {
    let named = ErrorClass::ALL.iter().zip(counts).filter(|(_, count)| **count > 0);
    named.map(|(class, count)| (class.name().to_owned(), *count)).collect()
}

/// From when to when an interval lies, given when the load ends. While it goes on an interval is as
/// long as its second, whether somebody was there or not; at its end as long as somebody reported it.
pub(super) fn span(published: &Published, load_end: Option<Nanos>) -> Span {
    let from_ns = published.number * SECOND;
    let end_ns = published.end_ns.max(from_ns);
    let ends = load_end.is_some_and(|end| end < end_ns);
    let to_ns = if ends { published.total.elapsed_ns.clamp(from_ns, end_ns) } else { end_ns };
    Span { from_ns, to_ns, draining: load_end.is_some_and(|end| from_ns >= end) }
}

/// How long the measured time and the drain may be; `None` where nobody knows, since a number ends it.
fn planned(scenario: &Scenario) -> Option<Duration> {
    scenario.end().duration().map(|duration| duration + scenario.drain)
}

/// How many seconds a stored interval holds that begins with this one, so that a run has about 3,600
/// of them. A run whose length nobody knows has a second for each at first; from an hour on, and
/// each time that it has lasted twice as long, they are twice as long, as the rows of its series.
pub(super) fn stored_seconds(scenario: &Scenario, second: u64) -> u64 {
    match (planned(scenario), second / KEPT as u64) {
        (Some(planned), _) => nanos(planned).div_ceil(SECOND).div_ceil(KEPT as u64).max(1),
        (None, 0) => 1,
        (None, hours) => 2 << hours.ilog2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::WorkerId;

    fn record(profile: &Value) -> RunRecord {
        let record = json!({
            "id": "r", "owner": "ann", "scenarioId": "s", "revision": 0, "createdUnixMs": 0,
            "endedUnixMs": null, "state": "RUNNING", "journal": [], "warnings": [], "timeline": [],
            "scenario": {"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 10,
                "loadProfile": profile},
        });
        serde_json::from_value(record).unwrap()
    }

    fn live(profile: &Value) -> LiveView {
        let record = record(profile);
        let scenario = Scenario::from_value(record.scenario.clone()).unwrap();
        LiveView::new(record, &scenario, 0)
    }

    fn constant() -> Value {
        json!({"type": "CONSTANT", "initialRps": 1})
    }

    #[test]
    fn of_a_run_without_a_known_length_the_first_hour_is_kept_by_the_second() {
        let text = |fields: &str| {
            let text = format!(
                r#"{{"name": "a", "targetUrl": "http://a.test/", "drainSeconds": 0, {fields}}}"#
            );
            Scenario::from_json(&text).unwrap()
        };
        let open = text(r#""durationSeconds": 604800, "maxRequests": 5"#);
        let lengths = [0, 3_599, 3_600, 7_199, 7_200, 14_399, 14_400];
        assert_eq!(lengths.map(|at| stored_seconds(&open, at)), [1, 1, 2, 2, 4, 4, 8]);
        let known = text(r#""durationSeconds": 7200, "maxRequests": 5"#);
        assert_eq!([0, 7_000].map(|at| stored_seconds(&known, at)), [2, 2]);
    }

    #[test]
    fn the_means_are_those_of_the_workers_that_made_load() {
        let mut record = record(&constant());
        let [made, too, only_admitted] = ["a", "b", "c"].map(|it| WorkerId(it.into()));
        let admit = |worker: &WorkerId, means| {
            let (worker, key) = (worker.clone(), String::new());
            Entry::Admit { worker, epoch: 1, key, means, lease_ms: 5_000, name: String::new() }
        };
        let has = |cores, threads, slack_ns| Some(Means { cores, threads, slack_ns });
        let take = |worker: &WorkerId, k| {
            let (worker, part) = (worker.clone(), Share::WHOLE.split(k, 2));
            Entry::Take { worker, epoch: 1, part, from_ns: 0, past: 0 }
        };
        let known = |record: &RunRecord| {
            let scenario = Scenario::from_value(record.scenario.clone()).unwrap();
            let RunStart { environment, slack_ns, .. } = run_start(record, &scenario, 0);
            (environment.cores, environment.threads, slack_ns)
        };
        record.journal.push(admit(&made, has(8, 4, 100_000)));
        assert_eq!(known(&record), (None, None, 100_000), "nobody has made any load");
        record.journal.push(admit(&too, has(2, 1, 5_000_000)));
        record.journal.push(admit(&only_admitted, has(64, 64, 9_000_000)));
        record.journal.extend([take(&made, 0), take(&too, 1)]);
        assert_eq!(known(&record), (Some(10), Some(5), 5_000_000));
        // One that uses as many threads as its part needs: half of 100 a second, of a closed loop's 64.
        record.journal[1] = admit(&too, has(2, AS_NEEDED, 5_000_000));
        assert_eq!(known(&record), (Some(10), Some(5), 5_000_000));
        // One of an earlier version says nothing.
        record.journal[1] = admit(&too, None);
        assert_eq!(known(&record), (None, None, 100_000));
    }

    #[test]
    fn what_is_in_flight_is_told_and_violates_no_rule() {
        let mut record = record(&constant());
        record.scenario["sla"] = json!(["error_rate<1%"]);
        let scenario = Scenario::from_value(record.scenario.clone()).unwrap();
        let mut view = LiveView::new(record, &scenario, 0);
        let mut interval = Interval::new();
        (interval.counters.due, interval.counters.sent, interval.counters.ok) = (100, 100, 90);
        let span = Span { from_ns: 0, to_ns: SECOND, draining: false };
        let total = Snapshot { total: interval.clone(), in_flight: 10, ..Snapshot::default() };
        let published = Published {
            number: 0,
            end_ns: span.to_ns,
            interval,
            total,
            workers: Vec::new(),
            worker_totals: Vec::new(),
        };
        let load = PlannedLoad::new(&scenario);
        view.interval(&published, span, &load, (0, Vec::new()), Vec::new());
        let result = view.result().unwrap();
        assert_eq!((result.outcomes.unfinished, result.sla[0].passed), (10, true));
        assert_eq!(view.summary().unwrap().sla_passed, Some(true));
    }

    #[test]
    fn before_anything_was_measured_there_is_no_result() {
        assert_eq!(live(&constant()).result(), None);
    }

    #[test]
    fn a_pause_offers_nothing_and_a_closed_loop_has_no_offer() {
        let span = Span { from_ns: 0, to_ns: SECOND, draining: false };
        let offered = |scenario: &Value| {
            let nothing = std::iter::once(Ok((Snapshot::default(), span)));
            realtime_of(&record(scenario), nothing).unwrap().offered_rps
        };
        assert_eq!((offered(&constant()), offered(&Value::Null)), (Some(0.0), None));
    }
}
