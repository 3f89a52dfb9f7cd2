//! Turns what happened in a run into a message to its watchers: an interval, an event, or the end.

use crate::cluster::store::{RunState, TimelineEvent};
use crate::result::{SeriesRow, WorkerFigures};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One message to those who watch a run: `{"seq": 7, "type": "interval", "data": {}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Frame {
    /// Counts up with each frame of the run, from 1.
    pub seq: u64,
    /// Its type and its content.
    #[serde(flatten)]
    pub data: FrameData,
}

/// What a frame tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "camelCase")]
pub enum FrameData {
    /// A second of the run.
    Interval(Box<IntervalFrame>),
    /// Something that stands in the timeline.
    Event(TimelineEvent),
    /// The run has ended; no frame follows.
    End(EndFrame),
}

/// Kinds of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FrameKind {
    /// See [`FrameData::Interval`].
    Interval,
    /// See [`FrameData::Event`].
    Event,
    /// See [`FrameData::End`].
    End,
}

/// A second of a run. Numbers that do not exist are `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntervalFrame {
    /// As it will stand in the result's series.
    #[serde(flatten)]
    pub row: SeriesRow,
    /// Requests with an outcome, per second.
    pub rps: Option<f64>,
    /// Arrivals due, per second; `None` in closed loop.
    pub offered_rps: Option<f64>,
    /// Replies by status.
    pub status_codes: BTreeMap<u16, u64>,
    /// Failed requests by error class.
    pub errors: BTreeMap<String, u64>,
    /// Requests under way at its end.
    pub in_flight: u64,
    /// Workers that make the load now.
    pub active_workers: u64,
    /// How far the run is.
    pub state: RunState,
    /// Each request of the mix, in its order; empty without one.
    #[serde(default)]
    pub requests: Vec<RequestFrame>,
    /// Each worker that has reported something of it, in the order of their names; of more than 32 those
    /// that fared worst.
    #[serde(default)]
    pub workers: Vec<WorkerFrame>,
}

/// A second of one request of the mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestFrame {
    /// Its name.
    pub name: String,
    /// As in its series. What waits and what is unknown is told of all requests alone, and is 0 here.
    #[serde(flatten)]
    pub row: SeriesRow,
    /// Requests with an outcome, per second.
    pub rps: Option<f64>,
    /// Replies by status.
    pub status_codes: BTreeMap<u16, u64>,
    /// Failed requests by error class.
    pub errors: BTreeMap<String, u64>,
}

/// A second of one worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerFrame {
    /// Its name and id.
    pub worker: String,
    /// What it did, and how it fared.
    #[serde(flatten)]
    pub figures: WorkerFigures,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndFrame {
    /// Its last state.
    pub state: RunState,
    /// Whether its data are whole; `None` where there is no result.
    pub complete: Option<bool>,
}

impl Frame {
    /// What kind of frame it is.
    #[must_use]
    pub fn kind(&self) -> FrameKind {
        self.data.kind()
    }
}

impl FrameData {
    /// What kind of frame it makes.
    #[must_use]
    pub fn kind(&self) -> FrameKind {
        match self {
            Self::Interval(_) => FrameKind::Interval,
            Self::Event(_) => FrameKind::Event,
            Self::End(_) => FrameKind::End,
        }
    }
}

/// A frame as it is written. Read by hand: what serde gathers for a flattened enum has lost that the
/// keys of a JSON object may be numbers.
#[derive(Deserialize)]
struct Written {
    seq: u64,
    #[serde(rename = "type")]
    kind: FrameKind,
    data: Value,
}

impl TryFrom<Written> for Frame {
    type Error = serde_json::Error;

    fn try_from(Written { seq, kind, data }: Written) -> Result<Self, serde_json::Error> {
        let data = match kind {
            FrameKind::Interval => FrameData::Interval(serde_json::from_value(data)?),
            FrameKind::Event => FrameData::Event(serde_json::from_value(data)?),
            FrameKind::End => FrameData::End(serde_json::from_value(data)?),
        };
        Ok(Self { seq, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// As it was written before it had types.
    #[test]
    fn a_frame_reads_as_it_always_has_and_is_read_back() {
        let row = SeriesRow { second: 7, due: 10, p50_ms: Some(1.5), ..SeriesRow::default() };
        let interval = IntervalFrame {
            row,
            rps: Some(9.0),
            offered_rps: None,
            status_codes: BTreeMap::from([(200, 8), (503, 1)]),
            errors: BTreeMap::from([("http_5xx".to_owned(), 1)]),
            in_flight: 1,
            active_workers: 2,
            state: RunState::Running,
            requests: Vec::new(),
            workers: Vec::new(),
        };
        let event = TimelineEvent {
            at_unix_ms: 5,
            at_seconds: None,
            kind: "paused".into(),
            text: "it stands still".into(),
            data: json!({"a": 1}),
            seq: 2,
        };
        let end = EndFrame { state: RunState::Completed, complete: Some(true) };
        for (data, written) in [
            (
                FrameData::Interval(Box::new(interval)),
                r#"{"seq":3,"type":"interval","data":{"second":7,"due":10,"sent":0,"ok":0,"failed":0,"dropped":0,"backlog":0,"unknown":0,"p50Ms":1.5,"p95Ms":null,"p99Ms":null,"maxMs":null,"distribution":null,"rps":9.0,"offeredRps":null,"statusCodes":{"200":8,"503":1},"errors":{"http_5xx":1},"inFlight":1,"activeWorkers":2,"state":"RUNNING","requests":[],"workers":[]}}"#,
            ),
            (
                FrameData::Event(event),
                r#"{"seq":3,"type":"event","data":{"atUnixMs":5,"atSeconds":null,"kind":"paused","text":"it stands still","data":{"a":1},"seq":2}}"#,
            ),
            (
                FrameData::End(end),
                r#"{"seq":3,"type":"end","data":{"state":"COMPLETED","complete":true}}"#,
            ),
        ] {
            let frame = Frame { seq: 3, data };
            assert_eq!(serde_json::to_string(&frame).unwrap(), written);
            assert_eq!(serde_json::from_str::<Frame>(written).unwrap(), frame);
        }
        let wrong = serde_json::from_str::<Frame>(r#"{"seq": 3, "type": "end", "data": {}}"#);
        assert!(wrong.unwrap_err().to_string().contains("state"));
    }
}
