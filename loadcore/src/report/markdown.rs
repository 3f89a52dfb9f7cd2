//! Turns a result into a few tables of GitHub's Markdown: what stands in a comment on a pull request.
//!
//! Rules come first, since they are what a change is judged by. What others named is shown as it was
//! written: no character of it means anything to Markdown.

use super::format::{count, one_line, percent, time};
use super::{Format, text};
use crate::result::{
    Arrivals, LatencySummary, Outcomes, RequestResult, RunResult, SlaOutcome, Verdict,
};
use std::cmp::Reverse;

/// Tables for a comment.
pub const FORMAT: Format = Format {
    name: "markdown",
    media_type: "text/markdown; charset=utf-8",
    extension: "md",
    document: Some(|result, _| Ok(render(result))),
    stream: None,
};

/// The longest foreign text that is shown.
const LONGEST: usize = 200;

/// The comment.
#[must_use]
pub fn render(result: &RunResult) -> String {
    let parts = [
        headline(result),
        rules(result),
        times(result),
        requests(result),
        errors(result),
        verdict(result),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n") + "\n"
}

/// What was run, what came of its rules, and how much of the load was achieved.
fn headline(result: &RunResult) -> String {
    let lines = text::headline(result);
    let (title, rest) = lines.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
    let rest: Vec<_> = rest.iter().map(|line| plain(line)).collect();
    format!("### {}\n\n{}", plain(title), rest.join("  \n"))
}

fn rules(result: &RunResult) -> String {
    let mark = |rule: &SlaOutcome| if rule.passed { "pass" } else { "**FAIL**" };
    let row = |rule: &SlaOutcome| vec![mark(rule).into(), plain(&rule.rule), plain(&rule.figure())];
    table(&["SLA", "rule", ""], "---", result.sla.iter().map(row))
}

/// The percentiles of the whole, and of the ok alone where some failed.
fn times(result: &RunResult) -> String {
    let open = result.is_open_loop().then_some(("response time", &result.latency));
    let some_failed = result.outcomes.failed > 0 && result.outcomes.ok > 0;
    let ok = some_failed.then_some(("of ok alone", &result.ok_latency));
    let all = open.into_iter().chain(ok).chain([("service time", &result.service_time)]);
    let row = |(name, of): (&str, &LatencySummary)| {
        let times = [of.p50_ms, of.p90_ms, of.p99_ms, of.p999_ms, of.max_ms].map(time);
        std::iter::once(name.to_owned()).chain(times).collect()
    };
    table(&["latency", "p50", "p90", "p99", "p99.9", "max"], "--:", all.map(row))
}

/// What became of all that was due; in a mix, of each request too.
fn requests(result: &RunResult) -> String {
    let all = row("all", &result.arrivals, &result.outcomes, &result.latency);
    let of_mix =
        |it: &RequestResult| row(&plain(&it.name), &it.arrivals, &it.outcomes, &it.latency);
    let head =
        ["requests", "sent", "ok", "failed", "unfinished", "dropped", "p50", "p99", "p99.9", "max"];
    table(&head, "--:", std::iter::once(all).chain(result.requests.iter().map(of_mix)))
}

fn row(name: &str, arrivals: &Arrivals, outcomes: &Outcomes, of: &LatencySummary) -> Vec<String> {
    let Outcomes { ok, failed, unfinished, .. } = *outcomes;
    let counts = [failed, unfinished, arrivals.dropped].map(count);
    let times = [of.p50_ms, of.p99_ms, of.p999_ms, of.max_ms].map(time);
    let first = [name.to_owned(), count(arrivals.sent), percent(ok, ok + failed)];
    first.into_iter().chain(counts).chain(times).collect()
}

/// How many failed of each class, the most first.
fn errors(result: &RunResult) -> String {
    let mut classes: Vec<_> = result.errors.iter().collect();
    classes.sort_by_key(|(_, n)| Reverse(**n));
    let classes: Vec<_> =
        classes.into_iter().map(|(class, n)| format!("{} {}", plain(class), count(*n))).collect();
    if classes.is_empty() { String::new() } else { format!("Errors: {}", classes.join(", ")) }
}

/// Whether the figures may be trusted, and why not.
fn verdict(result: &RunResult) -> String {
    let name = result.validity.verdict.name();
    let strong = if result.validity.verdict == Verdict::Valid { "" } else { "**" };
    let mut lines = vec![format!("Verdict on the generator: {strong}{name}{strong}")];
    let reasons = &result.validity.reasons;
    lines.extend(reasons.iter().map(|reason| format!("- {}", plain(&reason.explanation))));
    if !result.complete {
        let unknown = count(result.arrivals.unknown);
        lines.push(format!("- not complete: what became of {unknown} arrivals is unknown"));
    }
    lines.join("\n")
}

/// A table whose columns but the first are aligned so; nothing without rows.
fn table(head: &[&str], align: &str, rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<_> = rows.map(|cells| format!("\n| {} |", cells.join(" | "))).collect();
    if rows.is_empty() {
        return String::new();
    }
    let aligned = format!(" {align} |").repeat(head.len() - 1);
    format!("| {} |\n| --- |{aligned}{}", head.join(" | "), rows.concat())
}

/// Foreign text on one line, every character of which stands for itself (CommonMark 0.31, 2.4).
fn plain(text: &str) -> String {
    let mut shown = String::new();
    for c in one_line(text, LONGEST).chars() {
        if "\\`*_[]<>|~&#@".contains(c) {
            shown.push('\\');
        }
        shown.push(c);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::judged;
    use crate::result::fixtures::{Run, closed_run, empty_run, failing_run, plan, steady_run};
    use crate::result::{Ending, LoopKind, Plan};

    #[test]
    fn a_steady_run() {
        insta::assert_snapshot!(render(&judged(steady_run(), &["p99<250ms", "error_rate<1%"])));
    }

    #[test]
    fn a_failing_run() {
        insta::assert_snapshot!(render(&judged(failing_run(), &["p99<250ms", "error_rate<1%"])));
    }

    #[test]
    fn foreign_text_adds_no_cell_and_no_line() {
        let name = "a | b\n| `c` <img> @everybody";
        let mix = vec![(name.to_owned(), 1.0), ("plain".to_owned(), 2.0)];
        let mut result = Run::new(Plan { mix, ..plan(LoopKind::Open) }).end(Ending::default(), 0);
        result.scenario["name"] = name.into();
        let page = render(&result);
        let shown = "a \\| b\u{fffd}\\| \\`c\\` \\<img\\> \\@everybody";
        assert!(page.starts_with(&format!("### {shown}  http")), "{page}");
        assert!(
            page.contains(&format!("\n| {shown} | 0 | - | 0 | 0 | 0 | - | - | - | - |\n| plain |"))
        );
    }

    #[test]
    fn every_row_has_as_many_cells_as_its_head() {
        for result in [steady_run(), failing_run(), closed_run(), empty_run()] {
            let page = render(&judged(result, &["p99<250ms"]));
            for table in page.split("\n\n").filter(|part| part.starts_with('|')) {
                let cells = |line: &str| line.matches('|').count();
                let head = table.lines().next().map(cells);
                assert!(table.lines().all(|line| Some(cells(line)) == head), "{table}");
            }
            assert!(page.matches("\n\n| ").count() == 3, "{page}");
        }
    }
}
