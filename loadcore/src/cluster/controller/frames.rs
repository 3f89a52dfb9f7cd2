//! Turns what happens in a run into numbered frames for its watchers.
//!
//! A frame is shown once the store has what it tells. So another controller, which knows what is
//! stored, shows the same frames under the same numbers, and a watcher that goes on there is told
//! nothing twice.

use super::api::{Frame, FrameData, FrameKind};
use super::keeper::Kept;
use super::live::KEPT;
use crate::time::now;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a frame waits for what it tells to be kept. After that, those who watch should not wait
/// for the store.
const UNTIL_SHOWN: Duration = Duration::from_secs(2);

/// The frames of a run.
#[derive(Default)]
pub(super) struct Told {
    /// What those who watch can see.
    shown: VecDeque<Frame>,
    /// What they see next.
    held: VecDeque<Held>,
    last: u64,
    /// Another controller has driven the run, and what it has shown is not known yet.
    awaits: bool,
    /// Nothing more comes.
    closed: bool,
}

/// What follows a frame.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// This one.
    Frame(Frame),
    /// Nothing yet.
    NotYet,
    /// Nothing from this controller.
    Closed,
}

/// A frame that is not shown yet.
struct Held {
    frame: Frame,
    until: Until,
    since: Instant,
}

/// What has to be kept before a frame is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Nothing.
    Now,
    /// The interval with this number.
    Interval(u64),
    /// So many events.
    Events(usize),
}

impl Told {
    /// The run may have been driven by another controller before: nothing is shown until that is known.
    pub(super) fn awaits_what_was_shown(&mut self) {
        self.awaits = true;
    }

    /// Where somebody stands who has seen the frames up to `since`: one beyond the last counts as the
    /// last. `None`: that is not known yet.
    pub(super) fn place_of(&self, since: u64) -> Option<u64> {
        (!self.awaits || self.closed).then(|| since.min(self.last_shown()))
    }

    /// The run was driven by another controller before this one: its frames are these, and the next
    /// one follows the last of them.
    pub(super) fn resumes(&mut self, mut frames: Vec<Frame>) {
        frames.sort_by_key(|frame| frame.seq);
        self.last = frames.last().map_or(0, |frame| frame.seq);
        frames.drain(..frames.len().saturating_sub(KEPT));
        self.shown = frames.into();
        self.awaits = false;
    }

    /// Adds a frame for those who watch, to be shown once it is kept; answers its number.
    pub(super) fn add(&mut self, mut data: FrameData, until: Until) -> u64 {
        self.last += 1;
        if let FrameData::Event(event) = &mut data {
            // As it will stand in the timeline.
            event.seq = self.last;
        }
        let frame = Frame { seq: self.last, data };
        if self.held.len() == KEPT {
            self.show_next();
        }
        self.held.push_back(Held { frame, until, since: now() });
        self.last
    }

    /// Shows the frames whose turn has come; says whether there were any.
    pub(super) fn show(&mut self, kept: &Kept) -> bool {
        let shown = |held: &Held| {
            let is_kept = match held.until {
                Until::Now => true,
                Until::Interval(number) => kept.interval >= Some(number),
                Until::Events(count) => kept.events >= count,
            };
            is_kept || now().saturating_duration_since(held.since) > UNTIL_SHOWN
        };
        let before = self.held.len();
        while self.held.front().is_some_and(shown) {
            self.show_next();
        }
        self.held.len() < before
    }

    fn show_next(&mut self) {
        if self.shown.len() == KEPT {
            self.shown.pop_front();
        }
        self.shown.extend(self.held.pop_front().map(|held| held.frame));
    }

    /// The number of the last frame that is shown; 0 before the first.
    pub(super) fn last_shown(&self) -> u64 {
        self.shown.back().map_or(0, |frame| frame.seq)
    }

    /// The first frame after number `seq` that is still known. A watcher that has seen the last
    /// frame of all is told it again, because the end has to be heard.
    pub(super) fn after(&self, seq: u64) -> Next {
        let after = self.shown.partition_point(|frame| frame.seq <= seq);
        let end = || self.shown.back().filter(|frame| frame.kind() == FrameKind::End);
        match self.shown.get(after).or_else(end) {
            Some(frame) => Next::Frame(frame.clone()),
            None if self.closed => Next::Closed,
            None => Next::NotYet,
        }
    }

    /// The run is not driven here any more: no frame follows.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::controller::api::{EndFrame, IntervalFrame};
    use crate::cluster::store::{RunState, TimelineEvent};
    use serde_json::json;

