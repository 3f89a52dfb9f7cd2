//! Turns what speaks against comparing runs into sentences: other scenarios, other machines, runs that
//! say little of their target.

use crate::result::{RunResult, Verdict};
use serde_json::Value;

/// Keys of a scenario that do not change what its target has to do, or that the result tells better.
const PASSED_OVER: [&str; 12] = [
    "name",
    "tags",
    "notes",
    "sla",
    "autoStart",
    "queueSeconds",
    "workerWaitSeconds",
    "onWorkerLoss",
    "targetRps",
    PROFILE,
    "durationSeconds",
    "seed",
];
/// What documents have in the place of a secret.
const REDACTED: &str = "[redacted]";
/// The load over time.
const PROFILE: &str = "loadProfile";
/// Characters of a value that are shown.
const SHOWN: usize = 60;
/// How far rates and durations may lie apart, as a share, before that is said.
const ALIKE: f64 = 0.02;

/// The sentences, the gravest first.
pub(super) fn warnings(base: &[RunResult], candidate: &[RunResult]) -> Vec<String> {
    let mut found = Vec::new();
    for (side, runs) in [("base", base), ("candidate", candidate)] {
        if runs.is_empty() {
            found.push(format!("there is no run in the {side}"));
        }
        for (n, run) in runs.iter().enumerate() {
            let which = match runs.len() {
                1 => format!("the {side}"),
                _ => format!("run {} of the {side}", n + 1),
            };
            found.extend(of_run(run).into_iter().map(|said| format!("{which} {said}")));
        }
    }
    let mut runs = base.iter().chain(candidate);
    if let Some(first) = runs.next() {
        // Each difference once, however many runs have it.
        for said in runs.flat_map(|run| between(first, run)) {
            if !found.contains(&said) {
                found.push(said);
            }
        }
    }
    found
}

/// What speaks against one run, after its name.
fn of_run(run: &RunResult) -> Vec<String> {
    let mut found = Vec::new();
    let verdict = run.validity.verdict;
    if verdict != Verdict::Valid {
        let reasons: Vec<_> = run.validity.reasons.iter().map(|it| it.kind.as_str()).collect();
        let why =
            if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        found.push(format!("has the verdict {}{why}: its generator was not well", verdict.name()));
    }
    if run.interrupted {
        found.push("was ended before its time".into());
    }
    if !run.complete {
        found.push(format!("is not complete: {} arrivals are unknown", run.arrivals.unknown));
    }
    if run.total_requests == 0 {
        found.push("has no request that came to an outcome".into());
    } else if run.outcomes.ok == 0 {
        found.push("has no request that was ok: its times are those of failures".into());
    } else if run.is_mostly_failed() {
        found.push("has more failed requests than ok ones, and its times count both".into());
    }
    found
}

/// In what two runs differ that should have been alike: their requests, and where they were made.
fn between(one: &RunResult, other: &RunResult) -> Vec<String> {
    let mut found = of_scenarios(one, other);
    let lacks = |run: &RunResult, name: &str| run.requests.iter().all(|it| it.name != name);
    for (has, other) in [(one, other), (other, one)] {
        for request in has.requests.iter().filter(|request| lacks(other, &request.name)) {
            found.push(format!("only some of the runs have a request {}", shown(&request.name)));
        }
    }
    let (a, b) = (&one.environment, &other.environment);
    if a.os != b.os || a.cores.zip(b.cores).is_some_and(|(a, b)| a != b) || a.workers != b.workers {
        found.push("the runs were made on different machines".into());
    }
    found
}

/// In what their scenarios differ.
fn of_scenarios(one: &RunResult, other: &RunResult) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, one: String, other: String| {
        found.push(format!(
            "the scenarios differ in {what}: {} and {}",
            shown(&one),
            shown(&other)
        ));
    };
    if one.loop_kind != other.loop_kind {
        let of = |run: &RunResult| if run.is_open_loop() { "open" } else { "closed" }.to_owned();
        differ("their loop", of(one), of(other));
    }
    let mut is_told = false;
    if let (Some(a), Some(b)) = (one.offered_rps, other.offered_rps)
        && !alike(a, b)
    {
        is_told = true;
        differ("the offered rate", format!("{a:.1}/s"), format!("{b:.1}/s"));
    }
    if !alike(one.duration_seconds, other.duration_seconds) {
        let of = |run: &RunResult| format!("{:.1} s", run.duration_seconds);
        differ("the measured time", of(one), of(other));
    }
    if let (Value::Object(a), Value::Object(b)) = (&one.scenario, &other.scenario) {
        // What one of them does not tell is not held against the other.
        for (key, a) in a.iter().filter(|(key, _)| !PASSED_OVER.contains(&key.as_str())) {
            match b.get(key) {
                Some(b) if !a.is_null() && !b.is_null() && !same(a, b) => {
                    differ(key, of_value(a), of_value(b));
                }
                _ => {}
            }
        }
        if let (Some(a), Some(b), false) = (a.get(PROFILE), b.get(PROFILE), is_told)
            && !same(a, b)
        {
            differ(PROFILE, of_value(a), of_value(b));
        }
    }
    found
}

/// Equal, as far as both tell it: what stands in the place of a secret may be anything.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(text), _) | (_, Value::String(text)) if text == REDACTED => true,
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => one == other,
    }
}

fn alike(one: f64, other: f64) -> bool {
    (one - other).abs() <= ALIKE * one.abs().max(other.abs())
}

/// Headers may hold what should not be repeated: the names of what differs will do.
fn of_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) if !fields.contains_key("type") => {
            format!("{{{}}}", fields.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Foreign text on one line, cut.
fn shown(text: &str) -> String {
    let mut line: String =
        text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if line.chars().count() > SHOWN {
        line = line.chars().take(SHOWN - 1).chain(['…']).collect();
    }
    line
}
