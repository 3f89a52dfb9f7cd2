//! Turns the document's list of alerts into [`Alert`]s, each fault with its place, and back.

use super::object::Object;
use super::write::redact_text;
use super::{REDACTED, limits};
use crate::request::Url;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fmt;

/// What a secret begins with whose key is written in base64, as libraries for webhooks make them.
const BASE64_PREFIX: &str = "whsec_";
/// The least bytes of a key.
const MIN_KEY: usize = 16;
/// Characters of a secret.
const MAX_SECRET: usize = 1_000;

/// Whom a platform tells when a violation of an SLA rule begins and ends.
#[derive(Clone, PartialEq, Eq)]
pub struct Alert {
    /// In whose form.
    pub form: AlertForm,
    /// Where it is sent. Of Slack it is a secret: whoever knows it may write there.
    pub url: Url,
}

/// In what form an alert is sent.
#[derive(Clone, PartialEq, Eq)]
pub enum AlertForm {
    /// JSON of our own.
    Webhook {
        /// With what it is signed.
        secret: Option<AlertSecret>,
    },
    /// A message as Slack's incoming webhooks take it.
    Slack,
}

/// With what alerts are signed. It is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct AlertSecret {
    text: String,
    key: Vec<u8>,
}

impl AlertSecret {
    /// A text of 16 characters or more, which is the key; or `whsec_` and a key of 16 bytes or more in
    /// base64.
    ///
    /// # Errors
    /// When it is too short, too long, or no base64.
    pub fn new(text: &str) -> Result<Self, String> {
        let count = text.chars().count();
        if count > MAX_SECRET {
            return Err(format!("has {count} characters; give at most {MAX_SECRET}"));
        }
        let key = match text.strip_prefix(BASE64_PREFIX) {
            None => text.as_bytes().to_vec(),
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| {
                format!(
                    "is not base64 behind {BASE64_PREFIX}; give {BASE64_PREFIX}BASE64, or any text"
                )
            })?,
        };
        if key.len() < MIN_KEY {
            let found = key.len();
            return Err(format!("makes a key of {found} bytes; give at least {MIN_KEY}"));
        }
        Ok(Self { text: text.into(), key })
    }

    /// The key, to sign with.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

impl fmt::Debug for AlertSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Alert {
    /// The word in documents: `webhook` or `slack`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.form {
            AlertForm::Webhook { .. } => "webhook",
            AlertForm::Slack => "slack",
        }
    }
}

/// Without what may be a secret.
impl fmt::Debug for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.kind(), self.url.origin().host)
    }
}

/// The `alerts` of a scenario.
pub(super) fn alerts(object: &mut Object<'_>) -> Vec<Alert> {
    if object.value("alerts").is_none() {
        return Vec::new();
    }
    object.elements("alerts", limits::MAX_ALERTS, alert).into_iter().flatten().collect()
}

fn alert(object: &mut Object<'_>) -> Option<Alert> {
    let kinds = [("webhook", false), ("slack", true)];
    let is_slack = object.required("type", |object, field| object.choice(field, &kinds));
    let is_secret = is_slack != Some(false);
    let url = object.required("url", Object::text).and_then(|text| url(object, text, is_secret));
    let given = object.text("secret");
    if let (Some(true), Some(_)) = (is_slack, given) {
        object.fault("secret", "signs what a webhook is sent; Slack's URL is the secret");
        return None;
    }
    let secret = given.map(AlertSecret::new).transpose();
    let secret = secret.map_err(|why| object.fault("secret", why)).ok()?;
    let form = if is_slack? { AlertForm::Slack } else { AlertForm::Webhook { secret } };
    Some(Alert { form, url: url? })
}

