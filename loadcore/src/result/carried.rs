//! Turns the run's histograms into text inside the result document and back, so that a result that
//! is read again still knows every percentile and can be compared and merged exactly.
//!
//! The text is Base64 of HdrHistogram's deflated V2 encoding ("HISTFAAA..."), as in its interval
//! logs: other tools read it. A few KB each.

use crate::record::{Histogram, Histograms};
use serde::{Deserialize, Serialize};

/// The distributions behind a result's percentiles, in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CarriedHistograms {
    /// Response time; in closed loop service time.
    pub latency: Histogram,
    /// Latency over the ok alone; null where they are not known apart from the failed.
    #[serde(default)]
    pub ok_latency: Option<Histogram>,
    /// Service time.
    pub service_time: Histogram,
    /// Schedule lag; empty in closed loop.
    pub schedule_lag: Histogram,
}

impl CarriedHistograms {
    /// Copies of those that a result carries.
    #[must_use]
    pub fn of(histograms: &Histograms, ok_latency: Option<Histogram>) -> Self {
        Self {
            latency: histograms.response.clone(),
            ok_latency,
            service_time: histograms.service.clone(),
            schedule_lag: histograms.lag.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_other_tools_can_read_it() {
        let mut histograms = Histograms::default();
        histograms.response.record(1_000_000);
        histograms.response.record(Histogram::HIGHEST + 5);
        let carried = CarriedHistograms::of(&histograms, None);
        let text = serde_json::to_string(&carried).unwrap();
        assert!(text.starts_with("{\"latency\":{\"hdr\":\"HISTFAAA"), "{text}");
        assert!(text.contains("\"aboveRange\":{\"count\":1,"));
        assert_eq!(serde_json::from_str::<CarriedHistograms>(&text).unwrap(), carried);
    }

    #[test]
    fn a_forged_one_is_refused() {
        let read = |text: &str| serde_json::from_str::<Histogram>(text).unwrap_err().to_string();
        let none = "\"aboveRange\":{\"count\":0,\"maxNs\":0,\"sumNs\":0}";
        assert!(read(&format!("{{\"hdr\":\"?\",{none}}}")).contains("is not Base64"));
        assert!(read(&format!("{{\"hdr\":\"AAAA\",{none}}}")).contains("not a deflated HdrH"));
    }
}
