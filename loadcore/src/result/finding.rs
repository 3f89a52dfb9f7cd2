//! Holds a finding: one bottleneck of the target, with its evidence and how sure we are.
//!
//! The type stands here, beside the other judgements of the result document; what makes findings is
//! `analysis::bottleneck`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Something that limits the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Finding {
    /// What the target does.
    pub kind: FindingKind,
    /// How bad that is.
    pub severity: Severity,
    /// How sure we are, 0 to 1.
    pub confidence: f64,
    /// When it began, in seconds since the start of the measured time.
    pub from_second: f64,
    /// When it ended.
    pub to_second: f64,
    /// The request of the mix that it is about, by its name; `None`: all of them.
    pub request: Option<String>,
    /// The figures that it rests on, with their units in their names.
    pub evidence: Map<String, Value>,
    /// What the target said of itself meanwhile, the strongest first.
    pub witnesses: Vec<Witness>,
    /// What happened, in a sentence.
    pub explanation: String,
    /// What to do about it.
    pub next_step: String,
}

/// A figure of the target that moved with a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Witness {
    /// The endpoint that told it, by its name in the scenario.
    pub name: String,
    /// The series there.
    pub series: String,
    /// How long before the finding it moved, in seconds; negative: after it.
    pub lead_seconds: f64,
    /// How much alike they moved, -1 to 1.
    pub correlation: f64,
}

/// How bad a finding is, from harmless to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// It costs some requests, or time.
    Warning,
    /// The target does not do what it is there for.
    Critical,
}

/// Makes of each kind, told once, its variant, its word and its place in the list.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal,)*) => {
        /// What a finding says of the target.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum FindingKind {
            $($(#[$doc])* #[serde(rename = $word)] $kind,)*
            /// One that a later version found, by the name it has there: an older program still reads
            /// the result, and hands the finding on as it is.
            #[serde(untagged)]
            Other(String),
        }

        impl FindingKind {
            /// All that this version knows.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$kind),*];

            /// The word in documents: `error_cliff`.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$kind => $word,)*
                    Self::Other(name) => name,
                }
            }
        }
    };
}

kinds! {
    /// It takes no more than a certain rate: throughput stops growing while the offered rate does.
    Saturation = "saturation",
    /// It keeps up, and yet response time grows well over the time of an unloaded request.
    Queueing = "queueing",
    /// It fails for a time once the rate passes a point, after having taken it.
    ErrorCliff = "error_cliff",
    /// It answers 429 or 503 to what exceeds a rate.
    RateLimited = "rate_limited",
    /// It gets slower steadily at a constant rate.
    LatencyDrift = "latency_drift",
    /// It stops answering at regular intervals.
    PeriodicStall = "periodic_stall",
    /// It refuses or delays connections beyond a number.
    ConnectionLimit = "connection_limit",
    /// It spends the time in connect or TLS.
    SlowHandshake = "slow_handshake",
    /// It is slow or fails at first, and then settles.
    ColdStart = "cold_start",
    /// It has two separate groups of latencies.
    BimodalLatency = "bimodal_latency",
    /// A share of its requests never ends before the timeout.
    TimeoutWall = "timeout_wall",
    /// It looks different from different workers.
    WorkerSkew = "worker_skew",
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// As the contract with users has it.
    fn document() -> Value {
        json!({
            "kind": "error_cliff", "severity": "critical", "confidence": 0.97, "fromSecond": 12.0,
            "toSecond": 20.0, "request": null, "evidence": {"offeredRps": 900},
            "witnesses": [{"name": "db", "series": "pool_wait_seconds", "leadSeconds": 2.0,
                "correlation": 0.9}],
            "explanation": "half of the requests failed", "nextStep": "see the pool of connections",
        })
    }

    #[test]
    fn a_finding_has_the_keys_of_the_contract() {
        let finding: Finding = serde_json::from_value(document()).unwrap();
        assert_eq!(
            (&finding.kind, finding.severity),
            (&FindingKind::ErrorCliff, Severity::Critical)
        );
        assert_eq!(finding.witnesses[0].lead_seconds, 2.0);
        assert_eq!(serde_json::to_value(finding).unwrap(), document());
    }

    #[test]
    fn kinds_are_written_by_their_names() {
        for kind in FindingKind::ALL {
            assert_eq!(serde_json::to_value(&kind).unwrap(), json!(kind.name()));
            assert_eq!(serde_json::from_value::<FindingKind>(json!(kind.name())).unwrap(), kind);
        }
    }

    #[test]
    fn a_kind_of_a_later_version_is_read_and_handed_on() {
        let mut later = document();
        later["kind"] = json!("quantum_leak");
        let finding: Finding = serde_json::from_value(later.clone()).unwrap();
        assert_eq!(finding.kind, FindingKind::Other("quantum_leak".into()));
        assert_eq!(finding.kind.name(), "quantum_leak");
        assert_eq!(serde_json::to_value(finding).unwrap(), later);
    }
}
