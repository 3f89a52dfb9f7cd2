//! Turns the short text of a check, as people type it, into a check and back.

use super::{Check, CheckError, Field, Kind};
use crate::request::quoted;
use std::fmt;
use std::str::FromStr;

/// What stands between what is looked at and what it must be.
const OPERATORS: [&str; 4] = ["==", "~=", "<=", ">="];

/// `status==200`, `status==2xx`, `header:x-a==b`, `header:x-a~=b` (has it in it), `header:x-a` (is
/// there), `body~=ok`, `bytes<=9000`, `bytes>=1`, `bytes==5`. Spaces around the operator count for
/// nothing, but for those of the text that a body is to have.
impl FromStr for Check {
    type Err = CheckError;

    fn from_str(text: &str) -> Result<Self, CheckError> {
        let header = text.trim_start().strip_prefix("header:");
        let (name, operator, value) = match (split(header.unwrap_or(text)), header) {
            (Some(parts), _) => parts,
            (None, Some(name)) => (name, "", ""),
            (None, None) => return Err(unknown(text)),
        };
        let (name, number) = (name.trim(), || bytes(value.trim()).map(Some));
        match (header.map_or(name, |_| "header:"), operator) {
            ("header:", "") => Self::header(name, Field::Present),
            ("header:", "==") => Self::header(name, Field::Is(value.into())),
            ("header:", "~=") => Self::header(name, Field::Contains(value.into())),
            ("status", "==") => status(value.trim()),
            ("body", "~=") => Self::body_contains(value),
            ("bytes", "==") => Self::body_bytes(number()?, number()?),
            ("bytes", "<=") => Self::body_bytes(None, number()?),
            ("bytes", ">=") => Self::body_bytes(number()?, None),
            _ => Err(unknown(text)),
        }
    }
}

fn split(text: &str) -> Option<(&str, &str, &str)> {
    let found = |operator| text.find(operator).map(|at| (at, operator));
    let (at, operator) = OPERATORS.into_iter().filter_map(found).min()?;
    Some((&text[..at], operator, &text[at + operator.len()..]))
}

fn unknown(text: &str) -> CheckError {
    CheckError(format!(
        "{} is no check; give one such as status==200, status==2xx, header:x-a==b, header:x-a~=b, \
         header:x-a, body~=ok, bytes<=9000, bytes>=1 or bytes==5",
        quoted(text)
    ))
}

fn status(text: &str) -> Result<Check, CheckError> {
    match text.parse() {
        Ok(status) if text.bytes().all(|byte| byte.is_ascii_digit()) => Check::status(status),
        _ => Check::status_class(text),
    }
}

fn bytes(text: &str) -> Result<u64, CheckError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    let most = u64::MAX;
    number.ok_or_else(|| {
        CheckError(format!("{} is no number of bytes; give 0 to {most}, in digits", quoted(text)))
    })
}

/// The short text. What bounds a body's bytes from both sides has two of them.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Kind::Status(range) => write!(f, "status=={}", Status(range.start(), range.end())),
            Kind::Header(name, Field::Present) => write!(f, "header:{name}"),
            Kind::Header(name, Field::Is(value)) => write!(f, "header:{name}=={value}"),
            Kind::Header(name, Field::Contains(part)) => write!(f, "header:{name}~={part}"),
            Kind::BodyContains(text) => write!(f, "body~={text}"),
            Kind::BodyBytes(Some(least), Some(most)) if least == most => {
                write!(f, "bytes=={least}")
            }
            Kind::BodyBytes(least, most) => {
                if let Some(least) = least {
                    write!(f, "bytes>={least}")?;
                }
                let and = if least.is_some() { " and " } else { "" };
                most.map_or(Ok(()), |most| write!(f, "{and}bytes<={most}"))
            }
        }
    }
}

