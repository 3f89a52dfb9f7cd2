//! Turns windows into findings: what limits the target.
//!
//! A check looks for one kind of bottleneck, in the figures that [`evidence`] has of the whole run, and
//! then of each request of a mix, and stands in [`CHECKS`]. What else belongs to a new one,
//! `docs/architecture.md` lists ("Where to add a ...").

mod errors;
mod evidence;
#[cfg(test)]
pub(super) mod model;
mod queueing;
mod saturation;
mod scalability;
mod shape;
mod stats;
mod trend;
#[cfg(test)]
mod trials;
mod trouble;

use super::Windows;
use crate::result::{Finding, FindingKind, RunResult, Severity};
pub(super) use evidence::Evidence;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
pub(super) use trouble::{Trouble, TroubleRow};

/// Looks for one kind of bottleneck: a pure function of what is known of a run, whose rules and verdict
/// have been judged by then, or of one request of its mix.
pub(super) type Check = fn(&Evidence<'_>) -> Vec<Finding>;

/// All checks. Of findings that are equal in all that [`order`] looks at, those of the earlier check
/// come first.
pub(super) const CHECKS: &[Check] = &[
    saturation::check,
    queueing::check,
    errors::cliff,
    errors::limit,
    trend::drift,
    trend::stalls,
    shape::connections,
    shape::handshakes,
    trend::cold_start,
    shape::two_groups,
    shape::timeout_wall,
    shape::skew,
];

/// What a bottleneck brings with it is no finding of its own: where one of the first kind was found,
/// those of the others are left out.
const EXPLAINS: &[(FindingKind, &[FindingKind])] = {
    use FindingKind as K;
    &[
        (
            K::ConnectionLimit,
            &[
                K::Saturation,
                K::Queueing,
                K::TimeoutWall,
                K::ErrorCliff,
                K::BimodalLatency,
                K::ColdStart,
                K::LatencyDrift,
                K::SlowHandshake,
                K::PeriodicStall,
            ],
        ),
        (
            K::ErrorCliff,
            &[
                K::RateLimited,
                K::Queueing,
                K::LatencyDrift,
                K::BimodalLatency,
                K::PeriodicStall,
                K::ColdStart,
            ],
        ),
        (
            K::RateLimited,
            &[K::Saturation, K::BimodalLatency, K::Queueing, K::LatencyDrift, K::ColdStart],
        ),
        (
            K::Saturation,
            &[
                K::Queueing,
                K::LatencyDrift,
                K::TimeoutWall,
                K::BimodalLatency,
                K::ColdStart,
                K::PeriodicStall,
                K::SlowHandshake,
            ],
        ),
        (K::WorkerSkew, &[K::BimodalLatency]),
        (
            K::TimeoutWall,
            &[
                K::BimodalLatency,
                K::Queueing,
                K::SlowHandshake,
                K::ColdStart,
                K::LatencyDrift,
                K::PeriodicStall,
            ],
        ),
        (K::SlowHandshake, &[K::BimodalLatency, K::ColdStart, K::Queueing]),
        (K::ColdStart, &[K::BimodalLatency, K::Queueing, K::LatencyDrift]),
        (K::PeriodicStall, &[K::BimodalLatency, K::Queueing]),
        (K::LatencyDrift, &[K::BimodalLatency, K::Queueing]),
        (K::BimodalLatency, &[K::Queueing]),
    ]
};

/// What the checks find, the most important first.
pub(super) fn find(checks: &[Check], windows: &Windows, result: &RunResult) -> Vec<Finding> {
    let all = |evidence: &Evidence<'_>| {
        let found = checks.iter().flat_map(|check| check(evidence));
        without_explained(found.filter(|it| it.confidence >= LEAST_SURE).collect())
    };
    let mut findings = all(&Evidence::new(windows, result));
    let named: Vec<_> = Evidence::of_requests(windows, result).iter().map(all).collect();
    by_request(&mut findings, named);
    findings.sort_by(order);
    findings
}

fn without_explained(mut findings: Vec<Finding>) -> Vec<Finding> {
    for (kind, explained) in EXPLAINS {
        if findings.iter().any(|finding| finding.kind == *kind) {
            findings.retain(|finding| !explained.contains(&finding.kind));
        }
    }
    findings
}

/// Where fewer than half of the requests suffer from something, it is said of them, and not of all.
fn by_request(findings: &mut Vec<Finding>, named: Vec<Vec<Finding>>) {
    let count = named.len();
    for kind in FindingKind::ALL {
        let of_kind = |found: &Vec<Finding>| found.iter().find(|it| it.kind == kind).cloned();
        let those: Vec<_> = named.iter().filter_map(of_kind).collect();
        // A mix of requests of several lengths has several groups, and that says nothing.
        if kind == FindingKind::BimodalLatency && count > 0 {
            findings.retain(|finding| finding.kind != kind);
        }
        if !those.is_empty() && those.len() * 2 < count.max(3) {
            findings.retain(|finding| finding.kind != kind);
            findings.extend(those);
        }
    }
}

/// No figures make a finding surer than this.
const SUREST: f64 = 0.99;
/// One that is less likely than not is none.
const LEAST_SURE: f64 = 0.5;

/// A finding in the making.
#[derive(Debug, Clone)]
struct Draft {
    kind: FindingKind,
    severity: Severity,
    /// How far the figures are beyond what is needed: 0 is an even chance.
    strength: f64,
    span: (f64, f64),
    figures: Map<String, Value>,
    explanation: String,
    next_step: String,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            kind: FindingKind::Queueing,
            severity: Severity::Info,
            strength: 0.0,
            span: (0.0, 0.0),
            figures: Map::new(),
            explanation: String::new(),
            next_step: String::new(),
        }
    }
}

impl Draft {
    fn finish(self, evidence: &Evidence<'_>) -> Finding {
        Finding {
            confidence: (stats::chance(self.strength).min(SUREST) * 100.0).round() / 100.0,
            kind: self.kind,
            severity: self.severity,
            from_second: self.span.0,
            to_second: self.span.1,
            request: evidence.request.clone(),
            evidence: self.figures,
            witnesses: Vec::new(),
            explanation: self.explanation,
            next_step: self.next_step,
        }
    }
}

/// Figures by their names, to four digits.
fn figures(of: &[(&str, f64)]) -> Map<String, Value> {
    let rounded = |value: f64| {
        if value == 0.0 || !value.is_finite() {
            return 0.0;
        }
        let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
        (value * scale).round() / scale
    };
    of.iter().map(|(name, value)| ((*name).to_owned(), json!(rounded(*value)))).collect()
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
        fn some(_: &Evidence<'_>) -> Vec<Finding> {
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
        fn worst(_: &Evidence<'_>) -> Vec<Finding> {
            vec![Finding { severity: Severity::Critical, ..finding(FindingKind::Queueing) }]
        }
        fn another(_: &Evidence<'_>) -> Vec<Finding> {
            let (severity, confidence) = (Severity::Warning, 0.9);
            let finding = finding(FindingKind::Saturation);
            vec![Finding { severity, confidence, from_second: 3.0, ..finding }]
        }
        let (windows, result) = (Windows::new(1.0, 0), steady_run());
        let checks: [Check; 3] = [some, worst, another];
        let evidence = Evidence::new(&windows, &result);
        let mut found: Vec<_> = checks.iter().flat_map(|check| check(&evidence)).collect();
        found.sort_by(order);
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
