//! Turns a scenario into a run that a platform has begun, or into why there is none.

use super::client::Client;
use super::problem::CallError;
use crate::exit::Failure;
use crate::interrupt::Interrupts;
use crate::terminal;
use loadcore::scenario::Scenario;
use loadcore::time::{Clock, nanos};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// How long the first call is made again, and how often.
const FIRST_CALL: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(200);
/// How long an answer is awaited after a Ctrl-C, and how long the end of a run that it names.
const LAST_WORD: Duration = Duration::from_secs(2);

/// Starts the scenario; answers the run's id. A controller that is not there yet, or cannot now, is
/// asked again: it may have been started in the line before. So is one that broke off: whether it
/// did it or not, it knows the call by its key.
pub(super) async fn submit(
    client: &Client,
    scenario: &Scenario,
    quiet: bool,
    interrupts: &mut Interrupts,
) -> Result<String, Failure> {
    let mut document = scenario.to_value();
    document["autoStart"] = true.into();
    let key = Uuid::now_v7().to_string();
    let begun = Clock::start();
    let (mut told, mut may_be_done) = (quiet, false);
    let created = loop {
        let call = client.post_once("/scenarios", &document, &key);
        tokio::pin!(call);
        let answered = tokio::select! {
            answered = &mut call => answered,
            () = interrupts.first() => {
                // It may have started the run, which is stopped then.
                take_back(client, timeout(LAST_WORD, call).await.ok()).await;
                return Err(Failure::Interrupted);
            }
        };
        may_be_done |= matches!(answered, Err(CallError::Away(_)));
        match answered {
            Err(CallError::Busy(why) | CallError::Away(why)) if begun.now() < nanos(FIRST_CALL) => {
                if !std::mem::replace(&mut told, true) {
                    let (url, patience) = (client.shown(), FIRST_CALL.as_secs());
                    let text =
                        format!("the controller at {url} {why}; trying again for {patience} s");
                    terminal::tell(&text);
                }
                tokio::select! {
                    () = sleep(AGAIN) => {}
                    () = interrupts.first() => {
                        if may_be_done {
                            take_back(client, None).await;
                        }
                        return Err(Failure::Interrupted);
                    }
                }
            }
            answered => break answered,
        }
    };
    let created = created.map_err(|why| why.into_failure(client.shown(), "start the run"))?;
    id_of(&created).map(str::to_owned).ok_or_else(|| {
        let url = client.shown();
        Failure::Platform(format!("{url} named no run: is it a loadcore controller?"))
    })
}

fn id_of(created: &Value) -> Option<&str> {
    created["runId"].as_str()
}

/// Stops what the first call has started, if anything; `None`: it was not answered.
async fn take_back(client: &Client, answered: Option<Result<Value, CallError>>) {
    let url = client.shown();
    let text = match answered {
        Some(Ok(created)) => {
            let Some(run) = id_of(&created) else { return };
            let path = format!("/runs/{run}/stop");
            match timeout(LAST_WORD, client.post(&path, None)).await {
                Ok(Ok(_)) => format!("run {run} on {url} was stopped"),
                _ => format!("run {run} on {url} could not be stopped: it may go on there"),
            }
        }
        // It has said that there is none.
        Some(Err(CallError::Problem(_) | CallError::Write(_))) => return,
        Some(Err(CallError::Busy(_) | CallError::Away(_))) | None => {
            format!(
                "the controller at {url} has not said whether it started the run: it may go on there"
            )
        }
    };
    terminal::tell(&text);
}
