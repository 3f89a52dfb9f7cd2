//! Turns a result into what the page's script draws: lines over time, bands and marks, the heat map and
//! the curve of percentiles.

use super::super::format::{moment, rate, round_time, time};
use super::Mark;
use super::columns::{Column, Columns};
use super::curve::Curves;
use super::heat::Heat;
use super::short::Short;
use crate::result::RunResult;
use serde::Serialize;
use std::collections::BTreeMap;

/// All plots; nothing in it is markup.
#[derive(Debug, Serialize)]
pub(super) struct Plots {
    time: Time,
    /// By the names that the page has for them.
    plots: BTreeMap<&'static str, Plot>,
    bands: Vec<Band>,
    marks: Vec<Place>,
    heat: Option<Heat>,
    curves: Option<Curves>,
}

/// What lies along the plots.
#[derive(Debug, Serialize)]
struct Time {
    /// Where each column begins, in seconds since the start, and how many seconds it spans.
    at: Vec<u64>,
    step: u64,
    /// When nothing more fell due.
    until: Short,
}

/// Lines over time, of one unit.
#[derive(Debug, Serialize)]
struct Plot {
    unit: &'static str,
    lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    /// How it looks: a class in the style sheet.
    look: &'static str,
    /// A line, or a bar that stands on the one before.
    bar: bool,
    values: Vec<Short>,
}

/// A span of time that is to be seen in every plot.
#[derive(Debug, PartialEq, Serialize)]
struct Band {
    from: f64,
    to: f64,
    look: &'static str,
    text: String,
}

/// A moment that is to be seen in every plot.
#[derive(Debug, PartialEq, Serialize)]
struct Place {
    at: f64,
    text: String,
}

/// The most of them.
const MOST_MARKS: usize = 100;

impl Plots {
    pub(super) fn of(result: &RunResult, marks: &[Mark]) -> Self {
        let all = Columns::of(result);
        let columns = all.columns.as_slice();
        let mut plots = BTreeMap::new();
        if columns.iter().any(|it| it.due + it.sent + it.ok + it.failed > 0) {
            plots.insert("rate", rates(columns, result.is_open_loop()));
        }
        if columns.iter().any(|it| it.max_ms.is_some()) {
            plots.insert("latency", latencies(columns));
        }
        if columns.iter().any(|it| it.failed + it.dropped > 0) {
            plots.insert("errors", errors(columns));
        }
        if columns.iter().any(many_wait) {
            let values = columns.iter().map(|it| Short(Some(it.backlog as f64))).collect();
            let line = Line { name: "backlog", look: "c3", bar: false, values };
            plots.insert("backlog", Plot { unit: "", lines: vec![line] });
        }
        Self {
            time: Time {
                at: columns.iter().map(|column| column.second).collect(),
                step: all.step,
                until: Short(Some(all.until)),
            },
            plots,
            bands: bands(result, &all),
            marks: places(marks, &all),
            heat: Heat::of(columns),
            curves: Curves::of(result),
        }
    }

    /// Whether there is a plot of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        match name {
            "heat" => self.heat.is_some(),
            "curves" => self.curves.is_some(),
            name => self.plots.contains_key(name),
        }
    }

    /// As text that may stand in a page's `<script>`: nothing in it ends one.
    pub(super) fn json(&self) -> String {
        // Its maps have text for keys and its numbers are finite, so there is nothing to fail.
        let text = serde_json::to_string(self).expect("plots are JSON");
        text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
    }
}

fn rates(columns: &[Column], open: bool) -> Plot {
    let line = |name, look, count: fn(&Column) -> u64| {
        let per_second = |it: &Column| Short(it.seconds.map(|seconds| count(it) as f64 / seconds));
        Line { name, look, bar: false, values: columns.iter().map(per_second).collect() }
    };
    let mut lines = vec![line("achieved", "c1 filled", |it| it.ok + it.failed)];
    if open {
        lines.push(line("sent", "c2", |it| it.sent));
        lines.push(line("offered", "dashed", |it| it.due));
    }
    Plot { unit: "/s", lines }
}

fn latencies(columns: &[Column]) -> Plot {
    let line = |name, look, of: fn(&Column) -> Option<f64>| {
        let values = columns.iter().map(|column| Short(of(column))).collect();
        Line { name, look, bar: false, values }
    };
    let lines = vec![
        line("p50", "c1", |it| it.p50_ms),
        line("p95", "c2", |it| it.p95_ms),
        line("p99", "c3", |it| it.p99_ms),
        line("max", "faint", |it| it.max_ms),
    ];
    Plot { unit: "ms", lines }
}

/// More than wait for a moment now and then: what falls due in a twentieth of a second.
fn many_wait(column: &Column) -> bool {
    let per_second = column.due as f64 / column.seconds.unwrap_or(1.0);
    column.backlog as f64 > 5.0 + per_second / 20.0
}

/// Counts and not rates: what failed in the drain counts too.
fn errors(columns: &[Column]) -> Plot {
    let line = |name, look, count: fn(&Column) -> u64| {
        let values = columns.iter().map(|column| Short(Some(count(column) as f64))).collect();
        Line { name, look, bar: true, values }
    };
    let mut lines = vec![line("failed", "c3", |it| it.failed)];
    if columns.iter().any(|it| it.dropped > 0) {
        lines.push(line("dropped", "c4", |it| it.dropped));
    }
    Plot { unit: "", lines }
}

