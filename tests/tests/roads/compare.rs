//! Turns two results of one scenario into what differs, key by key; and one into what does not add
//! up.

use crate::rules::{Rule, rule_of};
use crate::table::LATENCY_MS;
use serde_json::Value;

/// Where the second document differs from the first by more than the rules of its keys allow.
pub fn differences(first: &Value, second: &Value, told: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let closed = first["loop"] == "closed";
    let by_number = !first["scenario"]["maxRequests"].is_null();
    walk("", first, second, Kind { told, closed, by_number }, &mut faults);
    faults
}

/// What kind of run it was.
#[derive(Clone, Copy)]
struct Kind {
    /// Its counts follow from when it was told of something.
    told: bool,
    closed: bool,
    /// The last reply ends it, and no time.
    by_number: bool,
}

fn walk(path: &str, first: &Value, second: &Value, kind: Kind, faults: &mut Vec<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (first, second) {
        (Value::Object(one), Value::Object(other)) => {
            let exempt = matches!(rule_of(&below("*")), Some(Rule::Exempt(_)));
            for key in other.keys().filter(|key| !one.contains_key(*key) && !exempt) {
                walk(&below(key), &Value::Null, &other[key], kind, faults);
            }
            for (key, value) in one {
                walk(&below(key), value, other.get(key).unwrap_or(&Value::Null), kind, faults);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            let path = below("[]");
            let exempt = matches!(rule_of(&path), Some(Rule::Exempt(_)));
            if one.len() != other.len() && !kind.told && !exempt {
                faults.push(format!("{path}: {} entries, and locally {}", other.len(), one.len()));
            }
            // A run that is told of its end has as many rows as that leaves it.
            for (value, other) in one.iter().zip(other) {
                walk(&path, value, other, kind, faults);
            }
        }
        _ => match rule_of(path) {
            None => faults.push(format!("{path}: no rule says how it may differ")),
            Some(rule) if !holds(rule, first, second, kind) => {
                faults.push(format!("{path}: {second}, and locally {first} ({rule:?})"));
            }
            Some(_) => {}
        },
    }
}

fn holds(rule: Rule, first: &Value, second: &Value, kind: Kind) -> bool {
    let numbers = first.as_f64().zip(second.as_f64());
    let apart = numbers.map(|(one, other)| (one - other).abs());
    let larger = numbers.map_or(0.0, |(one, other)| one.abs().max(other.abs()));
    let within = |share: f64, slack: f64| match apart {
        Some(apart) => apart <= share * larger + slack,
        None => first == second,
    };
    match rule {
        Rule::Same => first == second || apart.is_some_and(|apart| apart == 0.0),
        // When they were told is each road's own; what follows from it is looked at as such.
        Rule::Count | Rule::Planned | Rule::Near | Rule::Close if kind.told => true,
        Rule::Count => within(0.0, 0.0) || is_nothing(first, second),
        Rule::Planned if !kind.closed => within(0.0, 0.0),
        Rule::Planned | Rule::Near => within(0.3, 4.0),
        Rule::Close => within(if kind.by_number { 0.1 } else { 0.02 }, 0.02),
        Rule::Time => within(0.05, 0.05 * LATENCY_MS),
        Rule::Edge => within(0.5, 100.0) || kind.told,
        Rule::There => first.is_null() == second.is_null(),
        Rule::Exempt(_) => true,
    }
}

/// A name that is not in a map counts as 0.
fn is_nothing(first: &Value, second: &Value) -> bool {
    let nothing = |value: &Value| value.is_null() || value.as_f64() == Some(0.0);
    nothing(first) && nothing(second)
}

/// What holds of every result, however long its run was.
pub fn identities(result: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let number = |pointer: &str| result.pointer(pointer).and_then(Value::as_f64).unwrap_or(0.0);
    let mut same = |what: &str, one: f64, other: f64, tolerance: f64| {
        if (one - other).abs() > tolerance {
            faults.push(format!("{what}: {one} is not {other}"));
        }
    };
    let [due, sent, dropped, backlog, unknown] = ["due", "sent", "dropped", "backlog", "unknown"]
        .map(|key| number(&format!("/arrivals/{key}")));
    same("due = sent + dropped + backlog + unknown", due, sent + dropped + backlog + unknown, 0.0);
    let ended = number("/outcomes/ok") + number("/outcomes/failed");
    same("sent = ok + failed + unfinished", sent, ended + number("/outcomes/unfinished"), 0.0);
    let seconds = number("/durationSeconds");
    same("achievedRps", number("/achievedRps"), ended / seconds, 1e-6 * ended);
    if result["loop"] == "open" {
        same("offeredRps", number("/offeredRps"), due / seconds, 1e-6 * due);
    }
    let profile = &result["scenario"]["loadProfile"];
    if profile["type"] == "CONSTANT" && result["scenario"]["arrivals"] == "UNIFORM" {
        planned(result, profile["initialRps"].as_f64().unwrap_or(0.0), &mut same);
    }
    rows(result, &mut same);
    faults
}

/// A constant rate fixes what is due in any time. A number of requests ends it before.
fn planned(result: &Value, rate: f64, same: &mut impl FnMut(&str, f64, f64, f64)) {
    let seconds = result["durationSeconds"].as_f64().unwrap_or(0.0);
    let due = result["arrivals"]["due"].as_f64().unwrap_or(0.0);
    let changed = result["scenario"]["name"] == "a rate";
    if result["scenario"]["maxRequests"].is_null() && !changed {
        same("due, of rate and time", due, (rate * seconds + 0.5).floor(), 0.0);
    }
}

/// The rows add up to the totals, and each of them adds up.
fn rows(result: &Value, same: &mut impl FnMut(&str, f64, f64, f64)) {
    let empty = Vec::new();
    let rows = result["series"].as_array().unwrap_or(&empty);
    let (mut due, mut told) = (0.0, 0.0);
    for row in rows {
        let of = |key: &str| row[key].as_f64().unwrap_or(f64::NAN);
        due += of("due");
        told += of("sent") + of("dropped");
        let second = &row["second"];
        same(&format!("row {second}"), due, told + of("backlog") + of("unknown"), 0.0);
    }
    for (key, total) in [
        ("due", &result["arrivals"]["due"]),
        ("sent", &result["arrivals"]["sent"]),
        ("dropped", &result["arrivals"]["dropped"]),
        ("ok", &result["outcomes"]["ok"]),
        ("failed", &result["outcomes"]["failed"]),
    ] {
        let sum: f64 = rows.iter().filter_map(|row| row[key].as_f64()).sum();
        same(&format!("rows of {key}"), sum, total.as_f64().unwrap_or(f64::NAN), 0.0);
    }
}

#[test]
fn what_differs_is_told_and_so_is_a_key_without_a_rule() {
    use serde_json::json;

    let faults = |one: Value, other: Value| differences(&one, &other, false);
    let seconds = |seconds: f64| json!({"durationSeconds": seconds});
    assert_eq!(faults(seconds(10.0), seconds(10.1)), [""; 0]);
    assert_eq!(faults(seconds(10.0), seconds(604_800.0)).len(), 1);
    assert_eq!(
        faults(json!({"new": 1}), json!({"new": 1})),
        ["new: no rule says how it may differ"]
    );
    assert_eq!(faults(json!({}), json!({"new": 1})).len(), 1);
    let dropped = |reasons: Value| json!({"arrivals": {"droppedByReason": reasons}});
    assert_eq!(faults(dropped(json!({})), dropped(json!({"fenced": 3}))).len(), 1);
    let rows = |rows: Value| json!({"loop": "open", "series": rows});
    assert_eq!(faults(rows(json!([{"due": 3}])), rows(json!([{"due": 4}]))).len(), 1);
    assert_eq!(faults(rows(json!([{"due": 3}])), rows(json!([]))).len(), 1);
}
