//! Turns the text of one option into its value, or into why it is none.

use loadcore::scenario::{parse_count, parse_duration};
use std::time::Duration;

/// A time, whose unit has to be said; `option` is named where it is not.
pub(crate) fn time(option: &'static str) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    move |text| {
        parse_duration(text).map_err(|error| match text.trim().parse::<f64>() {
            Ok(seconds) if seconds > 0.0 => {
                let text = text.trim();
                format!("{text:?} has no unit; for seconds write {option} {text}s")
            }
            _ => error.to_string(),
        })
    }
}

/// As [`time`]. In wrk and its kin `-t` is the number of threads.
pub(crate) fn timeout(text: &str) -> Result<Duration, String> {
    time("-t")(text).map_err(|why| match parse_count(text) {
        Ok(threads) => format!("{why}; for threads, --threads {threads}"),
        Err(_) => why,
    })
}

/// A whole number. Its limits are held against it with the rest of the scenario.
pub(crate) fn whole<N: TryFrom<u64>>(text: &str) -> Result<N, String> {
    let number = parse_count(text).map_err(|error| error.to_string())?;
    number.try_into().map_err(|_| format!("{text:?} is too large"))
}

pub(crate) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("there is no colon; write 'Name: value'")?;
    Ok((name.trim().into(), value.trim().into()))
}

/// `NAME=VALUE`, and more of them after semicolons. No text is repeated, for it holds secrets.
pub(crate) fn cookies(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let pairs = text.split(';').map(str::trim).filter(|pair| !pair.is_empty());
    let pairs: Option<Vec<_>> = pairs
        .map(|pair| pair.split_once('='))
        .map(|pair| pair.map(|(name, value)| (name.trim().into(), value.trim().into())))
        .collect();
    pairs.filter(|pairs| !pairs.is_empty()).ok_or("there is no =; write 'NAME=VALUE'")
}

/// A field of a form, its file not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormField {
    pub(crate) name: String,
    pub(crate) content: FormContent,
    pub(crate) content_type: Option<String>,
    pub(crate) file_name: Option<String>,
}

/// What a field of a form holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FormContent {
    /// This text.
    Text(String),
    /// A file; `-` is standard input.
    File(String),
    /// What a file holds, as if it were given here.
    TextOf(String),
}

/// As in curl: `NAME=VALUE`, `NAME=@FILE` or `NAME=<FILE`, and `;type=` and `;filename=` behind it. A
/// semicolon that begins neither belongs to the value.
pub(crate) fn form_field(text: &str) -> Result<FormField, &'static str> {
    let (name, mut rest) = text.split_once('=').ok_or("there is no =; write NAME=VALUE")?;
    let (mut content_type, mut file_name) = (None, None);
    while let Some((before, last)) = rest.rsplit_once(';') {
        match last.trim().split_once('=') {
            Some(("type", value)) => content_type = Some(value.to_owned()),
            Some(("filename", value)) => file_name = Some(value.trim_matches('"').to_owned()),
            _ => break,
        }
        rest = before;
    }
    let content = match rest.split_at_checked(1) {
        Some(("@", file)) => FormContent::File(file.trim_matches('"').into()),
        Some(("<", file)) => FormContent::TextOf(file.trim_matches('"').into()),
        _ => FormContent::Text(rest.into()),
    };
    Ok(FormField { name: name.into(), content, content_type, file_name })
}

/// The password is not asked for: a command that waits for an answer has no place in a script.
pub(crate) fn user(text: &str) -> Result<String, &'static str> {
    if text.contains(':') { Ok(text.into()) } else { Err("there is no colon before a password") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_a_form_is_written_as_for_curl() {
        let field = |content, content_type: Option<&str>, file_name: Option<&str>| {
            let (content_type, file_name) =
                (content_type.map(Into::into), file_name.map(Into::into));
            Ok(FormField { name: "a".into(), content, content_type, file_name })
        };
        let text = |text: &str| FormContent::Text(text.into());
        let file = |name: &str| FormContent::File(name.into());
        assert_eq!(form_field("a=b=c; d"), field(text("b=c; d"), None, None));
        assert_eq!(form_field("a="), field(text(""), None, None));
        assert_eq!(
            form_field("a={};type=application/json"),
            field(text("{}"), Some("application/json"), None)
        );
        assert_eq!(form_field("a=@x.png"), field(file("x.png"), None, None));
        let full = form_field("a=@\"x;y\";filename=\"z.txt\";type=text/plain");
        assert_eq!(full, field(file("x;y"), Some("text/plain"), Some("z.txt")));
        assert_eq!(form_field("a=<x"), field(FormContent::TextOf("x".into()), None, None));
        assert!(form_field("a").unwrap_err().contains("NAME=VALUE"));
    }

    #[test]
    fn cookies_come_one_by_one_or_together() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(cookies("a=b=c"), Ok(vec![pair("a", "b=c")]));
        assert_eq!(cookies("a=b; c=;"), Ok(vec![pair("a", "b"), pair("c", "")]));
        for text in ["cookies.txt", "", ";", "a=b; c"] {
            assert!(cookies(text).unwrap_err().contains("NAME=VALUE"), "{text}");
        }
    }
}
