//! Turns a result into a page for a browser: one file that asks nothing of the network, for a pull
//! request, a pipeline's artifacts, or whoever decides.
//!
//! What is read is written into the page here, so that it is there without a script as well; the one
//! script draws the plots from a block of JSON. The page's policy allows this script and this style
//! sheet alone, by their hashes, so that nothing in a name or an error's text can run or load anything.

mod columns;
mod curve;
mod facts;
mod heat;
mod observed;
mod page;
mod plots;
mod requests;
mod short;
mod spark;
mod workers;

use super::Format;
use crate::result::RunResult;
use askama::Template;
use page::Page;

/// The page for a browser.
pub const FORMAT: Format = Format {
    name: "html",
    media_type: "text/html; charset=utf-8",
    extension: "html",
    document: Some(|result, _| Ok(render(result))),
    stream: None,
};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Something that happened in a run and that its result does not tell: a pause, another rate, a lost
/// worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// When, in seconds since the start of the measured time.
    pub at_seconds: f64,
    /// What, in a sentence.
    pub text: String,
}

/// The page.
#[must_use]
pub fn render(result: &RunResult) -> String {
    with_marks(result, &[])
}

/// The page, with what happened in the run: its first hundred marks stand in every plot over time.
#[must_use]
pub fn with_marks(result: &RunResult, marks: &[Mark]) -> String {
    // It is written into a text, which does not fail, and none of its parts does.
    let page = Page::of(result, marks).render();
    page.expect("a page is written into a text") + "\n"
}

/// Text of other reports, which terminals show too, with the sign for a millionth.
fn micro(text: &str) -> String {
    let mut parts = text.split(" us");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_unit = whole.ends_with(|c: char| c.is_ascii_digit())
            && !part.starts_with(|c: char| c.is_alphanumeric());
        whole.push_str(if is_unit { " µs" } else { " us" });
        whole.push_str(part);
    }
    whole
}

