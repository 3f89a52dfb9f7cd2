//! Plays webhooks that take alerts, refuse them, lose their answers or are away, and checks what they
//! were told: each alert that was decided, in its order, under one id, and nothing else.

use super::{Dice, World, alone};
use crate::analysis::Judge;
use crate::analysis::sla::Event;
use crate::cluster::controller::Post;
use crate::cluster::store::{RunRecord, Store, TimelineEvent};
use crate::http::fetch::{Ask, FetchError, Reply};
use crate::record::Snapshot;
use crate::result::RunStart;
use crate::scenario::Scenario;
use crate::time::{SECOND as SECOND_NS, now};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// The webhooks of a simulation, whatever their URL.
#[derive(Debug)]
pub(super) struct Mailbox {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    /// Of a hundred requests so many are refused, and of the others so many answered by nothing.
    troubled: u64,
    away_until: Option<Instant>,
    /// Host, id and body of each request that was taken.
    taken: Vec<(String, String, Value)>,
}

impl Mailbox {
    pub(super) fn new(seed: u64, troubled: u64) -> Self {
        let (away_until, taken) = (None, Vec::new());
        Self { state: Mutex::new(State { dice: Dice::new(seed), troubled, away_until, taken }) }
    }

    fn is_away(&self, time: Duration) {
        self.state.lock().unwrap().away_until = Some(now() + time);
    }

    /// The ids that `host` was told, each the first time that it was.
    fn told(&self, host: &str) -> Vec<String> {
        let mut told = Vec::new();
        for (at, id, _) in &self.state.lock().unwrap().taken {
            if at == host && !told.contains(id) {
                told.push(id.clone());
            }
        }
        told
    }

