//! Turns a document's list of checks into [`Check`]s, each fault with its place, and back.

use super::limits;
use super::object::{Object, describe};
use crate::request::{Check, CheckError, CheckKind, Field, STATUSES};
use serde_json::{Value, json};

/// What a check can look at; each looks at one.
const SUBJECTS: [&str; 4] = ["status", "header", "bodyContains", "bodyBytes"];

/// The `checks` of an object that may have some: the scenario, or one of its requests.
pub(super) fn checks(object: &mut Object<'_>) -> Vec<Check> {
    let list = object.list("checks").unwrap_or_default();
    if list.len() > limits::MAX_CHECKS {
        let (count, most) = (list.len(), limits::MAX_CHECKS);
        object.fault("checks", format!("{count} checks; give at most {most}"));
        return Vec::new();
    }
    let check = |(i, value)| check(object, &format!("checks[{i}]"), value);
    list.iter().enumerate().filter_map(check).collect()
}

/// A check of the list: an object, or the short text that the command takes.
fn check(owner: &Object<'_>, place: &str, value: &Value) -> Option<Check> {
    match value {
        Value::String(text) => {
            text.parse().map_err(|error: CheckError| owner.fault(place, error.to_string())).ok()
        }
        Value::Object(_) => check_object(owner.part(place, value)?),
        other => {
            let found = describe(other);
            owner.fault(place, format!("expected a check as an object or text, found {found}"));
            None
        }
    }
}

fn check_object(mut object: Object<'_>) -> Option<Check> {
    let given: Vec<_> =
        SUBJECTS.into_iter().filter(|subject| object.value(subject).is_some()).collect();
    let field = field(&mut object, given.contains(&"header"));
    object.refuse_unknown();
    let subject = match given[..] {
        [subject] => subject,
        // Of a name that is not known a fault is noted already.
        [] if object.has_unknown() => return None,
        [] => {
            object.fault("", "looks at nothing; give status, header, bodyContains or bodyBytes");
            return None;
        }
        [first, other, ..] => {
            object.fault(other, format!("stands beside {first}; give each a check of its own"));
            return None;
        }
    };
    let check = match subject {
        "status" => status(&mut object)?,
        "header" => Check::header(object.text(subject)?, field?),
        "bodyContains" => Check::body_contains(object.text(subject)?),
        _ => return body_bytes(object.object(subject)?),
    };
    check.map_err(|error| object.fault(subject, error.to_string())).ok()
}

/// What a header must be.
fn field(object: &mut Object<'_>, has_header: bool) -> Option<Field> {
    let given = ["is", "contains"].map(|name| object.value(name).is_some());
    match (has_header, given) {
        (_, [false, false]) => Some(Field::Present),
        (false, [is, _]) => {
            let name = if is { "is" } else { "contains" };
            object.fault(name, "stands without a header; give the header's name");
            None
        }
        (true, [true, true]) => {
            object.fault("contains", "stands beside is; give each a check of its own");
            None
        }
        (true, [true, false]) => object.text("is").map(|value| Field::Is(value.into())),
        (true, [false, true]) => object.text("contains").map(|part| Field::Contains(part.into())),
    }
}

/// A number, or `2xx`.
fn status(object: &mut Object<'_>) -> Option<Result<Check, CheckError>> {
    match object.value("status")? {
        Value::String(class) => Some(Check::status_class(class)),
        _ => {
            let range = u64::from(*STATUSES.start())..=u64::from(*STATUSES.end());
            object.integer("status", range).map(|status| Check::status(status as u16))
        }
    }
}

