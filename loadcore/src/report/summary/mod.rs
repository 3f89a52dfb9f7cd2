//! Turns a result into the few words and numbers that every report for people begins with: what was
//! tested, what came of it, and whether that may be trusted.

mod load;
mod parts;
pub(in crate::report) mod workers;

pub(super) use load::load;
pub(super) use parts::{FIGURES, Figure, against, spoken, times, why, witness};

use super::format::{count, percent, rate, time};
use crate::result::{Headroom, RunResult, SlaOutcome, Verdict};
use serde_json::Value;
use std::borrow::Cow;

/// How a thing is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warning,
    Bad,
    Neutral,
}

impl Tone {
    /// Its name in a style sheet.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Neutral => "neutral",
        }
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) tone: Tone,
    /// In a word or three: `Passed`.
    pub(super) word: &'static str,
    /// In a sentence.
    pub(super) sentence: String,
}

/// A number that is read first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Headline {
    pub(super) name: Cow<'static, str>,
    pub(super) value: String,
    /// What the number is to be seen beside.
    pub(super) beside: String,
    pub(super) tone: Tone,
}

/// The scenario's name; the target, where nobody gave it one.
pub(super) fn title(result: &RunResult) -> &str {
    match (text(result, "name"), target(result)) {
        ("", "") => "A run without a name",
        ("", url) => url,
        (name, _) => name,
    }
}

/// What was loaded; empty where nobody said it.
pub(super) fn target(result: &RunResult) -> &str {
    text(result, "targetUrl")
}

fn text<'a>(result: &'a RunResult, key: &str) -> &'a str {
    result.scenario.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether the run did what was asked of it.
pub(super) fn judgement(result: &RunResult) -> Judgement {
    let violated: Vec<_> = result.sla.iter().filter(|rule| !rule.passed).collect();
    let (tone, word, sentence) = match (result.sla.len(), violated.as_slice()) {
        _ if result.arrivals.sent == 0 => {
            (Tone::Warning, "Nothing sent", "Not one request was sent.".to_owned())
        }
        (0, _) if result.outcomes.ok == 0 => {
            (Tone::Bad, "Failed", "Not one request was ok.".to_owned())
        }
        (0, _) if result.is_mostly_failed() => {
            (Tone::Bad, "Failed", "Most of the requests failed.".to_owned())
        }
        (0, _) => {
            let sentence = "The scenario has no SLA rules, so there is nothing to pass or fail.";
            (Tone::Neutral, "No SLA", sentence.to_owned())
        }
        (1, []) => (Tone::Good, "Passed", format!("{} holds.", result.sla[0].rule)),
        (all, []) => (Tone::Good, "Passed", format!("All {all} SLA rules hold.")),
        (1, [one]) => (Tone::Bad, "Failed", format!("{} does not hold: {}.", one.rule, is(one))),
        (all, many) => {
            let does = if many.len() == 1 { "does" } else { "do" };
            let told = many.iter().take(3).map(|rule| format!("{} ({})", rule.rule, is(rule)));
            let mut told: Vec<_> = told.collect();
            if many.len() > told.len() {
                told.push(format!("{} more", many.len() - told.len()));
            }
            let n = many.len();
            let sentence = format!("{n} of {all} SLA rules {does} not hold: {}.", told.join(", "));
            (Tone::Bad, "Failed", sentence)
        }
    };
    Judgement { tone, word, sentence }
}

fn is(outcome: &SlaOutcome) -> String {
    match outcome.actual {
        None => "there is no figure".to_owned(),
        Some(_) => format!("it is {}", actual(outcome)),
    }
}

