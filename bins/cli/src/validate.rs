//! Turns a scenario into a page that says what it would do: the planned rate over time as a
//! picture, totals and limits. As wide as the terminal, within bounds.

use loadcore::report::format::{bytes, count, one_line, rate, round_time, wrap};
use loadcore::request::Check;
use loadcore::scenario::preview::{Preview, RequestPart, Rows, preview};
use loadcore::scenario::{AddressFamily, HttpVersion, NamedRequest, REDACTED, Scenario};
use loadcore::schedule::End;
use loadcore::{Arrivals, Profile};
use std::time::Duration;

const ROWS: usize = 8;
/// Width of the labels at the left.
const LABEL: usize = 13;
/// Width of the page at most, and at least: in a terminal that is narrower still, its lines break.
const WIDTH: usize = 80;
const MIN_WIDTH: usize = 40;
/// Characters of a line that are not the picture: its axis, and the half of a time below its end.
const BESIDE: usize = 16;

/// The page, for a terminal of `width` characters.
pub(crate) fn page(scenario: &Scenario, width: usize) -> String {
    let width = width.clamp(MIN_WIDTH, WIDTH);
    let document = scenario.public_value();
    let target = document["targetUrl"].as_str().unwrap_or_default().to_owned();
    let title =
        if scenario.name == target { target } else { format!("{}  {target}", scenario.name) };
    let mut lines = vec![one_line(&title, width)];
    let preview = preview(scenario, Rows::Equal((width - BESIDE) as u32));
    lines.extend(load(scenario, &preview, width));
    lines.push(String::new());
    let facts = [request(scenario, &preview), limits_of(scenario), checks(scenario)];
    let facts = facts.into_iter().chain([rules(scenario), observed(scenario)]);
    lines.extend(
        facts
            .collect::<Vec<_>>()
            .iter()
            .flatten()
            .flat_map(|(label, text)| labelled(label, text, width)),
    );
    for note in crate::scenario::notes(scenario) {
        lines.push(String::new());
        lines.extend(wrap(&note, width));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What a label stands before.
type Fact = (&'static str, String);

/// The headline of the load, and its picture.
fn load(scenario: &Scenario, preview: &Preview, width: usize) -> Vec<String> {
    let lasts = ends(scenario);
    let Some(profile) = scenario.load.profile() else {
        let mut lines = vec![format!("Closed loop, {lasts}")];
        lines.extend(wrap(&closed_loop(scenario), width));
        return lines;
    };
    let arrivals = preview.arrivals.unwrap_or(0);
    let name = profile.profile_type().name();
    let (about, spread) = match scenario.arrivals {
        Arrivals::Uniform => ("", "evenly spaced".to_owned()),
        // Their number is random too; the seed fixes it.
        Arrivals::Poisson { seed } => ("about ", format!("POISSON with seed {seed}")),
    };
    let mut lines = vec![
        format!("Open loop, {name}, {lasts}"),
        format!("{about}{}, {spread}", counted(arrivals, "arrival")),
        String::new(),
    ];
    lines.extend(picture(preview));
    lines
}

/// Who sends when, in closed loop.
fn closed_loop(scenario: &Scenario) -> String {
    let connections = counted(scenario.connections.into(), "connection");
    let who = if scenario.connections == 1 { "which sends" } else { "each sends" };
    match at_once(scenario) {
        None => format!("{connections}, {who} when its last request is answered"),
        Some(at_once) => {
            format!("{connections}, {who} when a request of its own is answered: {at_once}")
        }
    }
}

/// How many requests may be under way where a connection can carry several of them.
fn at_once(scenario: &Scenario) -> Option<String> {
    let when = match scenario.http_version {
        HttpVersion::Http2 => "",
        HttpVersion::Auto if scenario.target.is_tls() => "with HTTP/2 ",
        _ => return None,
    };
    if scenario.streams == 1 || !scenario.keep_alive {
        return None;
    }
    let each = counted(scenario.streams.into(), "request");
    if scenario.connections == 1 {
        return Some(format!("{when}up to {each} at once"));
    }
    let all = count(u64::from(scenario.streams) * u64::from(scenario.connections));
    Some(format!("{when}up to {each} at once in each, {all} in all"))
}

/// `1 request`, `2 requests`.
fn counted(n: u64, thing: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(n))
}

/// When nothing falls due any more.
fn ends(scenario: &Scenario) -> String {
    match (scenario.end(), scenario.max_requests) {
        (End::AfterRequests(most), _) => format!("until {}", sent(most)),
        (End::At(duration), None) => time(duration),
        (End::At(duration), Some(most)) => format!("{}, or until {}", time(duration), sent(most)),
    }
}

fn sent(requests: u64) -> String {
    format!("{} {} sent", counted(requests, "request"), if requests == 1 { "is" } else { "are" })
}

/// The rate over time as bars of eighths, a column for the highest rate of each row, with its axes.
fn picture(Preview { rate: rows, rate_seconds, peak_rps, .. }: &Preview) -> Vec<String> {
    let (columns, end) = (rows.len(), rows.len() as f64 * rate_seconds);
    let rates: Vec<f64> = rows.iter().map(|row| row.peak_rps).collect();
    let peak = peak_rps.unwrap_or(0.0);
    let eighths = |rate: f64| ((rate / peak * (ROWS * 8) as f64).round() as usize).min(ROWS * 8);
    let mut lines = Vec::new();
    for row in (0..ROWS).rev() {
        let mark = |rate: &f64| BLOCKS[eighths(*rate).saturating_sub(row * 8).min(8)];
        let bars: String = rates.iter().map(mark).collect();
        let label = match row {
            row if row == ROWS - 1 => rate(peak),
            row if row == ROWS / 2 - 1 => rate(peak / 2.0),
            _ => String::new(),
        };
        lines.push(format!("{label:>12} │{}", bars.trim_end()));
    }
    lines.push(format!("{:>12} └{}", "0/s", "─".repeat(columns)));
    let [middle, last] = [end / 2.0, end].map(|seconds| {
        let decimals = if seconds < 10.0 { 1e3 } else { 10.0 };
        round_time((seconds * decimals).round() / decimals * 1e3)
    });
    // The last time ends below the last column.
    let half = columns / 2;
    let rest = (half + 1).saturating_sub(last.chars().count());
    lines.push(format!("{:13}{:half$}{middle:rest$}{last}", "", "0 s"));
    lines
}

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

fn request(scenario: &Scenario, preview: &Preview) -> Vec<Fact> {
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
        HttpVersion::Http2 => "HTTP/2",
        _ => "HTTP/1.1",
    };
    let mut connection = vec![version.to_owned()];
    if !scenario.keep_alive {
        connection.push("one for each request".into());
    }
    if scenario.target.is_tls() && !scenario.tls_verify {
        connection.push("any certificate".into());
    }
    if scenario.address_family != AddressFamily::Any {
        connection.push(format!("{} alone", scenario.address_family));
    }
    connection.extend(way(scenario));
    if scenario.follow_redirects > 0 {
        let redirects = counted(scenario.follow_redirects.into(), "redirect");
        connection.push(format!("up to {redirects}"));
    }
    let mut facts = mix(scenario, preview);
    if facts.is_empty() {
        facts.push(("Request", request));
    }
    facts.push(("Connections", connection.join(", ")));
    facts
}

/// Which way connections go, and who we are on them.
fn way(scenario: &Scenario) -> impl Iterator<Item = String> {
    let rules = scenario.connect_to.iter().map(|rule| format!("to {rule}"));
    let socket = scenario.target.unix_socket();
    let socket = socket.map(|socket| format!("over the socket {}", socket.display()));
    let proxy = scenario.proxy.as_ref().map(|it| format!("by the proxy {}", it.shown(REDACTED)));
    let ca = scenario.ca_certificate.is_some().then(|| "its certificate by given ones".to_owned());
    let own = scenario.client_certificate.is_some();
    let own = own.then(|| "with a certificate of our own".to_owned());
    rules.chain(socket).chain(proxy).chain(ca).chain(own)
}

/// Each request of a mix: what it is, and how often it would be sent.
fn mix(scenario: &Scenario, preview: &Preview) -> Vec<Fact> {
    let document = scenario.public_value();
    let fact = |(place, (request, part)): (usize, (&NamedRequest, &RequestPart))| {
        let often = match part.arrivals {
            Some(arrivals) => counted(arrivals, "arrival"),
            None => format!("{:.1}%", 100.0 * part.share),
        };
        let url = document["mix"][place]["url"].as_str().unwrap_or_default();
        let text = format!("{}: {} {url}, {often}", request.name, request.method);
        (if place == 0 { "Requests" } else { "" }, text)
    };
    scenario.mix.iter().zip(&preview.requests).enumerate().map(fact).collect()
}

fn limits_of(scenario: &Scenario) -> Vec<Fact> {
    let mut limits = vec![counted(scenario.connections.into(), "connection")];
    // In closed loop that stands above already.
    if let Some(at_once) = at_once(scenario).filter(|_| scenario.load.is_open()) {
        limits[0].push_str(&format!(" ({at_once})"));
    }
    if let Some(most) = scenario.max_backlog {
        limits.push(format!("{} may wait", counted(most, "arrival")));
    }
    limits.push(format!("a request has {}", time(scenario.timeout)));
    let mut facts = vec![("At most", limits.join(", "))];
    if !scenario.warmup.is_zero() {
        facts.push(("Before", warmup(scenario)));
    }
    if let Some(threads) = scenario.threads {
        facts.push(("By", counted(threads.into(), "engine thread")));
    }
    if let Some(slack) = scenario.slack {
        facts.push(("Slack", time(slack)));
    }
    let drain = format!("at most {} to await what is in flight", time(scenario.drain));
    facts.push(("After", drain));
    facts
}

/// The warm-up has the profile's first rate, and so no load where that is 0.
fn warmup(scenario: &Scenario) -> String {
    let lasts = time(scenario.warmup);
    match scenario.load.profile() {
        Some(profile) if profile.rate(0.0) <= 0.0 => {
            format!("{lasts} without load, for the profile begins at 0/s")
        }
        _ => format!("{lasts} of load in no statistic"),
    }
}

fn checks(scenario: &Scenario) -> Vec<Fact> {
    // What is looked for may be long, and have several lines.
    let line = |(i, check): (usize, &Check)| {
        (if i == 0 { "Checks" } else { "" }, one_line(&check.to_string(), WIDTH - LABEL))
    };
    scenario.checks.iter().enumerate().map(line).collect()
}

fn observed(scenario: &Scenario) -> Vec<Fact> {
    let line = |(i, endpoint): (usize, &loadcore::scenario::Endpoint)| {
        let text = format!("{} at {}", endpoint.name, endpoint.url.uri());
        (if i == 0 { "Observed" } else { "" }, text)
    };
    scenario.observe.iter().enumerate().map(line).collect()
}

fn rules(scenario: &Scenario) -> Vec<Fact> {
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
        (if i == 0 { "SLA" } else { "" }, text)
    };
    scenario.sla.iter().enumerate().map(line).collect()
}

