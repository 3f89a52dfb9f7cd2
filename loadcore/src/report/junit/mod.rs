//! Turns a result into JUnit's XML, which pipelines show as tests: one for each SLA rule, and three that
//! every run has to pass.
//!
//! A rule that does not hold is a failure: it is the target's. What makes the figures doubtful is an
//! error: an INVALID verdict, or a run that is not whole. Names stay the same from run to run, so that a
//! pipeline shows since when a test fails.

use super::format::count;
use super::text::Options;
use super::{Format, summary, text};
use crate::result::{RunResult, SlaOutcome, Verdict};
use askama::Template;

/// A test suite for pipelines.
pub const FORMAT: Format = Format {
    name: "junit",
    media_type: "application/xml",
    extension: "xml",
    document: Some(|result, _| Ok(render(result))),
    stream: None,
};

/// The suite.
#[must_use]
pub fn render(result: &RunResult) -> String {
    // It is written into a text, which does not fail, and none of its parts does.
    Suite::of(result).render().expect("a suite is written into a text") + "\n"
}

#[derive(Template)]
#[template(path = "junit/suite.xml")]
struct Suite {
    name: String,
    /// The name without dots, which Jenkins takes for the ends of packages.
    class: String,
    seconds: String,
    /// ISO 8601 without a zone, as JUnit has it; it is in UTC.
    timestamp: String,
    failures: usize,
    errors: usize,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case>,
    /// The report for people.
    report: String,
}

struct Case {
    name: String,
    /// The whole run is the first one's time, so that the sum over them is right.
    seconds: String,
    outcome: Outcome,
    kind: &'static str,
    more: String,
    said: String,
}

/// What became of a test, with a message.
enum Outcome {
    Passed,
    Failed(String),
    Error(String),
}

impl Suite {
    fn of(result: &RunResult) -> Self {
        let seconds = format!("{:.3}", result.duration_seconds);
        let mut cases = vec![answered(result), whole(result), trusted(result)];
        cases[0].seconds.clone_from(&seconds);
        cases.extend(result.sla.iter().map(rule));
        let number = |is: fn(&Outcome) -> bool| cases.iter().filter(|it| is(&it.outcome)).count();
        Self {
            name: clean(summary::title(result)),
            class: clean(summary::title(result)).replace('.', "_"),
            seconds,
            timestamp: clean(result.started_at.trim_end_matches('Z')),
            failures: number(|it| matches!(it, Outcome::Failed(_))),
            errors: number(|it| matches!(it, Outcome::Error(_))),
            properties: properties(result),
            cases,
            report: clean(&text::render(result, Options::default())),
        }
    }
}

impl Case {
    fn new(name: &str, kind: &'static str, outcome: Outcome) -> Self {
        let (more, said) = (String::new(), String::new());
        Self { name: clean(name), seconds: "0".into(), outcome, kind, more, said }
    }
}

fn answered(result: &RunResult) -> Case {
    let outcome = match result.outcomes.ok {
        0 => {
            let failed = count(result.outcomes.failed);
            Outcome::Failed(format!("not one request was ok, {failed} failed"))
        }
        _ => Outcome::Passed,
    };
    let mut case = Case::new("requests were ok", "nothing_ok", outcome);
    let class = |(class, n): (&String, &u64)| {
        let example = result.error_examples.get(class).map_or("", String::as_str);
        format!("{class} {}: {example}", count(*n))
    };
    case.more = clean(&result.errors.iter().map(class).collect::<Vec<_>>().join("\n"));
    case
}

fn whole(result: &RunResult) -> Case {
    let outcome = match (result.complete, result.interrupted) {
        (true, false) => Outcome::Passed,
        (false, _) => {
            let unknown = count(result.arrivals.unknown);
            Outcome::Error(format!("what became of {unknown} arrivals on lost workers is unknown"))
        }
        (true, true) => Outcome::Error("the run was ended before its time".into()),
    };
    Case::new("the run is complete", "incomplete", outcome)
}

