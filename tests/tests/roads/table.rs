//! Lists what is run on every road, and what must come of it.

use loadcore_target::{Config, Target};
use serde_json::{Value, json};
use std::time::Duration;

/// The target's time for an answer, beside which the host's noise is small.
pub const LATENCY_MS: f64 = 200.0;

/// What a run is told while it goes on.
pub enum Told {
    Pause,
    Resume,
    Rate(f64),
    Stop,
    /// One of its workers is to leave; locally there is none that could.
    Drain,
}

/// A row of the table.
pub struct Case {
    pub name: &'static str,
    /// It belongs to the short form too.
    pub short: bool,
    /// When it ends, or goes on, is said while it runs: its counts follow from that moment.
    pub told: bool,
    scenario: Value,
    target: &'static str,
    orders: Vec<(Duration, Told)>,
    /// Counts that the schedule fixes: due, sent, ok, dropped.
    fixed: Option<[u64; 4]>,
    /// The platform has something to say of it.
    warnings: usize,
}

fn case(name: &'static str, scenario: Value) -> Case {
    Case {
        name,
        short: false,
        told: false,
        scenario,
        target: "",
        orders: Vec::new(),
        fixed: None,
        warnings: 0,
    }
}

fn after(ms: u64, told: Told) -> (Duration, Told) {
    (Duration::from_millis(ms), told)
}

impl Case {
    fn short(self) -> Self {
        Self { short: true, ..self }
    }

    /// Its schedule fixes what is due, sent, ok and dropped.
    fn fixes(self, due: u64, sent: u64, ok: u64, dropped: u64) -> Self {
        Self { fixed: Some([due, sent, ok, dropped]), ..self }
    }

    fn told(self, orders: Vec<(Duration, Told)>) -> Self {
        Self { told: true, orders, ..self }
    }

    fn path(self, target: &'static str) -> Self {
        Self { target, ..self }
    }

    pub fn orders(&self) -> &[(Duration, Told)] {
        &self.orders
    }

    pub fn warnings(&self) -> usize {
        self.warnings
    }

    pub fn workers(&self) -> u64 {
        self.scenario["numWorkers"].as_u64().unwrap_or(1)
    }

    pub fn target(&self) -> Config {
        Config::default()
    }

    /// The whole scenario, on its target.
    pub fn document(&self, target: &Target) -> Value {
        let mut document = self.scenario.clone();
        let path = if self.target.is_empty() { "/?latency=200ms" } else { self.target };
        document["name"] = json!(self.name);
        document["targetUrl"] = json!(target.url(path));
        document
    }

    /// What is not as the schedule fixes it.
    pub fn faults(&self, result: &Value) -> Vec<String> {
        let Some(fixed) = self.fixed else { return Vec::new() };
        let arrivals = &result["arrivals"];
        let found =
            [&arrivals["due"], &arrivals["sent"], &result["outcomes"]["ok"], &arrivals["dropped"]];
        let right = fixed.iter().zip(found).all(|(fixed, found)| found.as_u64() == Some(*fixed));
        let fault = || format!("due, sent, ok, dropped are {found:?} and not {fixed:?}");
        (!right).then(fault).into_iter().collect()
    }
}

