//! Turns a scenario into a page that says what it would do: the planned rate over time as a
//! picture, totals and limits. At most 80 columns wide.

use loadcore::Arrivals;
use loadcore::Profile;
use loadcore::report::format::{bytes, count, one_line, rate, round_time};
use loadcore::scenario::{HttpVersion, Scenario, limits};
use std::time::Duration;

/// Characters of the picture, without its axes.
const COLUMNS: usize = 64;
const ROWS: usize = 8;
/// Width of the labels at the left.
const LABEL: usize = 13;
/// Width of the page.
const WIDTH: usize = 80;
/// A column shows the highest rate at so many moments in it.
const MOMENTS: u32 = 32;

/// The page.
pub(crate) fn page(scenario: &Scenario) -> String {
    let target = scenario.target.to_string();
    let title =
        if scenario.name == target { target } else { format!("{}  {target}", scenario.name) };
    let mut lines = vec![one_line(&title, WIDTH)];
    lines.extend(load(scenario));
    lines.push(String::new());
    lines.extend(request(scenario));
    lines.extend(limits_of(scenario));
    lines.extend(rules(scenario));
    if let Some(note) = crate::scenario::note(scenario) {
        lines.extend(["".into(), note]);
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The headline of the load, and its picture.
fn load(scenario: &Scenario) -> Vec<String> {
    let lasts = ends(scenario);
    let Some(profile) = scenario.load.profile() else {
        let connections = count(scenario.connections.into());
        return vec![
            format!("Closed loop, {lasts}"),
            format!("{connections} connections, each sends when its last request is answered"),
        ];
    };
    let end = end_of(scenario, profile);
    let arrivals = arrivals_by(scenario, profile, end);
    let name = profile.profile_type().name();
    let (about, spread) = match scenario.arrivals {
        Arrivals::Uniform => ("", "evenly spaced".to_owned()),
        // Their number is random too; the seed fixes it.
        Arrivals::Poisson { seed } => ("about ", format!("POISSON with seed {seed}")),
    };
    let mut lines = vec![
        format!("Open loop, {name}, {lasts}"),
        format!("{about}{} arrivals, {spread}", count(arrivals)),
        String::new(),
    ];
    lines.extend(picture(profile, end));
    lines
}

/// When nothing falls due any more.
fn ends(scenario: &Scenario) -> String {
    let duration = time(scenario.duration);
    match scenario.max_requests {
        None => duration,
        Some(most) if scenario.duration.as_secs_f64() >= limits::MAX_DURATION_SECONDS => {
            format!("until {} requests are sent", count(most))
        }
        Some(most) => format!("{duration}, or until {} requests are sent", count(most)),
    }
}

fn end_of(scenario: &Scenario, profile: &impl Profile) -> f64 {
    let duration = scenario.duration.as_secs_f64();
    let last = scenario.max_requests.map(|most| profile.inverse(most as f64));
    last.map_or(duration, |last| last.min(duration))
}

fn arrivals_by(scenario: &Scenario, profile: &impl Profile, end: f64) -> u64 {
    let due = (profile.demand(end) + 0.5).floor() as u64;
    scenario.max_requests.map_or(due, |most| due.min(most))
}

/// The rate over time as bars of eighths, with its axes.
fn picture(profile: &impl Profile, end: f64) -> Vec<String> {
    let step = end / COLUMNS as f64;
    let highest = |column: usize| {
        let from = column as f64 * step;
        let moment = |i: u32| from + step * (f64::from(i) + 0.5) / f64::from(MOMENTS);
        let mean = (profile.demand(from + step) - profile.demand(from)) / step;
        (0..MOMENTS).map(|i| profile.rate(moment(i))).fold(mean, f64::max)
    };
    let rates: Vec<f64> = (0..COLUMNS).map(highest).collect();
    let peak = rates.iter().copied().fold(0.0, f64::max);
    let eighths = |rate: f64| ((rate / peak * (ROWS * 8) as f64).round() as usize).min(ROWS * 8);
    let mut lines = Vec::new();
    for row in (0..ROWS).rev() {
        let mark = |rate: &f64| BLOCKS[eighths(*rate).saturating_sub(row * 8).min(8)];
        let bars: String = rates.iter().map(mark).collect();
        let label = match row {
            row if row == ROWS - 1 => rate(peak),
            // A half of less would not be told by a label with one decimal.
            row if row == ROWS / 2 - 1 && peak >= 1.0 => rate(peak / 2.0),
            _ => String::new(),
        };
        lines.push(format!("{label:>12} │{}", bars.trim_end()));
    }
    lines.push(format!("{:>12} └{}", "0/s", "─".repeat(COLUMNS)));
    let [middle, last] = [end / 2.0, end].map(|seconds| {
        let decimals = if seconds < 10.0 { 1e3 } else { 10.0 };
        round_time((seconds * decimals).round() / decimals * 1e3)
    });
    // The last time ends below the last column.
    let half = COLUMNS / 2;
    let rest = half + 1 - last.chars().count();
    lines.push(format!("{:13}{:half$}{middle:rest$}{last}", "", "0 s"));
    lines
}

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

fn request(scenario: &Scenario) -> Vec<String> {
    let mut request = scenario.method.to_string();
    match scenario.headers.len() {
        0 => {}
        1 => request.push_str(", 1 header"),
        n => request.push_str(&format!(", {n} headers")),
    }
    if !scenario.body.is_empty() {
        request.push_str(&format!(", a body of {}", bytes(scenario.body.len() as f64)));
    }
    let version = match scenario.http_version {
        HttpVersion::Auto if scenario.target.is_tls() => "HTTP/2 where the server agrees to it",
        HttpVersion::Auto | HttpVersion::Http1 => "HTTP/1.1",
        HttpVersion::Http2 => "HTTP/2",
    };
    let mut connection = vec![version.to_owned()];
    if !scenario.keep_alive {
        connection.push("one for each request".into());
    }
    if scenario.target.is_tls() && !scenario.tls_verify {
        connection.push("any certificate".into());
    }
    if scenario.follow_redirects > 0 {
        connection.push(format!("up to {} redirects", scenario.follow_redirects));
    }
    vec![labelled("Request", &request), labelled("Connections", &connection.join(", "))]
}

fn limits_of(scenario: &Scenario) -> Vec<String> {
    let mut limits = vec![format!("{} connections", count(scenario.connections.into()))];
    if let Some(most) = scenario.max_backlog {
        limits.push(format!("{} arrivals may wait", count(most)));
    }
    limits.push(format!("a request has {}", time(scenario.timeout)));
    let mut lines = vec![labelled("At most", &limits.join(", "))];
    if !scenario.warmup.is_zero() {
        let text = format!("{} of load in no statistic", time(scenario.warmup));
        lines.push(labelled("Before", &text));
    }
    let drain = format!("at most {} to await what is in flight", time(scenario.drain));
    lines.push(labelled("After", &drain));
    lines
}

fn rules(scenario: &Scenario) -> Vec<String> {
    let line = |(i, rule): (usize, &loadcore::scenario::SlaRule)| {
        let mut text = rule.rule.to_string();
        if let Some(window) = rule.window_seconds {
            text.push_str(&format!(" in every {window} s"));
        }
        if rule.for_seconds > 0 {
            text.push_str(&format!(", violated after {} s", rule.for_seconds));
        }
        if rule.abort {
            text.push_str(", ends the run");
        }
        labelled(if i == 0 { "SLA" } else { "" }, &text)
    };
    scenario.sla.iter().enumerate().map(line).collect()
}

fn labelled(label: &str, text: &str) -> String {
    format!("{label:LABEL$}{}", one_line(text, WIDTH - LABEL))
}

fn time(duration: Duration) -> String {
    round_time(duration.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(text: &str) -> String {
        page(&Scenario::from_json(text).unwrap())
    }

    #[test]
    fn a_ramp_is_drawn() {
        let page = page_of(
            r#"{"name": "ramp", "targetUrl": "http://a.test/", "durationSeconds": 60,
                "loadProfile": {"type": "RAMP", "initialRps": 0, "targetRps": 1000,
                                "rampUpSeconds": 30},
                "sla": ["p99<250ms", {"rule": "error_rate<1%", "windowSeconds": 5, "abort": true}]}"#,
        );
        let expected = "\
ramp  http://a.test/
Open loop, RAMP, 1 min
45,000 arrivals, evenly spaced
";
        assert!(page.starts_with(expected), "{page}");
        let bars: Vec<&str> = page.lines().filter(|line| line.contains('│')).collect();
        assert_eq!(bars.len(), ROWS);
        assert!(bars[0].starts_with("     1,000/s │"), "{page}");
        assert!(bars[ROWS / 2].starts_with("       500/s │"), "{page}");
        // Half of the time it is at the top, and the bottom row is filled nearly throughout.
        assert_eq!(bars[0].matches('█').count(), COLUMNS / 2 + 1, "{page}");
        assert!(bars[ROWS - 1].matches('█').count() > COLUMNS - 8, "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= WIDTH), "{page}");
        assert!(page.contains(
            "\nSLA          p99<250ms\n             error_rate<1% in every 5 s, ends the run\n"
        ));
    }

    #[test]
    fn a_short_spike_in_a_long_run_is_seen() {
        let page = page_of(
            r#"{"name": "spike", "targetUrl": "http://a.test/", "durationSeconds": 86400,
                "loadProfile": {"type": "SPIKE", "initialRps": 10, "targetRps": 5000,
                                "spikeStartSecond": 40000, "spikeDurationSeconds": 60}}"#,
        );
        assert!(page.contains(" 5,000/s │"), "{page}");
    }

    #[test]
    fn a_closed_loop_has_no_rate() {
        let page = page_of(
            r#"{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 604800,
                "maxRequests": 5000, "method": "POST", "body": "12345", "followRedirects": 2}"#,
        );
        let expected = "\
a  http://a.test/
Closed loop, until 5,000 requests are sent
64 connections, each sends when its last request is answered

Request      POST, a body of 5.00 B
Connections  HTTP/1.1, up to 2 redirects
At most      64 connections, a request has 10 s
After        at most 5 s to await what is in flight
";
        assert_eq!(page, expected);
    }
}
