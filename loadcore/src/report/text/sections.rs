//! Turns the parts of a result into the paragraphs and tables of the page.

use super::super::format::{bytes, count, one_line, percent, rate, time, wrap};
use super::super::summary::{self, FIGURES, against, meaning, spoken, times, why};
use super::WIDTH;
use super::style::Style;
use crate::result::{Generator, LatencySummary, RunResult, SlaOutcome, Verdict};

/// Width of the words at the left of a paragraph.
const LABEL: usize = 13;
/// Width of the rules in the SLA table.
const RULE: usize = 22;
/// What a rule is longer than when its figure stands below it.
const LONG_RULE: usize = 40;

/// Whether the figures may be trusted, and why not.
pub(super) fn verdict(result: &RunResult, style: Style) -> Vec<String> {
    let paint: fn(Style, &str) -> String = match result.validity.verdict {
        Verdict::Valid if result.arrivals.sent == 0 => Style::warning,
        Verdict::Valid => Style::good,
        Verdict::Degraded => Style::warning,
        Verdict::Invalid => Style::bad,
    };
    let meaning = meaning(result);
    let name = result.validity.verdict.name();
    let mut lines = vec![format!("{:LABEL$}{}: {meaning}", "Verdict", paint(style, name))];
    for reason in &result.validity.reasons {
        lines.extend(paragraph(&format!("{}{}", reason.explanation, against(reason)), "- "));
        lines.extend(paragraph(&reason.remedy, "  "));
    }
    if !result.complete {
        let what = format!(
            "Not complete: what became of {} arrivals on lost workers is unknown",
            count(result.arrivals.unknown)
        );
        lines.extend(paragraph(&what, "").iter().map(|line| style.warning(line)));
    }
    lines
}

/// Where every arrival and every request went: the two identities.
pub(super) fn accounting(result: &RunResult, style: Style) -> Vec<String> {
    let arrivals = &result.arrivals;
    let outcomes = &result.outcomes;
    let due = format!(
        "due {} = sent {} + dropped {} + backlog {} + unknown {}",
        count(arrivals.due),
        count(arrivals.sent),
        count(arrivals.dropped),
        count(arrivals.backlog),
        count(arrivals.unknown)
    );
    let sent = format!(
        "sent {} = ok {} + failed {} + unfinished {}",
        count(arrivals.sent),
        count(outcomes.ok),
        count(outcomes.failed),
        count(outcomes.unfinished)
    );
    let mut lines = labelled("Arrivals", &due);
    lines.extend(labelled("Requests", &sent));
    if result.total_requests > 0 {
        let share = format!("{} ok", percent(outcomes.ok, result.total_requests));
        let share = if outcomes.failed == 0 { style.good(&share) } else { style.bad(&share) };
        let never = match result.never_ended() {
            0 => String::new(),
            n => {
                let never = format!("{} of those sent never ended", percent(n, arrivals.sent));
                format!(" of those that ended; {}", style.bad(&never))
            }
        };
        lines.push(format!("{:LABEL$}{share}{never}", ""));
    }
    if arrivals.dropped > 0 {
        let reasons = arrivals.dropped_by_reason.iter();
        let reasons: Vec<_> =
            reasons.map(|(reason, n)| format!("{reason} {}{}", count(*n), why(reason))).collect();
        lines.extend(labelled("Dropped", &reasons.join(", ")));
    }
    lines
}

/// The percentiles of the three times beside each other, and those of the ok requests alone where
/// some failed.
pub(super) fn percentiles(result: &RunResult, style: Style) -> Vec<String> {
    let columns = times(result);
    let cell = ((WIDTH - LABEL) / columns.len()).min(17);
    let head: String = columns.iter().map(|(name, _)| format!("{name:>cell$}")).collect();
    let mut lines = vec![style.bold(&format!("{:LABEL$}{head}", "Latency"))];
    for (name, of) in FIGURES {
        let cells: Vec<_> = columns.iter().map(|(_, summary)| time(of(summary))).collect();
        let cells: String = cells.iter().map(|text| format!("{text:>cell$}")).collect();
        lines.push(format!("  {name:<11}{cells}"));
    }
    if !result.is_open_loop() {
        let what = "Latency is service time here: a closed loop intends no start, so what users \
                    would have waited for a busy target is not in it.";
        lines.extend(wrap(what, WIDTH).iter().map(|line| style.dim(line)));
    }
    lines.extend(above_range(result).map(|line| style.warning(&line)));
    lines
}

fn above_range(result: &RunResult) -> Option<String> {
    let above = result.histograms.as_ref()?.latency.overflow();
    (above.count > 0).then(|| {
        format!(
            "{} took more than 1 h: percentiles among them show the longest",
            count(above.count)
        )
    })
}

/// Replies by status.
pub(super) fn statuses(result: &RunResult, style: Style) -> Vec<String> {
    let statuses = &result.status_code_distribution;
    if statuses.is_empty() {
        return Vec::new();
    }
    let all: u64 = statuses.values().sum();
    let mut lines = vec![style.bold("Status codes")];
    for (status, n) in statuses {
        let name = format!("{status:<11}");
        let name = if *status >= 400 { style.bad(&name) } else { style.good(&name) };
        lines.push(format!("  {name}{:>17}{:>12}", count(*n), percent(*n, all)));
    }
    lines
}

