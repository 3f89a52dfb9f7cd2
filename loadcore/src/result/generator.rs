//! Turns what was measured of a generator's health into the figures by which it is judged: shares of
//! time and of processors.

use super::{Generator, LatencySummary, ms};
use crate::record::{GeneratorHealth, Health};
use crate::time::{MILLISECOND, Nanos};

/// How much later than the slack allows a wake-up of the pacer is late: a millisecond.
const LATE_NS: Nanos = MILLISECOND;

impl Generator {
    /// Of the generator of a run that allows so much slack.
    pub(super) fn of(health: &Health, slack_ns: Nanos, is_open: bool) -> Self {
        let in_time = health.pacer_lag.count_up_to(slack_ns.saturating_add(LATE_NS));
        Self {
            pacer_lag: LatencySummary::of(&health.pacer_lag),
            wakes: health.pacer_lag.count(),
            late_wakes: health.pacer_lag.count() - in_time,
            // A worker that cannot tell these two counts for neither of them.
            run_delay_share: share(health.run_delay_ns, health.run_delay_wall_ns),
            throttled_share: share(health.throttled_ns, health.throttled_wall_ns),
            ..Self::of_brief(&GeneratorHealth::without_lag(health), slack_ns, is_open)
        }
    }

    /// Of one worker, whose lags are known to 3.2%.
    pub(crate) fn of_brief(health: &GeneratorHealth, slack_ns: Nanos, is_open: bool) -> Self {
        let lag = &health.pacer_lag;
        let late_from = slack_ns.saturating_add(LATE_NS);
        let late = lag.buckets().filter(|bucket| bucket.from_ns >= late_from);
        let of_load = |part: u64| share(part, health.load_ns);
        Self {
            pacer_lag: LatencySummary::of_compact(lag),
            wakes: lag.count(),
            late_wakes: late.map(|bucket| bucket.count).sum(),
            late_share: of_load(health.late_ns).filter(|_| is_open),
            stalled_share: of_load(health.stalled_ns),
            slack_ms: ms(slack_ns),
            cpu_share: share(health.cpu_ns, health.wall_ns),
            peak_cpu_share: (health.wall_ns > 0).then_some(health.peak_cpu_ppm as f64 / 1e6),
            run_delay_share: share(health.run_delay_ns, health.wall_ns),
            throttled_share: share(health.throttled_ns, health.wall_ns),
            shortages: health.shortages,
            shortage_share: of_load(health.short_ns).filter(|_| !is_open),
            clock_faults: health.clock_faults,
            clock_error_ms: ms(health.clock_error_ns),
            lost_workers: Vec::new(),
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Histogram;
    use crate::time::SECOND;

    /// A second of which a tenth was lost, in 90 wake-ups in time and 10 late ones.
    fn health() -> Health {
        let mut pacer_lag = Histogram::new();
        (0..100).for_each(|n| pacer_lag.record(if n % 10 == 3 { 5 } else { 1 } * MILLISECOND / 2));
        Health {
            pacer_lag,
            cpu_ns: SECOND / 2,
            wall_ns: SECOND,
            peak_cpu_ppm: 700_000,
            load_ns: SECOND,
            late_ns: SECOND / 10,
            stalled_ns: SECOND / 20,
            clock_faults: 1,
            clock_error_ns: 3 * MILLISECOND,
            shortages: 4,
            ..Health::default()
        }
    }

    #[test]
    fn a_generator_alone_fares_as_its_one_worker_does() {
        let (whole, brief) = (health(), GeneratorHealth::of(&health()));
        for (is_open, late) in [(true, Some(0.1)), (false, None)] {
            let whole = Generator::of(&whole, 0, is_open);
            let brief = Generator::of_brief(&brief, 0, is_open);
            assert_eq!((brief.late_share, brief.stalled_share), (late, Some(0.05)));
            assert_eq!((brief.wakes, brief.late_wakes), (100, 10));
            let half = |of: &Generator| of.pacer_lag.p50_ms.unwrap();
            assert!((half(&brief) / half(&whole) - 1.0).abs() < 0.032);
            let brief = Generator {
                pacer_lag: whole.pacer_lag.clone(),
                run_delay_share: None,
                throttled_share: None,
                ..brief
            };
            assert_eq!(brief, whole);
        }
    }
}
