//! Tests the search by what it does on targets that are formulas.

use super::fixtures::{by_generator, nothing};
use super::model::Model;
use super::{Capacity, LimitedBy, Search, Wanted};
use crate::result::RunStart;
use std::time::Duration;

fn rates(capacity: &Capacity) -> Vec<f64> {
    capacity.trials.iter().map(|trial| trial.rate).collect()
}

fn around(capacity: &Capacity, rate: f64) -> bool {
    capacity.capacity_rps.is_some_and(|found| (found / rate - 1.0).abs() < 0.05)
}

#[test]
fn it_grows_until_it_fails_and_never_beyond_twice_what_has_held() {
    let found = Model::default().search("ok_p99<50ms", 5_000.0);
    assert!(around(&found, 200.0), "{found:#?}");
    assert_eq!((found.limited_by, found.interrupted), (Some(LimitedBy::Slo), false));
    assert!(found.conclusion.starts_with("ok_p99<50ms holds up to "), "{}", found.conclusion);
    let mut held = 5_000.0 / 64.0;
    for trial in &found.trials {
        assert!(trial.rate <= 2.01 * held, "{:?}", rates(&found));
        held = if trial.held { trial.rate.max(held) } else { held };
    }
}

#[test]
fn quick_refusals_are_no_capacity() {
    let model = Model { most_waiting: Some(5), ..Model::default() };
    let found = model.search("p99<50ms", 2_000.0);
    assert!(around(&found, 200.0), "{found:#?}");
    assert!(
        found.trials.iter().any(|it| it.reason.as_ref().is_some_and(|it| it.contains("http_5xx")))
    );
}

#[test]
fn a_target_that_falls_behind_is_at_its_limit_whatever_the_bound() {
    assert!(around(&Model::default().search("p50<1h", 2_000.0), 200.0));
}

#[test]
fn the_generator_is_said_to_be_the_limit_where_it_is() {
    let found = by_generator();
    assert_eq!(found.limited_by, Some(LimitedBy::Generator), "{found:#?}");
    assert!(found.capacity_rps.is_some_and(|rate| (100.0..135.0).contains(&rate)), "{found:#?}");
    assert_eq!(found.interval[1], None);
    let first = found.trials.iter().position(|trial| trial.by_generator).unwrap();
    let [once, again] = &found.trials[first..first + 2] else { panic!("{found:#?}") };
    assert_eq!((once.rate, once.counted, again.counted), (again.rate, false, true));
}

#[test]
fn the_highest_rate_is_an_answer_too() {
    let found = Model::default().search("p99<50ms", 100.0);
    assert_eq!((found.capacity_rps, found.limited_by), (Some(100.0), Some(LimitedBy::MaxRate)));
    assert_eq!(found.interval[1], None);
}

#[test]
fn what_holds_nowhere_is_said_so() {
    let found = nothing();
    assert_eq!((found.capacity_rps, found.limited_by), (None, Some(LimitedBy::Slo)));
    assert!(found.conclusion.contains("does not hold, not even at"), "{}", found.conclusion);
}

#[test]
fn a_bad_moment_of_the_target_is_no_edge() {
    let found = Model { hiccup: Some(8), ..Model::default() }.search("p99<50ms", 1_000.0);
    assert!(found.trials.iter().any(|trial| !trial.held && trial.rate < 190.0), "{found:#?}");
    assert!(around(&found, 200.0), "{found:#?}");
}

#[test]
fn an_interrupted_search_says_what_is_known() {
    let mut play = Model::default().begin("p99<50ms", 1_000.0, Wanted::USUAL_DURATION);
    let nothing = play.search.capacity();
    assert_eq!((nothing.capacity_rps, nothing.limited_by), (None, None));
    assert!((0..20).all(|_| play.second()));
    play.search.interrupt();
    let found = play.search.capacity();
    assert!(found.interrupted && found.conclusion.starts_with("so far, "), "{found:#?}");
    assert!(!play.second(), "it is over");
}

#[test]
fn it_ends_in_its_time() {
    let model = Model { poisson: true, ..Model::default() };
    for seconds in [20, 60, 600] {
        let found = model.lasting("p99<40ms", 1_000.0, Duration::from_secs(seconds));
        assert!(found.seconds <= seconds as f64, "{found:#?}");
    }
}

#[test]
fn what_is_wrong_is_told_all_at_once() {
    let faults = |slo: &str, max_rate, seconds| {
        let wanted = Wanted { slo: slo.into(), max_rate, duration: Duration::from_secs(seconds) };
        Search::new(&wanted, RunStart::default()).err().map_or_else(Vec::new, |error| error.faults)
    };
    let parts = |slo: &str, max_rate, seconds| -> Vec<_> {
        faults(slo, max_rate, seconds).into_iter().map(|(part, _)| part).collect()
    };
    assert_eq!(parts("p99<5", 0.0, 3), ["slo", "durationSeconds", "maxRate"]);
    for max_rate in [f64::NAN, f64::INFINITY, -1.0, 0.0, 2.0] {
        assert_eq!(parts("p99<5ms", max_rate, 240), ["maxRate"], "{max_rate}");
    }
    for slo in [
        "rps>=5",
        "ok_rps>1",
        "min<5ms",
        "p99>5ms",
        "error_rate>=1%",
        "achieved_rate<9%",
        "p99{a}<1s",
    ] {
        assert_eq!(parts(slo, 100.0, 240), ["slo"], "{slo}");
    }
    for slo in ["ok_p99<5ms", "mean<=5ms", "error_rate<1%", "achieved_rate>=99%", "share{503}<1%"] {
        assert!(parts(slo, 100.0, 240).is_empty(), "{slo}");
    }
}
