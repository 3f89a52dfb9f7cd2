//! Holds what a test was told, before anything follows from it.

use super::collect::TURNS;
use super::error::Problems;
use super::sla::Sla;
use crate::analysis::sla::{Rule, SlaRule, contradiction};
#[cfg(test)]
use crate::engine::SentWatch;
use crate::engine::{Fence, Order};
use crate::profile::number;
use crate::request::{MOST_REQUESTS, Mix};
use crate::scenario::limits::{
    MAX_ARRIVALS, MAX_BACKLOG, MAX_NAME, MAX_REQUEST_NAME, MAX_THREADS, MAX_WAIT_SECONDS,
    MAX_WEIGHT, MIN_WEIGHT,
};
use crate::scenario::{Endpoint, Scenario};
use crate::schedule::{Arrivals, LONGEST, Share};
use crate::time::{Clock, Nanos};
use serde_json::Value;
use std::collections::BTreeSet;
#[cfg(test)]
use std::sync::Arc;
use std::time::Duration;

/// How long the pacer lets due requests gather where nobody says it.
pub const DEFAULT_SLACK: Duration = Duration::from_micros(100);

/// The longest that the pacer may be told to let due requests gather.
pub const MAX_SLACK: Duration = Duration::from_secs(1);
/// The longest timeout and drain, as of a document.
const LONGEST_WAIT: Duration = Duration::from_secs(MAX_WAIT_SECONDS as u64);
/// Most connections of a run.
const MOST_LANES: u64 = 1_000_000;

/// Everything but the thing under load and the profile.
#[derive(Debug, Clone)]
pub(super) struct TestSettings {
    /// What the result shows in the place of what follows from the rest; null for that.
    pub(super) scenario: Value,
    /// The scenario that it was made of: what only a platform looks at stands in it alone.
    pub(super) origin: Option<Box<Scenario>>,
    pub(super) name: String,
    /// Arrivals come as a Poisson process, and not evenly.
    pub(super) poisson: bool,
    /// Names and weights of the requests; none without a mix.
    pub(super) mix: Vec<(String, f64)>,
    pub(super) seed: u64,
    pub(super) duration: Option<Duration>,
    pub(super) warmup: Duration,
    pub(super) requests: Option<u64>,
    pub(super) connections: Option<u64>,
    pub(super) max_backlog: Option<u64>,
    pub(super) timeout: Duration,
    pub(super) drain: Duration,
    pub(super) slack: Option<Duration>,
    pub(super) threads: Option<usize>,
    pub(super) rules: Vec<Sla>,
    /// Names, if they have any, and URLs of the target's metrics.
    pub(super) observe: Vec<(Option<String>, String)>,
    pub(super) assignment: Option<Assignment>,
}

impl Default for TestSettings {
    fn default() -> Self {
        Self {
            scenario: Value::Null,
            origin: None,
            name: "load test".into(),
            poisson: false,
            mix: Vec::new(),
            seed: 0,
            duration: None,
            warmup: Duration::ZERO,
            requests: None,
            connections: None,
            max_backlog: None,
            timeout: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            slack: None,
            threads: None,
            rules: Vec::new(),
            observe: Vec::new(),
            assignment: None,
        }
    }
}

impl TestSettings {
    /// Notes what is out of its range.
    pub(super) fn check(&self, problems: &mut Problems) {
        let mut range = |path: &str, is_right: bool, found: String, advice: String| {
            if !is_right {
                problems.add(path, format!("{found} is out of range; give {advice}"));
            }
        };
        let most = MAX_NAME;
        let name = self.name.chars().count();
        range(
            "name",
            (1..=most).contains(&name),
            format!("{name} characters"),
            format!("1 to {most}"),
        );
        if let Some(threads) = self.threads {
            range(
                "threads",
                (1..=MAX_THREADS).contains(&(threads as u64)),
                threads.to_string(),
                format!("1 to {MAX_THREADS}"),
            );
        }
        if let Some(requests) = self.requests {
            let (found, advice) = (requests.to_string(), format!("1 to {MAX_ARRIVALS}"));
            range("maxRequests", (1..=MAX_ARRIVALS).contains(&requests), found, advice);
        }
        if let Some(backlog) = self.max_backlog {
            let (found, advice) = (backlog.to_string(), format!("0 to {MAX_BACKLOG}"));
            range("maxBacklog", backlog <= MAX_BACKLOG, found, advice);
        }
        if let Some(connections) = self.connections {
            let (found, advice) = (connections.to_string(), format!("1 to {MOST_LANES}"));
            range("connections", (1..=MOST_LANES).contains(&connections), found, advice);
        }
        let (week, hour) = ((LONGEST, "a week"), (LONGEST_WAIT, "an hour"));
        let times = [
            ("durationSeconds", self.duration, true, week),
            ("warmupSeconds", Some(self.warmup), false, week),
            ("timeoutSeconds", Some(self.timeout), true, hour),
            ("drainSeconds", Some(self.drain), false, hour),
        ];
        for (path, time, above_zero, (most, word)) in times {
            let Some(time) = time else { continue };
            let is_right = time <= most && !(above_zero && time.is_zero());
            let least = if above_zero { "a time above 0, at most" } else { "at most" };
            let advice = format!("{least} {} s ({word})", most.as_secs());
            range(path, is_right, format!("{} s", number(time.as_secs_f64())), advice);
        }
        let slack = format!("{} s", number(self.slack().as_secs_f64()));
        let most = MAX_SLACK.as_secs();
        range("slackSeconds", self.slack() <= MAX_SLACK, slack, format!("at most {most} s"));
        self.check_names(problems);
    }