/// Every profile, closed loop, and every way in which a run ends.
pub fn cases() -> Vec<Case> {
    let profile = |fields: Value| json!({"durationSeconds": 3, "loadProfile": fields});
    let with = |mut scenario: Value, more: Value| {
        let fields = more.as_object().expect("fields").clone();
        scenario.as_object_mut().expect("fields").extend(fields);
        scenario
    };
    let constant = || profile(json!({"type": "CONSTANT", "initialRps": 40}));
    let five = json!({"numWorkers": 5});
    vec![
        case("constant", constant()).short().fixes(120, 120, 120, 0),
        case("constant, five workers", with(constant(), five.clone()))
            .short()
            .fixes(120, 120, 120, 0),
        case(
            "below one a second",
            json!({"durationSeconds": 4,
            "loadProfile": {"type": "CONSTANT", "initialRps": 0.5}, "numWorkers": 2}),
        )
        .fixes(2, 2, 2, 0),
        case("ramp", profile(json!({"type": "RAMP", "initialRps": 0, "targetRps": 60})))
            .fixes(90, 90, 90, 0),
        case(
            "burst",
            profile(json!({"type": "BURST", "initialRps": 10,
            "bursts": [{"startSecond": 1, "durationSeconds": 1, "rps": 50}]})),
        )
        .fixes(70, 70, 70, 0),
        case(
            "spike",
            profile(json!({"type": "SPIKE", "initialRps": 10, "targetRps": 50,
            "spikeStartSecond": 1, "spikeDurationSeconds": 1})),
        )
        .fixes(70, 70, 70, 0),
        case(
            "steps",
            profile(json!({"type": "STEPS", "steps": [
            {"durationSeconds": 1, "rps": 20}, {"durationSeconds": 2, "rps": 40}]})),
        )
        .short()
        .fixes(100, 100, 100, 0),
        case(
            "sine",
            profile(json!({"type": "SINE", "initialRps": 30, "amplitudeRps": 20,
            "periodSeconds": 3})),
        )
        .fixes(90, 90, 90, 0),
        case(
            "replay",
            profile(json!({"type": "REPLAY", "points": [
            {"second": 0, "rps": 20}, {"second": 3, "rps": 40}]})),
        )
        .fixes(90, 90, 90, 0),
        case(
            "poisson, five workers",
            with(
                constant(),
                json!({"arrivals": "POISSON", "seed": 7,
            "numWorkers": 5}),
            ),
        )
        .short(),
        case("warm-up", with(constant(), json!({"warmupSeconds": 1}))).fixes(120, 120, 120, 0),
        case(
            "warm-up, five workers",
            with(constant(), json!({"warmupSeconds": 1, "numWorkers": 5})),
        )
        .short()
        .fixes(120, 120, 120, 0),
        case("closed loop", json!({"durationSeconds": 3, "connections": 8})).told(Vec::new()),
        case(
            "closed loop, ended by a number",
            json!({"durationSeconds": 604_800, "connections": 8,
            "maxRequests": 96, "sla": ["rps>=10"]}),
        )
        .short()
        .fixes(96, 96, 96, 0),
        case(
            "closed loop, ended by a number, five workers",
            json!({"durationSeconds": 60,
            "connections": 10, "maxRequests": 70, "numWorkers": 5, "sla": ["rps>=10"]}),
        )
        .short()
        .fixes(70, 70, 70, 0),
        case(
            "closed loop, more workers than connections",
            json!({"durationSeconds": 60,
            "connections": 3, "maxRequests": 36, "numWorkers": 5}),
        )
        .short()
        .fixes(36, 36, 36, 0)
        .warns(),
        case(
            "closed loop, ended by a number, drain",
            json!({"durationSeconds": 60,
            "connections": 8, "maxRequests": 200, "numWorkers": 2}),
        )
        .told(vec![after(1_000, Told::Drain)])
        .short()
        .fixes(200, 200, 200, 0),
        case(
            "open loop, ended by a number",
            with(
                constant(),
                json!({"durationSeconds": 604_800,
            "maxRequests": 60, "numWorkers": 2}),
            ),
        )
        .short()
        .fixes(60, 60, 60, 0),
        case("failures", constant())
            .path("/status/503?latency=200ms")
            .short()
            .fixes(120, 120, 0, 0),
        case(
            "checks that fail",
            with(
                constant(),
                json!({"checks": [{"bodyContains": "ok"}, {"header": "x-none"}], "numWorkers": 2}),
            ),
        )
        .short()
        .fixes(120, 120, 0, 0),
        case("answers that never come", with(constant(), json!({"drainSeconds": 0.5})))
            .path("/?latency=50s")
            .fixes(120, 120, 0, 0),
        case("a drain", with(constant(), json!({"numWorkers": 2})))
            .path("/?latency=700ms")
            .short()
            .fixes(120, 120, 120, 0),
        case(
            "too few connections",
            with(
                constant(),
                json!({"connections": 1, "maxBacklog": 5,
            "drainSeconds": 0.5}),
            ),
        )
        .path("/?latency=50s")
        .fixes(120, 1, 0, 119),
        case("a pause", constant())
            .told(vec![after(800, Told::Pause), after(1_500, Told::Resume)])
            .fixes(120, 120, 120, 0)
            .short(),
        case("a rate", with(constant(), json!({"durationSeconds": 4})))
            .told(vec![after(1_000, Told::Rate(60.0))]),
        case("a stop", with(constant(), json!({"durationSeconds": 60, "numWorkers": 2})))
            .told(vec![after(1_500, Told::Stop)])
            .short(),
        case("a stop in closed loop", json!({"durationSeconds": 60, "connections": 4}))
            .told(vec![after(1_500, Told::Stop)]),
        case("a stop in a pause", with(constant(), json!({"durationSeconds": 60})))
            .told(vec![after(800, Told::Pause), after(1_200, Told::Stop)]),
        case(
            "a stop in the drain",
            with(constant(), json!({"durationSeconds": 1, "drainSeconds": 60})),
        )
        .path("/?latency=50s")
        .told(vec![after(2_000, Told::Stop)])
        .fixes(40, 40, 0, 0),
        case(
            "an abort by a rule",
            with(
                constant(),
                json!({"durationSeconds": 60, "sla": [
            {"rule": "error_rate<1%", "windowSeconds": 1, "abort": true}]}),
            ),
        )
        .path("/status/503?latency=200ms")
        .told(Vec::new())
        .short(),
    ]
}

impl Case {
    fn warns(self) -> Self {
        Self { warnings: 1, ..self }
    }
}
