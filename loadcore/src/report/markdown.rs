//! Turns a result into what stands in a comment on a pull request, in GitHub's Markdown: the judgement,
//! the numbers that are read first, rules, findings and requests, in about a screen.
//!
//! What others named is shown as it was written: no character of it means anything to Markdown, and
//! nobody is called by it.

use super::Format;
use super::format::{count, moment, one_line, percent, time};
use super::summary::{self, Tone};
use crate::result::{Finding, Headroom, RequestResult, RunResult, Severity, SlaOutcome};
use std::cmp::Reverse;

/// A comment.
pub const FORMAT: Format = Format {
    name: "markdown",
    media_type: "text/markdown; charset=utf-8",
    extension: "md",
    document: Some(|result, _| Ok(render(result))),
    stream: None,
};

/// The longest foreign text that is shown.
const LONGEST: usize = 200;
/// The most requests, findings and error classes that are shown: a comment is no archive.
const MOST: usize = 10;

/// The comment.
#[must_use]
pub fn render(result: &RunResult) -> String {
    let parts = [
        judgement(result),
        headlines(result),
        rules(result),
        headroom(result),
        findings(result),
        requests(result),
        errors(result),
        verdict(result),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n") + "\n"
}

/// What came of it, and what was run.
fn judgement(result: &RunResult) -> String {
    let judgement = summary::judgement(result);
    let mark = match judgement.tone {
        Tone::Good => "✅",
        Tone::Bad => "❌",
        Tone::Warning => "⚠️",
        Tone::Neutral => "➖",
    };
    let (title, target) = (summary::title(result), summary::target(result));
    let target = if target == title { String::new() } else { format!("{} · ", code(target)) };
    let lines = [
        format!("### {mark} {}: {}\n", judgement.word, plain(title)),
        format!("{target}{}  ", plain(&summary::load(result))),
        plain(&judgement.sentence),
    ];
    lines.join("\n")
}

/// The numbers that are read first, and below each what it is to be seen beside.
fn headlines(result: &RunResult) -> String {
    let all = summary::headlines(result);
    let row = |cell: fn(&summary::Headline) -> String| all.iter().map(cell).collect();
    let rows = [row(|it| format!("**{}**", it.value)), row(|it| plain(&it.beside))];
    let names: Vec<_> = all.iter().map(|it| it.name.as_ref()).collect();
    table(&names, "---", rows.into_iter())
}

fn rules(result: &RunResult) -> String {
    let mark = |rule: &SlaOutcome| if rule.passed { "✅ holds" } else { "❌ **does not hold**" };
    let row = |rule: &SlaOutcome| vec![code(&rule.rule), mark(rule).into(), plain(&rule.figure())];
    table(&["SLA", "", ""], "---", result.sla.iter().map(row))
}

fn headroom(result: &RunResult) -> String {
    let line = |it: &Headroom| format!("- {} {}", code(&it.rule), plain(&summary::headroom(it)));
    result.headroom.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn findings(result: &RunResult) -> String {
    let line = |it: &Finding| {
        let severity = match it.severity {
            Severity::Info => "worth knowing",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        };
        let of = it.request.as_ref().map_or(String::new(), |name| format!(" of {}", code(name)));
        let seen: Vec<_> = it.witnesses.iter().map(|it| plain(&summary::witness(it))).collect();
        let seen = match &seen[..] {
            [] => String::new(),
            seen => format!(" **Seen at the target:** {}.", seen.join("; ")),
        };
        format!(
            "- **{}**{of} ({severity}, {:.0}% sure, {} to {}): {}{seen} **Next:** {}",
            plain(&it.kind.name().replace('_', " ")),
            100.0 * it.confidence,
            moment(it.from_second),
            moment(it.to_second),
            plain(&it.explanation),
            plain(&it.next_step)
        )
    };
    result.bottlenecks.iter().take(MOST).map(line).collect::<Vec<_>>().join("\n")
}

/// Each request of a mix, in its order; of many those with the highest p99.
fn requests(result: &RunResult) -> String {
    let mut all: Vec<_> = result.requests.iter().collect();
    let more = all.len().saturating_sub(MOST);
    if more > 0 {
        let p99 = |it: &&RequestResult| it.latency.p99_ms.unwrap_or(-1.0);
        all.sort_by(|a, b| p99(b).total_cmp(&p99(a)));
        all.truncate(MOST);
    }
    let table = table(
        &["Request", "sent", "ok", "failed", "p50", "p99", "max"],
        "--:",
        all.into_iter().map(row),
    );
    match more {
        0 => table,
        more => format!("{table}\n\nThese have the highest p99; {more} more are in the result."),
    }
}

fn row(request: &RequestResult) -> Vec<String> {
    let of = &request.latency;
    let (ok, failed) = (request.outcomes.ok, request.outcomes.failed);
    let counts = [count(request.arrivals.sent), percent(ok, ok + failed), count(failed)];
    let times = [of.p50_ms, of.p99_ms, of.max_ms].map(time);
    std::iter::once(code(&request.name)).chain(counts).chain(times).collect()
}

/// How many failed of each class, the most first.
fn errors(result: &RunResult) -> String {
    let mut classes: Vec<_> = result.errors.iter().collect();
    classes.sort_by_key(|(_, n)| Reverse(**n));
    let class = |(class, n): (&String, &u64)| format!("{} {}", code(class), count(*n));
    let classes: Vec<_> = classes.into_iter().take(MOST).map(class).collect();
    if classes.is_empty() { String::new() } else { format!("Errors: {}", classes.join(", ")) }
}

/// Whether the figures may be trusted, and why not.
fn verdict(result: &RunResult) -> String {
    let name = result.validity.verdict.name();
    let mut lines = vec![format!("Measurement **{name}**: {}.", summary::meaning(result))];
    let reason = |it: &crate::result::Reason| {
        format!("- {}{}", plain(&it.explanation), summary::against(it))
    };
    lines.extend(result.validity.reasons.iter().map(reason));
    lines.extend(summary::cautions(result).iter().map(|caution| format!("- {}", plain(caution))));
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

/// Foreign text on one line, every character of which stands for itself (CommonMark 0.31, 2.4). GitHub
/// looks for names and numbers behind `@` and `#` after that, so these are kept apart from them.
fn plain(text: &str) -> String {
    let mut shown = String::new();
    for c in one_line(text, LONGEST).chars() {
        if "\\`*_[]<>|~&".contains(c) {
            shown.push('\\');
        }
        shown.push(c);
        if "@#".contains(c) {
            shown.push('\u{200b}');
        }
    }
    shown
}

/// Foreign text as code: in more backticks than it has in a row, with the bars kept from ending a cell.
fn code(text: &str) -> String {
    let text = one_line(text, LONGEST);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", text.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::judged;
    use crate::result::fixtures::{
        Run, closed_run, empty_run, failing_run, finding, run_start, steady_run,
    };
    use crate::result::{FindingKind, LoopKind, RunEnd, RunStart};

    #[test]
    fn a_steady_run() {
        insta::assert_snapshot!(render(&judged(steady_run(), &["p99<250ms", "error_rate<1%"])));
    }

    #[test]
    fn a_failing_run() {
        let mut result = judged(failing_run(), &["p99<250ms", "error_rate<1%"]);
        let found = Finding {
            explanation: "It failed from then on.".into(),
            next_step: "Look at its log.".into(),
            ..finding(FindingKind::ErrorCliff)
        };
        result.bottlenecks = vec![found];
        insta::assert_snapshot!(render(&result));
    }

    #[test]
    fn foreign_text_adds_no_cell_and_no_line_and_calls_nobody() {
        let name = "a | b\n| ``c` <img> @everybody";
        let mix = vec![(name.to_owned(), 1.0), ("plain".to_owned(), 2.0)];
        let mut result =
            Run::new(RunStart { mix, ..run_start(LoopKind::Open) }).end(RunEnd::default(), 0);
        result.scenario["name"] = name.into();
        let page = render(&result);
        let shown = "a \\| b\u{fffd}\\| \\`\\`c\\` \\<img\\> @\u{200b}everybody";
        assert!(page.starts_with(&format!("### ⚠️ Nothing sent: {shown}\n")), "{page}");
        let code = "```a \\| b\u{fffd}\\| ``c` <img> @everybody```";
        assert!(
            page.contains(&format!("\n| {code} | 0 | - | 0 | - | - | - |\n| `plain` |")),
            "{page}"
        );
    }

    #[test]
    fn of_many_requests_the_slowest_are_shown() {
        let mix = (0..30).map(|n| (format!("r{n}"), 1.0)).collect();
        let mut result =
            Run::new(RunStart { mix, ..run_start(LoopKind::Open) }).end(RunEnd::default(), 0);
        for (n, request) in result.requests.iter_mut().enumerate() {
            request.latency.p99_ms = Some(n as f64);
        }
        let page = render(&result);
        assert!(page.contains("| `r29` |") && page.contains("| `r20` |"), "{page}");
        assert!(!page.contains("`r19`") && page.contains("highest p99; 20 more are"), "{page}");
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
            assert_eq!(page.matches("\n\n| ").count(), 2, "{page}");
        }
    }
}
