//! Turns intervals into windows: what analyses see of each second of a run.
//!
//! A window has what an interval has, but distributions in the place of histograms: some hundred
//! bytes each for 192 KiB. There are at most 3,600 of them; those of a longer run are of several
//! seconds, and merge as the rows of its series do.

use crate::record::{
    Counters, Distribution, GeneratorHealth, Interval, Merge, Named, WorkerInterval,
};
use crate::result::{MOST_ROWS, Row, Rows, Span, WorkersWindow};
use crate::time::{Nanos, SECOND};

/// The most windows of single requests that are kept, of all requests of a mix together.
const MOST_NAMED: usize = 10 * MOST_ROWS;
/// The most of single workers, of all workers together.
const MOST_BY_WORKER: usize = 10 * MOST_ROWS;

/// A run as analyses see it.
#[derive(Debug)]
pub struct Windows {
    rows: Rows<Window>,
    /// Of the requests of a mix.
    named: Rows<NamedWindow>,
    by_worker: Rows<WorkersWindow>,
    /// Everything so far.
    sum: Counters,
    workers: Vec<WorkerTotals>,
}

/// What one worker of a platform did in the whole run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkerTotals {
    /// Its name and id.
    pub worker: String,
    /// How many of what.
    pub counters: Counters,
    /// End minus intended start, over ok and failed.
    pub response: Distribution,
    /// End minus actual start, over ok and failed.
    pub service: Distribution,
    /// How well it was.
    pub health: GeneratorHealth,
}

/// What happened in one span of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// Where it begins, in seconds since the start of the measured time.
    pub second: u64,
    /// How long it is, in nanoseconds, a drain that belongs to it included.
    pub span_ns: Nanos,
    /// How much of it lies in the drain, in which nothing falls due.
    pub drain_ns: Nanos,
    /// How many of what: arrivals, outcomes, errors by class, replies by status, connects.
    pub counters: Counters,
    /// End minus intended start, over ok and failed; in closed loop the service time.
    pub response: Distribution,
    /// The same over the failed alone.
    pub failed: Distribution,
    /// End minus actual start, over ok and failed.
    pub service: Distribution,
    /// Actual start minus intended start, over everything sent; empty in closed loop.
    pub lag: Distribution,
    /// Opening a connection, TLS excluded.
    pub connect: Distribution,
    /// TLS handshakes.
    pub tls: Distribution,
    /// First byte of the reply minus actual start.
    pub first_byte: Distribution,
    /// Requests without an outcome at its end.
    pub in_flight: u64,
    /// Arrivals that wait at its end.
    pub backlog: u64,
    /// Arrivals up to its end of which nobody can say what became of them.
    pub unknown: u64,
    /// How well the generator was, all its workers together.
    pub health: GeneratorHealth,
}

/// What happened to the requests of a mix in one span of a run. There are fewer of them than of
/// [`Window`]s where the mix has more than ten.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamedWindow {
    /// Where it begins, in seconds since the start of the measured time.
    pub second: u64,
    /// How long it is, in nanoseconds.
    pub span_ns: Nanos,
    /// Each request, in the order of the mix.
    pub requests: Vec<RequestWindow>,
}

/// What happened to one request of the mix.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestWindow {
    /// How many of what.
    pub counters: Counters,
    /// End minus intended start, over ok and failed.
    pub response: Distribution,
    /// End minus actual start, over ok and failed.
    pub service: Distribution,
}

impl Windows {
    /// For a run of so many named requests that is planned to last so long.
    pub(super) fn new(planned_seconds: f64, requests: usize) -> Self {
        let rows = Rows::new(MOST_ROWS, planned_seconds);
        let named = Rows::new(MOST_ROWS.min(MOST_NAMED / requests.max(1)), planned_seconds);
        let by_worker = Rows::new(MOST_ROWS, planned_seconds);
        Self { rows, named, by_worker, sum: Counters::default(), workers: Vec::new() }
    }

    /// Adds an interval to the window in which it began, at whose end so many arrivals are unknown.
    pub(super) fn add(&mut self, interval: &Interval, span: Span, unknown: u64) {
        self.sum.merge(&interval.counters);
        let mut added = Window::of(interval, span);
        let Counters { due, sent, .. } = self.sum;
        let told = sent.saturating_add(self.sum.dropped_total()).saturating_add(unknown);
        added.in_flight = sent.saturating_sub(self.sum.outcomes());
        added.backlog = due.saturating_sub(told);
        added.unknown = unknown;
        self.rows.at(span, |_| ()).absorb(&added);
        if !interval.named.is_empty() {
            self.named.at(span, |_| ()).absorb(&NamedWindow::of(interval, span));
        }
    }

