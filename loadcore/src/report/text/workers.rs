//! Turns a platform's workers into a table of a line for each, and what speaks against one below it.

use super::super::format::{count, one_line, rate, time};
use super::super::summary::workers::{told_apart, verdict};
use super::WIDTH;
use super::style::Style;
use crate::result::{RunResult, Verdict, WorkerResult};

/// Width of the names.
const NAME: usize = 24;

/// The table; empty where one process makes the whole load.
pub(super) fn draw(result: &RunResult, style: Style) -> Vec<String> {
    let workers = told_apart(result);
    if workers.is_empty() {
        return Vec::new();
    }
    let head = ["verdict", "requests", "rate", "p99", "CPU"].map(str::to_owned);
    let mut lines = vec![style.bold(line("By worker", &head).trim_end())];
    for worker in workers {
        let of_it = of(worker);
        if worker.validity.verdict == Verdict::Valid {
            lines.push(of_it);
            continue;
        }
        lines.push(style.bad(&of_it));
        let why = one_line(&verdict(worker).1, WIDTH - 4);
        lines.push(format!("    {}", style.bad(&why)));
    }
    lines
}

fn of(worker: &WorkerResult) -> String {
    let figures = &worker.figures;
    let cells = [
        verdict(worker).0.to_owned(),
        count(figures.sent),
        figures.achieved_rps.map_or("-".to_owned(), rate),
        time(figures.p99_ms),
        figures.cpu_share.map_or("-".to_owned(), |share| format!("{:.0}%", 100.0 * share)),
    ];
    line(&format!("  {}", one_line(&worker.worker, NAME - 3)), &cells)
}

fn line(name: &str, cells: &[String; 5]) -> String {
    let [verdict, requests, rate, p99, cpu] = cells;
    format!("{name:<NAME$}{verdict:>10}{requests:>11}{rate:>12}{p99:>9}{cpu:>6}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::steady_run;
    use crate::result::{Reason, Validity, WorkerFigures};

    #[test]
    fn the_one_that_is_not_valid_says_why() {
        let mut result = steady_run();
        assert!(draw(&result, Style::new(false)).is_empty());
        let worker = |name: &str, verdict| WorkerResult {
            worker: name.into(),
            figures: WorkerFigures { sent: 5_000, achieved_rps: Some(500.0), ..<_>::default() },
            validity: Validity { verdict, ..Validity::default() },
            ..WorkerResult::default()
        };
        result.workers = vec![worker("eu-1", Verdict::Valid), worker("eu-2", Verdict::Invalid)];
        let reason: Reason = serde_json::from_value(serde_json::json!({
            "kind": "stalled", "verdict": "INVALID", "figure": 50.0, "limit": 10.0, "unit": "%",
            "explanation": "the generator stood still for 5 s of 10 s", "remedy": "run again",
        }))
        .unwrap();
        result.workers[1].validity.reasons = vec![reason];
        let lines = draw(&result, Style::new(false));
        let shown = [
            "By worker                  verdict   requests        rate      p99   CPU",
            "  eu-1                       VALID      5,000       500/s        -     -",
            "  eu-2                     INVALID      5,000       500/s        -     -",
            "    the generator stood still for 5 s of 10 s",
        ];
        assert_eq!(lines, shown);
    }
}
