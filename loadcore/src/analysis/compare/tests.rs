//! Tests of comparisons: what is said of which runs, and of input that is bad.

use super::trials::{Model, USUAL};
use super::*;
use crate::result::fixtures::{
    closed_run, empty_run, failing_run, interrupted_run, refused_run, request, run_start,
    steady_run,
};
use crate::result::{LoopKind, RequestResult, RunEnd};
use crate::time::{MILLISECOND, SECOND};
use serde_json::{Value, json};

fn compared_runs(base: &RunResult, candidate: &RunResult) -> Comparison {
    let side = std::slice::from_ref::<RunResult>;
    compare(side(base), side(candidate), Tolerance::default())
}

fn change<'a>(comparison: &'a Comparison, figure: &str) -> &'a Change {
    comparison.changes.iter().find(|change| change.figure == figure).unwrap()
}

/// Half a minute.
const SHORT: Model = Model { seconds: 30, ..USUAL };

#[test]
fn a_slower_target_is_a_regression_and_said_in_words() {
    let (base, candidate) = (SHORT.run(1), SHORT.slower(1.3).run(2));
    let comparison = compared_runs(&base, &candidate);
    assert_eq!(comparison.judgement, Judgement::Regression);
    assert!(comparison.is_regression());
    let p99 = change(&comparison, "p99");
    assert_eq!((p99.base, p99.judgement), (base.latency.p99_ms, Judgement::Regression));
    let [low, high] = p99.change_interval.unwrap();
    let percent = p99.change_percent.unwrap();
    assert!(low > 0.0 && low < percent && percent < high && high < 100.0, "{p99:?}");
    let said = &p99.explanation;
    assert!(said.starts_with("p99 rose from ") && said.contains(" ms (+"), "{said}");
    assert!(said.contains("%, 95% interval +") && said.contains("% to +"), "{said}");
    assert!(said.ends_with("): a regression beyond the tolerance of 5%"), "{said}");
    let conclusion = &comparison.conclusion;
    assert!(conclusion.starts_with("Regression beyond the tolerance of 5%: p50, "), "{conclusion}");
    let wide = compare(&[base], &[candidate], "80%".parse().unwrap());
    assert_eq!(wide.judgement, Judgement::Worse);
    assert!(wide.conclusion.starts_with("Worse, within the tolerance of 80%: p50"), "{wide:?}");
}

#[test]
fn a_faster_target_is_better() {
    let comparison = compared_runs(&SHORT.slower(1.3).run(1), &SHORT.run(2));
    assert_eq!(comparison.judgement, Judgement::Improvement, "{}", comparison.conclusion);
    let p50 = change(&comparison, "p50");
    assert!(p50.explanation.starts_with("p50 fell from 2"), "{}", p50.explanation);
    assert!(p50.explanation.ends_with("better by more than 5%"), "{}", p50.explanation);
}

#[test]
fn a_run_is_no_different_from_itself() {
    for run in [steady_run(), failing_run(), SHORT.run(3)] {
        let comparison = compared_runs(&run, &run);
        assert_eq!(comparison.judgement, Judgement::NoDifference, "{}", comparison.conclusion);
        assert_eq!(change(&comparison, "p50").difference, Some(0.0));
    }
}

#[test]
fn the_document_is_read_back_and_every_key_is_there() {
    for (base, candidate) in [(SHORT.run(1), SHORT.run(2)), (empty_run(), steady_run())] {
        let comparison = compared_runs(&base, &candidate);
        let value = serde_json::to_value(&comparison).unwrap();
        assert_eq!(serde_json::from_value::<Comparison>(value.clone()).unwrap(), comparison);
        for key in ["judgement", "conclusion", "tolerancePercent", "confidencePercent", "verdict"] {
            assert!(!value[key].is_null(), "{key}");
        }
        assert_eq!(value["base"].as_array().unwrap().len(), 1);
        for change in value["changes"].as_array().unwrap() {
            assert_eq!(change.as_object().unwrap().len(), 10, "{change}");
        }
    }
}

