//! Turns windows and result into the figures that all checks share: a row for each window of the load,
//! of the whole run or of one request of its mix.

use super::super::{Window, Windows};
use super::stats;
use crate::record::{Counters, Distribution};
use crate::request::ErrorClass;
use crate::result::{LoopKind, RunResult};
use crate::time::SECOND;

/// A window that is shorter than this share of the others says too little.
const SHORTEST: f64 = 0.7;
/// The generator was not well in a window in which it was late for more than this share of it.
const MOST_LATE: f64 = 0.05;
/// The timeout of a run whose scenario does not say.
const USUAL_TIMEOUT_SECONDS: f64 = 10.0;

/// What is known of a run, or of one request of its mix.
#[derive(Debug)]
pub(in crate::analysis) struct Evidence<'a> {
    /// The windows of the load, in their order; neither the drain nor a last window that is too short.
    pub(super) rows: Vec<Row>,
    /// The whole run.
    pub(in crate::analysis) result: &'a RunResult,
    /// What each worker did, once the run has ended.
    pub(in crate::analysis) windows: &'a Windows,
    /// The request that this is about; `None`: all of them.
    pub(super) request: Option<String>,
    /// Everything of the load's windows.
    pub(super) total: Total,
    /// After how many seconds a request is given up.
    pub(super) timeout_seconds: f64,
}

/// One window. Rates are per second of it, times in milliseconds; a time is `None` where nothing ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// Where it begins and ends, in seconds.
    pub(super) from: f64,
    pub(super) to: f64,
    /// Arrivals that fell due.
    pub(super) due: f64,
    /// Requests that came to an outcome.
    pub(super) ended: f64,
    pub(super) ok: f64,
    pub(super) failed: f64,
    /// Answered with 429 or 503.
    pub(super) turned_away: f64,
    /// Without an answer within the timeout.
    pub(super) timed_out: f64,
    /// Failed for want of a connection.
    pub(super) no_connection: f64,
    pub(super) connects: f64,
    pub(super) dropped: f64,
    /// At its end.
    pub(super) in_flight: f64,
    pub(super) backlog: f64,
    /// Quantiles of the response time.
    pub(super) p25: Option<f64>,
    pub(super) p50: Option<f64>,
    pub(super) p95: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) mean: Option<f64>,
    /// Median of the time without what was waited for a connection.
    pub(super) service_p50: Option<f64>,
    /// The longest opening of a connection, TLS included.
    pub(super) slowest_connect: Option<f64>,
    /// The generator was well.
    pub(super) is_sound: bool,
}

/// The sum of the windows.
#[derive(Debug, Clone, Default)]
pub(super) struct Total {
    pub(super) seconds: f64,
    pub(super) counters: Counters,
    pub(super) response: Distribution,
    pub(super) failed: Distribution,
    pub(super) service: Distribution,
    pub(super) connect: Distribution,
    pub(super) tls: Distribution,
}

impl<'a> Evidence<'a> {
    /// Of the whole run.
    pub(super) fn new(windows: &'a Windows, result: &'a RunResult) -> Self {
        let load = || windows.iter().filter(|window| window.drain_ns < window.span_ns);
        let mut rows: Vec<_> = load().map(Row::of).collect();
        let length = windows.seconds() as f64;
        rows.retain(|row| row.seconds() >= SHORTEST * length);
        let total = Total::of(load(), rows.iter().map(Row::seconds).sum());
        Self::of(windows, result, None, rows, total)
    }

    /// Of each request of the mix, where there are several.
    pub(super) fn of_requests(windows: &'a Windows, result: &'a RunResult) -> Vec<Self> {
        let names = result.requests.iter().map(|request| request.name.clone());
        if names.len() < 2 {
            return Vec::new();
        }
        let all: Vec<_> = windows.named().collect();
        let length = all.first().map_or(1.0, |first| first.span_ns as f64 / SECOND as f64);
        let end = Self::new(windows, result).rows.last().map_or(0.0, |row| row.to);
        let of = |(place, name): (usize, String)| {
            let load = || all.iter().filter(|window| (window.second as f64) < end);
            let mut total = Total::default();
            let mut rows = Vec::new();
            for window in load() {
                let Some(request) = window.requests.get(place) else { continue };
                let seconds = window.span_ns as f64 / SECOND as f64;
                let from = window.second as f64;
                let mut row = Row { from, to: from + seconds, is_sound: true, ..Row::default() };
                row.count(&request.counters);
                row.time(&request.response, &request.service);
                if seconds >= SHORTEST * length {
                    rows.push(row);
                }
                total.add(&request.counters, &request.response, &request.service);
            }
            total.seconds = rows.iter().map(Row::seconds).sum();
            Self::of(windows, result, Some(name), rows, total)
        };
        names.enumerate().map(of).collect()
    }

    fn of(
        windows: &'a Windows,
        result: &'a RunResult,
        request: Option<String>,
        rows: Vec<Row>,
        total: Total,
    ) -> Self {
        let timeout_seconds =
            result.scenario["timeoutSeconds"].as_f64().unwrap_or(USUAL_TIMEOUT_SECONDS);
        Self { rows, result, windows, request, total, timeout_seconds }
    }

    /// Arrivals do not wait for replies.
    pub(super) fn is_open_loop(&self) -> bool {
        self.result.loop_kind == LoopKind::Open
    }