fn body_bytes(mut object: Object<'_>) -> Option<Check> {
    let names = ["is", "atLeast", "atMost"];
    let given = names.map(|name| object.value(name).is_some());
    let [is, least, most] = names.map(|name| object.integer(name, 0..=u64::MAX));
    object.refuse_unknown();
    let (least, most) = match given {
        [false, false, false] if object.has_unknown() => return None,
        [true, false, false] => (Some(is?), Some(is?)),
        [true, _, _] => {
            object.fault("is", "stands beside atLeast or atMost; give one of them");
            return None;
        }
        [false, has_least, has_most] => {
            // What is wrong has its fault already.
            if has_least && least.is_none() || has_most && most.is_none() {
                return None;
            }
            (least, most)
        }
    };
    Check::body_bytes(least, most).map_err(|error| object.fault("", error.to_string())).ok()
}

/// The list of a document.
pub(super) fn document(checks: &[Check]) -> Value {
    checks.iter().map(written).collect()
}

fn written(check: &Check) -> Value {
    match check.kind() {
        CheckKind::Status(range) if range.start() == range.end() => {
            json!({"status": range.start()})
        }
        CheckKind::Status(range) => json!({"status": format!("{}xx", range.start() / 100)}),
        CheckKind::Header(name, Field::Present) => json!({"header": name.as_str()}),
        CheckKind::Header(name, Field::Is(value)) => json!({"header": name.as_str(), "is": value}),
        CheckKind::Header(name, Field::Contains(part)) => {
            json!({"header": name.as_str(), "contains": part})
        }
        CheckKind::BodyContains(text) => json!({"bodyContains": text}),
        CheckKind::BodyBytes(Some(least), Some(most)) if least == most => {
            json!({"bodyBytes": {"is": least}})
        }
        CheckKind::BodyBytes(least, most) => {
            let bounds = [("atLeast", least), ("atMost", most)].into_iter();
            let bounds =
                bounds.filter_map(|(name, bound)| Some((name.to_owned(), (*bound)?.into())));
            json!({"bodyBytes": Value::Object(bounds.collect())})
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;
    use serde_json::{Value, json};

    fn scenario(checks: &Value) -> Result<Scenario, Vec<String>> {
        let document = json!({
            "name": "n", "targetUrl": "http://a/", "durationSeconds": 60, "checks": checks,
        });
        Scenario::from_value(document)
            .map_err(|error| error.faults.iter().map(ToString::to_string).collect())
    }

    /// Each as an object, as text where it has one, and what is written of it.
    #[test]
    fn checks_are_objects_or_text_and_written_as_objects() {
        for (object, text) in [
            (json!({"status": 200}), Some("status==200")),
            (json!({"status": "3xx"}), Some("status==3xx")),
            (json!({"header": "x-a"}), Some("header:X-A")),
            (json!({"header": "x-a", "is": "b"}), Some("header:x-a == b")),
            (json!({"header": "x-a", "contains": "b"}), Some("header:x-a~=b")),
            (json!({"bodyContains": "o\nk"}), Some("body~=o\nk")),
            (json!({"bodyBytes": {"atMost": 9000}}), Some("bytes<=9000")),
            (json!({"bodyBytes": {"atLeast": 0}}), Some("bytes>=0")),
            (json!({"bodyBytes": {"is": u64::MAX}}), Some("bytes==18446744073709551615")),
            (json!({"bodyBytes": {"atLeast": 1, "atMost": 2}}), None),
        ] {
            let parsed = scenario(&json!([object])).unwrap();
            assert_eq!(parsed.checks.len(), 1);
            assert_eq!(parsed.to_value()["checks"], json!([object]));
            assert_eq!(Scenario::from_value(parsed.to_value()), Ok(parsed.clone()));
            if let Some(text) = text {
                assert_eq!(scenario(&json!([text])).unwrap().checks, parsed.checks, "{text}");
            }
        }
        let several = json!([{"status": 200}, "body~=ok", {"bodyBytes": {"is": 2}}]);
        let texts: Vec<_> =
            scenario(&several).unwrap().checks.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["status==200", "body~=ok", "bytes==2"]);
        for none in [json!(null), json!([])] {
            let parsed = scenario(&none).unwrap();
            assert!(parsed.checks.is_empty());
            assert_eq!(parsed.to_value()["checks"], json!([]));
        }
    }

    #[test]
    fn each_fault_has_its_place() {
        let known = "known here: status, header, bodyContains, bodyBytes, is, contains";
        for (check, expected) in [
            (json!("status=200"), "checks[1]: \"status=200\" is no check; give one such as "),
            (json!(5), "checks[1]: expected a check as an object or text, found the number 5"),
            (
                json!({}),
                "checks[1]: looks at nothing; give status, header, bodyContains or bodyBytes",
            ),
            (json!({"stauts": 200}), "checks[1].stauts: unknown field; did you mean `status`?"),
            (
                json!({"status": 200, "colour": 1}),
                &*format!("checks[1].colour: unknown field; {known}"),
            ),
            (
                json!({"status": 600}),
                "checks[1].status: 600 is out of range; give a whole number, 200 to 599",
            ),
            (
                json!({"status": "ok"}),
                "checks[1].status: \"ok\" is no status; give 200 to 599, or 2xx",
            ),
            (json!({"status": true}), "checks[1].status: expected a whole number, found true"),
            (
                json!({"status": 200, "bodyContains": "ok"}),
                "checks[1].bodyContains: stands beside status; give each a check of its own",
            ),
            (
                json!({"header": "a b"}),
                "checks[1].header: \"a b\" is not a header name; give letters, digits and hyphens",
            ),
            (json!({"header": 5}), "checks[1].header: expected text, found the number 5"),
            (json!({"header": "a", "is": 5}), "checks[1].is: expected text, found the number 5"),
            (
                json!({"header": "a", "is": "b", "contains": "c"}),
                "checks[1].contains: stands beside is; give each a check of its own",
            ),
            (
                json!({"status": 200, "is": "b"}),
                "checks[1].is: stands without a header; give the header's name",
            ),
            (
                json!({"header": "a", "is": "b\n"}),
                "checks[1].header: \"b\\n\" has a line break or another control character",
            ),
            (
                json!({"bodyContains": ""}),
                "checks[1].bodyContains: looks for an empty text, which is everywhere; give one",
            ),
            (
                json!({"bodyContains": "x".repeat(65_537)}),
                "checks[1].bodyContains: has 65537 bytes; give at most 65536",
            ),
            (
                json!({"bodyBytes": 5}),
                "checks[1].bodyBytes: expected an object, found the number 5",
            ),
            (
                json!({"bodyBytes": {}}),
                "checks[1].bodyBytes: bounds nothing; give a number of bytes",
            ),
            (
                json!({"bodyBytes": {"atmost": 5}}),
                "checks[1].bodyBytes.atmost: unknown field; did you mean `atMost`?",
            ),
            (
                json!({"bodyBytes": {"atMost": -1}}),
                "checks[1].bodyBytes.atMost: -1 is out of range; give a whole number, 0 to ",
            ),
            (
                json!({"bodyBytes": {"atLeast": 2, "atMost": 1}}),
                "checks[1].bodyBytes: no body has at least 2 and at most 1 bytes",
            ),
            (
                json!({"bodyBytes": {"is": 2, "atMost": 3}}),
                "checks[1].bodyBytes.is: stands beside atLeast or atMost; give one of them",
            ),
        ] {
            let faults = scenario(&json!([{"status": 200}, check])).unwrap_err();
            assert_eq!(faults.len(), 1, "{check}: {faults:?}");
            assert!(faults[0].starts_with(expected), "{check}: {}", faults[0]);
        }
        let whole = |checks| scenario(&checks).unwrap_err().join("; ");
        assert_eq!(whole(json!({"status": 200})), "checks: expected a list, found an object");
        let many = vec![json!({"status": 200}); 33];
        assert_eq!(whole(json!(many)), "checks: 33 checks; give at most 32");
        assert!(scenario(&json!(many[1..])).is_ok());
    }
}
