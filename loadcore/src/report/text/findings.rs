//! Turns findings into what the page says of the target: what limits it, how sure that is, what to do.

use super::WIDTH;
use super::style::Style;
use crate::report::format::{moment, wrap};
use crate::report::summary;
use crate::result::{Finding, RunResult, Severity};

/// So many of them are shown.
const MOST: usize = 5;

/// What was found of the target, the most important first.
pub(super) fn draw(result: &RunResult, style: Style) -> Vec<String> {
    if result.bottlenecks.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![style.bold("Findings")];
    for finding in result.bottlenecks.iter().take(MOST) {
        lines.push(heading(finding, style));
        let witnesses = finding.witnesses.iter().map(summary::witness);
        let seen = witnesses.map(|witness| format!("Seen at the target: {witness}"));
        let next = format!("Next: {}", finding.next_step);
        for text in std::iter::once(finding.explanation.clone()).chain(seen).chain([next]) {
            lines.extend(wrap(&text, WIDTH - 4).iter().map(|line| format!("    {line}")));
        }
    }
    let more = result.bottlenecks.len().saturating_sub(MOST);
    if more > 0 {
        lines.push(format!("  and {more} more, see `bottlenecks` in -o json"));
    }
    lines
}

fn heading(finding: &Finding, style: Style) -> String {
    let paint: fn(Style, &str) -> String = match finding.severity {
        Severity::Info => Style::bold,
        Severity::Warning => Style::warning,
        Severity::Critical => Style::bad,
    };
    let of = finding.request.as_ref().map_or(String::new(), |name| format!(" of {name}"));
    let kind = paint(style, &finding.kind.name().replace('_', " "));
    let (from, to) = (moment(finding.from_second), moment(finding.to_second));
    format!("  {kind}{of}: {:.0}% sure, from {from} to {to}", 100.0 * finding.confidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::FindingKind;
    use crate::result::fixtures::{finding, steady_run};
    use serde_json::json;

    #[test]
    fn each_finding_has_its_kind_how_sure_it_is_and_what_to_do() {
        let mut result = steady_run();
        assert_eq!(draw(&result, Style::new(false)), Vec::<String>::new());
        let explanation = "the target takes about 800 requests/s".to_owned();
        let next_step = "run it with `-r 720`".to_owned();
        let request = Some("checkout".to_owned());
        let one = finding(FindingKind::Saturation);
        let witness =
            json!({"name": "db", "series": "pool", "leadSeconds": 2.0, "correlation": 0.912});
        let witnesses = vec![serde_json::from_value(witness).unwrap()];
        result.bottlenecks = vec![Finding { explanation, next_step, request, witnesses, ..one }];
        let shown = draw(&result, Style::new(false)).join("\n");
        assert!(shown.contains("saturation of checkout: 50% sure, from "), "{shown}");
        let seen = "Seen at the target: pool of db moved 2 s before (correlation 0.91)";
        assert!(shown.contains(seen), "{shown}");
        assert!(shown.contains("takes about 800") && shown.contains("Next: run it with `-r 720`"));
        result.bottlenecks = vec![result.bottlenecks[0].clone(); 7];
        assert!(draw(&result, Style::new(false)).join("\n").contains("and 2 more"));
    }
}
