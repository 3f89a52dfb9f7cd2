//! Tests documents that name secrets.

use super::*;
use crate::scenario::{Document, REDACTED};

/// Every place where one may stand, and what else a document needs.
fn document() -> Value {
    json!({
        "name": "n ${secret:A}", "notes": "${secret:", "targetUrl": "http://a.test/${secret:A}?q=${secret:B}",
        "durationSeconds": 1,
        "headers": {
            "Authorization": "Bearer ${secret:A}", "X-Api-Key": ["${secret:B}", "x${secret:A}"],
            "X-Plain": "a ${secret:A} $${secret:A} b",
        },
        "cookies": {"id": "${secret:A}", "other": "clear-cookie"},
        "mix": [
            {"name": "one", "url": "/x?t=${secret:B}", "method": "POST", "body": "<${secret:B}>",
             "headers": {"X-Token": "${secret:A}"}},
        ],
        "proxy": "http://user:${secret:B}@proxy.test:3128",
        "alerts": [
            {"type": "slack", "url": "${secret:HOOK}"},
            {"type": "webhook", "url": "https://h.test/${secret:A}", "secret": "${secret:LONG}"},
            {"type": "webhook", "url": "https://h.test/", "secret": "clear-secret-of-16"},
        ],
    })
}

fn values() -> BTreeMap<String, String> {
    let values = [
        ("A", "value-a"),
        ("B", "va/lu b&${secret:A}"),
        ("HOOK", "https://hooks.test/value-hook"),
        ("LONG", "value-long-enough"),
        ("UNUSED", "value-unused"),
    ];
    values.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn read(value: Value, values: BTreeMap<String, String>) -> Result<Scenario, Vec<String>> {
    let document = Document::from_value(value).expect("an object").with_secrets(values);
    let told = |error: ScenarioError| error.faults.iter().map(ToString::to_string).collect();
    document.parse().map_err(told)
}

fn with(field: &str, value: Value) -> Value {
    let mut document = json!({"name": "n", "targetUrl": "http://a/", "durationSeconds": 1});
    document[field] = value;
    document
}

#[test]
fn what_is_sent_has_values_and_what_is_shown_has_names() {
    let scenario = read(document(), values()).unwrap();
    let sent = scenario.to_value();
    let b = "va%2Flu%20b%26%24%7Bsecret%3AA%7D";
    assert_eq!(sent["targetUrl"], format!("http://a.test/value-a?q={b}"));
    assert_eq!(scenario.headers[1].1, "va/lu b&${secret:A}");
    assert_eq!(scenario.headers[3].1, "a value-a ${secret:A} b");
    assert_eq!(sent["mix"][0]["url"], format!("http://a.test/x?t={b}"));
    assert_eq!(scenario.mix[0].body, "<va/lu b&${secret:A}>");
    assert_eq!(sent["proxy"], format!("http://user:{b}@proxy.test:3128/"));
    assert_eq!(sent["alerts"][0]["url"], "https://hooks.test/value-hook");
    // Whoever reads what is sent has the same requests, whatever the values look like.
    let again = Scenario::from_value(sent).unwrap();
    assert_eq!((&again.headers, &again.mix), (&scenario.headers, &scenario.mix));
    let shown = scenario.public_value();
    for text in [shown.to_string(), format!("{scenario:?} {:?}", *scenario)] {
        for hidden in ["value-", "va/lu", "va%2F", "clear-cookie", "clear-secret"] {
            assert!(!text.contains(hidden), "{hidden} stands in {text}");
        }
    }
    assert_eq!(shown["name"], "n ${secret:A}");
    assert_eq!(shown["targetUrl"], "http://a.test/${secret:A}?q=${secret:B}");
    assert_eq!(
        shown["headers"],
        json!({
            "Authorization": "Bearer ${secret:A}", "X-Api-Key": REDACTED,
            "X-Plain": "a ${secret:A} $${secret:A} b", "Cookie": REDACTED,
        })
    );
    assert_eq!(shown["mix"][0]["url"], "http://a.test/x?t=${secret:B}");
    assert_eq!(shown["mix"][0]["body"], "<${secret:B}>");
    assert_eq!(shown["mix"][0]["headers"]["X-Token"], "${secret:A}");
    assert_eq!(shown["proxy"], format!("http://{REDACTED}@proxy.test:3128"));
    let urls = ["${secret:HOOK}", "https://h.test/${secret:A}", "https://h.test/"];
    let secrets = [Value::Null, "${secret:LONG}".into(), REDACTED.into()];
    for (alert, (url, secret)) in
        shown["alerts"].as_array().unwrap().iter().zip(urls.iter().zip(secrets))
    {
        assert_eq!((&alert["url"], &alert["secret"]), (&json!(url), &secret));
    }
    let used: Vec<_> = scenario.named.as_ref().unwrap().values.keys().collect();
    assert_eq!(used, ["A", "B", "HOOK", "LONG"]);
}

#[test]
fn where_the_values_are_elsewhere_the_names_are_sent() {
    let given = Document::from_value(document()).unwrap();
    let names: Vec<_> = given.secret_names().into_iter().collect();
    assert_eq!(names, ["A", "B", "HOOK", "LONG"]);
    let sent = given.with_secrets_elsewhere().parse().unwrap().to_value();
    let there = read(sent, values()).unwrap();
    let here = read(document(), values()).unwrap();
    assert_eq!(there.to_value(), here.to_value());
}

#[test]
fn what_is_wrong_is_told_without_a_value() {
    let secret = |value: &str| BTreeMap::from([("S".to_owned(), value.to_owned())]);
    let header = |value: &str| with("headers", json!({"A": value}));
    for (document, value, expected) in [
        (header("${secret:T}"), "v", "headers.A: the secret T is not known; keep it (PUT"),
        (header("${secret:}"), "v", "headers.A: ${secret: does not begin a secret's name"),
        (header("${secret:a b}"), "v", "headers.A: ${secret: does not begin a secret's name"),
        (header("${secret:S"), "v", "headers.A: ${secret: does not begin a secret's name"),
        (header("${secret:S}"), "hid\r\nden", "headers.A: the value of the secret S has a line"),
        (header("${secret:S}"), "hid\0den", "headers.A: the value of the secret S has a line"),
        (with("cookies", json!({"a": "${secret:S}"})), "hid;den", "cookies.a: is not right with"),
        (with("targetUrl", json!("http://${secret:S}/")), "hidden", "targetUrl: the secret S"),
        (with("targetUrl", json!("${secret:S}")), "hidden", "targetUrl: "),
        (with("proxy", json!("${secret:S}")), "hidden", "proxy: is not right with the value of"),
        (
            with("alerts", json!([{"type": "slack", "url": "${secret:S}"}])),
            "hidden",
            "alerts[0].url: ",
        ),
        (
            with(
                "alerts",
                json!([{"type": "webhook", "url": "http://a/", "secret": "${secret:S}"}]),
            ),
            "hidden",
            "alerts[0].secret: is not right with the value of ${secret:S}",
        ),
        (
            with("clientCertificate", json!({"certificate": "x", "key": "${secret:S}"})),
            "hidden",
            "clientCertificate.certificate: ",
        ),
        (with("checks", json!(["body contains ${secret:S}"])), "hidden", "checks[0]: the secret S"),
        (
            with("observe", json!([{"url": "http://m.test/?key=${secret:S}"}])),
            "hidden",
            "observe[0].url: the secret S cannot stand here",
        ),
        (with("host", json!("${secret:S}")), "hidden", "host: the secret S cannot stand here"),
    ] {
        let faults = read(document.clone(), secret(value)).unwrap_err();
        assert!(faults.iter().any(|it| it.starts_with(expected)), "{document}: {faults:?}");
        assert!(!format!("{faults:?}").contains("hid"), "{document}: {faults:?}");
    }
    // All of it at once.
    let mut document = header("${secret:T}");
    document["durationSeconds"] = json!(-1);
    assert_eq!(read(document, secret("v")).unwrap_err().len(), 2);
}

#[test]
fn a_dollar_more_makes_it_text() {
    for (given, sent) in [
        ("$${secret:A}", "${secret:A}"),
        ("$$${secret:A}", "$${secret:A}"),
        ("$${secret:", "${secret:"),
        ("$$ ${other} {secret:A} $", "$$ ${other} {secret:A} $"),
        ("${secret:A}$${secret:A}", "value-a${secret:A}"),
    ] {
        let scenario = read(with("body", json!(given)), values()).unwrap();
        assert_eq!(scenario.body, sent, "{given}");
        assert_eq!(scenario.public_value()["body"], given, "{given}");
        let again = Scenario::from_value(scenario.to_value()).unwrap();
        assert_eq!(again.body, sent, "{given}");
    }
}

#[test]
fn a_name_alone_is_shown() {
    for shown in ["${secret:A}", "Bearer ${secret:A}", "basic ${secret:A}${secret:B}"] {
        assert!(is_named(shown), "{shown}");
    }
    for hidden in ["", "Bearer", "x${secret:A}", "hunter2 ${secret:A}", "$${secret:A}", "Bearer x"]
    {
        assert!(!is_named(hidden), "{hidden}");
    }
    assert!(is_secret_name("_") && is_secret_name(&"a".repeat(64)));
    for wrong in ["", "1", "a-b", "a b", "\u{e4}", &"a".repeat(65)] {
        assert!(!is_secret_name(wrong), "{wrong}");
    }
}
