//! Turns what each worker did in each second into its part of the result: its figures, and how they
//! went over time.

use super::{Row, Rows, Span, Validity, ms};
use crate::record::{Distribution, WorkerInterval, absorb_workers, keep_worst};
use crate::time::{Nanos, SECOND, seconds};
use serde::{Deserialize, Serialize};

/// The most rows of the workers' series.
const MOST_ROWS: usize = 120;

/// What the workers did in one span of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkersWindow {
    /// Where it begins, in seconds since the start of the measured time.
    pub second: u64,
    /// How long it is, in nanoseconds.
    pub span_ns: Nanos,
    /// Each worker that has reported anything of it, in the order of their names; of more than 32 those
    /// that fared worst in it.
    pub workers: Vec<WorkerInterval>,
}

/// How one worker fared: in the whole run, or in a second of it. Shares are 0 to 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerFigures {
    /// Arrivals of its part that fell due.
    pub due: u64,
    /// Requests that it sent.
    pub sent: u64,
    /// Requests that ended well.
    pub ok: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Arrivals that were given up.
    pub dropped: u64,
    /// Requests without an outcome at the end.
    pub in_flight: u64,
    /// Arrivals that wait at the end.
    pub backlog: u64,
    /// Requests with an outcome, per second.
    pub achieved_rps: Option<f64>,
    /// Median of the latencies.
    pub p50_ms: Option<f64>,
    /// Their 99th percentile.
    pub p99_ms: Option<f64>,
    /// 99th percentile of actual start minus intended start; `None` in closed loop.
    pub schedule_lag_p99_ms: Option<f64>,
    /// 99th percentile of how much later than due the pacer woke.
    pub pacer_lag_p99_ms: Option<f64>,
    /// Processor time of the engine threads, as a share of their lifetime.
    pub cpu_share: Option<f64>,
    /// Share of the load's time in which something was due and the pacer did not act.
    pub late_share: Option<f64>,
    /// Share of it in which the engine threads stood still.
    pub stalled_share: Option<f64>,
    /// In closed loop: share of it for which connections waited for a port, a descriptor or memory.
    pub shortage_share: Option<f64>,
}

/// What one worker did in the whole run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerResult {
    /// Its name and id.
    pub worker: String,
    /// In the whole run.
    #[serde(flatten)]
    pub figures: WorkerFigures,
    /// May its measurement be trusted? The run's verdict speaks of all workers together.
    #[serde(default)]
    pub validity: Validity,
    /// Seconds in each row of its series.
    pub series_seconds: u64,
    /// It over time: at most 120 rows.
    pub series: WorkerSeries,
}

macro_rules! series {
    ($($column:ident: $type:ty,)*) => {
        /// Rows of figures, column by column: all lists are of the same length, and what stands at one place
        /// in them is one row. A time of which the worker has reported nothing has none.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct WorkerSeries {
            /// Where each row begins, in seconds since the start of the measured time.
            pub second: Vec<u64>,
            $(
                #[doc = concat!("[`WorkerFigures::", stringify!($column), "`] of each row.")]
                pub $column: Vec<$type>,
            )*
        }

        impl WorkerSeries {
            fn push(&mut self, second: u64, row: &WorkerFigures) {
                self.second.push(second);
                $(self.$column.push(row.$column);)*
            }
        }
    };
}

series! {
    due: u64,
    sent: u64,
    ok: u64,
    failed: u64,
    dropped: u64,
    in_flight: u64,
    backlog: u64,
    achieved_rps: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    schedule_lag_p99_ms: Option<f64>,
    pacer_lag_p99_ms: Option<f64>,
    cpu_share: Option<f64>,
    late_share: Option<f64>,
    stalled_share: Option<f64>,
    shortage_share: Option<f64>,
}

impl WorkerFigures {
    /// What a worker did in so long, in nanoseconds. They are rounded to what they are good for, since a
    /// result has thousands of them: to a microsecond and a ten-thousandth.
    pub(crate) fn of(worker: &WorkerInterval, span_ns: Nanos, is_open: bool) -> Self {
        let health = &worker.health;
        let share = |part: u64, whole: u64| {
            (whole > 0).then(|| rounded(part as f64 / whole as f64, 10_000.0))
        };
        let of_load = |part: u64| share(part, health.load_ns);
        let quantile = |of: &Distribution, quantile| {
            of.quantile(quantile).map(|nanos| rounded(ms(nanos), 1_000.0))
        };
        Self {
            due: worker.due,
            sent: worker.sent,
            ok: worker.ok,
            failed: worker.failed,
            dropped: worker.dropped,
            in_flight: worker.in_flight,
            backlog: worker.backlog,
            achieved_rps: (span_ns > 0)
                .then(|| rounded(worker.outcomes() as f64 / seconds(span_ns), 100.0)),
            p50_ms: quantile(&worker.response, 0.5),
            p99_ms: quantile(&worker.response, 0.99),
            schedule_lag_p99_ms: quantile(&worker.lag, 0.99),
            pacer_lag_p99_ms: quantile(&health.pacer_lag, 0.99),
            cpu_share: share(health.cpu_ns, health.wall_ns),
            late_share: of_load(health.late_ns).filter(|_| is_open),
            stalled_share: of_load(health.stalled_ns),
            shortage_share: of_load(health.short_ns).filter(|_| !is_open),
        }
    }
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

/// What each worker did, fed while the run goes on.
#[derive(Debug)]
pub(super) struct Workers(Rows<WorkersWindow>);

impl Workers {
    /// For a run that is planned to last so long.
    pub(super) fn new(planned_seconds: f64) -> Self {
        Self(Rows::new(MOST_ROWS, planned_seconds))
    }

