//! Turns the series into two lines of small bars: the rate and the p99 over time.

use super::super::format::{rate, round_time, time};
use super::style::Style;
use crate::result::{RunResult, SeriesRow};

/// The most marks of a line.
const MARKS: usize = 44;
const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// The lines; nothing for a run of fewer than three rows, which has no course.
pub(super) fn draw(result: &RunResult, style: Style) -> Vec<String> {
    if result.series.len() < 3 {
        return Vec::new();
    }
    let together = result.series.len().div_ceil(MARKS);
    let marks: Vec<&[SeriesRow]> = result.series.chunks(together).collect();
    // As in the headline: how fast requests fail is no rate of the target.
    let (name, counted): (_, fn(&SeriesRow) -> u64) = match result.is_mostly_failed() {
        true => ("ok", |row| row.ok),
        false => ("rate", |row| row.ok + row.failed),
    };
    let rates: Vec<_> = marks.iter().map(|rows| mean_rate(rows, counted, result)).collect();
    let p99s: Vec<_> = marks.iter().map(|rows| worst_p99(rows)).collect();
    let each = result.series_seconds * together as u64;
    let title = style.bold(&format!("Over time, {} a mark", round_time(1e3 * each as f64)));
    let line = |name: &str, values: &[Option<f64>], show: fn(f64) -> String| {
        let known = || values.iter().flatten().copied();
        let (least, most) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
        let range = match least <= most {
            true => format!("{} to {}", show(least), show(most)),
            false => "-".to_owned(),
        };
        format!("  {name:<5} {}  {range}", style.picture(&spark(values, most)))
    };
    vec![title, line(name, &rates, rate), line("p99", &p99s, |ms| time(Some(ms)))]
}

/// Requests that came to an outcome, those that are `counted`, per second of the measured time, which
/// may end within a row. The drain after it has no rate.
fn mean_rate(
    rows: &[SeriesRow],
    counted: fn(&SeriesRow) -> u64,
    result: &RunResult,
) -> Option<f64> {
    let end = measured_until(result);
    let measured = |row: &SeriesRow| {
        let left = end - row.second as f64;
        left.clamp(0.0, result.series_seconds as f64)
    };
    let seconds: f64 = rows.iter().map(measured).sum();
    let ended: u64 = rows.iter().map(counted).sum();
    // A short drain is in the last row. What was sent in it is not of the measured time.
    let has_drain = rows.last() == result.series.last();
    let ended = ended.saturating_sub(if has_drain { result.outcomes.late } else { 0 });
    (seconds > 0.0).then(|| ended as f64 / seconds)
}

/// When nothing more fell due. Pauses are not in the measured time, and rows go on in them: then it is
/// the end of the last row in which something did.
pub(crate) fn measured_until(result: &RunResult) -> f64 {
    let last = result.series.iter().rev().find(|row| row.due > 0);
    match last.map(|row| row.second as f64) {
        Some(second) if second >= result.duration_seconds => second + result.series_seconds as f64,
        _ => result.duration_seconds,
    }
}

fn worst_p99(rows: &[SeriesRow]) -> Option<f64> {
    rows.iter().filter_map(|row| row.p99_ms).reduce(f64::max)
}

/// A mark for each value, from nothing to `most`; a blank where there is none.
fn spark(values: &[Option<f64>], most: f64) -> String {
    let mark = |value: &Option<f64>| match value {
        Some(value) if most > 0.0 => BLOCKS[((value / most * 8.0).ceil() as usize).clamp(1, 8) - 1],
        Some(_) => BLOCKS[0],
        None => " ",
    };
    values.iter().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::steady_run;

    #[test]
    fn marks_grow_with_the_value() {
        let values = [Some(0.0), Some(1.0), None, Some(4.0), Some(8.0)];
        assert_eq!(spark(&values, 8.0), "▁▁ ▄█");
        assert_eq!(spark(&[Some(0.0)], 0.0), "▁");
    }

    #[test]
    fn a_long_series_is_drawn_in_few_marks() {
        let mut result = steady_run();
        let row = result.series[0].clone();
        result.series = (0..3_600).map(|second| SeriesRow { second, ..row.clone() }).collect();
        result.duration_seconds = 3_600.0;
        let lines = draw(&result, Style::new(false));
        assert_eq!(lines[0], "Over time, 1.367 min a mark");
        assert!(lines[1].ends_with("1,000/s to 1,000/s"), "{}", lines[1]);
        assert!(lines[1].matches('█').count() <= MARKS);
    }

    #[test]
    fn a_second_that_is_cut_short_has_its_true_rate() {
        let rate_of =
            |rows: &[SeriesRow], result: &RunResult| mean_rate(rows, |row| row.ok, result);
        let mut result = steady_run();
        result.duration_seconds = 9.5;
        assert_eq!(rate_of(&result.series[9..], &result), Some(2_000.0));
        result.duration_seconds = 9.0;
        result.series[9].due = 0;
        assert_eq!(rate_of(&result.series[9..], &result), None, "it is the drain's");
        result.duration_seconds = 7.0;
        let after_a_pause = rate_of(&result.series[8..9], &result);
        assert_eq!(after_a_pause, Some(1_000.0), "nothing fell due for two seconds before");
    }
}
