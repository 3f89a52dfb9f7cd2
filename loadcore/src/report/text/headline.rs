//! Turns a result into what is read first: what was run against what, and what came of it.

use super::super::format::{count, one_line, percent, rate, round_time, wrap};
use super::WIDTH;
use super::style::Style;
use crate::result::RunResult;
use serde_json::Value;

/// What was run against what, and how much of it was achieved.
pub(super) fn draw(result: &RunResult, style: Style) -> Vec<String> {
    let text = |key: &str| result.scenario.get(key).and_then(Value::as_str).unwrap_or_default();
    let (name, url) = (text("name"), text("targetUrl"));
    let title = match (name, url) {
        ("", "") => "A run without a name".to_owned(),
        ("", one) | (one, "") => one.to_owned(),
        // A run that nobody named is called after its target.
        (name, url) if name == url => url.to_owned(),
        (name, url) => format!("{name}  {url}"),
    };
    let lasted = seconds(result.duration_seconds);
    let late = result.outcomes.late;
    let failed = mostly_failed(result);
    let achieved = match result.achieved_rps {
        None => "- achieved".to_owned(),
        // That of all would be the speed of failing.
        Some(_) if failed.is_some() => {
            format!("{} ok", rate(result.outcomes.ok as f64 / result.duration_seconds))
        }
        Some(all) if late > 0 => {
            let in_time = all - late as f64 / result.duration_seconds;
            format!("{} achieved in time", rate(in_time))
        }
        Some(all) => format!("{} achieved", rate(all)),
    };
    let load = match result.offered_rps {
        _ if result.duration_seconds <= 0.0 => "It ended before anything was measured".to_owned(),
        Some(offered) => {
            format!("Open loop, {lasted}: {} offered, {achieved}", rate(offered))
        }
        None if result.is_open_loop() => format!("Open loop, {lasted}"),
        None => format!("Closed loop, {lasted}: {achieved}"),
    };
    let mut lines = vec![style.bold(&one_line(&title, WIDTH))];
    let failed = failed.iter().flat_map(|what| wrap(what, WIDTH));
    lines.extend(failed.map(|line| style.bad(&line)));
    lines.push(load);
    if result.warmup_seconds > 0.0 {
        let warmup = seconds(result.warmup_seconds);
        lines.push(style.dim(&format!("{warmup} of warm-up before are not in any figure")));
    }
    if result.drain_seconds >= 0.05 {
        let drain = seconds(result.drain_seconds);
        lines.push(style.dim(&format!("{drain} more to await what was in flight")));
    }
    if late > 0 {
        let share = percent(late, result.total_requests);
        let what = format!("{} requests ({share}) were sent only after that time", count(late));
        lines.push(style.warning(&what));
    }
    if result.interrupted {
        lines.push(style.warning("Interrupted: it was ended before its time"));
    }
    lines
}

/// How many of them were, then, and how most of the others failed.
fn mostly_failed(result: &RunResult) -> Option<String> {
    if !result.is_mostly_failed() {
        return None;
    }
    let (ok, never) = (result.outcomes.ok, result.never_ended());
    let all = result.total_requests + never;
    let classes = result.errors.iter().map(|(class, n)| (class.as_str(), *n));
    let most = classes.chain([("never ended", never)]).max_by_key(|(_, n)| *n);
    let most = most.map_or(String::new(), |(what, n)| format!("; {what} {}", count(n)));
    let share = percent(ok, all);
    Some(format!("Failed: {} of {} requests were ok ({share}){most}", count(ok), count(all)))
}

/// `10 s`, `2.5 s`, `1.5 min`.
fn seconds(seconds: f64) -> String {
    round_time(1e3 * seconds)
}