    /// Adds what each did in an interval.
    pub(super) fn add(&mut self, workers: &[WorkerInterval], span: Span) {
        self.0.at(span, |_| ()).absorb(&WorkersWindow::of(workers, span));
    }

    /// Each one's part of the result of so long a time. `totals` are what each did in all; of whom there is
    /// none, it is what the intervals say.
    pub(super) fn results(
        &self,
        totals: &[WorkerInterval],
        duration_ns: Nanos,
        is_open: bool,
    ) -> Vec<WorkerResult> {
        let mut all = Vec::new();
        self.rows().for_each(|row| absorb_workers(&mut all, &row.workers));
        all.retain(|known| totals.iter().all(|total| total.worker != known.worker));
        absorb_workers(&mut all, totals);
        keep_worst(&mut all);
        let result = |total: &WorkerInterval| WorkerResult {
            worker: total.worker.clone(),
            figures: WorkerFigures::of(total, duration_ns, is_open),
            validity: Validity::default(),
            series_seconds: self.0.row_seconds(),
            series: self.series(&total.worker, is_open),
        };
        all.iter().map(result).collect()
    }

    fn series(&self, worker: &str, is_open: bool) -> WorkerSeries {
        let mut series = WorkerSeries::default();
        for WorkersWindow { second, span_ns, workers } in self.rows() {
            if let Ok(place) = workers.binary_search_by(|it| (*it.worker).cmp(worker)) {
                series.push(*second, &WorkerFigures::of(&workers[place], *span_ns, is_open));
            }
        }
        series
    }

    fn rows(&self) -> impl Iterator<Item = &WorkersWindow> + '_ {
        self.0.closed().iter().chain(self.0.open())
    }
}

impl WorkersWindow {
    /// What they did in an interval; they are in the order of their names.
    pub(crate) fn of(workers: &[WorkerInterval], span: Span) -> Self {
        Self {
            second: span.from_ns / SECOND,
            span_ns: span.to_ns.saturating_sub(span.from_ns),
            workers: workers.to_vec(),
        }
    }
}

impl Row for WorkersWindow {
    fn beginning(second: u64) -> Self {
        Self { second, ..Self::default() }
    }

    fn second(&self) -> u64 {
        self.second
    }

    fn begin(&mut self, second: u64) {
        self.second = second;
    }

