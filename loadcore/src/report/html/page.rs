//! Turns a result into what its page says, part by part, in the order in which it is read.

use super::super::format::{count, moment, percent, time};
use super::super::summary::{self, FIGURES, Headline, Judgement, Tone};
use super::facts::{self, Fact};
use super::observed::{self, Series};
use super::plots::{self, Plots};
use super::requests::{self, Request};
use super::workers::{self, Worker};
use super::{Mark, POLICY, SCRIPT, STYLE, micro};
use crate::result::{Finding, RunResult, Severity, SlaOutcome};
use askama::Template;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the template shows.
#[derive(Template)]
#[template(path = "html/page.html")]
pub(super) struct Page<'a> {
    policy: &'static str,
    style: &'static str,
    script: &'static str,
    data: String,
    title: &'a str,
    /// Empty where the title says it.
    target: &'a str,
    load: String,
    when: Option<When<'a>>,
    tags: Vec<&'a str>,
    judgement: Judgement,
    verdict: Verdict,
    cautions: Vec<String>,
    headlines: Vec<Headline>,
    findings: Vec<FindingView<'a>>,
    rules: Vec<RuleView<'a>>,
    /// Up to which rate each rule held.
    headroom: Vec<(&'a str, String)>,
    plots: Plots,
    /// What happened, and when.
    timeline: Vec<(String, &'a str)>,
    said: BTreeMap<&'static str, String>,
    some_ended: bool,
    latency_name: &'static str,
    difference: String,
    times: Table,
    requests: Vec<Request<'a>>,
    workers: Vec<Worker<'a>>,
    /// What the target told of itself, and how many series more it did.
    observed: Vec<Series<'a>>,
    more_observed: usize,
    errors: Vec<ErrorView<'a>>,
    statuses: Vec<Share>,
    details: Vec<(&'static str, Vec<Fact>)>,
    scenario: String,
    version: &'a str,
}

/// When it was, for people and for programs.
struct When<'a> {
    machine: &'a str,
    human: String,
}

/// Whether the figures may be trusted.
struct Verdict {
    tone: Tone,
    name: &'static str,
    meaning: &'static str,
    /// What speaks against it, and what to do about that.
    reasons: Vec<(String, String)>,
}

/// A table of text: its head and its rows, each with a name.
struct Table {
    head: Vec<&'static str>,
    rows: Vec<(&'static str, Vec<String>)>,
}

struct FindingView<'a> {
    tone: Tone,
    severity: &'static str,
    kind: String,
    finding: &'a Finding,
    /// How sure we are, and when it was.
    sure: String,
    when: String,
    evidence: Vec<(&'a str, String)>,
    witnesses: Vec<String>,
}

struct RuleView<'a> {
    outcome: &'a SlaOutcome,
    actual: String,
    /// What is to be said of it.
    note: String,
}

struct ErrorView<'a> {
    share: Share,
    example: &'a str,
}

/// A part of a whole, as text and as the length of a bar.
struct Share {
    name: String,
    count: String,
    percent: String,
    /// Of 100.
    length: String,
    tone: Tone,
}

impl<'a> Page<'a> {
    pub(super) fn of(result: &'a RunResult, marks: &'a [Mark]) -> Self {
        let plots = Plots::of(result, marks);
        let title = summary::title(result);
        let target = summary::target(result);
        let told = result.observed.iter().map(|it| it.series.len()).sum::<usize>();
        let observed = observed::of(result);
        Self {
            policy: POLICY,
            style: STYLE,
            script: SCRIPT,
            data: plots.json(),
            title,
            target: if target == title { "" } else { target },
            load: summary::load(result),
            when: when(&result.started_at),
            tags: tags(&result.scenario),
            judgement: summary::judgement(result),
            verdict: verdict(result),
            cautions: summary::cautions(result),
            headlines: headlines(result),
            findings: result.bottlenecks.iter().map(finding).collect(),
            rules: result.sla.iter().map(rule).collect(),
            headroom: result.headroom.iter().map(|it| (&*it.rule, summary::headroom(it))).collect(),
            said: plots::said(result)
                .into_iter()
                .map(|(plot, text)| (plot, micro(&text)))
                .collect(),
            plots,
            timeline: marks.iter().map(|it| (moment(it.at_seconds), it.text.as_str())).collect(),
            some_ended: result.total_requests > 0,
            latency_name: summary::latency_name(result),
            difference: micro(&summary::difference(result)),
            times: times(result),
            requests: requests::of(result),
            workers: workers::of(result),
            more_observed: told - observed.len(),
            observed,
            errors: errors(result),
            statuses: statuses(result),
            details: facts::all(result),
            scenario: scenario(&result.scenario),
            version: &result.environment.version,
        }
    }

    /// What a plot shows in a sentence; nothing where there is no such plot.
    fn said(&self, plot: &str) -> &str {
        self.said.get(plot).map_or("", String::as_str)
    }

    /// Whether some rule says more of itself.
    fn some_notes(&self) -> bool {
        self.rules.iter().any(|rule| !rule.note.is_empty())
    }
}

