//! Turns a run's start, its intervals and its merged snapshot into the result document.
//!
//! The series is fed while the run goes on; all totals come from the cumulative snapshot, so an
//! interval that was lost on the way costs resolution in time and no count.

use super::requests::Requests;
use super::series::Series;
use super::timestamp::rfc3339;
use super::workers::Workers;
use super::{
    Arrivals, CarriedHistograms, Environment, Generator, LatencyKind, LatencySummary, LoopKind,
    Outcomes, Protocol, RunResult, SCHEMA_VERSION, Validity, ms,
};
use crate::record::{self, Counters, Histogram, Interval, Protocols, Snapshot, WorkerInterval};
use crate::request::{DropReason, ErrorClass};
use crate::time::{Nanos, seconds};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is known before a run starts.
#[derive(Debug, Clone, Default)]
pub struct RunStart {
    /// The scenario's document.
    pub scenario: Value,
    /// When the measured time begins, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// What it is done with.
    pub environment: Environment,
    /// Whether arrivals wait for replies.
    pub loop_kind: LoopKind,
    /// Load before the measured time.
    pub warmup_seconds: f64,
    /// How long the measured time and the drain may be, from which the length of a row follows.
    pub planned_seconds: f64,
    /// How long the pacer may let due requests gather.
    pub slack_ns: Nanos,
    /// Names and weights of the requests; none without a mix.
    pub mix: Vec<(String, f64)>,
    /// Names and URLs of the endpoints of the target that are observed.
    pub observe: Vec<(String, String)>,
}

/// From when to when an interval was recorded, in nanoseconds since the measured time began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first moment.
    pub from_ns: Nanos,
    /// The moment after its last.
    pub to_ns: Nanos,
    /// It lies after the measured time.
    pub draining: bool,
}

/// How a run ended, or how far it is.
#[derive(Debug, Clone, Default)]
pub struct RunEnd {
    /// The measured time, in nanoseconds.
    pub duration_ns: Nanos,
    /// How long requests in flight were awaited after it, in nanoseconds.
    pub drain_ns: Nanos,
    /// It was ended before its time.
    pub interrupted: bool,
    /// Arrivals that fell due on lost workers after their last snapshot.
    pub unknown: u64,
    /// The same of each request of the mix.
    pub unknown_of: Vec<u64>,
    /// Workers that were lost.
    pub lost_workers: Vec<String>,
    /// What each worker did in all, as far as it is known, in the order of their names.
    pub workers: Vec<WorkerInterval>,
}

/// Makes a run's result.
#[derive(Debug)]
pub struct ResultBuilder {
    start: RunStart,
    series: Series,
    requests: Requests,
    workers: Workers,
}

impl ResultBuilder {
    /// For a run that is about to start.
    #[must_use]
    pub fn new(start: RunStart) -> Self {
        let series = Series::new(start.planned_seconds, super::MOST_ROWS, Histogram::new());
        let requests = Requests::new(&start.mix, start.planned_seconds);
        let workers = Workers::new(start.planned_seconds);
        Self { start, series, requests, workers }
    }

    /// Names and weights of the requests; none without a mix.
    #[must_use]
    pub fn mix(&self) -> &[(String, f64)] {
        &self.start.mix
    }

    /// Whether arrivals do not wait for replies.
    pub(crate) fn is_open_loop(&self) -> bool {
        self.start.loop_kind == LoopKind::Open
    }

    /// Adds an interval to the series. Intervals come in the order of time and do not overlap.
    pub fn interval(&mut self, interval: &Interval, span: Span) {
        self.interval_with_unknown(interval, span, 0, &[]);
    }

    /// The same where so many arrivals up to the interval's end are unknown, in all and of each request
    /// of the mix. They have fallen due, and are counted so in the interval in which they did.
    pub fn interval_with_unknown(
        &mut self,
        interval: &Interval,
        span: Span,
        unknown: u64,
        unknown_of: &[u64],
    ) {
        let Interval { counters, histograms, named, .. } = interval;
        self.series.add((counters, &histograms.response), span, unknown);
        self.requests.add(named, span, unknown_of);
    }

