//! Turns a capacity into a page for the terminal, at most 80 columns wide, and into its JSON document.
//!
//! The page has every trial in its order, and in its last lines what came of them.

use super::format::{one_line, rate, wrap};
use super::text::style::Style;
use super::text::{Options, WIDTH};
use crate::analysis::capacity::{Capacity, LimitedBy, Trial};
use crate::analysis::sla::in_words;

/// Columns of the words at the end of a row.
const WORDS: usize = 34;

/// The page.
#[must_use]
pub fn text(capacity: &Capacity, options: Options) -> String {
    let style = Style::new(options.colors);
    let mut lines = vec![style.bold(&one_line(&format!("Capacity for {}", capacity.slo), WIDTH))];
    if !capacity.trials.is_empty() {
        lines.extend([String::new(), style.dim(&head())]);
        lines.extend(capacity.trials.iter().flat_map(|trial| row(trial, style)));
    }
    lines.push(String::new());
    let conclusion = wrap(&capacity.conclusion, WIDTH);
    lines.extend(conclusion.iter().map(|line| match capacity.limited_by {
        _ if capacity.capacity_rps.is_none() => style.bad(line),
        Some(LimitedBy::Slo | LimitedBy::MaxRate) => style.good(line),
        Some(LimitedBy::Generator) | None => style.warning(line),
    }));
    lines.push(String::new());
    lines.join("\n")
}

/// The document, indented, with a line end.
#[must_use]
pub fn json(capacity: &Capacity) -> String {
    // Its numbers are finite, so there is nothing to fail.
    let mut text = serde_json::to_string_pretty(capacity).expect("a capacity is JSON");
    text.push('\n');
    text
}

/// One trial in a line, as it ends.
#[must_use]
pub fn line(trial: &Trial) -> String {
    let reason = trial.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
    let line = format!("{} {} ({}){reason}", rate(trial.rate), verdict(trial), figure(trial));
    one_line(&line, WIDTH)
}

fn head() -> String {
    columns(["second", "offered", "achieved", "figure"], "").trim_end().to_owned()
}

fn row(trial: &Trial, style: Style) -> Vec<String> {
    let words = trial.reason.as_deref().map_or_else(
        || verdict(trial).to_owned(),
        |reason| format!("{}: {reason}", verdict(trial)),
    );
    let words = match &trial.causes[..] {
        [] => words,
        causes => format!("{words}; generator: {}", causes.join(", ")),
    };
    let figures = [
        format!("{:.0}", trial.from_second),
        rate(trial.rate),
        trial.achieved_rps.map_or("-".into(), rate),
        figure(trial),
    ];
    let [first, offered, achieved, figure] = &figures;
    let begins = columns([first, offered, achieved, figure], "");
    let indent = " ".repeat(begins.chars().count());
    let words = wrap(&one_line(&words, 4 * WORDS), WORDS);
    let lines = words.iter().enumerate().map(|(n, words)| {
        let words = match (trial.held, trial.counted) {
            (true, _) => style.good(words),
            (false, true) => style.bad(words),
            (false, false) => style.warning(words),
        };
        format!("{}{words}", if n == 0 { &begins } else { &indent })
    });
    lines.collect()
}

fn columns([second, offered, achieved, figure]: [&str; 4], words: &str) -> String {
    format!("{second:>6}  {offered:>10}  {achieved:>10}  {figure:>10}  {words}")
}

fn verdict(trial: &Trial) -> &'static str {
    match (trial.held, trial.counted) {
        (true, _) => "held",
        (false, true) => "failed",
        (false, false) => "not counted",
    }
}

fn figure(trial: &Trial) -> String {
    trial.figure.map_or("no figure".into(), |figure| in_words(figure, &trial.unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::capacity::fixtures;

    #[test]
    fn the_page() {
        insta::assert_snapshot!(text(&fixtures::found(), Options { colors: false }));
    }

    #[test]
    fn the_page_is_narrow_and_colours_change_nothing_but_the_colour() {
        for capacity in [fixtures::found(), fixtures::by_generator(), fixtures::nothing()] {
            let plain = text(&capacity, Options { colors: false });
            assert!(plain.lines().all(|line| line.chars().count() <= WIDTH), "{plain}");
            let mut bare = text(&capacity, Options { colors: true });
            for code in ["31", "32", "33", "1", "2", "0"] {
                bare = bare.replace(&format!("\u{1b}[{code}m"), "");
            }
            assert_eq!(bare, plain);
        }
    }

    #[test]
    fn the_document_is_json() {
        let capacity = fixtures::found();
        assert_eq!(serde_json::from_str::<Capacity>(&json(&capacity)).unwrap(), capacity);
    }
}
