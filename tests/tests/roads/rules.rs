//! Says of each key of a result how it may differ from one road to another. A key without a rule
//! fails the test, so whoever adds one says here what it has to be on each road.

/// How much a key may differ.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// Not at all.
    Same,
    /// Not at all, but for runs that are told of their end while they go on.
    Count,
    /// In open loop not at all: the plan says it. In closed loop as [`Rule::Near`].
    Planned,
    /// By a count that one or two requests near the end of a second make.
    Near,
    /// By 2%; by 10% where the last reply and not the plan ends the run.
    Close,
    /// A time of which half is the target's: by 5%.
    Time,
    /// A time at the edge of a distribution, which the host's noise moves: by a half, or 100 ms.
    Edge,
    /// A time that is the host's alone: there or not there.
    There,
    /// Not compared, and why not.
    Exempt(&'static str),
}

use Rule::{Close, Count, Edge, Exempt, Near, Planned, Same, There, Time};

/// The rule of the key at `path`, in which `[]` stands for any entry of a list and `*` for any name
/// of a map. The first pattern that fits.
pub fn rule_of(path: &str) -> Option<Rule> {
    RULES.iter().find(|(pattern, _)| fits(pattern, path)).map(|(_, rule)| *rule)
}

fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) =
        (pattern.split('.').collect(), path.split('.').collect());
    let part = |(pattern, part): (&&str, &&str)| *pattern == "*" || pattern == part;
    match pattern.split_last() {
        Some((&"**", before)) => path.len() >= before.len() && before.iter().zip(&path).all(part),
        _ => pattern.len() == path.len() && pattern.iter().zip(&path).all(part),
    }
}

const HOST: &str = "the host's own, which differs from one run to the next";
const ON_DEMAND: &str =
    "open loop opens on demand, each worker for itself: after a warm-up perhaps none";

const RULES: &[(&str, Rule)] = &[
    ("schemaVersion", Same),
    ("scenario.slackSeconds", Exempt("a worker has its own, and the command is given the same")),
    ("scenario.threads", Exempt("a worker has its own, and the command is given the same")),
    ("scenario.targetUrl", Exempt("each road has a target of its own, on its own port")),
    ("scenario.**", Same),
    ("startedAt", Exempt("the roads begin one after another")),
    ("durationSeconds", Close),
    ("environment.**", Exempt("what the road is")),
    ("loop", Same),
    ("offeredRps", Close),
    ("achievedRps", Close),
    ("complete", Same),
    ("arrivals.droppedByReason.*", Count),
    ("arrivals.*", Count),
    ("outcomes.late", Near),
    ("outcomes.*", Count),
    ("totalRequests", Count),
    ("successRate", Close),
    ("bytesSent", Exempt("the port in the Host header has four or five digits")),
    ("bytesReceived", Close),
    ("latency.p50Ms", Time),
    ("latency.p75Ms", Time),
    ("latency.meanMs", Time),
    ("latency.minMs", Time),
    ("latency.stdevMs", There),
    ("latency.*", Edge),
    ("okLatency.p50Ms", Time),
    ("okLatency.p75Ms", Time),
    ("okLatency.meanMs", Time),
    ("okLatency.minMs", Time),
    ("okLatency.stdevMs", There),
    ("okLatency.*", Edge),
    ("serviceTime.p50Ms", Time),
    ("serviceTime.p75Ms", Time),
    ("serviceTime.meanMs", Time),
    ("serviceTime.minMs", Time),
    ("serviceTime.stdevMs", There),
    ("serviceTime.*", Edge),
    ("firstByte.p50Ms", Time),
    ("firstByte.p75Ms", Time),
    ("firstByte.meanMs", Time),
    ("firstByte.minMs", Time),
    ("firstByte.stdevMs", There),
    ("firstByte.*", Edge),
    ("scheduleLag.*", There),
    ("connect.*", Exempt(ON_DEMAND)),
    ("tls.*", Exempt(ON_DEMAND)),
    ("connects", Exempt(ON_DEMAND)),
    ("statusCodeDistribution.*", Count),
    ("errors.*", Count),
    ("errorExamples.*", Same),
    ("sla.[].actual", Close),
    (
        "sla.[].violations.**",
        Exempt("when a rule began not to hold depends on when it was looked at"),
    ),
    ("sla.[].*", Same),
    ("validity.**", Exempt(HOST)),
    ("bottlenecks.**", Same),
    ("headroom.**", Same),
    ("observed.**", Same),
    ("requests.**", Same),
    ("protocol.*", Same),
    ("seriesSeconds", Same),
    ("series.[].second", Same),
    ("series.[].due", Planned),
    ("series.[].sent", Near),
    ("series.[].ok", Near),
    ("series.[].failed", Near),
    ("series.[].dropped", Near),
    ("series.[].backlog", Near),
    ("series.[].unknown", Same),
    ("series.[].distribution", Exempt("the latencies of which the percentiles are compared")),
    ("series.[].*", Edge),
    ("workers.**", Exempt("what each of them did, and there are as many as the road has")),
    ("latencyKind", Same),
    ("warmupSeconds", Same),
    ("drainSeconds", Edge),
    ("interrupted", Same),
    ("generator.lostWorkers.**", Same),
    ("generator.shortages", Same),
    ("generator.descriptorsShort", Same),
    ("generator.clockFaults", Same),
    ("generator.slackMs", Same),
    ("generator.**", Exempt(HOST)),
    ("histograms.**", Exempt("the distributions of the summaries, packed")),
];

#[test]
fn a_key_that_nobody_knows_has_no_rule() {
    assert!(rule_of("latency.p99Ms").is_some() && rule_of("series.[].sent").is_some());
    let said = |rule: Rule| !matches!(rule, Exempt(why) if why.is_empty());
    assert!(RULES.iter().all(|(_, rule)| said(*rule)), "whatever is not compared has its reason");
    assert!(rule_of("newKey").is_none() && rule_of("sla.[].actual.deeper").is_none());
}
