//! Turns a result into a page for the terminal, at most 80 columns wide.
//!
//! It goes from the headline down to detail: what was run and what came of it, whether it may be
//! trusted, what limits the target, where every arrival went, the latencies as a table and as a picture, how they went over
//! time, what failed, and which rules hold.

mod findings;
mod headline;
mod histogram;
mod over_time;
mod requests;
mod sections;
pub(super) mod style;
mod workers;

pub(super) use over_time::measured_until;

use super::Format;
use crate::result::RunResult;
use style::Style;

/// The page for people.
pub const FORMAT: Format = Format {
    name: "text",
    media_type: "text/plain; charset=utf-8",
    extension: "txt",
    document: Some(|result, options| Ok(render(result, options))),
    stream: None,
};

/// How the page is to look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// With ANSI colours. Whether the reader's terminal has them, the caller has to know.
    pub colors: bool,
}

/// The width of the page, in characters.
pub(super) const WIDTH: usize = 80;

/// The page.
#[must_use]
pub fn render(result: &RunResult, options: Options) -> String {
    let style = Style::new(options.colors);
    let parts = [
        headline::draw(result, style),
        sections::verdict(result, style),
        findings::draw(result, style),
        sections::accounting(result, style),
        sections::percentiles(result, style),
        requests::draw(result, style),
        workers::draw(result, style),
        histogram::draw(result, style),
        over_time::draw(result, style),
        sections::statuses(result, style),
        sections::errors(result, style),
        sections::network(result, style),
        sections::sla(result, style),
        sections::headroom(result, style),
    ];
    let parts = parts.into_iter().filter(|lines| !lines.is_empty());
    let mut page = parts.map(|lines| lines.join("\n")).collect::<Vec<_>>().join("\n\n");
    page.push('\n');
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::judged;
    use crate::result::fixtures::{
        closed_run, empty_run, failing_run, interrupted_run, mostly_failing_run, refused_run,
        steady_run,
    };
    use crate::result::{Protocol, Verdict, Violation};

    fn plain(result: &RunResult) -> String {
        render(result, Options::default())
    }

    #[test]
    fn what_was_spoken_stands_among_the_connections() {
        let mut run = steady_run();
        for (http, tls, streams, expected) in [
            (Some("1.1"), None, Some(1), "  protocol     HTTP/1.1\n"),
            (
                Some("2"),
                Some("1.3"),
                Some(100),
                "  protocol     HTTP/2 over TLS 1.3, up to 100 requests at once in a connection\n",
            ),
            (
                Some("2"),
                None,
                Some(1),
                "  protocol     HTTP/2, one request at once in a connection\n",
            ),
            (
                Some("1.1, 2"),
                Some("1.2, 1.3"),
                Some(1),
                "  protocol     HTTP/1.1, 2 over TLS 1.2, 1.3",
            ),
        ] {
            let of = |text: Option<&str>| text.map(str::to_owned);
            run.protocol = Protocol { http: of(http), tls: of(tls), streams };
            let page = render(&run, Options::default());
            assert!(page.contains(expected), "{page}");
        }
        run.protocol = Protocol::default();
        assert!(!render(&run, Options::default()).contains("protocol"));
    }

    #[test]
    fn a_rule_with_a_long_name_has_its_figure_below() {
        let mut result = judged(steady_run(), &["p99<250ms"]);
        for long in [41, 71, 72, 200] {
            result.sla[0].rule = "r".repeat(long);
            let page = plain(&result);
            let (_, sla) = page.split_once("\nSLA\n").unwrap();
            let lines: Vec<_> = sla.lines().collect();
            assert!(lines[0].starts_with("  pass  rrr") && lines[1].starts_with("          it is"));
            assert!(page.lines().all(|line| line.chars().count() <= WIDTH), "{page}");
        }
    }

    #[test]
    fn a_steady_run() {
        let result = judged(steady_run(), &["p99<250ms", "error_rate<1%"]);
        insta::assert_snapshot!(plain(&result));
    }

    #[test]
    fn a_failing_run() {
        let rules = ["p99<250ms", "error_rate<1%", "achieved_rate>=99%", "rps>=900"];
        let mut result = judged(failing_run(), &rules);
        (result.sla[0].window_seconds, result.sla[0].reason) = (Some(10), None);
        result.sla[0].aborted = true;
        result.sla[0].violations =
            vec![Violation { from_second: 5.0, to_second: 9.0, worst: Some(960.5) }];
        insta::assert_snapshot!(plain(&result));
    }

    #[test]
    fn a_closed_loop() {
        insta::assert_snapshot!(plain(&judged(closed_run(), &["achieved_rate>=99%"])));
    }

    #[test]
    fn an_interrupted_run_with_a_lost_worker() {
        insta::assert_snapshot!(plain(&judged(interrupted_run(), &[])));
    }

    #[test]
    fn failures_are_the_headline_and_no_speed() {
        let result = judged(mostly_failing_run(), &["p50<100ms", "ok_p50<100ms"]);
        insta::assert_snapshot!(plain(&result));
        let head = |result: &RunResult| -> Vec<String> {
            plain(result).lines().take(3).map(str::to_owned).collect()
        };
        let title = "checkout  http://shop.test/cart";
        assert_eq!(
            head(&refused_run()),
            [
                title,
                "Failed: 0 of 6,000 requests were ok (0.0%); connect_refused 6,000",
                "Closed loop, 2 s: 0/s ok"
            ]
        );
        let mut hanging = steady_run();
        hanging.outcomes.unfinished = 20_000;
        assert_eq!(
            head(&hanging)[1..],
            [
                "Failed: 10,000 of 30,000 requests were ok (33.3%); never ended 20,000",
                "Open loop, 10 s: 1,000/s offered, 1,000/s ok"
            ]
        );
        // A half is as many as failed.
        hanging.outcomes.unfinished = 10_000;
        assert!(head(&hanging)[1].starts_with("Open loop, 10 s: 1,000/s offered"));
    }

    #[test]
    fn nothing_measured() {
        insta::assert_snapshot!(plain(&judged(empty_run(), &["p99<250ms"])));
    }

    #[test]
    fn without_its_histograms_a_result_still_has_a_page() {
        let mut result = steady_run();
        result.histograms = None;
        let page = plain(&result);
        assert!(page.contains("p99.99") && !page.contains("Response time up to"), "{page}");
    }

    #[test]
    fn colours_change_nothing_but_the_colour() {
        for result in [judged(failing_run(), &["p99<1ms", "rps>1"]), judged(interrupted_run(), &[])]
        {
            let colored = render(&result, Options { colors: true });
            assert!(colored.contains("\u{1b}[32m") && colored.contains("\u{1b}[0m"));
            assert_eq!(without_colours(&colored), plain(&result));
            assert!(!plain(&result).contains('\u{1b}'));
        }
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        let long = "http://a-name-that-is-much-too-long.example/".repeat(9);
        for mut result in [
            steady_run(),
            failing_run(),
            closed_run(),
            interrupted_run(),
            empty_run(),
            mostly_failing_run(),
            refused_run(),
        ] {
            result.scenario["name"] = long.clone().into();
            result.scenario["targetUrl"] = long.clone().into();
            for example in result.error_examples.values_mut() {
                *example = format!("\u{1b}[31m{long}");
            }
            result.generator.lost_workers.push(long.clone());
            result.generator.pacer_lag.p50_ms = Some(1e7);
            (result.generator.wakes, result.generator.late_wakes) = (200, 200);
            result.generator.stalled_share = Some(0.123_456);
            result.errors.remove("internal");
            result.error_examples.insert("internal".into(), long.clone());
            result.arrivals.dropped_by_reason.insert("no_connection".into(), 5_000);
            let result = judged(result, &["service_p99.9999<604799.123456789s", "rps>=1e9"][..1]);
            assert_eq!(result.validity.verdict, Verdict::Invalid);
            let page = plain(&result);
            for line in page.lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
                assert_eq!(line.trim_end(), line);
            }
            assert!(!page.contains('\u{1b}'));
        }
    }

    fn without_colours(text: &str) -> String {
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain + rest
    }
}