/// Failed requests by class, with an example of each.
pub(super) fn errors(result: &RunResult, style: Style) -> Vec<String> {
    if result.errors.is_empty() {
        return Vec::new();
    }
    let mut classes: Vec<_> = result.errors.iter().collect();
    classes.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let mut lines = vec![style.bold("Errors")];
    for (class, n) in classes {
        let example = result.error_examples.get(class).map_or("", String::as_str);
        let class = style.bad(&format!("{:<17}", one_line(class, 17)));
        let line = format!("  {class}{:>11}", count(*n));
        // What to do stands in the example: it is folded, not cut.
        if example.chars().count() <= WIDTH - 32 {
            lines.push(format!("{line}  {}", one_line(example, WIDTH)).trim_end().to_owned());
        } else {
            lines.push(line);
            lines.extend(paragraph(&one_line(example, 3 * WIDTH), "  "));
        }
    }
    lines
}

/// Connections, first bytes and bytes.
pub(super) fn network(result: &RunResult, style: Style) -> Vec<String> {
    let mut lines = vec![style.bold("Network")];
    let opened = format!("{} opened", count(result.connects));
    lines.push(match typical(&result.connect) {
        Some(connect) => format!("  {:<13}{opened}; connect {connect}", "connections"),
        None => format!("  {:<13}{opened}", "connections"),
    });
    lines.extend(spoken(&result.protocol).map(|text| format!("  {:<13}{text}", "protocol")));
    let times = [("TLS", &result.tls), ("first byte", &result.first_byte)];
    for (name, summary) in times {
        lines.extend(typical(summary).map(|text| format!("  {name:<13}{text}")));
    }
    for (name, n) in [("sent", result.bytes_sent), ("received", result.bytes_received)] {
        let per_second = match result.duration_seconds {
            seconds if seconds > 0.0 => format!(", {}/s", bytes(n as f64 / seconds)),
            _ => String::new(),
        };
        lines.push(format!("  {name:<13}{}{per_second}", bytes(n as f64)));
    }
    lines.extend(generator(&result.generator).map(|text| format!("  {:<13}{text}", "generator")));
    lines
}

/// What the generator itself needed.
fn generator(generator: &Generator) -> Option<String> {
    let cpu = generator.cpu_share?;
    let lag = match generator.pacer_lag.p99_ms {
        Some(_) => format!(", pacer lag p99 {}", time(generator.pacer_lag.p99_ms)),
        None => String::new(),
    };
    Some(format!("{:.0}% of a processor for each thread{lag}", 100.0 * cpu))
}

fn typical(summary: &LatencySummary) -> Option<String> {
    summary.p50_ms?;
    let [p50, p99, max] = [summary.p50_ms, summary.p99_ms, summary.max_ms].map(time);
    Some(format!("p50 {p50}, p99 {p99}, max {max}"))
}

/// The rules, and whether they hold.
pub(super) fn sla(result: &RunResult, style: Style) -> Vec<String> {
    if result.sla.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![style.bold("SLA")];
    for outcome in &result.sla {
        let mark = if outcome.passed { style.good("pass") } else { style.bad("FAIL") };
        let rule = one_line(&outcome.rule, WIDTH - 8);
        let long = rule.chars().count();
        // A rule of a request with a long name leaves no room beside it.
        let column = if long > LONG_RULE { 2 } else { RULE.max(long) + 2 };
        let mut figure: Vec<String> = wrap(&outcome.figure(), WIDTH - 8 - column);
        figure.extend(violations(outcome));
        let first = if long > LONG_RULE { String::new() } else { figure.remove(0) };
        lines.push(format!("  {mark}  {rule:column$}{first}").trim_end().to_owned());
        lines.extend(figure.iter().map(|line| format!("{:1$}{line}", "", 8 + column)));
    }
    lines
}

/// Up to which rate each rule held, where the profile raised it.
pub(super) fn headroom(result: &RunResult, style: Style) -> Vec<String> {
    if result.headroom.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![style.bold("Headroom")];
    for it in &result.headroom {
        let told = format!("{} {}", one_line(&it.rule, LONG_RULE), summary::headroom(it));
        lines.extend(wrap(&told, WIDTH - 2).iter().map(|line| format!("  {line}")));
    }
    lines
}

/// When a rule did not hold: the first few times.
fn violations(outcome: &SlaOutcome) -> Vec<String> {
    let shown = 3;
    let mut lines: Vec<_> = outcome
        .violations
        .iter()
        .take(shown)
        .map(|one| {
            let worst = match (one.worst, outcome.unit.as_str()) {
                (None, _) => ": no request was ok".to_owned(),
                (Some(worst), "ms") => format!(", at worst {}", time(Some(worst))),
                (Some(worst), "/s") => format!(", at worst {}", rate(worst)),
                (Some(worst), unit) => format!(", at worst {worst:.2}{unit}"),
            };
            format!("from {:.0} s to {:.0} s{worst}", one.from_second, one.to_second)
        })
        .collect();
    if outcome.violations.len() > shown {
        lines.push(format!("and {} times more", outcome.violations.len() - shown));
    }
    if outcome.aborted {
        lines.push("it ended the run".to_owned());
    }
    lines
}

/// A text beside its label, on further lines if need be.
fn labelled(label: &str, text: &str) -> Vec<String> {
    let lines = wrap(text, WIDTH - LABEL).into_iter().enumerate();
    let label = |place| if place == 0 { label } else { "" };
    lines.map(|(place, line)| format!("{:LABEL$}{line}", label(place))).collect()
}

/// A text under the column of figures, with a mark before its first line.
fn paragraph(text: &str, mark: &str) -> Vec<String> {
    let lines = wrap(text, WIDTH - LABEL - mark.len()).into_iter().enumerate();
    let mark = |place| if place == 0 { mark.to_owned() } else { " ".repeat(mark.len()) };
    lines.map(|(place, line)| format!("{:LABEL$}{}{line}", "", mark(place))).collect()
}