    /// Adds what each worker did in an interval to the window in which it began.
    pub(super) fn add_workers(&mut self, workers: &[WorkerInterval], span: Span) {
        self.by_worker.at_most(MOST_BY_WORKER / workers.len().max(1));
        self.by_worker.at(span, |_| ()).absorb(&WorkersWindow::of(workers, span));
    }

    /// Adds what a worker did in one of its terms.
    pub(super) fn add_worker(&mut self, totals: WorkerTotals) {
        match self.workers.iter_mut().find(|known| known.worker == totals.worker) {
            Some(known) => known.merge(&totals),
            None => self.workers.push(totals),
        }
    }

    /// The workers, each by itself, over the whole run. There are none while a run goes on.
    #[must_use]
    pub fn workers(&self) -> &[WorkerTotals] {
        &self.workers
    }

    /// What each worker did when, and how well it was. There are fewer of them than of [`Window`]s where more
    /// than ten workers make the load of a long run.
    pub fn by_worker(&self) -> impl Iterator<Item = &WorkersWindow> + '_ {
        self.by_worker.closed().iter().chain(self.by_worker.open())
    }

    /// How many seconds a window has; the last one may have fewer.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.rows.row_seconds()
    }

    /// What happened to the requests of a mix, in its order; nothing without one.
    pub fn named(&self) -> impl Iterator<Item = &NamedWindow> + '_ {
        self.named.closed().iter().chain(self.named.open())
    }

    /// The windows, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Window> + '_ {
        self.rows.closed().iter().chain(self.rows.open())
    }
}

impl WorkerTotals {
    /// What this worker has recorded.
    #[must_use]
    pub fn of(worker: String, total: &Interval) -> Self {
        Self {
            worker,
            counters: total.counters.clone(),
            response: Distribution::of(&total.histograms.response),
            service: Distribution::of(&total.histograms.service),
            health: GeneratorHealth::of(&total.health),
        }
    }
}

impl Merge for WorkerTotals {
    fn merge(&mut self, other: &Self) {
        self.counters.merge(&other.counters);
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.health.merge(&other.health);
    }
}

impl Window {
    fn of(interval: &Interval, span: Span) -> Self {
        let Interval { counters, histograms, health, .. } = interval;
        let span_ns = span.to_ns.saturating_sub(span.from_ns);
        let [response, service, lag, connect, tls, first_byte, failed] =
            histograms.each().map(Distribution::of);
        Self {
            second: span.from_ns / SECOND,
            span_ns,
            drain_ns: if span.draining { span_ns } else { 0 },
            counters: counters.clone(),
            response,
            failed,
            service,
            lag,
            connect,
            tls,
            first_byte,
            health: GeneratorHealth::of(health),
            ..Self::default()
        }
    }

    /// Its end, in seconds since the start of the measured time.
    #[must_use]
    pub fn end_second(&self) -> f64 {
        self.second as f64 + self.span_ns as f64 / SECOND as f64
    }
}

impl NamedWindow {
    fn of(interval: &Interval, span: Span) -> Self {
        let of = |named: &Named| RequestWindow {
            counters: named.counters.clone(),
            response: Distribution::of(&named.response),
            service: Distribution::of(&named.service),
        };
        Self {
            second: span.from_ns / SECOND,
            span_ns: span.to_ns.saturating_sub(span.from_ns),
            requests: interval.named.iter().map(of).collect(),
        }
    }
}

impl Row for NamedWindow {
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
        if self.requests.len() < later.requests.len() {
            self.requests.resize_with(later.requests.len(), RequestWindow::default);
        }
        for (mine, more) in self.requests.iter_mut().zip(&later.requests) {
            mine.counters.merge(&more.counters);
            mine.response.merge(&more.response);
            mine.service.merge(&more.service);
        }
    }
}

impl Row for Window {
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
        self.drain_ns += later.drain_ns;
        self.counters.merge(&later.counters);
        let theirs = [&later.response, &later.failed, &later.service, &later.lag];
        let of_connections = [&later.connect, &later.tls, &later.first_byte];
        let mine = [&mut self.response, &mut self.failed, &mut self.service, &mut self.lag]
            .into_iter()
            .chain([&mut self.connect, &mut self.tls, &mut self.first_byte]);
        mine.zip(theirs.into_iter().chain(of_connections))
            .for_each(|(mine, more)| mine.merge(more));
        (self.in_flight, self.backlog) = (later.in_flight, later.backlog);
        self.unknown = later.unknown;
        self.health.merge(&later.health);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::ErrorClass;
    use crate::result::fixtures::Run;
    use crate::result::{RunEnd, RunStart};
    use crate::time::MILLISECOND as MS;

