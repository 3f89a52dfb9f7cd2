//! Turns the rest of a result into facts, a name and a text each: where every request went, what the
//! network did, how the generator fared, and with what it was made.

use super::super::format::{bytes, count, percent, round_time, time};
use super::super::summary::{spoken, why};
use super::micro;
use crate::result::{LatencySummary, RunResult};

/// A name and what there is to be said.
pub(super) type Fact = (&'static str, String);

/// All of them, under their headings; a heading without facts is left out.
pub(super) fn all(result: &RunResult) -> Vec<(&'static str, Vec<Fact>)> {
    let parts = [
        ("Where every request went", accounting(result)),
        ("Network", network(result)),
        ("Generator", generator(result)),
        ("Environment", environment(result)),
    ];
    parts.into_iter().filter(|(_, facts)| !facts.is_empty()).collect()
}

fn accounting(result: &RunResult) -> Vec<Fact> {
    let (arrivals, outcomes) = (&result.arrivals, &result.outcomes);
    let mut facts = vec![
        ("Due", count(arrivals.due)),
        ("Sent", of(arrivals.sent, arrivals.due)),
        ("Ok", of(outcomes.ok, arrivals.sent)),
        ("Failed", of(outcomes.failed, arrivals.sent)),
    ];
    let rare = [
        ("Unfinished", outcomes.unfinished),
        ("Sent late", outcomes.late),
        ("Dropped", arrivals.dropped),
        ("Waiting", arrivals.backlog),
        ("Unknown", arrivals.unknown),
    ];
    facts.extend(rare.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| (name, count(n))));
    for (reason, n) in &arrivals.dropped_by_reason {
        facts.push(("Dropped as", format!("{reason} {}{}", count(*n), why(reason))));
    }
    facts
}

fn of(part: u64, whole: u64) -> String {
    match whole {
        0 => count(part),
        _ => format!("{} ({})", count(part), percent(part, whole)),
    }
}

fn network(result: &RunResult) -> Vec<Fact> {
    let mut facts: Vec<Fact> =
        spoken(&result.protocol).map(|it| ("Protocol", it)).into_iter().collect();
    facts.push(("Connections", format!("{} opened", count(result.connects))));
    for (name, summary) in
        [("Connect", &result.connect), ("TLS", &result.tls), ("First byte", &result.first_byte)]
    {
        facts.extend(typical(summary).map(|text| (name, text)));
    }
    for (name, n) in [("Bytes sent", result.bytes_sent), ("Bytes received", result.bytes_received)]
    {
        let per_second = match result.duration_seconds {
            seconds if seconds > 0.0 => format!(", {}/s", bytes(n as f64 / seconds)),
            _ => String::new(),
        };
        facts.push((name, format!("{}{per_second}", bytes(n as f64))));
    }
    facts
}

fn typical(summary: &LatencySummary) -> Option<String> {
    summary.p50_ms?;
    let [p50, p99, max] = [summary.p50_ms, summary.p99_ms, summary.max_ms].map(time);
    Some(micro(&format!("p50 {p50}, p99 {p99}, max {max}")))
}

fn generator(result: &RunResult) -> Vec<Fact> {
    let generator = &result.generator;
    let share = |share: f64| format!("{:.1}%", 100.0 * share);
    let mut facts = Vec::new();
    facts.extend(typical(&generator.pacer_lag).map(|text| ("Pacer lag", text)));
    facts.extend(generator.cpu_share.map(|it| ("Processor of each thread", share(it))));
    facts.extend(generator.peak_cpu_share.map(|it| ("Busiest second", share(it))));
    facts.extend(generator.run_delay_share.map(|it| ("Waited for a processor", share(it))));
    let throttled = generator.throttled_share.filter(|it| *it > 0.0);
    facts.extend(throttled.map(|it| ("Throttled by quota", share(it))));
    if generator.shortages > 0 {
        facts.push((
            "Short of ports or descriptors",
            format!("{} times", count(generator.shortages)),
        ));
    }
    if !generator.lost_workers.is_empty() {
        facts.push(("Lost workers", generator.lost_workers.join(", ")));
    }
    facts
}

fn environment(result: &RunResult) -> Vec<Fact> {
    let environment = &result.environment;
    let seconds = |seconds: f64| round_time((1e5 * seconds).round() / 1e2);
    let mut facts = vec![("Measured", seconds(result.duration_seconds))];
    if result.warmup_seconds > 0.0 {
        let warmup = seconds(result.warmup_seconds);
        facts.push(("Warm-up", format!("{warmup} before, in no figure")));
    }
    if result.drain_seconds >= 0.05 {
        facts.push((
            "Drain",
            format!("{} to await what was in flight", seconds(result.drain_seconds)),
        ));
    }
    facts.push(("Workers", count(environment.workers)));
    facts.extend(environment.threads.map(|n| ("Engine threads", count(n))));
    facts.extend(environment.cores.map(|n| ("Processors", count(n))));
    facts.push(("System", environment.os.clone()));
    facts
}