    fn data(kind: FrameKind) -> FrameData {
        match kind {
            FrameKind::Interval => {
                let zero = json!({
                    "second": 0, "due": 0, "sent": 0, "ok": 0, "failed": 0, "dropped": 0,
                    "p50Ms": null, "p95Ms": null, "p99Ms": null, "maxMs": null, "rps": null,
                    "offeredRps": null, "statusCodes": {}, "errors": {}, "inFlight": 0,
                    "activeWorkers": 0, "state": "RUNNING",
                });
                let frame: IntervalFrame = serde_json::from_value(zero).unwrap();
                FrameData::Interval(Box::new(frame))
            }
            FrameKind::Event => FrameData::Event(TimelineEvent {
                at_unix_ms: 0,
                at_seconds: None,
                kind: "started".into(),
                text: String::new(),
                data: json!(null),
                seq: 0,
            }),
            FrameKind::End => {
                FrameData::End(EndFrame { state: RunState::Completed, complete: None })
            }
        }
    }

    fn show(told: &mut Told, kind: FrameKind) {
        told.add(data(kind), Until::Now);
        told.show(&Kept::default());
    }

    #[test]
    fn nobody_has_a_place_before_it_is_known_what_was_shown() {
        let mut told = Told::default();
        assert_eq!(told.place_of(50), Some(0), "a new run");
        told.awaits_what_was_shown();
        assert_eq!(told.place_of(50), None);
        let frame = |seq| Frame { seq, data: data(FrameKind::Event) };
        told.resumes((1..=60).map(frame).collect());
        assert_eq!((told.place_of(50), told.place_of(99)), (Some(50), Some(60)));
    }

    #[test]
    fn frames_are_shown_in_order_once_they_are_kept() {
        let mut told = Told::default();
        told.add(data(FrameKind::Event), Until::Events(1));
        told.add(data(FrameKind::Interval), Until::Interval(0));
        told.add(data(FrameKind::Interval), Until::Interval(1));
        let shown = |told: &Told| told.last_shown();
        assert!(!told.show(&Kept { interval: Some(0), ..Kept::default() }), "the event is not");
        assert_eq!(shown(&told), 0);
        assert!(told.show(&Kept { interval: Some(0), events: 1, ..Kept::default() }));
        assert_eq!((told.place_of(1), told.place_of(9)), (Some(1), Some(2)));
        assert_eq!((shown(&told), told.after(2)), (2, Next::NotYet));
    }

    #[test]
    fn another_controller_goes_on_with_the_same_numbers() {
        let mut told = Told::default();
        let frame = |seq, kind| Frame { seq, data: data(kind) };
        told.resumes(vec![frame(2, FrameKind::Interval), frame(1, FrameKind::Event)]);
        assert_eq!(number(&told.after(0)), Some((1, FrameKind::Event)));
        assert_eq!(told.after(2), Next::NotYet);
        show(&mut told, FrameKind::Interval);
        assert_eq!(number(&told.after(2)), Some((3, FrameKind::Interval)));
    }

    fn number(next: &Next) -> Option<(u64, FrameKind)> {
        match next {
            Next::Frame(frame) => Some((frame.seq, frame.kind())),
            Next::NotYet | Next::Closed => None,
        }
    }

    #[test]
    fn an_event_is_told_under_the_number_by_which_the_timeline_has_it() {
        let mut told = Told::default();
        show(&mut told, FrameKind::Interval);
        show(&mut told, FrameKind::Event);
        let Next::Frame(Frame { data: FrameData::Event(event), .. }) = told.after(1) else {
            panic!("{:?}", told.after(1))
        };
        assert_eq!(event.seq, 2);
    }

    #[test]
    fn frames_follow_one_another_to_the_end() {
        let mut told = Told::default();
        assert_eq!(told.after(0), Next::NotYet);
        show(&mut told, FrameKind::Event);
        assert_eq!(number(&told.after(0)), Some((1, FrameKind::Event)));
        assert_eq!(told.after(1), Next::NotYet);
        show(&mut told, FrameKind::End);
        for seen in [1, 2, 3, u64::MAX - 1, u64::MAX] {
            assert_eq!(number(&told.after(seen)), Some((2, FrameKind::End)), "after {seen}");
        }
    }

    #[test]
    fn what_is_not_driven_here_any_more_shows_what_it_has_and_closes() {
        let mut told = Told::default();
        show(&mut told, FrameKind::Event);
        told.close();
        assert_eq!(number(&told.after(0)), Some((1, FrameKind::Event)));
        assert_eq!((told.after(1), told.after(u64::MAX)), (Next::Closed, Next::Closed));
    }

    #[test]
    fn frames_that_were_left_out_are_skipped() {
        let mut told = Told::default();
        (0..KEPT + 10).for_each(|_| show(&mut told, FrameKind::Interval));
        assert_eq!(number(&told.after(0)), Some((11, FrameKind::Interval)));
        assert_eq!(told.after(told.last_shown()), Next::NotYet);
    }
}
