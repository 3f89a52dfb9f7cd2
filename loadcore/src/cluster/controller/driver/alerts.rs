//! Turns what happens to the run's rules into alerts in its timeline, and has them told to webhooks.
//!
//! See [`alerts`](super::super::alerts) for how an alert comes to be told at least once.

use super::super::alerts::{About, Alert, News, PATIENCE, Turn};
use super::{Driver, TICK};
use crate::analysis::sla::Event;
use crate::cluster::store::TimelineEvent;
use crate::result::{RunResult, Span};
use crate::time::{SECOND, unix_millis};
use serde_json::json;

/// Entries of the timeline about the way of alerts. What is more is counted for monitoring alone.
const MOST_NOTES: usize = 1_000;

impl Driver {
    /// An interval has changed what a rule comes to.
    pub(super) fn rule_event(&mut self, event: Event, span: Span) {
        let (turn, place, actual) = match event {
            Event::Violated { rule, actual, .. } => (Turn::Violated, rule, actual),
            Event::Recovered { rule, actual } => (Turn::Recovered, rule, Some(actual)),
        };
        self.decide(turn, place, span.to_ns / SECOND, actual);
    }

    /// What intervals that another controller has stored had changed, and the timeline lacks: it was not
    /// kept any more. What is known of a rule is never decided again, even where the stored intervals
    /// are longer than those that it was decided from, and show it at another second.
    pub(super) fn decide_what_is_lacking(&mut self, replayed: Vec<(Event, Span)>) {
        for (event, span) in replayed {
            let (Event::Violated { rule, .. } | Event::Recovered { rule, .. }) = event;
            let is_violation = matches!(event, Event::Violated { .. });
            let last = self.last_alert(rule);
            let is_violated = last.as_ref().is_some_and(|(turn, _)| *turn == Turn::Violated);
            let is_later = last.is_none_or(|(_, alert)| span.to_ns / SECOND > alert.at_second);
            if is_later && is_violated != is_violation {
                self.rule_event(event, span);
            }
        }
    }

    /// What only the result shows: a rule without a window has no violation before.
    pub(super) fn decide_at_end(&mut self, result: &RunResult) {
        for (place, outcome) in result.sla.iter().enumerate() {
            if !outcome.passed && self.last_alert(place).is_none() {
                self.decide(Turn::Violated, place, result.duration_seconds as u64, outcome.actual);
            }
        }
    }

    /// What the timeline says last of the rule at `place`.
    fn last_alert(&self, place: usize) -> Option<(Turn, Alert)> {
        let mut alerts = self.record.timeline.iter().rev().filter_map(|event| {
            let turn = Turn::of_kind(&event.kind)?;
            let alert: Alert = serde_json::from_value(event.data.clone()).ok()?;
            Some((turn, alert))
        });
        alerts.find(|(_, alert)| alert.place == place)
    }

    fn decide(&mut self, turn: Turn, place: usize, at_second: u64, actual: Option<f64>) {
        let Some(rule) = self.scenario.sla.get(place) else { return };
        let alert = Alert::new(&self.record.id, (place, rule), turn, at_second, actual);
        let what = match turn {
            Turn::Violated => "is violated",
            Turn::Recovered => "holds again",
        };
        let figure = actual.map_or("no request was ok".to_owned(), |actual| actual.to_string());
        let text = format!("the rule {} {what}: {figure}", alert.rule);
        self.event(turn.kind(), &text, json!(alert));
    }

    /// Tells webhooks what is due and kept, and the timeline what came of it.
    pub(super) fn deliver(&mut self) {
        if self.scenario.alerts.is_empty() {
            return;
        }
        let kept = self.keeper.kept().borrow().events.min(self.record.timeline.len());
        let due: Vec<_> =
            self.record.timeline[..kept].iter().filter(|event| event.is_alert()).collect();
        let about = About {
            run: &self.record.id,
            scenario: &self.record.scenario_id,
            name: &self.scenario.name,
            address: &self.controller.options.address,
        };
        let sent = unix_millis() / 1_000;
        let mut told = self.record.told.clone();
        let news = self.courier.turn(&mut told, &due, |event, to| about.ask(event, to, sent));
        let id = |event: &&TimelineEvent| event.data["alert"].as_str().unwrap_or("").to_owned();
        let ids: Vec<_> = news
            .iter()
            .map(|(_, at, _)| due.get(*at as usize).map(id).unwrap_or_default())
            .collect();
        self.changed |= told != self.record.told;
        self.record.told = told;
        for ((place, _, news), id) in news.into_iter().zip(ids) {
            self.controller.figures.alert(&news);
            self.note_delivery(place, &id, news);
        }
    }

    fn note_delivery(&mut self, place: usize, id: &str, news: News) {
        let to = self.courier.webhook(place);
        let (kind, host) = (to.kind(), to.url.origin().host.clone());
        let to = format!("alerts[{place}] ({kind} at {host})");
        let (word, text, tries) = match news {
            News::Arrived { tries: 1 } | News::Failed { tries: 2.., .. } => return,
            News::Arrived { tries } => {
                ("alert_late", format!("{to} was told of {id} at try {tries}"), tries)
            }
            News::Failed { tries, why } => {
                let minutes = PATIENCE.as_secs() / 60;
                let text = format!(
                    "{to} could not be told of {id}: {why}; it is tried again for {minutes} minutes"
                );
                ("alert_failed", text, tries)
            }
            News::GivenUp { tries, why } => {
                let text = format!("{to} was not told of {id}, and will not be: {why}");
                ("alert_given_up", text, tries)
            }
            News::Skipped(count) => {
                let text =
                    format!("{to} was not told of {count} alerts, {id} first: too many wait");
                ("alerts_skipped", text, 0)
            }
        };
        let notes = self.record.timeline.iter().filter(|event| event.kind.starts_with("alert"));
        if notes.count() < MOST_NOTES {
            self.event(word, &text, json!({"alert": id, "webhook": place, "tries": tries}));
        }
    }

    /// Goes on telling after the run's end, until nobody is owed anything.
    pub(super) async fn deliver_what_is_left(&mut self) {
        while self.record.owes_alerts() {
            self.deliver();
            self.save();
            tokio::time::sleep(TICK).await;
        }
        self.save();
        let mut kept = self.keeper.kept();
        self.keeper.flush();
        let _ = kept.wait_for(|kept| kept.all || kept.superseded).await;
    }
}
