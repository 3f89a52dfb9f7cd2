//! Turns a comparison into a page for the terminal, at most 80 columns wide, and into its JSON document.
//!
//! The page says what is compared, what speaks against it, every figure of all requests, of each request
//! by name what became different, and in its last lines what came of it.

use super::format::{count, one_line, round_time, wrap};
use super::text::style::Style;
use super::text::{Options, WIDTH};
use crate::analysis::compare::{Change, ComparedRun, Comparison, Judgement};

/// The page.
#[must_use]
pub fn text(comparison: &Comparison, options: Options) -> String {
    let style = Style::new(options.colors);
    let mut parts = vec![sides(comparison), warnings(comparison, style)];
    parts.push(comparison.changes.iter().flat_map(|change| figure(change, style)).collect());
    for request in &comparison.requests {
        let mut lines = vec![style.bold(&one_line(&request.name, WIDTH))];
        let different = request.changes.iter().filter(|change| change.judgement.is_different());
        lines.extend(different.flat_map(|change| figure(change, style)));
        match request.judgement {
            Judgement::NoDifference => lines.push("  no difference shown".into()),
            Judgement::Unknown => lines.push("  nothing could be judged".into()),
            _ => {}
        }
        parts.push(lines);
    }
    let conclusion = wrap(&comparison.conclusion, WIDTH);
    parts.push(conclusion.iter().map(|line| painted(line, comparison.judgement, style)).collect());
    let parts = parts.into_iter().filter(|lines: &Vec<String>| !lines.is_empty());
    let mut page = parts.map(|lines| lines.join("\n")).collect::<Vec<_>>().join("\n\n");
    page.push('\n');
    page
}

/// The document, indented, with a line end.
#[must_use]
pub fn json(comparison: &Comparison) -> String {
    // Its numbers are finite, so there is nothing to fail.
    let mut text = serde_json::to_string_pretty(comparison).expect("a comparison is JSON");
    text.push('\n');
    text
}

fn sides(comparison: &Comparison) -> Vec<String> {
    let sides = [("Base", &comparison.base), ("Candidate", &comparison.candidate)];
    let run = |label: &'static str| move |run: &ComparedRun| one_line(&told(label, run), WIDTH);
    sides.into_iter().flat_map(|(label, runs)| runs.iter().map(run(label))).collect()
}

fn told(label: &str, run: &ComparedRun) -> String {
    let name = run.name.as_deref().unwrap_or("a run");
    format!(
        "{label:<10} {}  {} requests in {}, {}",
        one_line(name, 30),
        count(run.total_requests),
        round_time((run.duration_seconds * 10.0).round() * 100.0),
        run.started_at,
    )
}

fn warnings(comparison: &Comparison, style: Style) -> Vec<String> {
    let lines = comparison.warnings.iter().flat_map(|it| hanging("! ", it));
    lines.map(|line| style.warning(&line)).collect()
}

fn figure(change: &Change, style: Style) -> Vec<String> {
    let lines = hanging("  ", &change.explanation);
    lines.into_iter().map(|line| painted(&line, change.judgement, style)).collect()
}

/// Its first line begins with `first`, the others lie below what follows.
fn hanging(first: &str, text: &str) -> Vec<String> {
    let lines = wrap(text, WIDTH - 4).into_iter().enumerate();
    lines
        .map(|(n, line)| if n == 0 { format!("{first}{line}") } else { format!("    {line}") })
        .collect()
}

fn painted(line: &str, judgement: Judgement, style: Style) -> String {
    match judgement {
        Judgement::Regression => style.bad(line),
        Judgement::Worse => style.warning(line),
        Judgement::Improvement | Judgement::Better => style.good(line),
        Judgement::NoDifference => line.to_owned(),
        Judgement::Unknown => style.dim(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::compare::{Tolerance, compare};
    use crate::result::fixtures::{failing_run, steady_run};
    use crate::result::{RequestResult, RunResult};

    fn page(base: RunResult, candidate: RunResult, colors: bool) -> String {
        text(&compare(&[base], &[candidate], Tolerance::default()), Options { colors })
    }

    #[test]
    fn the_page() {
        insta::assert_snapshot!(page(steady_run(), failing_run(), false));
    }

    #[test]
    fn foreign_text_stays_within_the_page_and_moves_no_cursor() {
        let with = |name: &str| {
            let mut run = steady_run();
            run.scenario["name"] = format!("\u{1b}[2J{}", "long ".repeat(40)).into();
            run.scenario["targetUrl"] = format!("http://{name}/{}", "x".repeat(200)).into();
            let request = RequestResult { name: "<b>\u{1b}[31m".repeat(30), ..Default::default() };
            RunResult { requests: vec![request], ..run }
        };
        let page = page(with("a"), with("b"), false);
        assert!(!page.contains('\u{1b}') && page.contains("<b>\u{fffd}[31m"), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= WIDTH), "{page}");
        assert!(page.contains("! the scenarios differ in targetUrl:\n    http://a/xx"), "{page}");
    }

    #[test]
    fn colours_change_nothing_but_the_colour() {
        let colored = page(steady_run(), failing_run(), true);
        assert!(colored.contains("\u{1b}[31m"), "{colored}");
        let mut bare = colored;
        for code in
            ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m"]
        {
            bare = bare.replace(code, "");
        }
        assert_eq!(bare, page(steady_run(), failing_run(), false));
    }

    #[test]
    fn the_document_is_json() {
        let comparison = compare(&[steady_run()], &[failing_run()], Tolerance::default());
        assert_eq!(serde_json::from_str::<Comparison>(&json(&comparison)).unwrap(), comparison);
    }
}
