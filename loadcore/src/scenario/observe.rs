//! Turns the `observe` of a document, and what a builder was told of it, into endpoints of the target's
//! metrics.

use super::limits;
use super::object::{Object, check_line};
use crate::request::Url;
use serde_json::Value;
use std::collections::BTreeSet;

/// An endpoint of the target's own metrics, in Prometheus's text format. It is read once a second while a
/// run goes on, beside the load.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its name, which no other endpoint of the scenario has.
    pub name: String,
    /// Where it is.
    pub url: Url,
}

impl Endpoint {
    /// One at `url`; without a name it goes by the URL's host and port.
    ///
    /// # Errors
    /// The part that is wrong, `name` or `url`, and what is wrong with it.
    pub(crate) fn new(name: Option<&str>, url: &str) -> Result<Self, (&'static str, String)> {
        if url.len() > limits::MAX_URL_BYTES {
            let (bytes, most) = (url.len(), limits::MAX_URL_BYTES);
            return Err(("url", format!("has {bytes} bytes; give at most {most}")));
        }
        let url = Url::parse(url).map_err(|message| ("url", message))?;
        let name = match name {
            Some(name) => name.to_owned(),
            None => url.uri().authority().map(ToString::to_string).unwrap_or_default(),
        };
        let length = 1..=limits::MAX_REQUEST_NAME;
        check_line(&name, length).map_err(|message| ("name", message))?;
        Ok(Self { name, url })
    }

    /// All of them, in their order: each by its name, if it has one, and its URL. What is wrong is noted by
    /// its path.
    pub(crate) fn all<'a>(
        given: impl IntoIterator<Item = (Option<&'a str>, &'a str)>,
        mut note: impl FnMut(String, String),
    ) -> Vec<Self> {
        let (mut endpoints, mut names) = (Vec::new(), BTreeSet::new());
        for (place, (name, url)) in given.into_iter().enumerate() {
            if place == limits::MAX_OBSERVED {
                let most = limits::MAX_OBSERVED;
                note("observe".into(), format!("more than {most} endpoints; give at most {most}"));
                break;
            }
            match Self::new(name, url) {
                Err((part, message)) => note(format!("observe[{place}].{part}"), message),
                Ok(endpoint) if !names.insert(endpoint.name.clone()) => {
                    let name = super::object::quoted(&endpoint.name);
                    let text = format!(
                        "{name} is the name of another endpoint as well; give each its own"
                    );
                    note(format!("observe[{place}].name"), text);
                }
                Ok(endpoint) => endpoints.push(endpoint),
            }
        }
        endpoints
    }
}

/// The endpoints of a document. Each is an object with `name` and `url`, or the URL alone.
pub(super) fn endpoints(object: &mut Object<'_>) -> Vec<Endpoint> {
    let list = object.list("observe").unwrap_or_default();
    let mut given = Vec::with_capacity(list.len());
    for (place, value) in list.iter().enumerate() {
        let place = format!("observe[{place}]");
        if let Value::String(url) = value {
            given.push((None, url.as_str()));
            continue;
        }
        let Some(mut one) = object.part(&place, value) else { return Vec::new() };
        let (name, url) = (one.text("name"), one.required("url", Object::text));
        one.refuse_unknown();
        // What is missing has its fault.
        let Some(url) = url else { return Vec::new() };
        given.push((name, url));
    }
    Endpoint::all(given, |path, message| object.fault(&path, message))
}

#[cfg(test)]
mod tests {
    use super::super::Scenario;
    use serde_json::{Value, json};

    fn read(observe: Value) -> Result<Vec<(String, String)>, String> {
        let document = json!({"name": "a", "targetUrl": "http://a.test/", "durationSeconds": 1,
            "observe": observe});
        let scenario = Scenario::from_value(document).map_err(|error| error.to_string())?;
        let again = Scenario::from_value(scenario.to_value()).unwrap();
        assert_eq!(again, scenario, "what is written is read");
        let one = |it: &super::Endpoint| (it.name.clone(), it.url.uri().to_string());
        Ok(scenario.observe.iter().map(one).collect())
    }

    #[test]
    fn an_endpoint_has_a_name_and_a_url() {
        let of = |name: &str, url: &str| (name.to_owned(), url.to_owned());
        let given = json!([{"name": "db", "url": "http://db:9100/metrics"}, "http://a.test:81/m"]);
        let wanted = [of("db", "http://db:9100/metrics"), of("a.test:81", "http://a.test:81/m")];
        assert_eq!(read(given).unwrap(), wanted);
        assert_eq!((read(json!(null)).unwrap(), read(json!([])).unwrap()), (vec![], vec![]));
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let given = json!([{"name": "", "url": "http://a/"}, {"name": "b", "url": "ftp://b/"},
            {"name": "c", "url": "http://c/"}, {"name": "c", "url": "http://d/"}]);
        let error = read(given).unwrap_err();
        for wanted in [
            "observe[0].name: is empty",
            "observe[1].url: scheme \"ftp\" is not supported",
            "observe[3].name: \"c\" is the name of another endpoint as well",
        ] {
            assert!(error.contains(wanted), "{wanted}: {error}");
        }
        let many: Vec<_> = (0..11).map(|n| format!("http://a{n}/")).collect();
        assert!(read(json!(many)).unwrap_err().contains("observe: more than 10 endpoints"));
        assert!(read(json!([7])).unwrap_err().contains("observe[0]: expected an object"));
        assert!(read(json!([{"name": "a"}])).unwrap_err().contains("observe[0].url: is missing"));
        let unknown = json!([{"url": "http://a/", "every": 1}]);
        assert!(read(unknown).unwrap_err().contains("observe[0].every: unknown field"));
    }
}
