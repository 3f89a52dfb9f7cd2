//! Turns the word in `share{...}` into what is counted: replies of a status, or failures of a class.

use crate::analysis::suggest::nearest;
use crate::record::Counters;
use crate::request::ErrorClass;
use std::fmt;

/// What a share is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusOrClass {
    /// Requests answered with this status: `503`.
    Status(u16),
    /// Requests answered with a status of this hundred: `5xx` is 5.
    Hundred(u16),
    /// Requests that failed in this class: `connect_refused`.
    Class(ErrorClass),
}

/// The statuses that have hundreds of their own.
const HUNDREDS: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What others call them.
const OTHER_NAMES: [(&str, &str); 9] = [
    ("timeout", "response_timeout"),
    ("timeouts", "response_timeout"),
    ("refused", "connect_refused"),
    ("connection_refused", "connect_refused"),
    ("econnrefused", "connect_refused"),
    ("connection_reset", "reset"),
    ("econnreset", "reset"),
    ("ssl", "tls"),
    ("checks", "check"),
];

impl StatusOrClass {
    /// Reads what stands between the braces.
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        if let Ok(status) = name.parse() {
            return match status {
                100..=999 => Ok(Self::Status(status)),
                _ => Err(format!("{name} is not a status: it must be from 100 to 999")),
            };
        }
        if let Some(place) = HUNDREDS.iter().position(|hundred| *hundred == name) {
            return Ok(Self::Hundred(place as u16 + 1));
        }
        let class = ErrorClass::ALL.into_iter().find(|class| class.name() == name);
        class.map(Self::Class).ok_or_else(|| unknown(name))
    }

    /// How many of them were counted.
    pub(in crate::analysis) fn counted(self, counters: &Counters) -> u64 {
        self.count(counters.statuses.iter().copied(), |class| counters.errors[class as usize])
    }

    /// How many they are, of replies by status and failures by class.
    pub(super) fn count(
        self,
        statuses: impl IntoIterator<Item = (u16, u64)>,
        of_class: impl FnOnce(ErrorClass) -> u64,
    ) -> u64 {
        let wanted = |status: u16| match self {
            Self::Status(one) => status == one,
            Self::Hundred(hundred) => status / 100 == hundred,
            Self::Class(_) => false,
        };
        match self {
            Self::Class(class) => of_class(class),
            _ => statuses.into_iter().filter(|(status, _)| wanted(*status)).map(|(_, n)| n).sum(),
        }
    }
}

fn unknown(name: &str) -> String {
    let lower = name.to_lowercase();
    let classes = ErrorClass::ALL.map(ErrorClass::name);
    let words: Vec<_> = classes.into_iter().chain(HUNDREDS).collect();
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == lower).map(|(_, ours)| *ours);
    let hint = match other.or_else(|| nearest(name, &words)) {
        Some(word) => format!("did you mean share{{{word}}}? "),
        None if matches!(&*lower, "ok" | "failed" | "failures" | "error" | "errors") => {
            "error_rate is the share of all that failed; ".to_owned()
        }
        None if lower.starts_with("drop") => {
            "dropped_rate is the share of arrivals that were given up; ".to_owned()
        }
        None => String::new(),
    };
    format!(
        "there is no status or error class \"{name}\"; {hint}allowed are a status such as 503, \
         {} to {}, and the classes {}",
        HUNDREDS[0],
        HUNDREDS[HUNDREDS.len() - 1],
        classes.join(", ")
    )
}

impl fmt::Display for StatusOrClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Hundred(hundred) => write!(f, "{hundred}xx"),
            Self::Class(class) => f.write_str(class.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_hundred_and_class_is_read_and_written() {
        let names = ["100", "503", "999"].into_iter().chain(HUNDREDS);
        for name in names.chain(ErrorClass::ALL.map(ErrorClass::name)) {
            assert_eq!(StatusOrClass::parse(name).unwrap().to_string(), name);
        }
    }

    #[test]
    fn an_unknown_one_is_refused_with_what_was_meant() {
        for (name, hint) in [
            ("99", "99 is not a status: it must be from 100 to 999"),
            ("1000", "it must be from 100 to 999"),
            ("50x", "did you mean share{5xx}?"),
            ("5XX", "did you mean share{5xx}?"),
            ("conect_refused", "did you mean share{connect_refused}?"),
            ("Timeout", "did you mean share{response_timeout}?"),
            ("ok", "error_rate is the share of all that failed"),
            ("dropped", "dropped_rate is the share of arrivals"),
            (
                "",
                "there is no status or error class \"\"; allowed are a status such as 503, 1xx to",
            ),
            ("lion", "and the classes dns, connect_refused, "),
        ] {
            let fault = StatusOrClass::parse(name).unwrap_err();
            assert!(fault.contains(hint), "{name}: {fault}");
        }
    }

    #[test]
    fn each_counts_its_own() {
        let count = |name| {
            let statuses = [(200, 7), (404, 1), (500, 2), (503, 4)];
            let of_class = |class| if class == ErrorClass::Reset { 3 } else { 0 };
            StatusOrClass::parse(name).unwrap().count(statuses, of_class)
        };
        let counted = ["200", "503", "501", "5xx", "3xx", "reset", "dns"].map(count);
        assert_eq!(counted, [7, 4, 0, 6, 0, 3, 0]);
    }
}