/// `200`, or `2xx`.
pub(crate) struct Status<'a>(pub(crate) &'a u16, pub(crate) &'a u16);

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 { write!(f, "{}", self.0) } else { write!(f, "{}xx", self.0 / 100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read_and_written() {
        let header = |field: Field| Check::header("X-A", field).unwrap();
        for (text, expected) in [
            ("status==200", Check::status(200).unwrap()),
            ("status==2xx", Check(Kind::Status(200..=299))),
            ("header:x-a", header(Field::Present)),
            ("header:x-a==b", header(Field::Is("b".into()))),
            ("header:x-a==", header(Field::Is(String::new()))),
            ("header:x-a==c==~=d", header(Field::Is("c==~=d".into()))),
            ("header:x-a~=b c", header(Field::Contains("b c".into()))),
            ("body~=ok", Check::body_contains("ok").unwrap()),
            ("body~= a==b\n", Check::body_contains(" a==b\n").unwrap()),
            ("bytes==5", Check::body_bytes(Some(5), Some(5)).unwrap()),
            ("bytes<=9000", Check::body_bytes(None, Some(9_000)).unwrap()),
            ("bytes>=0", Check::body_bytes(Some(0), None).unwrap()),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        for (text, same) in [
            (" status == 404 ", "status==404"),
            ("status==5XX", "status==5xx"),
            ("header: X-A == b ", "header:x-a==b"),
            ("header:X-A", "header:x-a"),
            ("body ~=ok", "body~=ok"),
            ("bytes >= 18446744073709551615", "bytes>=18446744073709551615"),
        ] {
            assert_eq!(text.parse::<Check>().map(|check| check.to_string()), Ok(same.into()));
        }
        let both = Check::body_bytes(Some(1), Some(9)).unwrap();
        assert_eq!(both.to_string(), "bytes>=1 and bytes<=9");
    }

    #[test]
    fn what_is_no_check_is_told_what_there_is() {
        for text in [
            "",
            "200",
            "status",
            "status=200",
            "status!=500",
            "status<=200",
            "body==x",
            "bodyContains~=x",
            "bytes~=5",
            "header~=x",
            "==",
            "x==status==200",
        ] {
            let error = text.parse::<Check>().unwrap_err().to_string();
            let begin = format!("{text:?} is no check; give one such as status==200, ");
            assert!(error.starts_with(&begin), "{text}: {error}");
        }
        for (text, expected) in [
            ("status==600", "600 is no status of a reply; give 200 to 599"),
            ("status==100", "100 is no status of a reply; give 200 to 599"),
            ("status==+200", "\"+200\" is no status; give 200 to 599, or 2xx"),
            ("status==99999", "\"99999\" is no status; give 200 to 599, or 2xx"),
            ("status==1xx", "\"1xx\" is no status; give 200 to 599, or 2xx"),
            ("status==", "\"\" is no status; give 200 to 599, or 2xx"),
            ("header:a b==c", "\"a b\" is not a header name; give letters, digits and hyphens"),
            ("header:", "\"\" is not a header name; give letters, digits and hyphens"),
            ("header:x-a=b", "\"x-a=b\" is not a header name; give letters, digits and hyphens"),
            ("header:x-a~= ", "looks for an empty text, which is everywhere; give one"),
            (
                "header:x-a==b\nc",
                "\"b\\nc\" has a line break or another control character, which no header has",
            ),
            ("body~=", "looks for an empty text, which is everywhere; give one"),
            (
                "bytes<=-1",
                "\"-1\" is no number of bytes; give 0 to 18446744073709551615, in digits",
            ),
            (
                "bytes>=9k",
                "\"9k\" is no number of bytes; give 0 to 18446744073709551615, in digits",
            ),
        ] {
            assert_eq!(text.parse::<Check>().unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_checked_has_limits() {
        let long = "x".repeat(65_537);
        let error = |check: Result<Check, CheckError>| check.unwrap_err().to_string();
        assert_eq!(error(Check::body_contains(&long)), "has 65537 bytes; give at most 65536");
        assert!(Check::body_contains(&long[1..]).is_ok());
        let is = Check::header("a", Field::Is(long.clone()));
        assert_eq!(error(is), "has 65537 bytes; give at most 65536");
        let name = Check::header(&long[..257], Field::Present);
        assert_eq!(error(name), "has 257 bytes; give at most 256");
        let none = error(Check::body_bytes(None, None));
        assert_eq!(none, "bounds nothing; give a number of bytes");
        let crossed = error(Check::body_bytes(Some(2), Some(1)));
        let expected = "no body has at least 2 and at most 1 bytes; give the lower one first";
        assert_eq!(crossed, expected);
        // What is wrong is shown, and not too much of it.
        assert!(error(long.parse()).len() < 300);
    }
}