#[test]
fn short_runs_are_compared_with_wider_intervals() {
    let width = |seconds: u64| {
        let model = Model { seconds, ..USUAL };
        let comparison = compared_runs(&model.run(1), &model.run(2));
        let [low, high] = change(&comparison, "p50").change_interval.unwrap();
        high - low
    };
    let (short, long) = (width(10), width(120));
    assert!(short > 2.0 * long, "{short} {long}");
    let tenth = Model { seconds: 10, ..USUAL };
    let found = compared_runs(&tenth.run(1), &tenth.slower(1.5).run(2));
    assert_eq!(found.judgement, Judgement::Regression, "{}", found.conclusion);
}

#[test]
fn what_is_not_excluded_is_said() {
    let tiny = Model { seconds: 6, per_second: 20, ..USUAL };
    let comparison = compared_runs(&tiny.run(1), &tiny.run(2));
    let p50 = change(&comparison, "p50");
    assert_eq!(p50.judgement, Judgement::NoDifference);
    assert!(p50.explanation.contains("no difference shown, though one up to +"), "{p50:?}");
    assert!(comparison.conclusion.contains("is not excluded"), "{}", comparison.conclusion);
    let p99 = change(&comparison, "p99");
    assert_eq!(p99.judgement, Judgement::Unknown);
    let why = "not judged, since too few requests took longer";
    assert!(p99.explanation.ends_with(why), "{}", p99.explanation);
}

#[test]
fn without_a_series_there_is_no_interval_but_repeats_have_one() {
    let bare = |seed| RunResult { series: Vec::new(), ..SHORT.run(seed) };
    let one = compare(&[bare(1)], &[bare(2)], Tolerance::default());
    assert_eq!(one.judgement, Judgement::Unknown);
    assert_eq!(one.conclusion, "Nothing could be judged");
    let p50 = change(&one, "p50");
    assert!(p50.change_percent.is_some() && p50.change_interval.is_none());
    assert!(p50.explanation.ends_with("not judged, since the result has no series"), "{p50:?}");
    let group = |seeds: [u64; 4], times: f64| -> Vec<RunResult> {
        let run = |seed| SHORT.slower(times).run(seed);
        seeds.map(|seed| RunResult { series: Vec::new(), ..run(seed) }).into()
    };
    let repeats =
        compare(&group([1, 2, 3, 4], 1.0), &group([5, 6, 7, 8], 1.5), Tolerance::default());
    assert_eq!(change(&repeats, "p50").judgement, Judgement::Regression, "{repeats:?}");
    let mut left_out = SHORT.run(1);
    left_out.leave_out_distributions();
    let found = compared_runs(&left_out, &SHORT.run(2));
    let said = &change(&found, "p50").explanation;
    assert!(said.ends_with("the rows of the series have no distributions"), "{said}");
    assert_ne!(change(&found, "error_rate").judgement, Judgement::Unknown, "counts are there");
}

#[test]
fn repeats_that_differ_among_themselves_are_held_against_a_difference() {
    let group = |levels: [f64; 3], from: u64| -> Vec<RunResult> {
        let runs = levels.into_iter().zip(from..);
        runs.map(|(level, seed)| SHORT.slower(level).run(seed)).collect()
    };
    let base = group([0.8, 1.0, 1.25], 1);
    let found = compare(&base, &group([0.9, 1.1, 1.4], 11), Tolerance::default());
    assert!(!change(&found, "p50").judgement.is_different(), "{}", found.conclusion);
    let alike = group([1.0, 1.0, 1.0], 1);
    let found = compare(&alike, &group([1.12, 1.12, 1.12], 11), Tolerance::default());
    assert_eq!(found.judgement, Judgement::Regression, "{}", found.conclusion);
    assert_eq!((found.base.len(), found.candidate.len()), (3, 3));
}