    /// How many windows there are of which the figures can be believed.
    pub(super) fn sound(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_sound)
    }

    /// How much the offered rate varies: the greatest of the windows' to the least, noise set aside.
    pub(super) fn spread_of_rate(&self) -> f64 {
        let rates: Vec<_> = self.rows.iter().map(|row| row.due).collect();
        let (low, high) = (stats::quantile(&rates, 0.05), stats::quantile(&rates, 0.95));
        low.zip(high).map_or(1.0, |(low, high)| if low > 0.0 { high / low } else { f64::MAX })
    }

    /// From the first window to the last.
    pub(super) fn span(&self) -> (f64, f64) {
        let from = self.rows.first().map_or(0.0, |row| row.from);
        (from, self.rows.last().map_or(0.0, |row| row.to))
    }

    /// A command to run next, and what it would show.
    pub(super) fn command(&self, options: &str, shows: &str) -> String {
        match self.result.scenario["targetUrl"].as_str() {
            Some(url) if options.starts_with('-') => {
                format!("`loadcore run {url} {options}`: {shows}")
            }
            _ if options.starts_with('-') => format!("run it with `{options}`: {shows}"),
            _ => format!("run it {options}: {shows}"),
        }
    }

    /// Response times of the requests that were ok, in milliseconds, each with how many had it.
    pub(super) fn ok_times(&self) -> Vec<(f64, f64)> {
        let failed: std::collections::BTreeMap<_, _> =
            self.total.failed.buckets().map(|bucket| (bucket.from_ns, bucket.count)).collect();
        let ok = self.total.response.buckets().filter_map(|bucket| {
            let failed = failed.get(&bucket.from_ns).copied().unwrap_or(0);
            let middle = bucket.from_ns.midpoint(bucket.to_ns?);
            Some((ms(middle), bucket.count.saturating_sub(failed) as f64))
        });
        ok.filter(|(_, count)| *count > 0.0).collect()
    }
}

impl Row {
    fn of(window: &Window) -> Self {
        let from = window.second as f64;
        let to = window.end_second() - window.drain_ns as f64 / SECOND as f64;
        let mut row = Self { from, to, ..Self::default() };
        row.count(&window.counters);
        row.time(&window.response, &window.service);
        row.in_flight = window.in_flight as f64;
        row.backlog = window.backlog as f64;
        let slowest = [&window.connect, &window.tls].map(|it| it.quantile(1.0));
        row.slowest_connect = slowest.into_iter().flatten().max().map(ms);
        let health = &window.health;
        let troubled = (health.late_ns + health.stalled_ns + health.throttled_ns) as f64;
        row.is_sound = troubled <= MOST_LATE * health.load_ns.max(window.span_ns) as f64;
        row
    }

    fn count(&mut self, counters: &Counters) {
        let rate = |count: u64| count as f64 / self.seconds().max(1e-9);
        let class = |class: ErrorClass| counters.errors[class as usize];
        let status = |wanted: u16| {
            let found = counters.statuses.iter().find(|(status, _)| *status == wanted);
            found.map_or(0, |(_, count)| *count)
        };
        let connection = [ErrorClass::ConnectRefused, ErrorClass::ConnectTimeout, ErrorClass::Tls];
        let connection = connection.into_iter().chain([ErrorClass::Reset, ErrorClass::Stale]);
        *self = Self {
            due: rate(counters.due),
            ended: rate(counters.ok + counters.failed),
            ok: rate(counters.ok),
            failed: rate(counters.failed),
            turned_away: rate(status(429) + status(503)),
            timed_out: rate(class(ErrorClass::ResponseTimeout)),
            no_connection: rate(connection.map(class).sum()),
            connects: rate(counters.connects),
            dropped: rate(counters.dropped.iter().sum()),
            ..self.clone()
        };
    }

    fn time(&mut self, response: &Distribution, service: &Distribution) {
        let of = |quantile| response.quantile(quantile).map(ms);
        (self.p25, self.p50) = (of(0.25), of(0.5));
        (self.p95, self.p99) = (of(0.95), of(0.99));
        self.mean = mean_ms(response);
        self.service_p50 = service.quantile(0.5).map(ms);
    }

    pub(super) fn seconds(&self) -> f64 {
        self.to - self.from
    }

    /// Share of what ended that failed.
    pub(super) fn failed_share(&self) -> f64 {
        if self.ended > 0.0 { self.failed / self.ended } else { 0.0 }
    }
}

impl Total {
    fn of<'w>(windows: impl Iterator<Item = &'w Window>, seconds: f64) -> Self {
        use crate::record::Merge as _;
        let mut total = Self { seconds, ..Self::default() };
        for window in windows {
            total.add(&window.counters, &window.response, &window.service);
            total.failed.merge(&window.failed);
            total.connect.merge(&window.connect);
            total.tls.merge(&window.tls);
        }
        total
    }

    fn add(&mut self, counters: &Counters, response: &Distribution, service: &Distribution) {
        use crate::record::Merge as _;
        self.counters.merge(counters);
        self.response.merge(response);
        self.service.merge(service);
    }

    /// Requests with an outcome.
    pub(super) fn ended(&self) -> f64 {
        (self.counters.ok + self.counters.failed) as f64
    }
}

/// The mean, from the middles of the buckets; `None` where nothing was counted.
pub(super) fn mean_ms(of: &Distribution) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for bucket in of.buckets() {
        sum += ms(bucket.from_ns.midpoint(bucket.to_ns.unwrap_or(bucket.from_ns)))
            * bucket.count as f64;
        count += bucket.count as f64;
    }
    (count > 0.0).then(|| sum / count)
}

/// Nanoseconds in milliseconds.
pub(super) fn ms(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}