    /// Whether one id was always told with one text.
    fn check_bodies(&self) -> Result<(), String> {
        let state = self.state.lock().unwrap();
        for (_, id, body) in &state.taken {
            let other = state.taken.iter().find(|(_, known, told)| known == id && told != body);
            if let Some((_, _, other)) = other {
                return Err(format!("12: {id} was told as {body} and as {other}"));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Post for Mailbox {
    async fn post(&self, ask: &Ask) -> Result<Reply, FetchError> {
        let (takes, refused, lost) = {
            let mut state = self.state.lock().unwrap();
            let troubled = state.troubled;
            let takes = Duration::from_millis(state.dice.between(1, 300));
            let away = state.away_until.is_some_and(|until| now() < until);
            (takes, away || state.dice.chance(troubled), state.dice.chance(troubled))
        };
        tokio::time::sleep(takes).await;
        let reply =
            |status| Reply { status, headers: Default::default(), body: Default::default() };
        if refused {
            return Ok(reply(503));
        }
        let id = ask.headers.iter().find(|(name, _)| name.as_str() == "webhook-id");
        let id = id.expect("each has its id").1.to_str().unwrap().to_owned();
        let body = serde_json::from_slice(&ask.body).unwrap();
        self.state.lock().unwrap().taken.push((ask.url.origin().host.clone(), id, body));
        match lost {
            true => Err(FetchError::Late { awaited: "whole reply", deadline: 10 * SECOND }),
            false => Ok(reply(204)),
        }
    }
}

/// Rules that a target which is slow now and then violates now and then, and who is told.
pub(super) fn with_alerts(scenario: &mut Value) {
    scenario["sla"] = json!([
        {"rule": "max<400ms", "windowSeconds": 1},
        {"rule": "mean<40ms", "windowSeconds": 3},
        "max<1ms",
    ]);
    let hook = |host: &str| json!({"type": "webhook", "url": format!("http://{host}/")});
    scenario["alerts"] = json!([hook("one.test"), hook("two.test")]);
}

/// Invariant 12, of a run that has ended: what was decided is what the stored intervals say, and each
/// webhook is told of it.
pub(super) async fn check(world: &mut World) -> Result<(), String> {
    world.network.calm();
    let deadline = now() + 700 * SECOND;
    let record = loop {
        let record = world.record().await;
        if !record.owes_alerts() {
            break record;
        }
        if world.controllers.is_empty() {
            world.add_controller().await;
        }
        if now() > deadline {
            return Err(format!("12: not told in time: {:?} {:#?}", record.told, record.timeline));
        }
        tokio::time::sleep(SECOND).await;
    };
    let decided: Vec<_> = record.timeline.iter().filter(|event| event.is_alert()).collect();
    let ids: Vec<_> = decided.iter().map(|event| id(event)).collect();
    for host in ["one.test", "two.test"] {
        let told = world.mailbox.told(host);
        if told != ids {
            return Err(format!("12: decided {ids:?}, told {host} {told:?}"));
        }
    }
    let shown: Vec<_> = decided.iter().map(|event| shown(event)).collect();
    let expected = replayed(world, &record).await;
    // Of a rule that no window has changed the result alone may say that it does not hold.
    let by_windows = shown.iter().filter(|(rule, ..)| expected.iter().any(|(it, ..)| it == rule));
    if by_windows.ne(&expected) {
        return Err(format!("12: decided {shown:?}, and the intervals say {expected:?}"));
    }
    world.mailbox.check_bodies()
}

fn id(event: &TimelineEvent) -> String {
    event.data["alert"].as_str().unwrap().to_owned()
}

/// Rule, whether it is violated, second.
fn shown(event: &TimelineEvent) -> (u64, bool, u64) {
    let number = |field: &str| event.data[field].as_u64().unwrap();
    (number("place"), event.kind == "sla_violated", number("atSecond"))
}

/// What the stored intervals change about the rules.
async fn replayed(world: &World, record: &RunRecord) -> Vec<(u64, bool, u64)> {
    let scenario = world.secrets.open(&record.scenario).unwrap();
    let scenario = Scenario::from_value(scenario).unwrap();
    let mut judge = Judge::new(scenario.sla.clone(), &RunStart::default());
    let stored = world.store.intervals(&record.owner, &record.id, 0, usize::MAX).await.unwrap();
    let mut changes = Vec::new();
    for it in stored {
        let interval = Snapshot::decode(&it.bytes).unwrap().total;
        let span =
            crate::result::Span { from_ns: it.from_ns, to_ns: it.to_ns, draining: it.draining };
        for event in judge.interval(&interval, span, 0) {
            let (rule, begins) = match event {
                Event::Violated { rule, .. } => (rule, true),
                Event::Recovered { rule, .. } => (rule, false),
            };
            changes.push((rule as u64, begins, it.to_ns / SECOND_NS));
        }
    }
    changes
}

/// A run of 20 s with alerts, 5 s of which are gone, on a target that hangs from then on.
async fn a_run_that_goes_wrong() -> World {
    let mut world = World::new(3, false);
    world.mailbox = Arc::new(Mailbox::new(3, 0));
    world.add_controller().await;
    world.add_worker();
    tokio::time::sleep(SECOND).await;
    let mut scenario = json!({
        "name": "simulated", "targetUrl": "http://target.test/", "durationSeconds": 20,
        "loadProfile": {"type": "CONSTANT", "initialRps": 50}, "drainSeconds": 2, "seed": 7,
    });
    with_alerts(&mut scenario);
    // Neither of them minds a slow request now and then.
    scenario["sla"] = json!([{"rule": "error_rate<50%", "windowSeconds": 2}, "ok_p50<1us"]);
    scenario["timeoutSeconds"] = json!(1);
    world.submit(scenario).await;
    tokio::time::sleep(6 * SECOND).await;
    world.witness.hangs();
    world
}

/// Waits for the run's end, and for what it owes.
async fn is_told(world: &mut World) -> RunRecord {
    for _ in 0..90 {
        if world.record().await.state.has_ended() {
            break;
        }
        tokio::time::sleep(SECOND).await;
    }
    check(world).await.unwrap();
    world.record().await
}

fn notes(record: &RunRecord) -> Vec<&str> {
    let kinds = record.timeline.iter().map(|event| event.kind.as_str());
    kinds.filter(|kind| kind.starts_with("alert")).collect()
}

#[test]
fn a_controller_that_dies_between_decision_and_telling_leaves_it_to_the_next() {
    alone(async {
        let mut world = a_run_that_goes_wrong().await;
        world.mailbox.is_away(3_600 * SECOND);
        while !world.record().await.timeline.iter().any(TimelineEvent::is_alert) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let decided = world.record().await;
        let decided: Vec<_> = decided.timeline.iter().filter(|it| it.is_alert()).map(id).collect();
        world.controllers.clear();
        world.mailbox.is_away(Duration::ZERO);
        assert_eq!(world.mailbox.told("one.test"), [""; 0]);
        world.change_controller().await;
        let record = is_told(&mut world).await;
        assert!(world.mailbox.told("two.test").starts_with(&decided), "{:#?}", record.timeline);
    });
}

#[test]
fn a_run_that_has_ended_tells_what_it_owes_whoever_leads() {
    alone(async {
        let mut world = a_run_that_goes_wrong().await;
        world.mailbox.is_away(3_600 * SECOND);
        while !world.record().await.state.has_ended() {
            tokio::time::sleep(SECOND).await;
        }
        assert!(world.record().await.owes_alerts());
        world.change_controller().await;
        tokio::time::sleep(10 * SECOND).await;
        // What it came to is seen meanwhile, and cannot be changed any more.
        let (leader, record) = (world.leader().unwrap(), world.record().await);
        let mut frames = leader.frames(&record.owner, &record.id, 0).await.unwrap();
        let mut last = None;
        while let Some(frame) = frames.next().await {
            last = Some(frame.kind());
        }
        assert_eq!(last, Some(crate::cluster::controller::api::FrameKind::End));
        world.mailbox.is_away(Duration::ZERO);
        is_told(&mut world).await;
        // Not taken up again, and nothing more is written.
        let revision = world.record().await.revision;
        tokio::time::sleep(300 * SECOND).await;
        assert_eq!(world.record().await.revision, revision);
    });
}

#[test]
fn a_webhook_that_is_away_for_a_minute_is_told_when_it_is_back() {
    alone(async {
        let mut world = a_run_that_goes_wrong().await;
        world.mailbox.is_away(60 * SECOND);
        let back = now() + 60 * SECOND;
        while world.mailbox.told("one.test").is_empty() {
            tokio::time::sleep(SECOND).await;
        }
        let late = now().saturating_duration_since(back);
        assert!(now() >= back && late <= 32 * SECOND, "{late:?} after it was back");
        let record = is_told(&mut world).await;
        let mut notes = notes(&record);
        notes.sort_unstable();
        assert_eq!(
            notes,
            ["alert_failed", "alert_failed", "alert_late", "alert_late"],
            "{record:#?}"
        );
    });
}

#[test]
fn a_webhook_that_never_comes_back_is_given_up_and_the_timeline_says_so() {
    alone(async {
        let world = a_run_that_goes_wrong().await;
        world.mailbox.is_away(3_600 * SECOND);
        let begun = now();
        while !world.record().await.state.has_ended() || world.record().await.owes_alerts() {
            tokio::time::sleep(SECOND).await;
        }
        let gone = now().saturating_duration_since(begun);
        assert!(gone > 500 * SECOND && gone < 700 * SECOND, "{gone:?}");
        let record = world.record().await;
        let decided = record.timeline.iter().filter(|event| event.is_alert()).count();
        let given_up = notes(&record).iter().filter(|kind| **kind == "alert_given_up").count();
        assert_eq!((decided, given_up), (2, 4), "{:#?}", record.timeline);
    });
}