    /// Adds what each worker did in an interval, in the order of their names. Intervals come in the order of
    /// time.
    pub fn by_worker(&mut self, workers: &[WorkerInterval], span: Span) {
        self.workers.add(workers, span);
    }

    /// The result as of `merged`: at the end, or while the run goes on.
    ///
    /// `sla`, `validity`, `bottlenecks` and `observed` are empty: they are to be filled in with what
    /// `analysis` says about this document, and about what it has seen beside it.
    pub fn build(&self, merged: &Snapshot, ending: &RunEnd) -> RunResult {
        let Interval { counters, histograms, health, protocols, examples, named } = &merged.total;
        let ok = histograms.ok(counters);
        let duration_seconds = seconds(ending.duration_ns);
        let per_second = |n: u64| (duration_seconds > 0.0).then(|| n as f64 / duration_seconds);
        let arrivals = arrivals(counters, merged.backlog, ending.unknown);
        let total_requests = counters.outcomes();
        let (series_seconds, series) = self.series.rows(counters, ending.unknown);
        let is_open = self.start.loop_kind == LoopKind::Open;
        RunResult {
            schema_version: SCHEMA_VERSION,
            scenario: self.start.scenario.clone(),
            started_at: rfc3339(self.start.started_unix_ms),
            duration_seconds,
            environment: self.start.environment.clone(),
            loop_kind: self.start.loop_kind,
            offered_rps: is_open.then(|| per_second(arrivals.due)).flatten(),
            achieved_rps: per_second(total_requests),
            complete: ending.unknown == 0,
            arrivals,
            outcomes: outcomes(counters),
            total_requests,
            success_rate: percentage(counters.ok, total_requests),
            bytes_sent: counters.bytes_sent,
            bytes_received: counters.bytes_received,
            latency: LatencySummary::of(&histograms.response),
            service_time: LatencySummary::of(&histograms.service),
            schedule_lag: LatencySummary::of(&histograms.lag),
            status_code_distribution: counters.statuses.iter().copied().collect(),
            errors: named_counts(counters),
            sla: Vec::new(),
            validity: Validity::default(),
            bottlenecks: Vec::new(),
            observed: Vec::new(),
            headroom: Vec::new(),
            protocol: protocol(protocols),
            ok_latency: ok_latency(ok.as_ref(), &histograms.response),
            requests: self.requests.results(named, &ending.unknown_of, per_second),
            series_seconds,
            series,
            latency_kind: match self.start.loop_kind {
                LoopKind::Open => LatencyKind::ResponseTime,
                LoopKind::Closed => LatencyKind::ServiceTime,
            },
            connect: LatencySummary::of(&histograms.connect),
            tls: LatencySummary::of(&histograms.tls),
            first_byte: LatencySummary::of(&histograms.first_byte),
            connects: counters.connects,
            error_examples: error_examples(examples, counters),
            warmup_seconds: self.start.warmup_seconds,
            drain_seconds: seconds(ending.drain_ns),
            interrupted: ending.interrupted,
            generator: Generator {
                lost_workers: ending.lost_workers.clone(),
                ..Generator::of(health, self.start.slack_ns, is_open)
            },
            workers: self.workers.results(&ending.workers, ending.duration_ns, is_open),
            histograms: Some(Box::new(CarriedHistograms::of(histograms, ok))),
        }
    }
}

pub(super) fn arrivals(counters: &Counters, backlog: u64, unknown: u64) -> Arrivals {
    Arrivals {
        // What a lost worker had to do fell due as well, only nobody could say so.
        due: counters.due.saturating_add(unknown),
        sent: counters.sent,
        dropped: counters.dropped_total(),
        backlog,
        unknown,
        dropped_by_reason: named(DropReason::ALL.map(DropReason::name), &counters.dropped),
    }
}