    fn absorb(&mut self, later: &Self) {
        self.span_ns += later.span_ns;
        absorb_workers(&mut self.workers, &later.workers);
        keep_worst(&mut self.workers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::worker_fixtures::second;
    use crate::record::{GeneratorHealth, MOST_WORKERS};
    use proptest::prelude::*;

    fn span(from: u64, to: u64) -> Span {
        Span { from_ns: from * SECOND, to_ns: to * SECOND, draining: false }
    }

    /// So many seconds of two workers, of whom the second was late for half of the fourth.
    fn workers(seconds: u64) -> Workers {
        let mut workers = Workers::new(seconds as f64);
        for at in 0..seconds {
            let late_ns = if at == 3 { SECOND / 2 } else { 0 };
            workers.add(&[second("a", 10, 0), second("b", 8, late_ns)], span(at, at + 1));
        }
        workers
    }

    #[test]
    fn it_is_seen_which_worker_was_late_and_when() {
        let results = workers(6).results(&[], 6 * SECOND, true);
        let [a, b] = &results[..] else { panic!("{results:?}") };
        assert_eq!((&*a.worker, a.figures.sent, a.figures.achieved_rps), ("a", 60, Some(10.0)));
        assert_eq!((b.figures.sent, b.figures.late_share), (48, Some(0.0833)));
        assert_eq!((b.series_seconds, &b.series.second[..]), (1, &[0, 1, 2, 3, 4, 5][..]));
        let late: Vec<_> = b.series.late_share.iter().map(|share| share.unwrap()).collect();
        assert_eq!(late, [0.0, 0.0, 0.0, 0.5, 0.0, 0.0]);
        assert!(a.series.late_share.iter().all(|share| *share == Some(0.0)));
        let closed = &workers(6).results(&[], 6 * SECOND, false)[1];
        assert_eq!((closed.figures.late_share, closed.figures.shortage_share), (None, Some(0.0)));
    }

    #[test]
    fn a_long_run_has_120_rows_of_each_whose_sums_are_right() {
        let results = workers(3_600).results(&[], 3_600 * SECOND, true);
        assert_eq!((results[1].series_seconds, results[1].series.sent.len()), (30, 120));
        assert_eq!(results[1].series.sent.iter().sum::<u64>(), 8 * 3_600);
        assert_eq!(results[1].series.late_share[0], Some(0.0167), "half a second of thirty");
    }

    #[test]
    fn a_total_that_is_known_counts_and_else_what_the_intervals_say() {
        let totals = [second("b", 17, 0), second("c", 4, 0)];
        let results = workers(2).results(&totals, 2 * SECOND, true);
        let all: Vec<_> = results.iter().map(|it| (&*it.worker, it.figures.sent)).collect();
        assert_eq!(all, [("a", 20), ("b", 17), ("c", 4)]);
        assert_eq!(results[1].series.sent, [8, 8]);
        assert_eq!(results[2].series, WorkerSeries::default());
    }

    #[test]
    fn a_time_that_a_worker_reports_nothing_of_has_no_row() {
        let mut workers = Workers::new(3.0);
        for (at, all) in [(0, &["a", "b"][..]), (1, &["a"]), (2, &["a", "b"])] {
            let all: Vec<_> = all.iter().map(|worker| second(worker, 5, 0)).collect();
            workers.add(&all, span(at, at + 1));
        }
        let results = workers.results(&[], 3 * SECOND, true);
        assert_eq!(results[0].series.second, [0, 1, 2]);
        assert_eq!(results[1].series.second, [0, 2]);
    }

    #[test]
    fn of_a_thousand_workers_those_are_there_that_fared_worst() {
        let mut workers = Workers::new(4.0);
        let mut totals = Vec::new();
        for at in 0..4 {
            let late = |n: usize| if (n, at) == (700, 2) { SECOND / 4 } else { 0 };
            let all: Vec<_> = (0..1_000).map(|n| second(&format!("w{n:04}"), 1, late(n))).collect();
            workers.add(&all, span(at, at + 1));
            absorb_workers(&mut totals, &all);
        }
        assert!(workers.rows().all(|row| row.workers.len() == MOST_WORKERS));
        let results = workers.results(&totals, 4 * SECOND, true);
        assert_eq!(results.len(), MOST_WORKERS);
        let worst = results.iter().find(|it| it.worker == "w0700").expect("it was late");
        assert_eq!((worst.figures.sent, worst.figures.late_share), (4, Some(0.0625)));
        assert_eq!(worst.series.second, [2]);
        assert_eq!(worst.series.late_share, [Some(0.25)]);
    }

    #[test]
    fn figures_are_rounded_to_what_they_are_good_for() {
        let health = GeneratorHealth { cpu_ns: 1, wall_ns: 3, ..GeneratorHealth::default() };
        let worker = WorkerInterval { ok: 1, health, ..WorkerInterval::default() };
        let figures = WorkerFigures::of(&worker, 3 * SECOND, true);
        assert_eq!((figures.cpu_share, figures.achieved_rps), (Some(0.3333), Some(0.33)));
        assert_eq!((figures.late_share, figures.p99_ms), (None, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// However rows are cut, and whoever had something to tell when: nothing is lost or counted twice.
        #[test]
        fn rows_add_up_to_what_each_did(
            told in prop::collection::vec(
                prop::collection::vec((0..9u64, 0..SECOND), 0..4), 1..400
            ),
            planned in 0.0..2_000.0f64,
        ) {
            let (mut workers, mut totals) = (Workers::new(planned), Vec::new());
            for (at, told) in told.iter().enumerate() {
                let name = |n: usize| format!("w{n}");
                let all = told.iter().enumerate();
                let all: Vec<_> =
                    all.map(|(n, (sent, late))| second(&name(n), *sent, *late)).collect();
                workers.add(&all, span(at as u64, at as u64 + 1));
                absorb_workers(&mut totals, &all);
            }
            let mut added = Vec::new();
            workers.rows().for_each(|row| absorb_workers(&mut added, &row.workers));
            prop_assert_eq!(&added, &totals);
            prop_assert!(workers.rows().count() <= MOST_ROWS + 1);
            let sum: u64 = totals.iter().map(|it| it.health.late_ns).sum();
            let late: u64 = told.iter().flatten().map(|(_, late)| *late).sum();
            prop_assert_eq!(sum, late);
        }
    }
}