    /// Names and weights of a mix, which a scenario has checked already.
    fn check_names(&self, problems: &mut Problems) {
        if self.mix.len() > MOST_REQUESTS {
            let count = self.mix.len();
            problems.add("mix", format!("has {count} requests; give at most {MOST_REQUESTS}"));
            return;
        }
        let mut names = BTreeSet::new();
        for (place, (name, weight)) in self.mix.iter().enumerate() {
            let path = |field| format!("mix[{place}].{field}");
            let length = name.chars().count();
            if !(1..=MAX_REQUEST_NAME).contains(&length) {
                let advice = format!("has {length} characters; give 1 to {MAX_REQUEST_NAME}");
                problems.add(path("name"), advice);
            }
            if !names.insert(name) {
                let text = format!("{name:?} is the name of another request of the mix as well");
                problems.add(path("name"), text);
            }
            if !(MIN_WEIGHT..=MAX_WEIGHT).contains(weight) {
                let weight = number(*weight);
                let advice = format!("give a number above 0, {MIN_WEIGHT} to {MAX_WEIGHT}");
                problems.add(path("weight"), format!("{weight} is out of range; {advice}"));
            }
        }
    }

    /// Notes where there are more or fewer names than the transport has requests.
    pub(super) fn check_number_of_names(&self, has: Option<usize>, problems: &mut Problems) {
        let asked = self.mix.len().max(1);
        let Some(has) = has.filter(|has| *has != asked) else { return };
        let advice = "over HTTP give the requests with mix(), which has their names";
        let names = self.mix.len();
        problems.add("mix", format!("there are {names} names for {has} requests; {advice}"));
    }

    pub(super) fn parsed_rules(&self, problems: &mut Problems) -> Vec<SlaRule> {
        let names: Vec<_> = self.mix.iter().map(|(name, _)| name.as_str()).collect();
        let mut rules = Vec::with_capacity(self.rules.len());
        for (place, Sla { rule, window_seconds, for_seconds, abort }) in
            self.rules.iter().enumerate()
        {
            let parsed = rule
                .parse::<Rule>()
                .and_then(|rule| rule.check_request(&names).map(|()| rule))
                .and_then(|rule| SlaRule::new(rule, *window_seconds, *for_seconds, *abort));
            match parsed {
                Ok(rule) => rules.push(rule),
                Err(error) => problems.add_error(format!("sla[{place}]"), error),
            }
        }
        // Where one could not be read, places are not those of the list.
        if rules.len() == self.rules.len()
            && let Some((place, why)) = contradiction(rules.iter().map(|rule| &rule.rule))
        {
            problems.add(format!("sla[{place}]"), why);
        }
        rules
    }

    pub(super) fn endpoints(&self, problems: &mut Problems) -> Vec<Endpoint> {
        let given = self.observe.iter().map(|(name, url)| (name.as_deref(), &**url));
        Endpoint::all(given, |path, message| problems.add(path, message))
    }

    /// How long the pacer lets due requests gather.
    pub(super) fn slack(&self) -> Duration {
        self.slack.unwrap_or(DEFAULT_SLACK)
    }

    /// How arrivals are spread.
    pub(super) fn arrivals(&self) -> Arrivals {
        if self.poisson { Arrivals::Poisson { seed: self.seed } } else { Arrivals::Uniform }
    }

    /// Which request each arrival is.
    pub(super) fn picks(&self) -> Mix {
        let weights: Vec<_> = self.mix.iter().map(|(_, weight)| *weight).collect();
        Mix::new(self.seed, &weights)
    }

    /// Which parts of the load are ours: all, on one machine.
    pub(super) fn parts(&self) -> Vec<Share> {
        self.assignment
            .as_ref()
            .map_or_else(|| vec![Share::WHOLE], |assignment| assignment.parts.clone())
    }
}

/// What a worker of a distributed run has to do of it.
#[derive(Debug, Clone)]
pub(crate) struct Assignment {
    /// Whose the snapshots are.
    pub(crate) worker: String,
    /// In which term.
    pub(crate) epoch: u64,
    /// The run's clock, the same on all workers.
    pub(crate) clock: Clock,
    /// The parts that `orders` give us, by which lanes and threads are measured out.
    pub(crate) parts: Vec<Share>,
    /// What the run was told so far, which happened at these moments.
    pub(crate) orders: Vec<(Nanos, Order)>,
    /// Until when we may send.
    pub(crate) fence: Fence,
    /// In a simulation: who is told of each request. The engine then runs on the present thread.
    #[cfg(test)]
    pub(crate) simulated: Option<Arc<dyn SentWatch>>,
}

impl Assignment {
    /// How long after an interval's end it is this worker's turn to publish it.
    pub(super) fn turn(&self) -> Duration {
        TURNS.mul_f64(self.parts.first().map_or(0.0, |part| part.place()))
    }
}
