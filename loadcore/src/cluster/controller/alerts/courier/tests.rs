//! Plays webhooks under a clock that stands still but for waiting.

use super::*;
use crate::request::ErrorClass;
use crate::request::Failure;
use crate::scenario::Scenario;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Mutex;

/// What a webhook answers.
type Answer = fn() -> Result<Reply, FetchError>;

/// Answers one thing after another, and the last one for ever.
#[derive(Debug, Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Post for Script {
    async fn post(&self, ask: &Ask) -> Result<Reply, FetchError> {
        let text = String::from_utf8(ask.body.to_vec()).unwrap();
        self.asked.lock().unwrap().push(text);
        let mut answers = self.answers.lock().unwrap();
        let answer = answers.front().copied().unwrap();
        if answers.len() > 1 {
            answers.pop_front();
        }
        answer()
    }
}

fn taken() -> Result<Reply, FetchError> {
    Ok(Reply { status: 200, headers: Default::default(), body: Default::default() })
}

fn broken() -> Result<Reply, FetchError> {
    Ok(Reply { status: 500, ..taken()? })
}

fn moved() -> Result<Reply, FetchError> {
    let to = [(LOCATION, "http://10.0.0.1/secret".parse().unwrap())];
    Ok(Reply { status: 302, headers: to.into_iter().collect(), ..taken()? })
}

fn blocked() -> Result<Reply, FetchError> {
    Err(Failure::new(ErrorClass::BlockedByPolicy, "10.0.0.1 may not be loaded").into())
}

struct Trial {
    script: Arc<Script>,
    courier: Courier,
    told: Vec<u64>,
    events: Vec<TimelineEvent>,
}

impl Trial {
    fn new(answers: &[Answer], events: u64) -> Self {
        let script = Arc::new(Script::default());
        script.answers.lock().unwrap().extend(answers);
        let document = json!({
            "name": "n", "targetUrl": "http://a/", "durationSeconds": 1,
            "alerts": [{"type": "webhook", "url": "http://h/"}],
        });
        let scenario = Scenario::from_value(document).unwrap();
        let courier = Courier::new(Arc::clone(&script) as _, &scenario.alerts);
        let event = |n: u64| TimelineEvent {
            at_unix_ms: 0,
            at_seconds: None,
            kind: "sla_violated".into(),
            text: n.to_string(),
            data: Value::Null,
            seq: 0,
        };
        Self { script, courier, told: Vec::new(), events: (0..events).map(event).collect() }
    }

    /// Looks ten times a second, as a driver does, for so many seconds.
    async fn goes_on(&mut self, seconds: u64) -> Vec<(u64, News)> {
        let mut all = Vec::new();
        for _ in 0..10 * seconds {
            let due: Vec<_> = self.events.iter().collect();
            let ask = |event: &TimelineEvent, to: &Alert| {
                Some(Ask { body: event.text.clone().into(), ..Ask::get(to.url.clone()) })
            };
            let news = self.courier.turn(&mut self.told, &due, ask);
            all.extend(news.into_iter().map(|(_, at, news)| (at, news)));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        all
    }

    fn asked(&self) -> Vec<String> {
        self.script.asked.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn alerts_arrive_one_after_another() {
    let mut trial = Trial::new(&[taken], 5);
    let news = trial.goes_on(2).await;
    let arrived = News::Arrived { tries: 1 };
    assert_eq!(news, (0..5).map(|at| (at, arrived.clone())).collect::<Vec<_>>());
    assert_eq!((trial.asked().join(""), trial.told), ("01234".into(), vec![5]));
}

#[tokio::test(start_paused = true)]
async fn who_fails_is_asked_again_less_and_less_often_and_before_the_next_alert() {
    let mut trial = Trial::new(&[broken, broken, broken, taken], 2);
    let news = trial.goes_on(10).await;
    assert_eq!(trial.asked().join(""), "00001");
    let why = || "it answered 500".to_owned();
    let failed = |tries| (0, News::Failed { tries, why: why() });
    let arrived = |at, tries| (at, News::Arrived { tries });
    assert_eq!(news, [failed(1), failed(2), failed(3), arrived(0, 4), arrived(1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_given_up_and_the_next_ones_are_tried_once_until_one_arrives() {
    let mut trial = Trial::new(&[broken], 3);
    let news = trial.goes_on(560).await;
    let tries = trial.asked().len();
    assert!((20..45).contains(&tries), "{tries} tries");
    assert!(news.iter().all(|(at, it)| *at == 0 && matches!(it, News::Failed { .. })));
    let news = trial.goes_on(50).await;
    let given_up: Vec<_> =
        news.iter().filter(|(_, it)| matches!(it, News::GivenUp { .. })).map(|it| it.0).collect();
    assert_eq!((given_up, trial.told.clone()), (vec![0, 1, 2], vec![3]));
    trial.script.answers.lock().unwrap().push_front(taken);
    trial.script.answers.lock().unwrap().insert(1, broken);
    let more = Trial::new(&[taken], 5).events;
    trial.events = more;
    let news = trial.goes_on(2).await;
    assert_eq!(news[0], (3, News::Arrived { tries: 1 }));
    assert!(matches!(news[1], (4, News::Failed { .. })), "it is patient again: {news:?}");
}

#[tokio::test(start_paused = true)]
async fn of_too_many_the_oldest_are_left_out() {
    let mut trial = Trial::new(&[taken], 250);
    let news = trial.goes_on(1).await;
    assert_eq!(news[..2], [(0, News::Skipped(150)), (150, News::Arrived { tries: 1 })]);
}

#[tokio::test(start_paused = true)]
async fn what_happened_is_said_without_what_may_be_a_secret() {
    for (answer, expected) in [
        (moved as fn() -> _, "it answered 302 and leads to 10.0.0.1, where nothing is sent"),
        (blocked, "blocked_by_policy: 10.0.0.1 may not be loaded"),
        (|| panic!("in the post"), "panicked"),
    ] {
        let mut trial = Trial::new(&[answer], 1);
        let news = trial.goes_on(1).await;
        let (_, News::Failed { tries: 1, why }) = &news[0] else { panic!("{news:?}") };
        assert!(why.contains(expected), "{why}");
    }
}
