//! Turns commands into entries of the journal, or into why they are refused.

use super::Driver;
use crate::cluster::controller::api::{Command, ControllerError};
use crate::cluster::journal::Entry;
use crate::cluster::store::RunState;
use crate::time::{MILLISECOND, Nanos};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// From an order to its moment, so that every worker has heard of it.
const NOTICE: Nanos = 500 * MILLISECOND;

impl Driver {
    pub(super) fn hear(
        &mut self,
        command: Command,
        to: oneshot::Sender<Result<(), ControllerError>>,
    ) {
        match self.command(command) {
            Ok(()) => {
                let entries = self.record.journal.len() as u64;
                self.answers.add(to, entries);
            }
            // Whoever asked may have gone.
            Err(error) => drop(to.send(Err(error))),
        }
    }

    pub(super) fn command(&mut self, command: Command) -> Result<(), ControllerError> {
        let refuse = |text: &str| Err(ControllerError::Refused(text.to_owned()));
        if self.record.state == RunState::Stopping {
            return match command {
                Command::Stop => {
                    self.stop_draining("stopped", "the run was stopped");
                    Ok(())
                }
                _ => refuse("the run is being stopped: it cannot be changed any more"),
            };
        }
        if self.record.state.has_ended() {
            return Err(ControllerError::HasEnded {
                run: self.record.id.clone(),
                state: self.record.state,
            });
        }
        if command == Command::Stop {
            self.stop(RunState::Aborted, "stopped", "the run was stopped");
            return Ok(());
        }
        if !matches!(self.record.state, RunState::Running | RunState::Paused) {
            return refuse("the run has not started yet: it can be stopped, and nothing else");
        }
        let at_ns = self.moment(NOTICE);
        match command {
            Command::Pause if self.standing.paused => return refuse("the run is paused already"),
            Command::Pause => {
                self.note(Entry::Pause { at_ns });
                self.state(RunState::Paused);
                self.effect("paused", "the profile's clock stops", at_ns);
            }
            Command::Resume if !self.standing.paused => return refuse("the run is not paused"),
            Command::Resume => {
                self.note(Entry::Resume { at_ns });
                self.state(RunState::Running);
                self.effect("resumed", "the profile's clock goes on", at_ns);
            }
            Command::Rate { target_rps, over_seconds } => {
                if !(0.0..=1e9).contains(&target_rps) {
                    return refuse(&format!("targetRps is {target_rps}: give 0 to 1000000000"));
                }
                if !(0.0..=604_800.0).contains(&over_seconds) {
                    return refuse(&format!("overSeconds is {over_seconds}: give 0 to 604800"));
                }
                if !self.scenario.load.is_open() {
                    return refuse("a closed loop has no rate to be changed");
                }
                if let Some(why) = self.too_fast(target_rps) {
                    return refuse(&why);
                }
                self.note(Entry::Rate { at_ns, target_rps, over_seconds });
                let text = format!("the rate goes to {target_rps}/s within {over_seconds} s");
                let data = json!({"targetRps": target_rps, "overSeconds": over_seconds});
                self.event("rate_changed", &text, data);
            }
            Command::Stop => {}
        }
        Ok(())
    }

    pub(super) fn stop(&mut self, end_as: RunState, kind: &str, text: &str) {
        self.record.ends_as = Some(end_as);
        self.event(kind, text, Value::Null);
        self.take_start_back();
        if self.standing.start_us.is_none() {
            // Nothing was sent: there is nothing to wait for.
            self.note(Entry::Close);
        } else {
            let at_ns = self.moment(NOTICE);
            self.note(Entry::Stop { at_ns });
        }
        self.state(RunState::Stopping);
    }

    /// Ends it where the whole platform is halted.
    pub(super) fn obey_halt(&mut self) {
        let Some(halt) = self.controller.halt.borrow().clone() else { return };
        match self.record.state {
            state if state.has_ended() => {}
            RunState::Stopping => self.stop_draining("halted", &halt.to_string()),
            _ => self.stop(RunState::Aborted, "halted", &halt.to_string()),
        }
    }

    /// What is in flight when nothing more falls due is not awaited any longer.
    fn stop_draining(&mut self, kind: &str, text: &str) {
        let drains = |member| !self.merging.is_final(member);
        let drains = self.owners_alive().iter().any(drains);
        if drains && self.standing.stopped_at.is_none() {
            self.stop(RunState::Aborted, kind, text);
        }
    }
}
