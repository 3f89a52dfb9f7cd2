//! Turns workers' sums since their start into what each of them did in a second: some hundred bytes
//! each, of a bounded number of workers.

#[cfg(feature = "cluster")]
use super::Snapshot;
use super::{Counters, Distribution, GeneratorHealth, Interval, Merge};
use std::cmp::Reverse;

/// The most workers that are told apart in one span of a run. Where more make the load they are those
/// that fared worst in it: an analysis looks for them, and a table of a thousand nobody reads.
pub const MOST_WORKERS: usize = 32;

/// What one worker did in a span of time, and how well it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkerInterval {
    /// Its name and id.
    pub worker: String,
    /// Arrivals of its part that fell due.
    pub due: u64,
    /// Requests whose attempt began.
    pub sent: u64,
    /// Requests that succeeded.
    pub ok: u64,
    /// Requests that failed, in every class.
    pub failed: u64,
    /// Arrivals given up, for whatever reason.
    pub dropped: u64,
    /// Requests without an outcome at its end.
    pub in_flight: u64,
    /// Arrivals that wait at its end.
    pub backlog: u64,
    /// End minus intended start, over ok and failed; in closed loop the service time.
    pub response: Distribution,
    /// Actual start minus intended start, over everything sent; empty in closed loop.
    pub lag: Distribution,
    /// How well it was.
    pub health: GeneratorHealth,
}

impl WorkerInterval {
    /// What this worker has recorded, and what it had under way and waiting at the end.
    #[must_use]
    pub fn of(worker: String, interval: &Interval, in_flight: u64, backlog: u64) -> Self {
        let Interval { counters, histograms, health, .. } = interval;
        Self {
            response: Distribution::of(&histograms.response),
            lag: Distribution::of(&histograms.lag),
            health: GeneratorHealth::of(health),
            ..Self::counted(worker, counters, in_flight, backlog)
        }
    }

    /// What a worker's snapshot says, whose times are packed already: response, lag and pacer's lag.
    #[cfg(feature = "cluster")]
    pub(super) fn of_snapshot(
        head: &Snapshot,
        [response, lag, pacer_lag]: [Distribution; 3],
    ) -> Self {
        let Snapshot { worker, in_flight, backlog, total, .. } = head;
        let health = GeneratorHealth { pacer_lag, ..GeneratorHealth::without_lag(&total.health) };
        let counted = Self::counted(worker.clone(), &total.counters, *in_flight, *backlog);
        Self { response, lag, health, ..counted }
    }

    /// The counts alone.
    fn counted(worker: String, counters: &Counters, in_flight: u64, backlog: u64) -> Self {
        let Counters { due, sent, ok, failed, .. } = *counters;
        let dropped = counters.dropped_total();
        Self { worker, due, sent, ok, failed, dropped, in_flight, backlog, ..Self::default() }
    }

    /// Requests with an outcome.
    #[must_use]
    pub fn outcomes(&self) -> u64 {
        self.ok.saturating_add(self.failed)
    }

    /// What came to it after `earlier`; `None` if that is none of its forerunners.
    #[cfg(feature = "cluster")]
    pub(crate) fn since(&self, earlier: &Self) -> Option<Self> {
        let mut difference = self.clone();
        for (mine, theirs) in difference.counts_mut().into_iter().zip(earlier.counts()) {
            *mine = mine.checked_sub(theirs)?;
        }
        difference.response = self.response.since(&earlier.response)?;
        difference.lag = self.lag.since(&earlier.lag)?;
        difference.health = self.health.since(&earlier.health)?;
        Some(difference)
    }

    /// Adds what the same worker did after it.
    pub(crate) fn absorb(&mut self, later: &Self) {
        for (mine, more) in self.counts_mut().into_iter().zip(later.counts()) {
            *mine = mine.saturating_add(more);
        }
        self.response.merge(&later.response);
        self.lag.merge(&later.lag);
        self.health.merge(&later.health);
        (self.in_flight, self.backlog) = (later.in_flight, later.backlog);
    }

    /// Whether it tells of no time and of no request: its worker has not reported.
    #[cfg(feature = "cluster")]
    pub(crate) fn is_empty(&self) -> bool {
        let time = self.health.wall_ns.saturating_add(self.health.load_ns);
        time == 0 && self.counts().iter().all(|count| *count == 0)
    }

    /// How it fared, in millionths; more is worse: first the share of the load's time in which it was late,
    /// stood still or was short of something, then the share of a processor that it used or lacked.
    fn strain(&self) -> (u128, u128) {
        let health = &self.health;
        let share = |parts: &[u64], whole: u64| {
            let sum: u128 = parts.iter().map(|part| u128::from(*part)).sum();
            sum * 1_000_000 / u128::from(whole.max(1))
        };
        let lost = share(&[health.late_ns, health.stalled_ns, health.short_ns], health.load_ns);
        let processor = [health.cpu_ns, health.run_delay_ns, health.throttled_ns];
        (lost, share(&processor, health.wall_ns))
    }

