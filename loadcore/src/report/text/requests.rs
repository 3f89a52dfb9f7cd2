//! Turns the requests of a mix into a table of a line for each.

use super::super::format::{count, one_line, percent, time};
use super::WIDTH;
use super::style::Style;
use crate::result::{RequestResult, RunResult};

/// Width of the names.
const NAME: usize = 24;

/// The table; empty without a mix.
pub(super) fn draw(result: &RunResult, style: Style) -> Vec<String> {
    if result.requests.is_empty() {
        return Vec::new();
    }
    let head =
        line("By request", &["requests", "ok", "p50", "p95", "p99", "max"].map(str::to_owned));
    let mut lines = vec![style.bold(head.trim_end())];
    lines.extend(result.requests.iter().map(|request| of(request, style)));
    for request in result.requests.iter().filter(|request| !request.errors.is_empty()) {
        let errors = request.errors.iter().map(|(class, n)| format!("{class} {}", count(*n)));
        let errors = errors.collect::<Vec<_>>().join(", ");
        let text = one_line(&format!("{}: {errors}", request.name), WIDTH - 2);
        lines.push(format!("  {}", style.bad(&text)));
    }
    lines
}

fn of(request: &RequestResult, style: Style) -> String {
    let name = one_line(&request.name, NAME - 3);
    let latency = &request.latency;
    let ok = match request.total_requests {
        0 => "-".to_owned(),
        total => percent(request.outcomes.ok, total),
    };
    let times = [latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.max_ms].map(time);
    let [p50, p95, p99, max] = times;
    let sent = count(request.arrivals.sent);
    let text = line(&format!("  {name}"), &[sent, ok, p50, p95, p99, max]);
    if request.outcomes.failed > 0 { style.bad(&text) } else { text }
}

fn line(name: &str, cells: &[String; 6]) -> String {
    let [requests, ok, p50, p95, p99, max] = cells;
    format!("{name:<NAME$}{requests:>10}{ok:>9}{p50:>9}{p95:>9}{p99:>9}{max:>9}")
}