/// The figure that a rule was held against, short.
pub(super) fn actual(outcome: &SlaOutcome) -> String {
    match (outcome.actual, outcome.unit.as_str()) {
        (None, _) => "-".to_owned(),
        (Some(ms), "ms") => time(Some(ms)),
        (Some(per_second), "/s") => rate(per_second),
        (Some(figure), unit) => {
            let digits = format!("{figure:.3}");
            format!("{}{unit}", digits.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

/// What the verdict says of the figures.
pub(super) fn meaning(result: &RunResult) -> &'static str {
    match result.validity.verdict {
        Verdict::Valid if result.arrivals.sent == 0 => {
            "the generator was well, but nothing was sent"
        }
        Verdict::Valid => "the generator kept up, so the figures are the target's",
        Verdict::Degraded => "some figures include the generator's own troubles",
        Verdict::Invalid => "the figures are more the generator's than the target's",
    }
}

/// How the verdict is to look.
pub(super) fn tone_of(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Valid => Tone::Good,
        Verdict::Degraded => Tone::Warning,
        Verdict::Invalid => Tone::Bad,
    }
}

/// What else is to be known before a number is believed, in a sentence each.
pub(super) fn cautions(result: &RunResult) -> Vec<String> {
    let mut cautions = Vec::new();
    if result.interrupted {
        cautions.push("The run was ended before its time.".to_owned());
    }
    if !result.complete {
        cautions.push(format!(
            "Not complete: what became of {} arrivals on lost workers is unknown.",
            count(result.arrivals.unknown)
        ));
    }
    let late = result.outcomes.late;
    if late > 0 {
        cautions.push(format!(
            "{} requests ({}) were sent only after the measured time.",
            count(late),
            percent(late, result.total_requests)
        ));
    }
    cautions.extend(result.observed.iter().filter_map(parts::untold));
    cautions
}

/// Up to which rate a rule held.
pub(super) fn headroom(headroom: &Headroom) -> String {
    match (headroom.held_up_to_rps, headroom.failed_at_rps) {
        (Some(held), Some(failed)) => {
            format!("held up to {}, and no more from {} on", rate(held), rate(failed))
        }
        (Some(held), None) => format!("held up to {}, and nothing above broke it", rate(held)),
        (None, Some(failed)) => format!("did not hold, not even at {}", rate(failed)),
        (None, None) => "says nothing of a rate".to_owned(),
    }
}

/// What `latency` is called.
pub(super) fn latency_name(result: &RunResult) -> &'static str {
    if result.is_open_loop() { "Response time" } else { "Service time" }
}

/// The numbers that are read first.
pub(super) fn headlines(result: &RunResult) -> Vec<Headline> {
    vec![
        latency(result, "p50", result.latency.p50_ms, result.service_time.p50_ms),
        latency(result, "p99", result.latency.p99_ms, result.service_time.p99_ms),
        achieved(result),
        errors(result),
        requests(result),
    ]
}

fn latency(
    result: &RunResult,
    percentile: &str,
    value: Option<f64>,
    service: Option<f64>,
) -> Headline {
    let beside = match result.is_open_loop() {
        true => format!("service time {}", time(service)),
        false => "closed loop".to_owned(),
    };
    let name = format!("{} {percentile}", latency_name(result));
    Headline { name: name.into(), value: time(value), beside, tone: Tone::Neutral }
}

/// As the SLA rule `achieved_rate` has it: what was sent only in the drain was not achieved.
fn achieved(result: &RunResult) -> Headline {
    let in_time = result.total_requests.saturating_sub(result.outcomes.late);
    let per_second = result.achieved_rps.map_or("-".to_owned(), rate);
    let Some(offered) = result.offered_rps else {
        let beside = "requests that ended, per second".to_owned();
        return Headline {
            name: "Achieved rate".into(),
            value: per_second,
            beside,
            tone: Tone::Neutral,
        };
    };
    let due = result.arrivals.due;
    let tone = match in_time as f64 / due.max(1) as f64 {
        _ if due == 0 => Tone::Neutral,
        share if share < 0.9 => Tone::Bad,
        share if share < 0.99 => Tone::Warning,
        _ => Tone::Neutral,
    };
    Headline {
        name: "Achieved of offered".into(),
        value: percent(in_time.min(due), due),
        beside: format!("{per_second} of {}", rate(offered)),
        tone,
    }
}

/// As the SLA rule `error_rate` has it: what never ended is an error.
fn errors(result: &RunResult) -> Headline {
    let never = result.never_ended();
    let (bad, all) = (result.outcomes.failed + never, result.total_requests + never);
    let classes = result.errors.iter().map(|(class, n)| (class.as_str(), *n));
    let most = classes.chain([("never ended", never)]).max_by_key(|(_, n)| *n);
    let beside = match most.filter(|(_, n)| *n > 0) {
        _ if all == 0 => "nothing ended".to_owned(),
        None => "no request failed".to_owned(),
        Some((class, n)) if n == bad => format!("{class} {}", count(n)),
        Some((class, n)) => format!("{} failed; {class} {}", count(bad), count(n)),
    };
    let tone = match bad {
        0 => Tone::Neutral,
        _ if result.is_mostly_failed() => Tone::Bad,
        _ => Tone::Warning,
    };
    Headline { name: "Error rate".into(), value: percent(bad, all), beside, tone }
}

fn requests(result: &RunResult) -> Headline {
    let dropped = result.arrivals.dropped;
    let (beside, tone) = match dropped {
        0 => (format!("{} due", count(result.arrivals.due)), Tone::Neutral),
        n => (format!("{} more were dropped", count(n)), Tone::Warning),
    };
    Headline { name: "Requests".into(), value: count(result.arrivals.sent), beside, tone }
}

/// What lies between response time and service time, in a sentence or two.
pub(super) fn difference(result: &RunResult) -> String {
    if !result.is_open_loop() {
        return "Latency is service time here: a closed loop intends no start, so what users would \
                have waited for a busy target is not in it."
            .to_owned();
    }
    let what = "Response time counts from the moment a request was due, service time from its \
                actual start.";
    let (Some(response), Some(service)) = (result.latency.p99_ms, result.service_time.p99_ms)
    else {
        return what.to_owned();
    };
    let (response_text, service_text) = (time(Some(response)), time(Some(service)));
    match response - service {
        waited if waited > 1.0 && response > 1.25 * service => format!(
            "{what} At p99 they are {response_text} and {service_text}: requests waited before they \
             could be sent, and users would have waited with them."
        ),
        _ => format!(
            "{what} At p99 they are {response_text} and {service_text}, so hardly a request waited \
             before it was sent."
        ),
    }
}