    /// What adds up, in the order of the binary form.
    pub(super) fn counts(&self) -> [u64; 5] {
        [self.due, self.sent, self.ok, self.failed, self.dropped]
    }

    /// The same, to be changed.
    pub(super) fn counts_mut(&mut self) -> [&mut u64; 5] {
        [&mut self.due, &mut self.sent, &mut self.ok, &mut self.failed, &mut self.dropped]
    }
}

/// Adds what workers did later to what is known of them; both are in the order of their names.
pub(crate) fn absorb_workers(known: &mut Vec<WorkerInterval>, later: &[WorkerInterval]) {
    for more in later {
        match known.binary_search_by(|it| it.worker.cmp(&more.worker)) {
            Ok(place) => known[place].absorb(more),
            Err(place) => known.insert(place, more.clone()),
        }
    }
}

/// Keeps at most [`MOST_WORKERS`]: those that fared worst, of equals the first by name. What is left is
/// in the order of names.
pub(crate) fn keep_worst(workers: &mut Vec<WorkerInterval>) {
    if workers.len() > MOST_WORKERS {
        workers.sort_by_cached_key(|it| (Reverse(it.strain()), it.worker.clone()));
        workers.truncate(MOST_WORKERS);
        workers.sort_by(|a, b| a.worker.cmp(&b.worker));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::record::fixtures::{Deed, deeds, play};
    use crate::time::SECOND;
    use proptest::prelude::*;

    /// A second of a worker that was late for so much of it.
    pub(crate) fn second(worker: &str, sent: u64, late_ns: u64) -> WorkerInterval {
        let health =
            GeneratorHealth { wall_ns: SECOND, load_ns: SECOND, late_ns, ..<_>::default() };
        let (due, ok) = (sent, sent);
        WorkerInterval { worker: worker.into(), due, sent, ok, health, ..<_>::default() }
    }

    fn names(workers: &[WorkerInterval]) -> Vec<&str> {
        workers.iter().map(|it| &*it.worker).collect()
    }

    #[test]
    fn of_many_workers_those_are_kept_that_fared_worst() {
        let mut workers: Vec<_> = (0..1_000).map(|n| second(&format!("w{n:03}"), 5, 0)).collect();
        workers[999].health.late_ns = 7;
        workers[500].health.stalled_ns = SECOND / 2;
        workers[700].health.short_ns = SECOND / 2;
        workers[600].health.cpu_ns = SECOND / 2;
        keep_worst(&mut workers);
        assert_eq!(workers.len(), MOST_WORKERS);
        let kept = names(&workers);
        assert_eq!(kept[28..], ["w028", "w500", "w600", "w700"], "7 ns are less than a millionth");
        assert_eq!(kept[..2], ["w000", "w001"]);
    }

    #[test]
    fn who_has_not_reported_is_known_by_it() {
        let before = second("a", 3, 1);
        assert!(before.since(&before).unwrap().is_empty());
        let mut later = before.clone();
        later.health.load_ns += 1;
        assert!(!later.since(&before).unwrap().is_empty());
        assert_eq!(before.since(&later), None, "it is no forerunner");
    }

    const OK: Deed = Deed::Answered { lag_us: 10, service_us: 700, status: 200 };

    #[test]
    fn what_is_under_way_is_that_of_the_latest() {
        let of = |deeds: &[Deed], in_flight, backlog| {
            WorkerInterval::of("a".into(), &play(deeds).total, in_flight, backlog)
        };
        let mut known = vec![of(&[OK; 3], 5, 9)];
        absorb_workers(&mut known, &[of(&[OK; 2], 1, 0)]);
        let [known] = &known[..] else { panic!("{known:?}") };
        assert_eq!((known.sent, known.in_flight, known.backlog), (5, 1, 0));
        assert_eq!((known.response.count(), known.lag.count()), (5, 5));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is dealt to whom and when, seconds add up to what each did in all.
        #[test]
        fn differences_of_sums_add_up_to_the_sums(
            deeds in deeds(60),
            whose in prop::collection::vec(0..4usize, 60),
            seconds in 1..6usize,
        ) {
            let mut sums = vec![Interval::new(); 4];
            let mut told: Vec<_> = (0..4).map(|_| WorkerInterval::default()).collect();
            let mut added = Vec::new();
            for part in deeds.chunks(deeds.len().div_ceil(seconds).max(1)) {
                let mut all = Vec::new();
                for (place, (sum, told)) in sums.iter_mut().zip(&mut told).enumerate() {
                    let dealt = part.iter().zip(&whose).filter(|(_, whose)| **whose == place);
                    let dealt: Vec<_> = dealt.map(|(deed, _)| *deed).collect();
                    sum.merge(&play(&dealt).total);
                    let new = WorkerInterval::of(format!("w{place}"), sum, 0, 0);
                    all.push(new.since(told).expect("a forerunner"));
                    *told = new;
                }
                absorb_workers(&mut added, &all);
            }
            if !deeds.is_empty() {
                prop_assert_eq!(added, told);
            }
        }
    }
}
