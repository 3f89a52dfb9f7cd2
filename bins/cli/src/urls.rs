//! Turns several URLs, from the command line or from a file, into the mix of a scenario.

use crate::exit::Failure;
use crate::sources::{is_file, text_or_file};
use loadcore::request::{MOST_REQUESTS, has_scheme, with_scheme};
use loadcore::scenario::limits::MAX_REQUEST_NAME;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A request as a line of a file, or an argument, says it.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) method: Option<String>,
    pub(crate) url: String,
    pub(crate) weight: Option<f64>,
}

/// The requests of a command line: of its arguments where there are several, of `--urls` otherwise.
/// None: it names a single URL, or a file.
///
/// # Errors
/// A file beside a URL, and a line that cannot be read.
pub(crate) fn lines(subjects: &[String], file: Option<&str>) -> Result<Vec<Line>, Failure> {
    if let (Some(subject), true) =
        (subjects.iter().find(|it| is_file(it)), subjects.len() > 1 || file.is_some())
    {
        return Err(Failure::Usage(format!(
            "{subject} is a scenario file, which says all of its requests itself; give it alone, or \
             only URLs"
        )));
    }
    match (subjects, file) {
        (_, Some(file)) if subjects.len() <= 1 => read(file),
        (_, Some(_)) => Err(Failure::Usage(
            "several URLs and --urls; give one URL at most beside it, to which its lines are relative"
                .into(),
        )),
        ([_, _, ..], None) => Ok(subjects.iter().map(|url| Line::of(url)).collect()),
        _ => Ok(Vec::new()),
    }
}

fn read(file: &str) -> Result<Vec<Line>, Failure> {
    let bytes = text_or_file("--urls", &format!("@{file}"))?;
    let fail = |why: String| Failure::Usage(format!("--urls {file}: {why}"));
    let text = String::from_utf8(bytes).map_err(|_| fail("it is not a text".into()))?;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        lines.push(Line::parse(line).map_err(|why| fail(format!("line {number}: {why}")))?);
    }
    match lines.len() {
        0 => Err(fail("it has no URL; give a URL, or a method and a URL, on each line".into())),
        many if many > MOST_REQUESTS => {
            Err(fail(format!("it has {many} URLs; give at most {MOST_REQUESTS}")))
        }
        _ => Ok(lines),
    }
}

impl Line {
    fn of(url: &str) -> Self {
        Self { method: None, url: url.to_owned(), weight: None }
    }

    /// `URL`, `METHOD URL`, `URL WEIGHT` or `METHOD URL WEIGHT`.
    fn parse(line: &str) -> Result<Self, String> {
        let words: Vec<_> = line.split_whitespace().collect();
        let (method, rest) = match words[..] {
            [method, _, ..] if is_method(method) => (Some(method.to_owned()), &words[1..]),
            _ => (None, &words[..]),
        };
        let (url, weight) = match *rest {
            [url] => (url, None),
            [url, weight] => {
                let number = weight.parse().map_err(|_| {
                    format!("\"{weight}\" is no weight; give a number above 0 behind the URL")
                })?;
                (url, Some(number))
            }
            _ => {
                return Err(format!(
                    "\"{line}\" has {} words; give [METHOD] URL [WEIGHT]",
                    words.len()
                ));
            }
        };
        Ok(Self { method, url: url.to_owned(), weight })
    }
}

/// A word before a URL that is none itself.
fn is_method(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_alphabetic() || c == '-')
}

/// The `mix` of a document. A URL without a scheme is a host on the command line, as where there is
/// one alone; in a file it is relative to the base.
pub(crate) fn mix(lines: &[Line], are_hosts: bool) -> Vec<Map<String, Value>> {
    let mut names = BTreeSet::new();
    let request = |line: &Line| {
        let url = match are_hosts && !has_scheme(&line.url) {
            true => with_scheme(&line.url).into_owned(),
            false => line.url.clone(),
        };
        let mut request = Map::new();
        request.insert("name".into(), name(&url, &mut names).into());
        request.insert("url".into(), url.into());
        if let Some(method) = &line.method {
            request.insert("method".into(), json!(method));
        }
        if let Some(weight) = line.weight {
            // What is no number of JSON is left as a text, for the scenario to refuse.
            let number = serde_json::Number::from_f64(weight).map(Value::Number);
            request.insert("weight".into(), number.unwrap_or_else(|| weight.to_string().into()));
        }
        request
    };
    lines.iter().map(request).collect()
}

/// The URL's path, cut, and numbered where another one has it.
fn name(url: &str, names: &mut BTreeSet<String>) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = if rest.len() == url.len() {
        rest
    } else {
        rest.find(['/', '?', '#']).map_or("/", |at| &rest[at..])
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = if path.is_empty() { "/" } else { path };
    for number in 1.. {
        let ending = if number == 1 { String::new() } else { format!(" {number}") };
        let room = MAX_REQUEST_NAME - ending.len();
        let name: String = path.chars().take(room).chain(ending.chars()).collect();
        if names.insert(name.clone()) {
            return name;
        }
    }
    unreachable!("there are fewer names than numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> (Option<String>, String, Option<f64>) {
        let Line { method, url, weight } = Line::parse(line).unwrap();
        (method, url, weight)
    }

    #[test]
    fn a_line_is_a_url_with_a_method_and_a_weight_where_they_are_given() {
        assert_eq!(parsed("/a"), (None, "/a".into(), None));
        assert_eq!(parsed("GET /a"), (Some("GET".into()), "/a".into(), None));
        assert_eq!(parsed("http://a/b  2.5"), (None, "http://a/b".into(), Some(2.5)));
        assert_eq!(parsed("POST /a 3"), (Some("POST".into()), "/a".into(), Some(3.0)));
        assert!(Line::parse("/a b").unwrap_err().contains("\"b\" is no weight"));
        assert!(Line::parse("GET /a 3 4").unwrap_err().contains("has 4 words"));
    }

    #[test]
    fn names_are_paths_cut_and_numbered_where_doubled() {
        let mut names = BTreeSet::new();
        let mut of = |url: &str| name(url, &mut names);
        assert_eq!([of("http://a/x?y=1"), of("/x"), of("https://b/x#z")], ["/x", "/x 2", "/x 3"]);
        assert_eq!([of("http://a"), of("http://b?c"), of("?d")], ["/", "/ 2", "/ 3"]);
        let long = format!("/{}", "l".repeat(200));
        assert_eq!(of(&long).len(), 100);
        let second = of(&long);
        assert!(second.len() == 100 && second.ends_with("l 2"), "{second}");
    }
}