fn url(object: &Object<'_>, text: &str, is_secret: bool) -> Option<Url> {
    if text.len() > limits::MAX_URL_BYTES {
        let (bytes, most) = (text.len(), limits::MAX_URL_BYTES);
        object.fault("url", format!("has {bytes} bytes; give at most {most}"));
        return None;
    }
    // Where it is a secret, what is wrong with it is told without it.
    let told = |why| match is_secret {
        true => "is no URL that can be asked; give a whole one, with http:// or https://".into(),
        false => why,
    };
    Url::parse(text).map_err(|why: String| object.fault("url", told(why))).ok()
}

/// The list of a document.
pub(super) fn document(alerts: &[Alert]) -> Value {
    alerts.iter().map(written).collect()
}

fn written(alert: &Alert) -> Value {
    let secret = match &alert.form {
        AlertForm::Webhook { secret } => secret.as_ref().map(|secret| secret.text.as_str()),
        AlertForm::Slack => None,
    };
    json!({"type": alert.kind(), "url": alert.url.uri().to_string(), "secret": secret})
}

/// Puts [`REDACTED`] in the place of what is secret in an alert of a document.
pub(super) fn redact(alert: &mut Value) {
    let is_slack = alert["type"] == "slack";
    for (field, is_secret) in [("url", is_slack), ("secret", !alert["secret"].is_null())] {
        if is_secret {
            redact_text(&mut alert[field]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn scenario(alerts: Value) -> Result<Scenario, Vec<String>> {
        let document = json!({
            "name": "n", "targetUrl": "http://a/", "durationSeconds": 60, "alerts": alerts,
        });
        Scenario::from_value(document)
            .map_err(|error| error.faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn alerts_are_read_and_written_and_shown_without_their_secrets() {
        let given = json!([
            {"type": "webhook", "url": "https://a.test/hook", "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="},
            {"type": "webhook", "url": "http://127.0.0.1:9/", "secret": null},
            {"type": "slack", "url": "https://hooks.slack.com/services/T0/B0/x", "secret": null},
        ]);
        let read = scenario(given.clone()).unwrap();
        let AlertForm::Webhook { secret: Some(secret) } = &read.alerts[0].form else { panic!() };
        assert_eq!(secret.key(), b"0123456789abcdef");
        assert_eq!(read.to_value()["alerts"], given);
        let shown = read.public_value()["alerts"].to_string() + &format!("{:?}", read.alerts);
        for hidden in ["whsec_", "services", "0123"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        assert!(shown.contains("https://a.test/hook"), "{shown}");
        assert_eq!(scenario(json!(null)).unwrap().alerts, []);
        assert_eq!(scenario(json!([])).unwrap().alerts, []);
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let faults = |alerts| scenario(alerts).unwrap_err();
        let found = faults(json!([
            {"type": "mail", "url": "https://a.test/"},
            {"type": "webhook"},
            {"type": "webhook", "url": "a.test"},
            {"type": "webhook", "url": "https://a.test/", "secret": "short"},
            {"type": "webhook", "url": "https://a.test/", "secret": "whsec_!"},
            {"type": "slack", "url": "https://a.test/", "secret": "0123456789abcdef"},
            {"type": "slack", "url": "https://a.test/", "channel": "x"},
            7,
        ]));
        for (fault, expected) in found.iter().zip([
            "alerts[0].type: \"mail\" is unknown; give webhook or slack",
            "alerts[1].url: is missing",
            "alerts[2].url: \"a.test\" is not a whole URL; begin with http:// or https://",
            "alerts[3].secret: makes a key of 5 bytes; give at least 16",
            "alerts[4].secret: is not base64 behind whsec_; give whsec_BASE64, or any text",
            "alerts[5].secret: signs what a webhook is sent; Slack's URL is the secret",
            "alerts[6].channel: unknown field; known here: type, url, secret",
            "alerts[7]: expected an object, found a number",
        ]) {
            assert_eq!(fault, expected);
        }
        let eleven = vec![json!({"type": "webhook", "url": "https://a.test/"}); 11];
        assert_eq!(faults(eleven.into()), ["alerts: 11 alerts; give 1 to 10"]);
    }
}