/// The marks that lie within the plots.
fn places(marks: &[Mark], all: &Columns) -> Vec<Place> {
    let end = all.columns.last().map_or(0, |last| last.second + all.step) as f64;
    let within = marks.iter().filter(|mark| (0.0..=end).contains(&mark.at_seconds));
    let place = |mark: &Mark| Place { at: mark.at_seconds, text: mark.text.clone() };
    within.take(MOST_MARKS).map(place).collect()
}

fn bands(result: &RunResult, all: &Columns) -> Vec<Band> {
    let mut bands = Vec::new();
    for outcome in &result.sla {
        bands.extend(outcome.violations.iter().map(|it| Band {
            from: it.from_second,
            to: it.to_second,
            look: "violated",
            text: format!("{} violated", outcome.rule),
        }));
    }
    bands.extend(result.bottlenecks.iter().map(|it| Band {
        from: it.from_second,
        to: it.to_second,
        look: "found",
        text: it.kind.name().replace('_', " "),
    }));
    let end = all.columns.last().map_or(0, |last| last.second + all.step) as f64;
    if end - all.until >= all.step as f64 {
        let text = "drain: nothing more was due".to_owned();
        bands.push(Band { from: all.until, to: end, look: "drain", text });
    }
    bands
}

/// What each plot shows, in a sentence: for those who do not see it.
pub(super) fn said(result: &RunResult) -> BTreeMap<&'static str, String> {
    let all = Columns::of(result);
    let columns = all.columns.as_slice();
    let mut said = BTreeMap::new();
    let step = round_time(1e3 * all.step as f64);
    let achieved = range(columns, |it| Some((it.ok + it.failed) as f64 / it.seconds?));
    if let Some(((least, _), (most, _))) = achieved {
        let achieved = match rate(least) == rate(most) {
            true => format!("{} achieved", rate(most)),
            false => format!("Between {} and {} achieved", rate(least), rate(most)),
        };
        let offered = range(columns, |it| Some(it.due as f64 / it.seconds?));
        let offered = offered.filter(|_| result.is_open_loop());
        let offered = offered.map_or(String::new(), |((least, _), (most, _))| {
            match rate(least) == rate(most) {
                true => format!(", {} offered", rate(most)),
                false => format!(", {} to {} offered", rate(least), rate(most)),
            }
        });
        said.insert("rate", format!("{achieved}{offered}, in steps of {step}."));
    }
    if let Some(((least, _), (most, when))) = range(columns, |it| it.p99_ms) {
        let [least, most] = [least, most].map(|ms| time(Some(ms)));
        let when = moment(when as f64);
        let of = match all.has_highest {
            true => format!(" Of each {step} it shows the highest second's."),
            false => String::new(),
        };
        let text = match least == most {
            true => format!("p99 {most}."),
            false => format!("p99 between {least} and {most}, the highest at {when}.{of}"),
        };
        said.insert("latency", text);
    }
    said
}

/// The least and the greatest, each with its second.
fn range(
    columns: &[Column],
    of: impl Fn(&Column) -> Option<f64>,
) -> Option<((f64, u64), (f64, u64))> {
    let known = columns.iter().filter_map(|column| Some((of(column)?, column.second)));
    known.fold(None, |range, one| {
        let (least, most) = range.unwrap_or((one, one));
        let least: (f64, u64) = if one.0 < least.0 { one } else { least };
        let most: (f64, u64) = if one.0 > most.0 { one } else { most };
        Some((least, most))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Violation;
    use crate::result::fixtures::{closed_run, empty_run, failing_run, steady_run};

    fn names(result: &RunResult) -> Vec<&'static str> {
        Plots::of(result, &[]).plots.keys().copied().collect()
    }

    #[test]
    fn there_is_a_plot_of_what_there_is() {
        assert_eq!(names(&steady_run()), ["latency", "rate"]);
        assert_eq!(names(&failing_run()), ["errors", "latency", "rate"]);
        assert!(names(&empty_run()).is_empty());
        let closed = Plots::of(&closed_run(), &[]);
        let lines: Vec<_> = closed.plots["rate"].lines.iter().map(|line| line.name).collect();
        assert_eq!(lines, ["achieved"], "nothing is offered in closed loop");
        assert!(closed.has("heat") && closed.has("curves") && !closed.has("errors"));
    }

    #[test]
    fn times_in_which_a_rule_did_not_hold_are_bands() {
        let mut result = crate::analysis::judged(failing_run(), &["p99<1ms"]);
        result.sla[0].violations =
            vec![Violation { from_second: 4.0, to_second: 6.0, worst: Some(9.0) }];
        let bands = Plots::of(&result, &[]).bands;
        assert_eq!((bands[0].from, bands[0].to, bands[0].look), (4.0, 6.0, "violated"));
        assert_eq!(bands[0].text, "p99<1ms violated");
    }

    #[test]
    fn nothing_in_the_json_ends_a_script() {
        let mut result = crate::analysis::judged(failing_run(), &["p99<1ms"]);
        result.sla[0].rule = "p99{</script><script>alert(1)</script>}<1ms".into();
        result.sla[0].violations =
            vec![Violation { from_second: 4.0, to_second: 6.0, worst: Some(9.0) }];
        let json = Plots::of(&result, &[]).json();
        assert!(!json.contains(['<', '>', '&']), "{json}");
        assert!(json.contains(r"p99{\u003c/script\u003e"), "{json}");
    }

    #[test]
    fn what_is_drawn_is_said_too() {
        let said = said(&steady_run());
        assert_eq!(said["rate"], "1,000/s achieved, 1,000/s offered, in steps of 1 s.");
        assert_eq!(said["latency"], "p99 between 3.55 ms and 4.66 ms, the highest at 9 s.");
    }
}
