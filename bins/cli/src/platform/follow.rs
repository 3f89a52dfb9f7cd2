//! Turns a run on a platform into its end: asks how it is once a second, hands on what is new, and
//! tells the platform to stop it where the user wants that.
//!
//! Asking needs nothing but HTTP, and a controller that is started again is asked as before. A run
//! has its deadlines on the platform; here, only what does not answer is given up.

use super::client::Client;
use super::problem::CallError;
use super::view::View;
use crate::exit::Failure;
use crate::progress::Latest;
use loadcore::time::{Clock, Nanos, nanos};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::watch;

/// Between two questions.
const EVERY: Duration = Duration::from_secs(1);
/// After an answer that took its time, this many times that: a long result is not asked for so often.
const RESPECT: u32 = 10;
/// How long a platform may be away: a controller that is started again needs a few seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a stopped run may take to end, after its drain: workers that do not answer are given up
/// by the platform after 60 s.
const ENDING: Duration = Duration::from_secs(75);

/// What following needs to know, and whom it tells.
pub(super) struct Follower<'a> {
    pub(super) client: &'a Client,
    pub(super) run: &'a str,
    pub(super) drain: Duration,
    /// Whether the user wants an end.
    pub(super) stop: watch::Receiver<bool>,
    /// Tells the user something.
    pub(super) say: &'a dyn Fn(&str),
    /// Shows how the run is; `None` where nobody looks.
    pub(super) show: Option<&'a dyn Fn(Latest)>,
    /// What the run waits for is told, each thing once: where no line shows it.
    pub(super) tells_waiting: bool,
}

/// How following a run ended.
pub(super) enum Followed {
    /// With the run.
    Ended(View),
    /// The user wanted an end, and it did not come in time: what was known last.
    GivenUp(View),
}

impl Follower<'_> {
    /// Stays with the run until its end.
    ///
    /// # Errors
    /// When the platform was away for too long, or does not know the run.
    pub(super) async fn follow(mut self) -> Result<Followed, Failure> {
        let mut last = View::default();
        let (mut warned, mut waited_for) = (0, String::new());
        let mut away: Option<Clock> = None;
        let mut stopping: Option<Stopping> = None;
        loop {
            let asked = Clock::start();
            if *self.stop.borrow() {
                self.ask_to_stop(stopping.get_or_insert_with(Stopping::begin)).await;
            }
            match self.client.get(&format!("/runs/{}", self.run)).await {
                Ok(document) => {
                    if away.take().is_some() {
                        (self.say)("the controller answers again");
                    }
                    last = View::of(document);
                    self.warn(&last, &mut warned);
                    self.tell_waiting(&last, &mut waited_for);
                    if last.has_ended() {
                        return Ok(Followed::Ended(last));
                    }
                    self.show(&last).await;
                }
                Err(CallError::Away(why) | CallError::Busy(why)) => {
                    let since = away.get_or_insert_with(|| self.tell_away(&why));
                    if since.now() > nanos(PATIENCE) && stopping.is_none() {
                        return Err(self.lost(&why));
                    }
                }
                Err(other) => return Err(other.into_failure(self.client.shown(), "show the run")),
            }
            if stopping.as_ref().is_some_and(|it| it.since.now() > nanos(self.drain + ENDING)) {
                return Ok(Followed::GivenUp(last));
            }
            self.rest(asked.now()).await;
        }
    }

    fn warn(&self, view: &View, warned: &mut usize) {
        for warning in view.warnings().skip(*warned) {
            (self.say)(&format!("warning: {warning}"));
            *warned += 1;
        }
    }

    fn tell_waiting(&self, view: &View, told: &mut String) {
        let Some(waiting) = view.waiting().filter(|_| self.tells_waiting) else { return };
        if waiting.what != *told {
            (self.say)(&waiting.to_string());
            *told = waiting.what;
        }
    }

    async fn show(&self, view: &View) {
        let Some(show) = self.show else { return };
        let path = format!("/runs/{}/stats/realtime?lastNSeconds=1", self.run);
        // Without it the line shows less.
        let last_second = self.client.get(&path).await.unwrap_or(Value::Null);
        show(view.latest(&last_second));
    }

    /// Once it was heard there is nothing to be said again.
    async fn ask_to_stop(&self, stopping: &mut Stopping) {
        if stopping.heard {
            return;
        }
        match self.client.post(&format!("/runs/{}/stop", self.run), None).await {
            Ok(_) => stopping.heard = true,
            Err(CallError::Problem(problem)) => {
                stopping.heard = true;
                if !problem.has_ended() {
                    (self.say)(&format!("the run could not be stopped: {}", problem.detail()));
                }
            }
            Err(CallError::Away(_) | CallError::Busy(_) | CallError::Write(_)) => {}
        }
    }

    fn tell_away(&self, why: &str) -> Clock {
        let (url, patience) = (self.client.shown(), PATIENCE.as_secs());
        (self.say)(&format!("the controller at {url} {why}; trying again for {patience} s"));
        Clock::start()
    }

    fn lost(&self, why: &str) -> Failure {
        let (url, run, patience) = (self.client.shown(), self.run, PATIENCE.as_secs());
        Failure::Platform(format!(
            "the controller at {url} was away for {patience} s, and {why}; run {run} may go on there"
        ))
    }

    /// Until the next question, or the wish to end.
    async fn rest(&mut self, took: Nanos) {
        let pause = EVERY.max(Duration::from_nanos(took).saturating_mul(RESPECT)).min(PATIENCE / 2);
        let wanted = *self.stop.borrow_and_update();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = self.stop.changed(), if !wanted => {
                // Nobody is left who could want it.
                if changed.is_err() {
                    tokio::time::sleep(EVERY).await;
                }
            }
        }
    }
}

/// What became of the wish to end.
struct Stopping {
    since: Clock,
    /// The platform knows.
    heard: bool,
}

impl Stopping {
    fn begin() -> Self {
        Self { since: Clock::start(), heard: false }
    }
}