pub(super) fn outcomes(counters: &Counters) -> Outcomes {
    Outcomes {
        ok: counters.ok,
        failed: counters.failed,
        unfinished: counters.sent.saturating_sub(counters.outcomes()),
        late: counters.late,
    }
}

/// Failed requests by class, those that the thing under load has named among them. One that it calls
/// as one of ours is called is counted there.
pub(crate) fn named_counts(counters: &Counters) -> BTreeMap<String, u64> {
    let mut errors = named(ErrorClass::ALL.map(ErrorClass::name), &counters.errors);
    for (class, own) in counters.own.iter() {
        let count = errors.entry(class.to_owned()).or_default();
        *count = count.saturating_add(own.count);
    }
    errors
}

fn error_examples(
    examples: &BTreeMap<ErrorClass, String>,
    counters: &Counters,
) -> BTreeMap<String, String> {
    let ours = examples.iter().map(|(class, text)| (class.name(), &**text));
    let own = counters.own.iter().map(|(class, own)| (class, &*own.example));
    own.chain(ours).map(|(class, text)| (class.to_owned(), text.to_owned())).collect()
}

/// The largest of the ok is known to a bucket, and is not larger than the largest of all.
pub(super) fn ok_latency(ok: Option<&Histogram>, all: &Histogram) -> LatencySummary {
    let mut latency = ok.map_or_else(LatencySummary::default, LatencySummary::of);
    let most = all.max().map_or(f64::INFINITY, ms);
    latency.max_ms = latency.max_ms.map(|max_ms| max_ms.min(most));
    latency
}

fn protocol(protocols: &Protocols) -> Protocol {
    let all = |name: fn(record::Protocol) -> Option<&'static str>| {
        let mut names: Vec<_> = protocols.each().filter_map(|(of, _)| name(of)).collect();
        names.sort_unstable();
        names.dedup();
        (!names.is_empty()).then(|| names.join(", "))
    };
    Protocol {
        http: all(|of| Some(of.http.name())),
        tls: all(|of| of.tls.name()),
        streams: (protocols.streams > 0).then_some(protocols.streams),
    }
}