#[test]
fn nothing_and_next_to_nothing_are_compared_and_say_so() {
    let single = {
        let mut run = crate::result::fixtures::Run::new(run_start(LoopKind::Open));
        run.second(false, |recorder, _| request(recorder, Some(0), 0, MILLISECOND, Ok(200)));
        run.end(RunEnd { duration_ns: SECOND, ..RunEnd::default() }, 0)
    };
    for (run, said) in [
        (empty_run(), "there is no value in the candidate"),
        (single, "too few requests took longer"),
    ] {
        let found = compared_runs(&steady_run(), &run);
        assert_eq!(found.judgement, Judgement::Unknown, "{}", found.conclusion);
        let p99 = &change(&found, "p99").explanation;
        assert!(p99.ends_with(said), "{p99}");
    }
    let nothing = compared_runs(&empty_run(), &empty_run());
    assert!(nothing.warnings.iter().any(|it| it.contains("no request that came to an outcome")));
    assert!(change(&nothing, "p50").explanation.contains("no value in either side"));
    let no_runs = compare(&[], &[], Tolerance::default());
    assert_eq!(no_runs.judgement, Judgement::Unknown);
    assert_eq!(no_runs.warnings[0], "there is no run in the base");
}

#[test]
fn a_target_that_fails_is_a_regression_of_the_error_rate() {
    let failing = Model { failing: 0.05, ..SHORT };
    let found = compared_runs(&Model { failing: 0.0, ..SHORT }.run(1), &failing.run(2));
    let errors = change(&found, "error_rate");
    assert_eq!(errors.judgement, Judgement::Regression, "{errors:?}");
    assert_eq!((errors.base, errors.change_percent), (Some(0.0), None));
    let said = &errors.explanation;
    assert!(
        said.starts_with("error rate rose from 0% to ") && said.contains(" points, "),
        "{said}"
    );
    let all = compared_runs(&SHORT.run(1), &Model { failing: 1.0, ..SHORT }.run(2));
    assert!(all.is_regression(), "{}", all.conclusion);
    assert!(all.warnings.iter().any(|it| it.contains("no request that was ok")), "{all:?}");
    let other = compared_runs(&SHORT.run(1), &refused_run());
    let loops = |it: &String| it.contains("differ in their loop: open and closed");
    assert!(other.warnings.iter().any(loops), "{:?}", other.warnings);
}

#[test]
fn few_failures_of_many_are_no_difference() {
    let mut other = steady_run();
    (other.outcomes.failed, other.outcomes.ok) = (2, other.outcomes.ok - 2);
    let found = compared_runs(&steady_run(), &other);
    assert_eq!(change(&found, "error_rate").judgement, Judgement::NoDifference, "{found:?}");
}

#[test]
fn requests_that_never_ended_are_failures_that_took_longer_than_all() {
    let mut hanging = SHORT.run(2);
    hanging.outcomes.unfinished = 300;
    let found = compared_runs(&SHORT.run(1), &hanging);
    assert_eq!(change(&found, "error_rate").judgement, Judgement::Regression);
    assert_eq!(change(&found, "p99").candidate, None, "it lies among them");
    assert!(change(&found, "p95").candidate > hanging.latency.p95_ms);
}

#[test]
fn what_was_not_sent_is_a_lower_achieved_rate() {
    let mut dropping = SHORT.run(2);
    dropping.arrivals.due *= 2;
    dropping.series.iter_mut().for_each(|row| row.due *= 2);
    let found = compared_runs(&SHORT.run(1), &dropping);
    let rate = change(&found, "achieved_rate");
    assert_eq!((rate.base, rate.candidate), (Some(100.0), Some(50.0)));
    assert_eq!(rate.judgement, Judgement::Regression);
    assert!(rate.explanation.starts_with("achieved rate fell from 100% to 50% (-50 points, "));
}

#[test]
fn a_closed_loop_has_a_rate_of_its_own() {
    let mut slow = closed_run();
    slow.duration_seconds *= 2.0;
    let found = compared_runs(&closed_run(), &slow);
    let rps = change(&found, "rps");
    assert_eq!((rps.base.map(f64::round), rps.candidate.map(f64::round)), (Some(3e3), Some(1.5e3)));
    assert!(rps.explanation.contains("the run is too short"), "{}", rps.explanation);
}

