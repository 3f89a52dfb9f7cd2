//! Turns the limits that all workers of a run share into how many workers, and how many pieces of
//! the schedule, can have something of each.
//!
//! A limit is split as the schedule is: who has every third arrival has every third connection. Split
//! further than it goes it would leave somebody with arrivals and nothing to send them with, who
//! would then take one more than there is.

use super::Scenario;
use crate::schedule::{End, LONGEST, Share};

impl Scenario {
    /// When nothing more falls due. A document always has a duration: beside a number of requests the
    /// longest that there is says that nobody has named any, and here alone that is read.
    #[must_use]
    pub fn end(&self) -> End {
        match self.max_requests {
            Some(most) if self.duration >= LONGEST => End::AfterRequests(most),
            _ => End::At(self.duration),
        }
    }

    /// How many workers can take part, and where that is less than `numWorkers` the name and the
    /// value of the limit that says so.
    #[must_use]
    pub fn workers_that_fit(&self) -> (u32, Option<(&'static str, u64)>) {
        let least = self.shared().min_by_key(|(_, limit)| *limit);
        match least.filter(|(_, limit)| *limit < u64::from(self.num_workers)) {
            Some((name, limit)) => (limit as u32, Some((name, limit))),
            None => (self.num_workers, None),
        }
    }

    /// That there are workers which can take no part, and why; `None` where all can.
    #[must_use]
    pub(crate) fn too_many_workers(&self) -> Option<String> {
        let (fit, limit) = self.workers_that_fit();
        let wanted = self.num_workers;
        limit.map(|(limit, value)| {
            format!(
                "{limit} is {value} for all workers together, which leaves nothing for {} of \
                 {wanted}: {fit} take part",
                wanted - fit
            )
        })
    }

    /// Into how many pieces a part of the schedule may be split at most: each has something of every
    /// limit, if the part has.
    #[must_use]
    pub fn pieces_that_fit(&self, part: Share) -> u64 {
        self.shared().map(|(_, limit)| part.count(limit)).min().unwrap_or(u64::MAX).max(1)
    }

    /// Whether whoever has these parts of the schedule has something of every limit.
    #[cfg(feature = "cluster")]
    pub(crate) fn have_something(&self, parts: &[Share]) -> bool {
        self.shared().all(|(_, limit)| parts.iter().any(|part| part.count(limit) > 0))
    }

    /// What all workers have together, by name. Where nothing may wait, nobody may.
    fn shared(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let limits = [
            ("connections", Some(u64::from(self.connections))),
            ("maxBacklog", self.max_backlog.filter(|most| *most > 0)),
            ("maxRequests", self.max_requests),
        ];
        limits.into_iter().filter_map(|(name, limit)| Some((name, limit?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn scenario(fields: &str) -> Scenario {
        let open = r#""loadProfile": {"type": "CONSTANT", "initialRps": 0.1}, "#;
        let open = if fields.contains("maxBacklog") { open } else { "" };
        let text = format!(
            r#"{{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 9, {open}{fields}}}"#
        );
        Scenario::from_json(&text).unwrap()
    }

    #[test]
    fn a_number_alone_ends_what_has_no_duration_of_its_own() {
        let seconds = Duration::from_secs;
        for (duration, requests, end) in [
            (9, r#", "maxRequests": 5"#, End::At(seconds(9))),
            (604_799, r#", "maxRequests": 5"#, End::At(seconds(604_799))),
            (604_800, r#", "maxRequests": 5"#, End::AfterRequests(5)),
            (604_800, "", End::At(LONGEST)),
        ] {
            let text = format!(
                r#"{{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": {duration}{requests}}}"#
            );
            assert_eq!(Scenario::from_json(&text).unwrap().end(), end, "{text}");
        }
    }

    #[test]
    fn who_would_get_nothing_of_a_limit_takes_no_part() {
        for (fields, fit) in [
            (r#""numWorkers": 5, "connections": 3"#, (3, Some(("connections", 3)))),
            (r#""numWorkers": 5, "connections": 5"#, (5, None)),
            (r#""numWorkers": 65"#, (64, Some(("connections", 64)))),
            (r#""numWorkers": 5, "maxRequests": 2"#, (2, Some(("maxRequests", 2)))),
            (r#""numWorkers": 5, "maxBacklog": 4"#, (4, Some(("maxBacklog", 4)))),
            // Nothing may wait anywhere: that is a limit for each.
            (r#""numWorkers": 5, "maxBacklog": 0"#, (5, None)),
        ] {
            assert_eq!(scenario(fields).workers_that_fit(), fit, "{fields}");
        }
    }

    #[test]
    fn the_default_backlog_has_a_place_for_each_worker() {
        let text = r#"{"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 60,
            "numWorkers": 5, "loadProfile": {"type": "CONSTANT", "initialRps": 0.1}}"#;
        let scenario = Scenario::from_json(text).unwrap();
        assert_eq!((scenario.max_backlog, scenario.workers_that_fit()), (Some(5), (5, None)));
    }

    #[test]
    fn each_piece_of_a_part_has_something_of_each_limit() {
        for connections in 1..20_u64 {
            let scenario = scenario(&format!(r#""connections": {connections}"#));
            let mut parts = vec![Share::WHOLE];
            for _ in 0..3 {
                let split = |part: Share| {
                    let pieces = scenario.pieces_that_fit(part).min(3);
                    (0..pieces).map(move |k| part.split(k, pieces)).collect::<Vec<_>>()
                };
                parts = parts.into_iter().flat_map(split).collect();
                let each: Vec<_> = parts.iter().map(|part| part.count(connections)).collect();
                assert!(each.iter().all(|count| *count > 0), "{connections}: {each:?}");
                assert_eq!(each.iter().sum::<u64>(), connections);
            }
        }
    }
}
