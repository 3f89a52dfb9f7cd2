//! Turns what happens in a run into warnings and entries of its timeline.

use super::Driver;
use crate::cluster::controller::api::FrameData;
use crate::cluster::controller::frames::Until;
use crate::cluster::store::TimelineEvent;
use crate::time::Nanos;
use serde_json::{Value, json};

/// Entries of the timeline. Later ones are counted and not kept.
const MOST_EVENTS: usize = 10_000;

impl Driver {
    pub(super) fn warn(&mut self, text: &str) {
        if !self.record.warnings.iter().any(|known| known == text)
            && self.record.warnings.len() < 100
        {
            self.record.warnings.push(text.to_owned());
            self.changed = true;
        }
    }

    /// An order, which takes effect at a moment that all workers have heard of by then.
    pub(super) fn effect(&mut self, kind: &str, text: &str, at_ns: Nanos) {
        let seconds = (at_ns as f64 - self.load.measured_from() as f64) / 1e9;
        let data = json!({"effectiveAtSeconds": seconds});
        self.event(kind, &format!("{text} at {seconds:.3} s"), data);
    }

    pub(super) fn event(&mut self, kind: &str, text: &str, data: Value) {
        let from = self.load.measured_from() as i128;
        let at = self.standing.start_us.map(|_| (self.run_now() - from) as f64 / 1e9);
        let mut event = TimelineEvent {
            at_unix_ms: self.controller.now_us() / 1_000,
            at_seconds: at,
            kind: kind.to_owned(),
            text: text.to_owned(),
            data,
            seq: 0,
        };
        tracing::info!(run = %self.record.id, kind, "{text}");
        let events = self.record.timeline.len();
        let is_kept = events < MOST_EVENTS;
        let until = if is_kept { Until::Events(events + 1) } else { Until::Now };
        // The end is the last that those who watch are told.
        if !self.record.state.has_ended() {
            event.seq = self.driven.live().told.add(FrameData::Event(event.clone()), until);
        }
        if is_kept {
            self.record.timeline.push(event);
        }
        self.changed = true;
    }
}
