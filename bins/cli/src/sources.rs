//! Turns what options name, files, standard input and texts, into what they hold.

use crate::exit::Failure;
use crate::values::{FormContent, FormField};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use loadcore::RunResult;
use loadcore::request::{has_scheme, parse_port};
use loadcore::result::ReadError;
use loadcore::scenario::{Document, limits};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The subject that stands for standard input.
pub(crate) const STDIN: &str = "-";

/// Whether a subject names a scenario file rather than a URL: `-`, standard input; what has no scheme
/// and is a path, or ends as a scenario's name does and has no port that says it is a host. Which
/// files there are does not matter, so that a command means the same everywhere, or is refused.
pub(crate) fn is_file(subject: &str) -> bool {
    if subject == STDIN {
        return true;
    }
    if has_scheme(subject) || subject.starts_with("unix:") || subject.starts_with('[') {
        return false;
    }
    // A query is no file's name, however it ends.
    let path = subject.split('?').next().unwrap_or_default();
    let host = path.split('/').next().unwrap_or_default();
    let is_port = |port: &str| port.is_empty() || parse_port(port).is_ok();
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| is_port(port));
    let ending = ending(Path::new(path));
    subject.starts_with(['/', '.']) || (ENDINGS.contains(&ending.as_str()) && !has_port)
}

/// How the names of scenario files end.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];

fn ending(path: &Path) -> String {
    path.extension()
        .map(|ending| ending.to_ascii_lowercase().to_string_lossy().into())
        .unwrap_or_default()
}

/// JSON or YAML, as the file's name says; without a name that says it, whichever it begins like.
pub(crate) fn read_document(subject: &str) -> Result<Document, Failure> {
    let text = match subject {
        STDIN => io::read_to_string(io::stdin().lock()),
        path => std::fs::read_to_string(path),
    };
    let text = text.map_err(|error| unreadable_scenario(subject, &error))?;
    let is_json = match ending(Path::new(subject)).as_str() {
        "json" => true,
        "yaml" | "yml" => false,
        _ => text.trim_start_matches(is_blank).starts_with('{'),
    };
    let document = if is_json { Document::from_json(&text) } else { Document::from_yaml(&text) };
    Ok(document?)
}

/// The result document at a path; `-`: from standard input.
pub(crate) fn read_result(path: &str) -> Result<RunResult, Failure> {
    let place = if path == STDIN { "standard input" } else { path };
    let text = match path {
        STDIN => io::read_to_string(io::stdin().lock()),
        path => std::fs::read_to_string(path),
    };
    let text = text.map_err(|error| Failure::Usage(format!("cannot read {place}: {error}")))?;
    let result = RunResult::from_json(text.trim_start_matches(is_blank));
    result.map_err(|error| Failure::Usage(format!("{place}: {error}{}", hint(&error))))
}

fn hint(error: &ReadError) -> &'static str {
    match error {
        ReadError::Malformed(_) => " (a run writes one with -o json=FILE)",
        ReadError::Newer { .. } => ": take a newer loadcore",
        _ => "",
    }
}

/// What may stand before a document and says nothing of it; some editors write a byte order mark.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

fn unreadable_scenario(subject: &str, error: &io::Error) -> Failure {
    let place = if subject == STDIN { "from standard input" } else { subject };
    let hint = match error.kind() {
        io::ErrorKind::NotFound => " (a URL begins with http:// or https://)",
        _ => "",
    };
    Failure::Usage(format!("cannot read the scenario {place}: {error}{hint}"))
}

/// The profile, and the folder in which the file that it may name is looked for.
pub(crate) fn read_profile(given: &str) -> Result<(Value, PathBuf), Failure> {
    let text = text_or_file("--profile", given)?;
    let folder = given.strip_prefix('@').map(Path::new).and_then(Path::parent);
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
    let profile = serde_json::from_slice(text)
        .map_err(|error| Failure::Usage(format!("--profile is not valid JSON: {error}")))?;
    Ok((profile, folder.unwrap_or(Path::new("")).into()))
}

/// A text as it is, or what `@FILE` or `@-`, standard input, holds.
pub(crate) fn text_or_file(option: &str, given: &str) -> Result<Vec<u8>, Failure> {
    let Some(path) = given.strip_prefix('@') else { return Ok(given.as_bytes().into()) };
    let read = match path {
        "-" => read_bounded(io::stdin().lock()),
        path => File::open(path).and_then(read_bounded),
    };
    read.map_err(Failure::unreadable(option, Path::new(path)))
}

/// All that there is, if it is no more than a request may send: some files have no end.
pub(crate) fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = limits::MAX_BODY_BYTES;
    if from.take(most as u64 + 1).read_to_end(&mut bytes)? > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// A field of a form as the document has it, its file read.
pub(crate) fn form_part(field: &FormField) -> Result<Value, Failure> {
    let (bytes, path) = match &field.content {
        FormContent::Text(text) => (text.clone().into_bytes(), None),
        FormContent::TextOf(path) => (text_or_file("-F", &format!("@{path}"))?, None),
        FormContent::File(path) => (text_or_file("-F", &format!("@{path}"))?, Some(path)),
    };
    let base = path.map(|path| {
        let name = Path::new(path).file_name();
        name.map_or_else(|| path.clone(), |name| name.to_string_lossy().into_owned())
    });
    let mut part = json!({
        "name": field.name,
        "fileName": field.file_name.clone().or(base),
        "contentType": field.content_type,
    });
    match String::from_utf8(bytes) {
        Ok(text) => part["value"] = text.into(),
        Err(error) => part["valueBase64"] = STANDARD.encode(error.as_bytes()).into(),
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_file_or_a_url() {
        for file in ["-", "a.json", "dir/a.YAML", "./a", "/tmp/a", "../a.yml", "example.com/a.json"]
        {
            assert!(is_file(file), "{file}");
        }
        for url in [
            "http://a/b.json",
            "unix:/tmp/s.json",
            "localhost",
            "localhost:3000/a.json",
            "[::1]:80/a.json",
            "example.com/a",
            "a.test?b=c.d",
            "a.test/x?to=http://b/c.json",
            "localhost:/a.json",
            "b\u{fc}cher.example",
        ] {
            assert!(!is_file(url), "{url}");
        }
    }
}