/// Names with their counts, without those of 0.
fn named<const N: usize>(names: [&str; N], counts: &[u64; N]) -> BTreeMap<String, u64> {
    let counted = names.iter().zip(counts).filter(|(_, count)| **count > 0);
    counted.map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

pub(super) fn percentage(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Http, MOST_WORKERS, Merge, Tls};
    use crate::result::fixtures::{
        Dice, Run, closed_run, empty_run, failing_run, interrupted_run, request, run_start,
        steady_run,
    };
    use crate::result::{ReadError, SeriesRow};
    use crate::time::{MICROSECOND as US, MILLISECOND as MS, SECOND};

    /// The keys of a JSON object in the order of its text.
    fn keys(text: &str) -> Vec<String> {
        let mut keys = Vec::new();
        let (mut depth, mut rest) = (0, text);
        while let Some(at) = rest.find(['{', '}', '[', ']', '"']) {
            let sign = rest.as_bytes()[at];
            rest = &rest[at + 1..];
            match sign {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {
                    let (word, after) = rest.split_once('"').unwrap();
                    if depth == 1 && after.starts_with(':') {
                        keys.push(word.to_owned());
                    }
                    rest = after;
                }
            }
        }
        keys
    }

    #[test]
    fn the_keys_are_those_of_the_contract_in_their_order() {
        let text = serde_json::to_string(&steady_run()).unwrap();
        let keys = keys(&text);
        assert_eq!(
            keys[..32],
            [
                "schemaVersion",
                "scenario",
                "startedAt",
                "durationSeconds",
                "environment",
                "loop",
                "offeredRps",
                "achievedRps",
                "complete",
                "arrivals",
                "outcomes",
                "totalRequests",
                "successRate",
                "bytesSent",
                "bytesReceived",
                "latency",
                "serviceTime",
                "scheduleLag",
                "statusCodeDistribution",
                "errors",
                "sla",
                "validity",
                "bottlenecks",
                "observed",
                "protocol",
                "okLatency",
                "headroom",
                "requests",
                "seriesSeconds",
                "series",
                "latencyKind",
                "connect",
            ]
        );
        for part in [
            r#""environment":{"version":"0.1.0","os":"linux x86_64","cores":2,"threads":2,"workers":1,"options":{}}"#,
            r#""loop":"open","offeredRps":1000.0,"achievedRps":1000.0,"complete":true"#,
            r#""arrivals":{"due":10000,"sent":10000,"dropped":0,"backlog":0,"unknown":0,"droppedByReason":{}}"#,
            r#""outcomes":{"ok":10000,"failed":0,"unfinished":0,"late":0}"#,
            r#""statusCodeDistribution":{"200":10000},"errors":{},"sla":[]"#,
            r#""validity":{"verdict":"VALID","reasons":[]},"bottlenecks":[]"#,
            r#""protocol":{"http":null,"tls":null,"streams":null},"okLatency":{"minMs":"#,
            r#""series":[{"second":0,"due":1000,"sent":1000,"ok":1000,"failed":0,"dropped":0,"backlog":0,"unknown":0,"p50Ms":"#,
        ] {
            assert!(text.contains(part), "{part}");
        }
    }

    #[test]
    fn every_key_is_there_when_there_is_nothing_to_say() {
        let (full, empty) = (steady_run(), empty_run());
        let of = |result: &RunResult| keys(&serde_json::to_string(result).unwrap());
        assert_eq!(of(&full), of(&empty));
        assert_eq!((empty.success_rate, empty.latency.p50_ms), (None, None));
        assert_eq!((empty.offered_rps, empty.achieved_rps), (Some(0.0), Some(0.0)));
        assert!(empty.series.is_empty());
    }

    #[test]
    fn the_identities_hold_in_every_result() {
        for result in [steady_run(), failing_run(), closed_run(), empty_run(), interrupted_run()] {
            let Arrivals { due, sent, dropped, backlog, unknown, ref dropped_by_reason } =
                result.arrivals;
            assert_eq!(due, sent + dropped + backlog + unknown);
            let Outcomes { ok, failed, unfinished, .. } = result.outcomes;
            assert_eq!(sent, ok + failed + unfinished);
            assert_eq!(dropped_by_reason.values().sum::<u64>(), dropped);
            assert_eq!(result.errors.values().sum::<u64>(), failed);
            let sum = |of: fn(&SeriesRow) -> u64| result.series.iter().map(of).sum::<u64>();
            assert_eq!((sum(|row| row.sent), sum(|row| row.ok)), (sent, ok));
            assert_eq!((sum(|row| row.failed), sum(|row| row.dropped)), (failed, dropped));
            assert_eq!(sum(|row| row.due), due);
            let (mut due, mut told) = (0, 0);
            for row in &result.series {
                (due, told) = (due + row.due, told + row.sent + row.dropped);
                assert_eq!(due, told + row.backlog + row.unknown, "second {}", row.second);
            }
            let last = result.series.last().map_or((0, 0), |row| (row.backlog, row.unknown));
            assert_eq!(last, (backlog, unknown));
            assert_eq!(result.complete, unknown == 0);
        }
    }

    #[test]
    fn what_was_spoken_is_told() {
        let mut protocols = Protocols::default();
        assert_eq!(protocol(&protocols), Protocol::default());
        protocols.agreed(record::Protocol { http: Http::Two, tls: Tls::V13 }, 100);
        let told = protocol(&protocols);
        assert_eq!((told.http.as_deref(), told.tls.as_deref()), (Some("2"), Some("1.3")));
        assert_eq!(told.streams, Some(100));
        protocols.agreed(record::Protocol { http: Http::One, tls: Tls::Plain }, 1);
        let told = protocol(&protocols);
        assert_eq!((told.http.as_deref(), told.tls.as_deref()), (Some("1.1, 2"), Some("1.3")));
    }

    #[test]
    fn the_ok_have_latencies_of_their_own() {
        let (failing, steady) = (failing_run(), steady_run());
        assert_eq!(steady.ok_latency, steady.latency);
        let carried = failing.histograms.as_deref().unwrap();
        assert_eq!(carried.ok_latency.as_ref().unwrap().count(), failing.outcomes.ok);
        assert!(failing.ok_latency.max_ms.unwrap() < 9_000.0, "the failed took 10 s");
        assert!(failing.latency.max_ms.unwrap() > 9_000.0);
    }

    #[test]
    fn rates_are_over_the_measured_time() {
        let result = failing_run();
        assert_eq!((result.duration_seconds, result.drain_seconds), (10.0, 5.0));
        assert_eq!(result.offered_rps, Some(result.arrivals.due as f64 / 10.0));
        assert_eq!(result.achieved_rps, Some(result.total_requests as f64 / 10.0));
        let ok = result.outcomes.ok as f64;
        assert_eq!(result.success_rate, Some(100.0 * ok / result.total_requests as f64));
        assert_eq!(result.error_examples["http_5xx"], "status 503");
    }

    #[test]
    fn a_closed_loop_offers_no_rate_and_has_no_lag() {
        let result = closed_run();
        assert_eq!((result.loop_kind, result.offered_rps), (LoopKind::Closed, None));
        assert_eq!(result.latency_kind, LatencyKind::ServiceTime);
        assert_eq!(result.latency, result.service_time);
        assert_eq!(result.schedule_lag, LatencySummary::default());
        assert_eq!(result.arrivals.due, result.arrivals.sent);
    }

    #[test]
    fn a_document_is_read_back_as_it_was() {
        for result in [failing_run(), closed_run(), empty_run(), interrupted_run()] {
            let text = serde_json::to_string_pretty(&result).unwrap();
            let read = RunResult::from_json(&text).unwrap();
            assert_eq!(read, result);
            for percent in [0.0, 42.7, 97.3, 100.0] {
                let of = |it: &RunResult| {
                    [&it.latency, &it.ok_latency, &it.service_time, &it.schedule_lag]
                        .map(|latency| latency.percentile(percent))
                };
                assert_eq!(of(&read), of(&result), "{percent}");
            }
        }
    }

    /// Written by a program that knew neither distributions of rows nor findings.
    #[test]
    fn a_document_of_before_is_read() {
        let result = RunResult::from_json(include_str!("golden_v1.json")).unwrap();
        assert_eq!((result.series.len(), result.total_requests, result.sla.len()), (3, 90, 2));
        assert!(result.series.iter().all(|row| row.distribution.is_none() && row.p50_ms.is_some()));
        assert_eq!(result.bottlenecks, []);
        let text = serde_json::to_string(&result).unwrap();
        assert_eq!(RunResult::from_json(&text).unwrap(), result);
    }

    #[test]
    fn a_newer_document_is_refused_by_name() {
        let error = RunResult::from_json(r#"{"schemaVersion": 9}"#).unwrap_err();
        assert!(matches!(error, ReadError::Newer { found: 9, newest: 1 }));
        assert_eq!(
            error.to_string(),
            "the result has schemaVersion 9, and this program reads up to 1"
        );
        let error = RunResult::from_json("{}").unwrap_err().to_string();
        assert!(error.starts_with("not a result document: missing field `schemaVersion`"));
    }

    #[test]
    fn an_hours_result_stays_below_a_megabyte_and_a_half() {
        let mut run = Run::new(run_start(LoopKind::Open));
        for second in 0..8 {
            run.second(false, |recorder, dice| {
                for n in 0..2_000 {
                    let (due, waited) = (second * SECOND + n * MS / 2, dice.up_to(90 * US));
                    request(recorder, Some(due), waited, dice.about(7 * MS), Ok(200));
                }
            });
        }
        let mut merged = Snapshot::default();
        let mut builder = ResultBuilder::new(run_start(LoopKind::Open));
        for second in 0..3_600 {
            let (interval, _) = &run.intervals[second as usize % 8];
            let span =
                Span { from_ns: second * SECOND, to_ns: (second + 1) * SECOND, draining: false };
            builder.interval(interval, span);
            merged.total.counters.merge(&interval.counters);
        }
        run.intervals
            .iter()
            .for_each(|(it, _)| merged.total.histograms.response.merge(&it.histograms.response));
        let ending = RunEnd { duration_ns: 3_600 * SECOND, ..RunEnd::default() };
        let mut result = builder.build(&merged, &ending);
        let size = |result: &RunResult| serde_json::to_string_pretty(result).unwrap().len();
        let whole = size(&result);
        assert_eq!(result.series.len(), 3_600);
        assert!(result.series.iter().all(|row| row.distribution.is_some()));
        assert!(whole < 1_500_000, "{whole} bytes");
        result.leave_out_distributions();
        assert!(size(&result) < whole - 3_600 * 50, "they are left out");
        assert!(result.series.iter().all(|row| row.distribution.is_none() && row.p99_ms.is_some()));
    }

    #[test]
    fn an_hours_result_of_ten_requests_and_of_all_workers_stays_below_four_megabytes() {
        let mix = (0..10).map(|n| (format!("request {n}"), 1.0)).collect();
        let plan = RunStart { mix, planned_seconds: 3_615.0, ..run_start(LoopKind::Open) };
        let mut builder = ResultBuilder::new(plan);
        let (mut dice, mut merged) = (Dice::new(7), Snapshot::default());
        let seconds: Vec<_> = (0..8).map(|_| busy_second(&mut dice)).collect();
        for second in 0..3_600 {
            let (interval, workers) = &seconds[second as usize % 8];
            let span =
                Span { from_ns: second * SECOND, to_ns: (second + 1) * SECOND, draining: false };
            builder.interval(interval, span);
            builder.by_worker(workers, span);
            merged.total.counters.merge(&interval.counters);
            merged.total.histograms.response.merge(&interval.histograms.response);
        }
        let ending = RunEnd { duration_ns: 3_600 * SECOND, ..RunEnd::default() };
        let result = builder.build(&merged, &ending);
        assert_eq!((result.requests.len(), result.workers.len()), (10, MOST_WORKERS));
        assert!(result.workers.iter().all(|worker| worker.series.second.len() > 110));
        let text = serde_json::to_string_pretty(&result).unwrap();
        assert!(text.len() < 4_000_000, "{} bytes", text.len());
        assert_eq!(RunResult::from_json(&text).unwrap().workers, result.workers);
    }

    /// A second of as many workers as are told apart, and of a mix of ten.
    fn busy_second(dice: &mut Dice) -> (Interval, Vec<WorkerInterval>) {
        let (mut interval, mut own) = (Interval::new(), Interval::new());
        interval.make_room(10);
        let workers = (0..MOST_WORKERS).map(|n| {
            own.reset();
            let Interval { counters, histograms, health, .. } = &mut own;
            (counters.due, counters.sent, counters.ok) = (10, 10, 10);
            for _ in 0..10 {
                let response = dice.about(7 * MS);
                histograms.response.record(response);
                interval.named[n % 10].response.record(response);
                histograms.lag.record(dice.up_to(90 * US));
                health.pacer_lag.record(dice.up_to(90 * US));
            }
            interval.named[n % 10].counters.merge(counters);
            (health.wall_ns, health.load_ns) = (SECOND, SECOND);
            (health.cpu_ns, health.late_ns) = (dice.up_to(SECOND), dice.up_to(SECOND));
            interval.merge(&own);
            let name = format!("worker {n:02} (0199d5a4-7c1e-7000-8000-000000000000)");
            WorkerInterval::of(name, &own, 3, 0)
        });
        let workers = workers.collect();
        (interval, workers)
    }

    #[test]
    fn the_same_snapshots_give_the_same_bytes() {
        let text = |result| serde_json::to_string(&result).unwrap();
        assert_eq!(text(failing_run()), text(failing_run()));
    }
}