fn labelled(label: &str, text: &str, width: usize) -> Vec<String> {
    let lines = wrap(text, width - LABEL).into_iter().enumerate();
    lines.map(|(i, line)| format!("{:LABEL$}{line}", if i == 0 { label } else { "" })).collect()
}

fn time(duration: Duration) -> String {
    round_time(duration.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(text: &str) -> String {
        page(&Scenario::from_json(text).unwrap(), 200)
    }

    /// The page of `a.test` over https with some more fields.
    fn page_with(width: usize, fields: &str) -> String {
        let text = format!(
            r#"{{"name": "a", "targetUrl": "https://a.test/", "durationSeconds": 60, {fields}}}"#
        );
        page(&Scenario::from_json(&text).unwrap(), width)
    }

    /// Without its breaks of lines.
    fn words(page: &str) -> String {
        page.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_observed_is_told() {
        let page = page_with(200, r#""observe": ["http://db:9100/metrics"]"#);
        assert!(words(&page).contains("Observed db:9100 at http://db:9100/metrics"), "{page}");
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
        assert_eq!(bars[0].matches('█').count(), 64 / 2 + 1, "{page}");
        assert!(bars[ROWS - 1].matches('█').count() > 64 - 8, "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= WIDTH), "{page}");
        assert!(page.contains(
            "\nSLA          p99<250ms\n             error_rate<1% in every 5 s, ends the run\n"
        ));
    }

    #[test]
    fn a_low_rate_has_its_digits_on_the_axis() {
        for (rps, top, half) in [
            ("0.03333333333333333", "0.033/s", "0.017/s"),
            ("0.2", "0.2/s", "0.1/s"),
            ("1", "1/s", "0.5/s"),
            ("0.0002777777777777778", "0.00028/s", "0.00014/s"),
        ] {
            let page = page_with(
                80,
                &format!(r#""loadProfile": {{"type": "CONSTANT", "initialRps": {rps}}}"#),
            );
            let bars: Vec<&str> = page.lines().filter(|line| line.contains('│')).collect();
            assert!(bars[0].starts_with(&format!("{top:>12} │█")), "{page}");
            assert!(bars[ROWS / 2].starts_with(&format!("{half:>12} │█")), "{page}");
        }
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
    fn a_page_is_as_narrow_as_its_terminal() {
        let fields = r#""loadProfile": {"type": "RAMP", "initialRps": 1, "targetRps": 1e6}"#;
        for (width, expected) in [(0, 40), (40, 40), (57, 57), (80, 80), (500, 80)] {
            let page = page_with(width, fields);
            let widest = page.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(expected) && widest > Some(expected - 3), "{page}");
            assert!(
                words(&page).contains("100 requests at once in each, 100,000 in all"),
                "{page}"
            );
        }
    }

    #[test]
    fn http2_carries_several_requests_in_each_connection() {
        let said = |fields: &str| words(&page_with(80, fields));
        for (fields, expected) in [
            (r#""connections": 4"#, "4 connections, each sends when its last request is answered"),
            (
                r#""connections": 4, "streams": 100"#,
                "4 connections, each sends when a request of its own is answered: with HTTP/2 up to 100 requests at once in each, 400 in all",
            ),
            (
                r#""connections": 1, "httpVersion": "http2", "streams": 8"#,
                "1 connection, which sends when a request of its own is answered: up to 8 requests at once",
            ),
            (
                r#""connections": 4, "httpVersion": "http1""#,
                "4 connections, each sends when its last request is answered",
            ),
            (
                r#""connections": 4, "keepAlive": false"#,
                "4 connections, each sends when its last request is answered",
            ),
            (
                r#""connections": 1, "streams": 1"#,
                "1 connection, which sends when its last request is answered",
            ),
        ] {
            assert!(said(fields).contains(expected), "{}", said(fields));
        }
        let open = said(r#""loadProfile": {"type": "CONSTANT", "initialRps": 5}"#);
        assert!(open.contains(
            "1,000 connections (with HTTP/2 up to 100 requests at once in each, 100,000 in all)"
        ));
    }

    #[test]
    fn one_is_not_several() {
        let page = page_with(
            80,
            r#""maxRequests": 1, "followRedirects": 1, "connections": 1, "httpVersion": "http1""#,
        );
        for part in ["until 1 request is sent", "1 connection,", "up to 1 redirect\n"] {
            assert!(page.contains(part), "{page}");
        }
        let open = page_with(
            80,
            r#""maxBacklog": 1, "loadProfile": {"type": "CONSTANT", "initialRps": 0.02}"#,
        );
        assert!(open.contains("\n1 arrival,") && open.contains("1 arrival may wait"), "{open}");
    }

    #[test]
    fn a_warm_up_at_no_rate_is_no_load() {
        let before = |initial: u32| {
            let page = page_with(
                80,
                &format!(
                    r#""warmupSeconds": 1, "loadProfile": {{"type": "RAMP", "initialRps": {initial}, "targetRps": 9}}"#
                ),
            );
            page.lines().find_map(|line| line.strip_prefix("Before       ").map(str::to_owned))
        };
        let without = "1 s without load, for the profile begins at 0/s";
        assert_eq!(before(0).as_deref(), Some(without));
        assert_eq!(before(1).as_deref(), Some("1 s of load in no statistic"));
    }

    #[test]
    fn a_load_that_never_falls_due_is_told() {
        let said = |fields: &str| words(&page_with(80, fields));
        let rare = said(r#""loadProfile": {"type": "CONSTANT", "initialRps": 0.005}"#);
        let note = "note: no arrival falls due within 1 min; the first would come after 1.667 min: raise the rate, or let the run last longer";
        assert!(rare.contains(note) && rare.contains("0 arrivals"), "{rare}");
        let falling =
            said(r#""loadProfile": {"type": "RAMP", "initialRps": 0.01, "targetRps": 0}"#);
        assert!(
            falling.contains("note: no arrival falls due within 1 min: raise the rate"),
            "{falling}"
        );
        assert!(
            !said(r#""loadProfile": {"type": "CONSTANT", "initialRps": 0.01}"#).contains("note")
        );
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
