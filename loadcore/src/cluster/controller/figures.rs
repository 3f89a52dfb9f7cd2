//! Turns the intervals of all runs into sums for monitoring.

use super::alerts::News;
use super::api::{Figures, Violated};
use crate::record::Interval;
use crate::request::ErrorClass;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Upper bounds of the latency buckets, in seconds.
const BOUNDS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

/// Sums since the controller's start.
#[derive(Debug, Default)]
pub(super) struct Sums(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    requests: u64,
    errors: [u64; ErrorClass::ALL.len()],
    buckets: [u64; BOUNDS.len()],
    latency_sum_seconds: f64,
    alerts_delivered: u64,
    alerts_failed: u64,
    alerts_given_up: u64,
}

impl Sums {
    /// Counts what became of an alert on its way to a webhook.
    pub(super) fn alert(&self, news: &News) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match news {
            News::Arrived { .. } => state.alerts_delivered += 1,
            News::Failed { .. } => state.alerts_failed += 1,
            News::GivenUp { .. } => {
                state.alerts_failed += 1;
                state.alerts_given_up += 1;
            }
            News::Skipped(count) => state.alerts_given_up += count,
        }
    }

    pub(super) fn add(&self, interval: &Interval) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Interval { counters, histograms, .. } = interval;
        state.requests += counters.outcomes();
        state.errors.iter_mut().zip(counters.errors).for_each(|(sum, count)| *sum += count);
        let response = &histograms.response;
        for (sum, bound) in state.buckets.iter_mut().zip(BOUNDS) {
            *sum += response.count_up_to((bound * 1e9) as u64);
        }
        let mean_seconds = response.mean().unwrap_or(0.0) / 1e9;
        state.latency_sum_seconds += mean_seconds * response.count() as f64;
    }

    /// The sums, with what is so just now.
    pub(super) fn read(
        &self,
        active_workers: u64,
        active_runs: u64,
        leading: bool,
        violated: Vec<Violated>,
    ) -> Figures {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let errors = ErrorClass::ALL.iter().zip(state.errors).filter(|(_, count)| *count > 0);
        Figures {
            requests: state.requests,
            errors: errors.map(|(class, count)| (class.name(), count)).collect(),
            active_workers,
            active_runs,
            latency_buckets: BOUNDS.into_iter().zip(state.buckets).collect(),
            latency_sum_seconds: state.latency_sum_seconds,
            leading,
            violated,
            alerts_delivered: state.alerts_delivered,
            alerts_failed: state.alerts_failed,
            alerts_given_up: state.alerts_given_up,
            refused: BTreeMap::new(),
        }
    }
}
