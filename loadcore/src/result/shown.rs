//! Turns a result into what a debugger or a failed assertion shows of it: what fits a screen.

use super::RunResult;
use std::fmt;

/// The rest is in the document: `serde_json::to_string_pretty` writes all of it.
impl fmt::Debug for RunResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sla: Vec<_> =
            self.sla.iter().map(|rule| (&rule.rule, rule.passed, rule.actual)).collect();
        let requests: Vec<_> = self.requests.iter().map(|request| &request.name).take(10).collect();
        let reasons = self.validity.reasons.iter().map(|reason| &*reason.kind).collect::<Vec<_>>();
        let bottlenecks: Vec<_> = self.bottlenecks.iter().map(|finding| &finding.kind).collect();
        let line = |it: &dyn fmt::Debug| format!("{it:?}");
        let latency = &self.latency;
        let latency = [latency.p50_ms, latency.p99_ms, latency.max_ms];
        f.debug_struct("RunResult")
            .field("started_at", &self.started_at)
            .field("duration_seconds", &self.duration_seconds)
            .field("loop_kind", &self.loop_kind)
            .field("offered_rps", &format_args!("{}", line(&self.offered_rps)))
            .field("achieved_rps", &format_args!("{}", line(&self.achieved_rps)))
            .field("complete", &self.complete)
            .field("arrivals", &format_args!("{}", line(&self.arrivals)))
            .field("outcomes", &format_args!("{}", line(&self.outcomes)))
            .field("p50, p99, max ms", &format_args!("{}", line(&latency)))
            .field("statuses", &format_args!("{}", line(&self.status_code_distribution)))
            .field("errors", &self.errors)
            .field("error_examples", &self.error_examples)
            .field("sla", &format_args!("{}", line(&sla)))
            .field("verdict", &self.validity.verdict)
            .field("reasons", &format_args!("{}", line(&reasons)))
            .field("bottlenecks", &format_args!("{}", line(&bottlenecks)))
            .field("requests", &format_args!("{}", line(&requests)))
            .finish_non_exhaustive()
    }
}