/// The figures of a whole run as those of one of its requests.
fn as_request(run: &RunResult, name: &str) -> RequestResult {
    RequestResult {
        name: name.into(),
        arrivals: run.arrivals.clone(),
        outcomes: run.outcomes,
        total_requests: run.total_requests,
        latency: run.latency.clone(),
        series_seconds: run.series_seconds,
        series: run.series.clone(),
        ..RequestResult::default()
    }
}

#[test]
fn a_regression_of_one_name_is_found_by_its_name_however_it_is_written() {
    let markup = "<b>cart</b>\u{1b}[31m";
    let with = |seed: u64, cart: f64| {
        let whole = SHORT.run(seed);
        let requests = vec![
            as_request(&SHORT.run(seed + 100), "home"),
            as_request(&SHORT.slower(cart).run(seed + 200), markup),
            as_request(&SHORT.run(seed + 300), &format!("only in {seed}")),
        ];
        RunResult { requests, ..whole }
    };
    let found = compared_runs(&with(1, 1.0), &with(2, 1.4));
    let names: Vec<_> = found.requests.iter().map(|it| (&*it.name, it.judgement)).collect();
    let expected = [("home", Judgement::NoDifference), (markup, Judgement::Regression)];
    assert_eq!(names, expected);
    assert!(found.is_regression());
    assert!(found.conclusion.contains(&format!("p50 of {markup}")), "{}", found.conclusion);
    let missing = found.warnings.iter().filter(|it| it.contains("only in")).count();
    assert_eq!(missing, 2, "{:?}", found.warnings);
}

#[test]
fn other_scenarios_are_compared_with_a_warning_and_what_is_secret_or_absent_is_passed_over() {
    let with = |scenario: Value| RunResult { scenario, ..steady_run() };
    let base = with(json!({
        "name": "a", "targetUrl": "http://a.test/", "connections": 10, "method": "GET",
        "headers": {"Authorization": "[redacted]", "X": "1"}, "streams": 100,
    }));
    let other = with(json!({
        "name": "b", "targetUrl": "http://b.test/\u{1b}[2J", "connections": 10.0, "method": null,
        "headers": {"Authorization": "s3cret", "X": "1"},
    }));
    let found = compared_runs(&base, &other);
    let said = "the scenarios differ in targetUrl: http://a.test/ and http://b.test/\u{fffd}[2J";
    assert_eq!(found.warnings, [said]);
    let mut headers = base.clone();
    headers.scenario["headers"]["X"] = json!("s3cret");
    let warnings = compared_runs(&base, &headers).warnings;
    assert_eq!(warnings.len(), 1);
    assert!(!warnings[0].contains("s3cret"), "{warnings:?}");
    let faster = RunResult { offered_rps: Some(1_500.0), duration_seconds: 20.0, ..base.clone() };
    let warnings = compared_runs(&base, &faster).warnings.join("\n");
    assert!(warnings.contains("the offered rate: 1000.0/s and 1500.0/s"), "{warnings}");
    assert!(warnings.contains("the measured time: 10.0 s and 20.0 s"), "{warnings}");
    let nowhere = with(Value::Null);
    assert_eq!(compared_runs(&base, &nowhere).warnings, [] as [&str; 0]);
}

#[test]
fn runs_that_say_little_of_their_target_are_named() {
    let mut late = steady_run();
    late.validity.verdict = Verdict::Invalid;
    let found = compare(&[steady_run(), interrupted_run()], &[late], Tolerance::default());
    assert_eq!(found.verdict, Verdict::Invalid);
    let said = found.warnings.join("\n");
    for part in [
        "run 2 of the base was ended before its time",
        "run 2 of the base is not complete: 650 arrivals are unknown",
        "the candidate has the verdict INVALID",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_constant_target_that_moves_within_a_bucket_is_not_called_different() {
    // Times lie within 0.5%, and the mean wanders by 2%: all of it in one bucket or two.
    let narrow = Model { sigma: 0.002, failing: 0.0, ..USUAL };
    let different = (0..8).filter(|pair| {
        let found = compared_runs(&narrow.run(pair * 2 + 1), &narrow.run(pair * 2 + 2));
        found.judgement.is_different()
    });
    assert!(different.count() <= 2);
}