    fn span(from: u64, to: u64, draining: bool) -> Span {
        Span { from_ns: from * SECOND, to_ns: to * SECOND, draining }
    }

    /// A second in which so many fell due and were sent, and as many ended, in `ms`; one of them failed.
    fn second(due: u64, sent: u64, ended: u64, ms: u64) -> Interval {
        let mut interval = Interval::new();
        let Interval { counters, histograms, health, .. } = &mut interval;
        let failed = ended.min(1);
        (counters.due, counters.sent, counters.ok, counters.failed) =
            (due, sent, ended - failed, failed);
        counters.errors[ErrorClass::Reset as usize] = failed;
        (counters.connects, health.cpu_ns, health.peak_cpu_ppm) = (1, 7, ms);
        for histogram in [&mut histograms.response, &mut histograms.service] {
            histogram.record_n(ms * MS, ended);
        }
        histograms.failed.record_n(ms * MS, failed);
        histograms.lag.record_n(0, sent);
        histograms.connect.record(MS);
        histograms.first_byte.record_n(ms * MS / 2, ended);
        interval
    }

    #[test]
    fn a_window_has_what_happened_in_its_second_and_what_is_left_at_its_end() {
        let mut windows = Windows::new(10.0, 0);
        windows.add(&second(100, 90, 70, 20), span(0, 1, false), 4);
        windows.add(&second(0, 6, 26, 400), span(1, 2, false), 4);
        let [first, then] = windows.iter().collect::<Vec<_>>()[..] else { panic!("{windows:?}") };
        assert_eq!(
            (windows.seconds(), first.second, then.second, then.end_second()),
            (1, 0, 1, 2.0)
        );
        assert_eq!((first.in_flight, first.backlog, first.unknown), (20, 6, 4));
        assert_eq!((then.in_flight, then.backlog, then.unknown), (0, 0, 4));
        assert_eq!(then.counters.errors[ErrorClass::Reset as usize], 1);
        assert_eq!((then.response.count(), then.failed.count(), then.service.count()), (26, 1, 26));
        assert_eq!((then.lag.count(), then.first_byte.count(), then.connect.count()), (6, 26, 1));
        assert!(then.first_byte.quantile(0.5).unwrap().abs_diff(200 * MS) < 200 * MS / 32);
        assert!(then.tls.is_empty() && windows.named().next().is_none());
        assert_eq!((then.health.cpu_ns, then.health.peak_cpu_ppm), (7, 400));
    }

    #[test]
    fn windows_of_a_long_run_are_of_several_seconds_and_a_short_drain_is_in_the_last() {
        let mut windows = Windows::new(7_200.0, 0);
        windows.add(&second(10, 10, 9, 20), span(0, 1, false), 0);
        windows.add(&second(10, 10, 9, 400), span(1, 2, false), 0);
        windows.add(&second(10, 10, 9, 20), span(2, 3, false), 0);
        windows.add(&second(0, 0, 3, 900), span(3, 4, true), 0);
        let [first, last] = windows.iter().collect::<Vec<_>>()[..] else { panic!("{windows:?}") };
        assert_eq!((windows.seconds(), first.second, last.second), (2, 0, 2));
        assert_eq!((first.span_ns, last.span_ns), (2 * SECOND, 2 * SECOND));
        assert_eq!((first.drain_ns, last.drain_ns), (0, SECOND));
        assert_eq!((first.counters.due, first.response.count(), first.in_flight), (20, 18, 2));
        assert_eq!((last.response.count(), last.in_flight), (12, 0));
        assert_eq!((first.health.cpu_ns, first.health.peak_cpu_ppm), (14, 400));
    }

    #[test]
    fn a_run_without_a_plan_keeps_at_most_3600_windows_and_every_count() {
        let mut windows = Windows::new(0.0, 0);
        let interval = second(3, 3, 2, 20);
        for at in 0..2 * MOST_ROWS as u64 + 1 {
            windows.add(&interval, span(at, at + 1, false), 0);
        }
        assert!(windows.iter().count() <= MOST_ROWS);
        let all: Vec<_> = windows.iter().collect();
        assert!(all.windows(2).all(|pair| pair[1].second == pair[0].second + windows.seconds()));
        let due: u64 = all.iter().map(|window| window.counters.due).sum();
        let ended: u64 = all.iter().map(|window| window.response.count()).sum();
        let all_seconds = 2 * MOST_ROWS as u64 + 1;
        assert_eq!((due, ended), (3 * all_seconds, 2 * all_seconds));
        assert_eq!(all.last().unwrap().in_flight, all_seconds);
    }

