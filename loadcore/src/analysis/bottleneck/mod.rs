//! Turns windows into findings: what limits the target.
//!
//! A check looks for one kind of bottleneck, in a file of its own, and stands in [`CHECKS`]; there is
//! none yet. What else belongs to a new one, `docs/architecture.md` lists ("Where to add a ...").

use super::Windows;
use crate::result::{Finding, FindingKind, RunResult};
use std::cmp::Ordering;

/// Looks for one kind of bottleneck in a run: a pure function of its windows and of its result, whose
/// rules and verdict have been judged by then.
pub(super) type Check = fn(&Windows, &RunResult) -> Vec<Finding>;

/// All checks. Of findings that are equal in all that [`order`] looks at, those of the earlier check
/// come first.
pub(super) const CHECKS: &[Check] = &[];

/// What the checks find, the most important first.
pub(super) fn find(checks: &[Check], windows: &Windows, result: &RunResult) -> Vec<Finding> {
    let mut findings: Vec<_> = checks.iter().flat_map(|check| check(windows, result)).collect();
    findings.sort_by(order);
    findings
}

/// The worse one comes first, of equals the surer one, then the one that began earlier, then the one
/// whose kind stands earlier in the list of kinds.
fn order(a: &Finding, b: &Finding) -> Ordering {
    let place = |of: &Finding| FindingKind::ALL.iter().position(|kind| *kind == of.kind);
    let by_importance = b.severity.cmp(&a.severity).then(b.confidence.total_cmp(&a.confidence));
    by_importance.then(a.from_second.total_cmp(&b.from_second)).then(place(a).cmp(&place(b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Severity;
    use crate::result::fixtures::{finding, steady_run};

    #[test]
    fn the_most_important_finding_is_the_first() {
        fn some(_: &Windows, _: &RunResult) -> Vec<Finding> {
            let one = |severity, confidence, from_second| Finding {
                severity,
                confidence,
                from_second,
                ..finding(FindingKind::ColdStart)
            };
            vec![
                one(Severity::Info, 0.99, 0.0),
                one(Severity::Warning, 0.5, 0.0),
                one(Severity::Warning, 0.9, 7.0),
                one(Severity::Warning, 0.9, 3.0),
            ]
        }
        fn worst(_: &Windows, _: &RunResult) -> Vec<Finding> {
            vec![Finding { severity: Severity::Critical, ..finding(FindingKind::Queueing) }]
        }
        fn another(_: &Windows, _: &RunResult) -> Vec<Finding> {
            let (severity, confidence) = (Severity::Warning, 0.9);
            let finding = finding(FindingKind::Saturation);
            vec![Finding { severity, confidence, from_second: 3.0, ..finding }]
        }
        let found = find(&[some, worst, another], &Windows::new(1.0, 0), &steady_run());
        let shown: Vec<_> = found
            .iter()
            .map(|it| (it.severity, it.confidence, it.from_second, it.kind.name()))
            .collect();
        assert_eq!(
            shown,
            [
                (Severity::Critical, 0.5, 0.0, "queueing"),
                (Severity::Warning, 0.9, 3.0, "saturation"),
                (Severity::Warning, 0.9, 3.0, "cold_start"),
                (Severity::Warning, 0.9, 7.0, "cold_start"),
                (Severity::Warning, 0.5, 0.0, "cold_start"),
                (Severity::Info, 0.99, 0.0, "cold_start"),
            ]
        );
    }
}
