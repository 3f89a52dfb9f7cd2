//! Turns an entry of a run's timeline into the request that tells a webhook of it.

use super::{Alert, Turn, sign};
use crate::analysis::sla::in_words;
use crate::cluster::store::TimelineEvent;
use crate::cluster::{RunId, ScenarioId};
use crate::http::fetch::Ask;
use crate::request::FieldName;
use crate::result::rfc3339;
use crate::scenario::{self, AlertForm};
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

/// What an alert is about, beside the rule.
pub(in super::super) struct About<'a> {
    pub(in super::super) run: &'a RunId,
    pub(in super::super) scenario: &'a ScenarioId,
    /// The scenario's name.
    pub(in super::super) name: &'a str,
    /// Where the controller's API is.
    pub(in super::super) address: &'a str,
}

impl About<'_> {
    /// The request that tells `to` of `event`, sent now; `None` if it is no alert.
    pub(in super::super) fn ask(
        &self,
        event: &TimelineEvent,
        to: &scenario::Alert,
        unix_seconds: u64,
    ) -> Option<Ask> {
        let alert: Alert = serde_json::from_value(event.data.clone()).ok()?;
        let turn = Turn::of_kind(&event.kind)?;
        let (body, key) = match &to.form {
            AlertForm::Webhook { secret } => (self.webhook(&alert, event), secret.as_ref()),
            AlertForm::Slack => (self.slack(&alert, turn), None),
        };
        let body = body.to_string().into_bytes();
        let json = HeaderValue::from_static("application/json");
        let mut headers = vec![(FieldName::known(CONTENT_TYPE, "Content-Type"), json)];
        let key = key.map(scenario::AlertSecret::key);
        headers.extend(sign::fields(&alert.alert, unix_seconds, &body, key));
        Some(Ask { url: to.url.clone(), method: Method::POST, headers, body: body.into() })
    }

    fn webhook(&self, alert: &Alert, event: &TimelineEvent) -> Value {
        json!({
            "id": alert.alert,
            "type": event.kind,
            "runId": self.run,
            "scenario": {"id": self.scenario, "name": self.name},
            "rule": alert.rule,
            "request": alert.request,
            "actual": alert.actual,
            "unit": alert.unit,
            "windowSeconds": alert.window_seconds,
            "atSecond": alert.at_second,
            "at": rfc3339(event.at_unix_ms),
            "link": self.link(),
        })
    }

    /// As Slack's incoming webhooks take it: a text for notices, and blocks in its place.
    fn slack(&self, alert: &Alert, turn: Turn) -> Value {
        let figure = alert.actual.map_or("no figure".to_owned(), |it| in_words(it, &alert.unit));
        let (sign, what) = match turn {
            Turn::Violated => (":red_circle:", "is violated"),
            Turn::Recovered => (":large_green_circle:", "holds again"),
        };
        let [name, rule, run, link] =
            [self.name, &alert.rule, &self.run.0, &self.link()].map(escaped);
        let over = match alert.window_seconds {
            Some(seconds) => format!("over {seconds} s, at second {}", alert.at_second),
            None => "over the whole run".to_owned(),
        };
        let text = format!("{name}: {rule} {what} ({figure})");
        let line = format!("{sign} *{name}*: {rule} {what}\n{figure} {over}");
        json!({
            "text": text,
            "blocks": [
                {"type": "section", "text": {"type": "mrkdwn", "text": line}},
                {"type": "context", "elements": [
                    {"type": "mrkdwn", "text": format!("<{link}|run {run}>")},
                ]},
            ],
        })
    }

    fn link(&self) -> String {
        format!("{}/api/v1/runs/{}", self.address, self.run)
    }
}

/// What Slack would read as the beginning of a link or an entity, as it says that it is written.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::sla::SlaRule;
    use crate::scenario::Scenario;

    fn asked(to: Value, name: &str, rule: &str, turn: Turn) -> (Ask, Value) {
        let document = json!({
            "name": name, "targetUrl": "http://a/", "durationSeconds": 9, "alerts": [to],
            "mix": [{"name": "a<b>&c"}],
        });
        let scenario = Scenario::from_value(document).unwrap();
        let rule: SlaRule =
            serde_json::from_value(json!({"rule": rule, "windowSeconds": 5})).unwrap();
        let run = RunId::from("r1");
        let event = TimelineEvent {
            at_unix_ms: 1_767_225_600_000,
            at_seconds: Some(12.1),
            kind: turn.kind().into(),
            text: String::new(),
            data: json!(Alert::new(&run, (2, &rule), turn, 12, Some(312.4))),
            seq: 3,
        };
        let about =
            About { run: &run, scenario: &"s1".into(), name, address: "http://127.0.0.1:8080" };
        let ask = about.ask(&event, &scenario.alerts[0], 77).unwrap();
        let body = serde_json::from_slice(&ask.body).unwrap();
        (ask, body)
    }

    #[test]
    fn a_webhook_is_told_all_that_is_known() {
        let hook = json!({"type": "webhook", "url": "http://h/", "secret": "0123456789abcdef"});
        let (ask, body) = asked(hook, "shop", "p99{a<b>&c}<250ms", Turn::Violated);
        assert_eq!(
            body,
            json!({
                "id": "r1-rule2-begins-12", "type": "sla_violated", "runId": "r1",
                "scenario": {"id": "s1", "name": "shop"}, "rule": "p99{a<b>&c}<250ms",
                "request": "a<b>&c", "actual": 312.4, "unit": "ms", "windowSeconds": 5,
                "atSecond": 12, "at": "2026-01-01T00:00:00.000Z",
                "link": "http://127.0.0.1:8080/api/v1/runs/r1",
            })
        );
        let names: Vec<_> = ask.headers.iter().map(|(name, _)| name.written()).collect();
        let all = ["Content-Type", "webhook-id", "webhook-timestamp", "webhook-signature"];
        assert_eq!(names, all);
        assert_eq!(ask.headers[1].1, "r1-rule2-begins-12");
    }

    #[test]
    fn names_with_markup_are_text_to_slack() {
        let slack = json!({"type": "slack", "url": "https://hooks.slack.test/x"});
        let name = "<!channel> & <https://evil|you>";
        let (ask, body) = asked(slack, name, "p99{a<b>&c}<250ms", Turn::Recovered);
        assert_eq!(ask.headers.len(), 3, "nothing is signed");
        let escaped = "&lt;!channel&gt; &amp; &lt;https://evil|you&gt;";
        let text = body["text"].as_str().unwrap();
        assert_eq!(
            text,
            format!("{escaped}: p99{{a&lt;b&gt;&amp;c}}&lt;250ms holds again (312.4 ms)")
        );
        let line = body["blocks"][0]["text"]["text"].as_str().unwrap();
        assert!(line.contains(escaped) && line.contains("over 5 s, at second 12"), "{line}");
        // The one link is ours.
        assert_eq!(body.to_string().matches('<').count(), 1);
        let link = body["blocks"][1]["elements"][0]["text"].as_str().unwrap();
        assert_eq!(link, "<http://127.0.0.1:8080/api/v1/runs/r1|run r1>");
    }
}