    #[test]
    fn a_worker_that_came_twice_is_one() {
        let mut windows = Windows::new(1.0, 0);
        for (worker, n) in [("a", 3), ("b", 5), ("a", 4)] {
            windows.add_worker(WorkerTotals::of(worker.into(), &second(n, n, n, 20)));
        }
        let shown = |it: &WorkerTotals| (it.worker.clone(), it.counters.due, it.response.count());
        let all: Vec<_> = windows.workers().iter().map(shown).collect();
        assert_eq!(all, [("a".to_owned(), 7, 7), ("b".to_owned(), 5, 5)]);
        assert_eq!(windows.workers()[0].health.cpu_ns, 14);
    }

    #[test]
    fn each_worker_is_seen_in_each_second_and_many_of_them_in_longer_windows() {
        let worker = |n: usize, late_ns| {
            let health = GeneratorHealth { load_ns: SECOND, late_ns, ..GeneratorHealth::default() };
            WorkerInterval { worker: format!("w{n:02}"), sent: 2, health, ..<_>::default() }
        };
        let windows = |many: usize, seconds: u64| {
            let mut windows = Windows::new(seconds as f64, 0);
            for at in 0..seconds {
                let late_ns = |n| if (n, at) == (1, 7) { SECOND } else { 0 };
                let all: Vec<_> = (0..many).map(|n| worker(n, late_ns(n))).collect();
                windows.add_workers(&all, span(at, at + 1, false));
            }
            windows
        };
        let few = windows(10, 3_600);
        assert_eq!(few.by_worker().count(), 3_600);
        let late = |window: &&WorkersWindow| window.workers.iter().any(|it| it.health.late_ns > 0);
        let found: Vec<_> = few.by_worker().filter(late).collect();
        assert_eq!((found.len(), found[0].second), (1, 7));
        assert_eq!(found[0].workers[1].health.late_ns, SECOND);
        let many = windows(20, 3_600);
        assert_eq!(many.by_worker().count(), 1_800);
        assert_eq!(many.by_worker().find(late).unwrap().second, 6);
        let sent = many.by_worker().flat_map(|it| &it.workers).map(|it| it.sent).sum::<u64>();
        assert_eq!(sent, 2 * 20 * 3_600);
    }

    #[test]
    fn names_merge_each_with_itself() {
        let mut windows = Windows::new(36_000.0, 100);
        for at in 0..400 {
            let mut interval = Interval::new();
            interval.make_room(100);
            (interval.named[0].counters.due, interval.named[99].counters.due) = (1, 2);
            let span = Span { from_ns: at * SECOND, to_ns: (at + 1) * SECOND, draining: false };
            windows.add(&interval, span, 0);
        }
        let all: Vec<_> = windows.named().collect();
        assert_eq!(all.len(), 4, "the more requests, the longer the windows");
        let due = |place: usize| all.iter().map(|it| it.requests[place].counters.due).sum::<u64>();
        assert_eq!((due(0), due(1), due(99)), (400, 0, 800));
    }

    #[test]
    fn they_say_the_same_as_the_series_of_the_result() {
        let mut run = Run::new(RunStart { planned_seconds: 4.0, ..RunStart::default() });
        let mut windows = Windows::new(4.0, 0);
        for at in 0..3 {
            run.second(false, |recorder, dice| {
                for n in 0..200 {
                    let (due, took) = (at * SECOND + n * 5 * MS, dice.about(30 * MS));
                    crate::result::fixtures::request(recorder, Some(due), 0, took, Ok(200));
                }
            });
        }
        run.intervals.iter().for_each(|(interval, span)| windows.add(interval, *span, 0));
        let result = run.end(RunEnd { duration_ns: 3 * SECOND, ..RunEnd::default() }, 0);
        assert_eq!(windows.iter().count(), result.series.len());
        for (window, row) in windows.iter().zip(&result.series) {
            assert_eq!((window.second, window.counters.due), (row.second, row.due));
            assert_eq!(Some(&window.response), row.distribution.as_ref());
            assert_eq!((window.backlog, window.unknown), (row.backlog, row.unknown));
        }
    }
}