fn headlines(result: &RunResult) -> Vec<Headline> {
    let with_sign =
        |it: Headline| Headline { value: micro(&it.value), beside: micro(&it.beside), ..it };
    summary::headlines(result).into_iter().map(with_sign).collect()
}

/// `2026-01-01T00:00:00Z` as `2026-01-01 00:00:00 UTC`; another text is no time.
fn when(started_at: &str) -> Option<When<'_>> {
    let (day, rest) = started_at.split_once('T')?;
    let time = rest.strip_suffix('Z')?.split('.').next()?;
    Some(When { machine: started_at, human: format!("{day} {time} UTC") })
}

fn tags(scenario: &Value) -> Vec<&str> {
    let tags = scenario.get("tags").and_then(Value::as_array);
    tags.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn verdict(result: &RunResult) -> Verdict {
    let reasons = result.validity.reasons.iter();
    Verdict {
        tone: summary::tone_of(result.validity.verdict),
        name: result.validity.verdict.name(),
        meaning: summary::meaning(result),
        reasons: reasons
            .map(|it| {
                let explanation = format!("{}{}", it.explanation, summary::against(it));
                (sentence(&micro(&explanation)), sentence(&it.remedy))
            })
            .collect(),
    }
}

fn finding(finding: &Finding) -> FindingView<'_> {
    let (tone, severity) = match finding.severity {
        Severity::Info => (Tone::Neutral, "Worth knowing"),
        Severity::Warning => (Tone::Warning, "Warning"),
        Severity::Critical => (Tone::Bad, "Critical"),
    };
    FindingView {
        tone,
        severity,
        kind: sentence(&finding.kind.name().replace('_', " ")),
        finding,
        sure: format!("{:.0}% sure", 100.0 * finding.confidence),
        when: format!("{} to {}", moment(finding.from_second), moment(finding.to_second)),
        evidence: finding.evidence.iter().map(|(name, it)| (name.as_str(), shown(it))).collect(),
        witnesses: finding.witnesses.iter().map(summary::witness).collect(),
    }
}

/// With a capital letter.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(number) if number.fract() != 0.0 => format!("{number:.3}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn rule(outcome: &SlaOutcome) -> RuleView<'_> {
    let mut notes: Vec<String> = outcome.reason.iter().cloned().collect();
    if let Some(window) = outcome.window_seconds {
        notes.push(format!("the worst window of {window} s"));
    }
    let times: Vec<_> = outcome
        .violations
        .iter()
        .take(3)
        .map(|it| format!("{} to {}", moment(it.from_second), moment(it.to_second)))
        .collect();
    if !times.is_empty() {
        let more = match outcome.violations.len() - times.len() {
            0 => String::new(),
            more => format!(" and {more} times more"),
        };
        notes.push(format!("violated from {}{more}", times.join(", from ")));
    }
    if outcome.aborted {
        notes.push("it ended the run".to_owned());
    }
    RuleView { outcome, actual: summary::actual(outcome), note: notes.join("; ") }
}

fn times(result: &RunResult) -> Table {
    let times = summary::times(result);
    let row = |(name, of): &summary::Figure| {
        (*name, times.iter().map(|(_, summary)| micro(&time(of(summary)))).collect())
    };
    Table {
        head: times.iter().map(|(name, _)| *name).collect(),
        rows: FIGURES.iter().map(row).collect(),
    }
}

fn errors(result: &RunResult) -> Vec<ErrorView<'_>> {
    let mut classes: Vec<_> = result.errors.iter().collect();
    classes.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let view = |(class, n): (&String, &u64)| ErrorView {
        share: share(class, *n, result.total_requests, Tone::Bad),
        example: result.error_examples.get(class).map_or("", String::as_str),
    };
    classes.into_iter().map(view).collect()
}

fn statuses(result: &RunResult) -> Vec<Share> {
    let statuses = &result.status_code_distribution;
    let all = statuses.values().sum();
    let view = |(status, n): (&u16, &u64)| {
        let tone = if *status >= 400 { Tone::Bad } else { Tone::Good };
        share(&status.to_string(), *n, all, tone)
    };
    statuses.iter().map(view).collect()
}

fn share(name: &str, part: u64, whole: u64, tone: Tone) -> Share {
    let length = 100.0 * part as f64 / whole.max(1) as f64;
    Share {
        name: name.to_owned(),
        count: count(part),
        percent: percent(part, whole),
        // What is there is seen.
        length: format!("{:.1}", if part > 0 { length.clamp(0.5, 100.0) } else { 0.0 }),
        tone,
    }
}

/// The scenario as it may be given to a next run; a long one is cut, for the page is no archive.
fn scenario(scenario: &Value) -> String {
    const MOST: usize = 20_000;
    let mut text = serde_json::to_string_pretty(scenario).unwrap_or_default();
    if text.len() > MOST {
        let end = (0..=MOST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str("\n… the rest is in the result document");
    }
    text
}