/// What the page may do, as a Content-Security-Policy, which the page itself says too: show itself. The
/// hashes are those of its style and its script.
pub const POLICY: &str = "default-src 'none'; \
     style-src 'sha256-9QmCL3Vz3Hmte2mOrjpGClaVogXfUqsFb3cWxuTgWu4='; \
     script-src 'sha256-UyncVql3ibnCTeUukN56tcv0QvIZlJtzFk2IC0G94s0='; \
     img-src data:; base-uri 'none'; form-action 'none'";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::judged;
    use crate::result::fixtures::{
        closed_run, empty_run, failing_run, finding, interrupted_run, refused_run, steady_run,
    };
    use crate::result::{FindingKind, RequestResult, SeriesRow, Verdict, WorkerResult};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use serde_json::json;
    use sha2::{Digest, Sha256};

    const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";

    #[test]
    fn the_policy_allows_this_style_and_this_script() {
        for (name, text) in [("style", STYLE), ("script", SCRIPT)] {
            let hash = BASE64.encode(Sha256::digest(text));
            let source = format!("{name}-src 'sha256-{hash}'");
            assert!(POLICY.contains(&source), "{name} has changed: write {source} into POLICY");
        }
    }

    #[test]
    fn a_microsecond_has_its_sign_and_a_word_its_letters() {
        assert_eq!(micro("p50 5.1 us, p99 9 us"), "p50 5.1 µs, p99 9 µs");
        assert_eq!(micro("the 2 used by us"), "the 2 used by us");
    }

    #[test]
    fn every_run_has_a_page() {
        for run in [
            steady_run(),
            failing_run(),
            closed_run(),
            empty_run(),
            interrupted_run(),
            refused_run(),
        ] {
            let page = render(&run);
            assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
            assert_eq!(page.matches("<script").count(), 2, "the data and the script");
            assert!(!page.contains("NaN"));
        }
    }

    #[test]
    fn it_asks_nothing_of_the_network() {
        let page = render(&failing_run());
        for word in
            ["src=", "href=\"http", "url(", "@import", "fetch(", "XMLHttpRequest", "import("]
        {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
    }

    /// An attribute would be refused by the page's own policy.
    #[test]
    fn nothing_is_styled_beside_the_style_sheet() {
        let page = render(&failing_run());
        assert!(!page.contains("style=\"") && !page.contains(" onclick="));
    }

    #[test]
    fn markup_in_names_is_text() {
        let mut result = judged(failing_run(), &["p99<1ms"]);
        result.scenario = json!({"name": HOSTILE, "targetUrl": HOSTILE, "notes": HOSTILE});
        result.sla[0].rule = HOSTILE.into();
        result.errors.insert(HOSTILE.into(), 3);
        result.error_examples.insert(HOSTILE.into(), HOSTILE.into());
        result.environment.os = HOSTILE.into();
        result.bottlenecks = vec![finding(FindingKind::Other(HOSTILE.into()))];
        result.bottlenecks[0].explanation = HOSTILE.into();
        result.bottlenecks[0].evidence.insert(HOSTILE.into(), json!(HOSTILE));
        result.requests = vec![RequestResult { name: HOSTILE.into(), ..RequestResult::default() }];
        let worker = WorkerResult { worker: HOSTILE.into(), ..WorkerResult::default() };
        result.workers = vec![worker.clone(), worker];
        let observed = json!({"name": HOSTILE, "url": HOSTILE, "readings": 1, "failedReadings": 1,
            "series": [{"series": HOSTILE, "kind": "gauge", "second": [0], "values": [1.0]}],
            "faults": [{"second": 0, "text": HOSTILE}]});
        result.observed.push(serde_json::from_value(observed).unwrap());
        let page = render(&result);
        assert_eq!(page.matches("<script").count(), 2);
        assert_eq!(page.matches("</script").count(), 2);
        assert!(!page.contains("<img"), "no tag comes out of a name");
        assert!(page.contains("&#60;img"), "and yet it is shown");
    }

    #[test]
    fn workers_are_told_apart_where_there_are_several() {
        let mut result = steady_run();
        assert!(!render(&result).contains("id=\"workers\""));
        let worker = |name: &str| WorkerResult { worker: name.into(), ..WorkerResult::default() };
        result.workers = vec![worker("eu-1"), worker("eu-2")];
        result.workers[1].validity.verdict = Verdict::Invalid;
        let page = render(&result);
        assert!(page.contains("eu-1</th><td>VALID</td>"));
        assert!(page.contains("eu-2</th><td class=\"bad\">INVALID</td>"));
    }

    #[test]
    fn what_happened_is_told_and_marked() {
        let mark = |at_seconds| Mark { at_seconds, text: "the <b>rate</b> became 5/s".into() };
        let page = with_marks(&steady_run(), &[mark(3.0), mark(4_000.0)]);
        assert!(page.contains("the &#60;b&#62;rate"), "it is in the list");
        assert_eq!(page.matches(r"the \u003cb\u003erate").count(), 1, "one lies in the plots");
    }

    #[test]
    fn an_hour_with_many_names_is_below_400_kb() {
        let mut result = steady_run();
        let rows = result.series.clone();
        result.series = (0..3_600)
            .map(|second| SeriesRow { second, ..rows[second as usize % 10].clone() })
            .collect();
        result.duration_seconds = 3_600.0;
        let of_a_request = |n| RequestResult {
            name: format!("GET /a/path/of/usual/length/{n}"),
            total_requests: 1_000,
            latency: result.latency.clone(),
            series_seconds: 30,
            series: (0..120)
                .map(|n| SeriesRow { second: 30 * n, ..rows[n as usize % 10].clone() })
                .collect(),
            ..RequestResult::default()
        };
        result.requests = (0..100).map(of_a_request).collect();
        let series = |n: u64| {
            let (second, values): (Vec<_>, Vec<_>) = (0..120).map(|at| (30 * at, n * at)).unzip();
            json!({"series": format!("a_series_of_usual_length_{n}"), "kind": "rate",
                "second": second, "values": values})
        };
        let observed = json!({"name": "app", "url": "http://app/metrics", "readings": 3_600, "faults": [],
            "failedReadings": 0, "series": (0..500).map(series).collect::<Vec<_>>()});
        result.observed.push(serde_json::from_value(observed).unwrap());
        let page = render(&result);
        assert!(page.len() < 400_000, "{} bytes", page.len());
    }
}
