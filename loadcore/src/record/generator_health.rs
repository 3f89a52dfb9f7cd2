//! Turns what is known of a generator's health into some numbers and a compact distribution.

use super::{Distribution, Health, Merge};

/// How well a generator was: [`Health`] without its histogram. Times are in nanoseconds, added up over
/// the engine threads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GeneratorHealth {
    /// How much later than due the pacer woke.
    pub pacer_lag: Distribution,
    /// Processor time of the engine threads.
    pub cpu_ns: u64,
    /// Time that they existed.
    pub wall_ns: u64,
    /// The greatest share of a processor that one thread used, in millionths. Of a span whose worker tells
    /// sums alone it is the greatest up to its end.
    pub peak_cpu_ppm: u64,
    /// Time that they were ready to run and did not get a processor.
    pub run_delay_ns: u64,
    /// Time that a processor quota stopped the process.
    pub throttled_ns: u64,
    /// Time of the load.
    pub load_ns: u64,
    /// The part of it in which something was due and the pacer did not act.
    pub late_ns: u64,
    /// The part of it in which a thread did not act at all.
    pub stalled_ns: u64,
    /// The part of it for which connections of a closed loop waited for a descriptor, a port or memory.
    pub short_ns: u64,
    /// How often this machine was short of such a thing.
    pub shortages: u64,
    /// How often the clock went backwards. Of a whole run alone: what is stored of an interval has it not.
    pub clock_faults: u64,
    /// How uncertain the clock is against the others, in the same way.
    pub clock_error_ns: u64,
}

impl GeneratorHealth {
    /// What `health` says.
    #[must_use]
    pub fn of(health: &Health) -> Self {
        Self { pacer_lag: Distribution::of(&health.pacer_lag), ..Self::without_lag(health) }
    }

    /// The same without the pacer's lags.
    pub(crate) fn without_lag(health: &Health) -> Self {
        Self {
            pacer_lag: Distribution::default(),
            cpu_ns: health.cpu_ns,
            wall_ns: health.wall_ns,
            peak_cpu_ppm: health.peak_cpu_ppm,
            run_delay_ns: health.run_delay_ns,
            throttled_ns: health.throttled_ns,
            load_ns: health.load_ns,
            late_ns: health.late_ns,
            stalled_ns: health.stalled_ns,
            short_ns: health.short_ns,
            shortages: health.shortages,
            clock_faults: health.clock_faults,
            clock_error_ns: health.clock_error_ns,
        }
    }

    /// What came to it after `earlier`; `None` if that is none of its forerunners. A peak of a difference
    /// is not known: the later one's stays.
    #[cfg(feature = "cluster")]
    pub(super) fn since(&self, earlier: &Self) -> Option<Self> {
        let mut difference = self.clone();
        difference.pacer_lag = self.pacer_lag.since(&earlier.pacer_lag)?;
        for (mine, theirs) in difference.sums_mut().into_iter().zip(earlier.sums()) {
            *mine = mine.checked_sub(theirs)?;
        }
        (difference.clock_faults, difference.clock_error_ns) = (0, 0);
        Some(difference)
    }

    /// What adds up, in the order of the binary form.
    pub(super) fn sums(&self) -> [u64; 9] {
        [
            self.cpu_ns,
            self.wall_ns,
            self.run_delay_ns,
            self.throttled_ns,
            self.load_ns,
            self.late_ns,
            self.stalled_ns,
            self.short_ns,
            self.shortages,
        ]
    }

    /// The same, to be changed.
    pub(super) fn sums_mut(&mut self) -> [&mut u64; 9] {
        [
            &mut self.cpu_ns,
            &mut self.wall_ns,
            &mut self.run_delay_ns,
            &mut self.throttled_ns,
            &mut self.load_ns,
            &mut self.late_ns,
            &mut self.stalled_ns,
            &mut self.short_ns,
            &mut self.shortages,
        ]
    }
}

impl Merge for GeneratorHealth {
    fn merge(&mut self, other: &Self) {
        self.pacer_lag.merge(&other.pacer_lag);
        for (mine, more) in self.sums_mut().into_iter().zip(other.sums()) {
            *mine = mine.saturating_add(more);
        }
        self.peak_cpu_ppm = self.peak_cpu_ppm.max(other.peak_cpu_ppm);
        self.clock_faults = self.clock_faults.saturating_add(other.clock_faults);
        self.clock_error_ns = self.clock_error_ns.max(other.clock_error_ns);
    }
}