fn trusted(result: &RunResult) -> Case {
    let validity = &result.validity;
    let verdict = validity.verdict.name();
    let message = format!("{verdict}: {}", summary::meaning(result));
    let outcome = match validity.verdict {
        Verdict::Invalid => Outcome::Error(message.clone()),
        Verdict::Valid | Verdict::Degraded => Outcome::Passed,
    };
    let mut case = Case::new("the measurement is valid", "invalid", outcome);
    let reason = |it: &crate::result::Reason| {
        format!("{}{}; {}", it.explanation, summary::against(it), it.remedy)
    };
    case.more = clean(&validity.reasons.iter().map(reason).collect::<Vec<_>>().join("\n"));
    if validity.verdict == Verdict::Degraded {
        case.said = clean(&format!("{message}\n{}", case.more));
    }
    case
}

fn rule(outcome: &SlaOutcome) -> Case {
    let figure = outcome.figure();
    let came_to = match outcome.passed {
        true => Outcome::Passed,
        false => Outcome::Failed(clean(&format!("{}: {figure}", outcome.rule))),
    };
    let mut case = Case::new(&outcome.rule, "sla", came_to);
    let violation = |it: &crate::result::Violation| {
        let worst =
            it.worst.map_or(String::new(), |worst| format!(", at worst {worst}{}", outcome.unit));
        format!("violated from {:.0} s to {:.0} s{worst}", it.from_second, it.to_second)
    };
    case.more = clean(&outcome.violations.iter().map(violation).collect::<Vec<_>>().join("\n"));
    if outcome.passed {
        case.said = clean(&figure);
    }
    case
}

fn properties(result: &RunResult) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        ("target", clean(summary::target(result))),
        ("load", clean(&summary::load(result))),
        ("verdict", result.validity.verdict.name().to_owned()),
        ("requests", result.total_requests.to_string()),
        ("loadcore", clean(&result.environment.version)),
    ];
    let numbers = [
        ("offeredRps", result.offered_rps),
        ("achievedRps", result.achieved_rps),
        ("successRate", result.success_rate),
        ("p50Ms", result.latency.p50_ms),
        ("p99Ms", result.latency.p99_ms),
    ];
    let known = numbers.into_iter().filter_map(|(name, number)| Some((name, number?.to_string())));
    properties.extend(known);
    properties
}

/// Without the characters that no XML may hold, not even escaped (XML 1.0, 2.2).
fn clean(text: &str) -> String {
    let is_allowed =
        |c: char| !matches!(c, '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}') || "\t\n\r".contains(c);
    text.chars().map(|c| if is_allowed(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::judged;
    use crate::result::fixtures::{
        empty_run, failing_run, interrupted_run, refused_run, steady_run,
    };

    /// Without the report for people, which has tests of its own.
    fn suite(result: &RunResult) -> String {
        let xml = render(result);
        let (head, _) = xml.rsplit_once("<system-out>").unwrap();
        head.to_owned()
    }

    #[test]
    fn a_run_whose_rules_hold() {
        insta::assert_snapshot!(suite(&judged(steady_run(), &["p99<250ms", "error_rate<1%"])));
    }

    #[test]
    fn a_run_of_which_one_does_not() {
        insta::assert_snapshot!(suite(&judged(failing_run(), &["p99<250ms", "rps>=900"])));
    }

    #[test]
    fn what_makes_figures_doubtful_is_an_error() {
        let counts = |result: &RunResult| {
            let suite = Suite::of(result);
            (suite.failures, suite.errors)
        };
        assert_eq!(counts(&steady_run()), (0, 0));
        assert_eq!(counts(&interrupted_run()), (0, 1));
        assert_eq!(counts(&refused_run()), (1, 0));
        assert_eq!(counts(&empty_run()), (1, 0));
        let mut result = steady_run();
        result.validity.verdict = Verdict::Invalid;
        assert_eq!(counts(&result), (0, 1));
        result.validity.verdict = Verdict::Degraded;
        assert_eq!(counts(&result), (0, 0));
        assert!(suite(&result).contains("<system-out>DEGRADED: some figures include"));
    }

    #[test]
    fn a_name_is_text_whatever_it_holds() {
        let mut result = judged(steady_run(), &["p99<1ns"]);
        let hostile = "\"/><x a='&\u{0}\u{1b}]]>";
        result.scenario["name"] = hostile.into();
        result.sla[0].rule = hostile.into();
        let xml = render(&result);
        assert!(!xml.contains("<x") && !xml.contains("]]>") && !xml.contains(['\0', '\u{1b}']));
        let tags = xml.matches('<').count();
        let plain = judged(steady_run(), &["p99<1ns"]);
        assert_eq!(tags, render(&plain).matches('<').count(), "no tag comes or goes");
    }
}
