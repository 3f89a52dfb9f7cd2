//! Turns what people type on a command line, `1h30m` or `30000/1m`, into durations and rates.

use super::object::quoted;
use std::time::Duration;

/// Why a duration or a rate could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(String);

/// Units of time, the greatest first, in nanoseconds.
const UNITS: [(&str, f64); 8] = [
    ("d", 86_400e9),
    ("h", 3_600e9),
    ("m", 60e9),
    ("s", 1e9),
    ("ms", 1e6),
    ("us", 1e3),
    ("µs", 1e3),
    ("ns", 1.0),
];

/// Reads a duration: numbers with units, the greatest unit first (`10s`, `1h30m`, `1.5s`, `500ms`,
/// `25us`), or a number of seconds without one.
///
/// # Errors
///
/// A number or a unit that is none, units out of order, and what is longer than 584 years.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let wrong = |what: &str| {
        UnitError(format!(
            "{} is not a duration: {what}; write it like 10s, 500ms or 1h30m",
            quoted(text)
        ))
    };
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong("it is empty"));
    }
    if rest.starts_with('-') {
        return Err(wrong("it is negative"));
    }
    let mut nanos = 0.0;
    let mut smallest = f64::INFINITY;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: f64 = number.parse().map_err(|_| wrong("a number is missing"))?;
        let unit = match UNITS.iter().find(|(name, _)| *name == unit) {
            Some((_, unit)) => *unit,
            None if unit.is_empty() && smallest.is_infinite() && after.is_empty() => 1e9,
            None if unit.is_empty() => return Err(wrong("a unit is missing")),
            None => return Err(wrong(&format!("unknown unit {}", quoted(unit)))),
        };
        if unit >= smallest {
            return Err(wrong("the greater unit comes first"));
        }
        smallest = unit;
        nanos += number * unit;
        rest = after;
    }
    if nanos >= u64::MAX as f64 {
        return Err(wrong("it is too long"));
    }
    Ok(Duration::from_nanos(nanos.round() as u64))
}

/// Reads a rate in requests per second: `500`, `100/s`, `30000/1m`, `1/10s`.
///
/// # Errors
///
/// A number that is none or negative, and what does not follow a `/` as a duration above 0.
pub fn parse_rate(text: &str) -> Result<f64, UnitError> {
    let wrong = |what: &str| {
        UnitError(format!(
            "{} is not a rate: {what}; write it like 500, 100/s or 30000/1m",
            quoted(text)
        ))
    };
    let (count, unit) = text.split_once('/').unwrap_or((text, "s"));
    let count: f64 = count.trim().parse().map_err(|_| wrong("it does not begin with a number"))?;
    if !count.is_finite() || count < 0.0 {
        return Err(wrong("its number is negative or not finite"));
    }
    let unit = unit.trim();
    // `/m` is `/1m`.
    let one = if unit.starts_with(|c: char| c.is_ascii_digit() || c == '.') { "" } else { "1" };
    let per =
        parse_duration(&format!("{one}{unit}")).map_err(|_| wrong("what follows / is no time"))?;
    if unit.is_empty() || per.is_zero() {
        return Err(wrong("what follows / is no time"));
    }
    Ok(count / per.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations() {
        for (text, nanos) in [
            ("10s", 10_000_000_000),
            ("2m", 120_000_000_000),
            ("500ms", 500_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5s", 1_500_000_000),
            ("25us", 25_000),
            ("25µs", 25_000),
            ("1d", 86_400_000_000_000),
            ("1m0.5s", 60_500_000_000),
            ("0", 0),
            ("10", 10_000_000_000),
            (".5", 500_000_000),
            (" 3ns ", 3),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_told_why() {
        for (text, what) in [
            ("", "it is empty"),
            ("s", "a number is missing"),
            ("-5s", "it is negative"),
            ("1.2.3s", "a number is missing"),
            ("10x", "unknown unit \"x\""),
            ("10 s", "unknown unit \" s\""),
            ("5m10", "a unit is missing"),
            ("5s10m", "the greater unit comes first"),
            ("5s5s", "the greater unit comes first"),
            ("1e9s", "unknown unit \"e\""),
            ("999999999999999d", "it is too long"),
        ] {
            let error = parse_duration(text).unwrap_err().to_string();
            let advice = "write it like 10s, 500ms or 1h30m";
            assert_eq!(error, format!("{text:?} is not a duration: {what}; {advice}"));
        }
    }

    #[test]
    fn rates() {
        for (text, rate) in [
            ("500", 500.0),
            ("0.5", 0.5),
            ("100/s", 100.0),
            ("30000/1m", 500.0),
            ("30000/m", 500.0),
            ("1/10s", 0.1),
            ("5/ms", 5_000.0),
            ("1e3", 1_000.0),
        ] {
            assert_eq!(parse_rate(text), Ok(rate), "{text}");
        }
        for (text, what) in [
            ("", "it does not begin with a number"),
            ("fast", "it does not begin with a number"),
            ("-1", "its number is negative or not finite"),
            ("NaN", "its number is negative or not finite"),
            ("inf", "its number is negative or not finite"),
            ("5/", "what follows / is no time"),
            ("5/0s", "what follows / is no time"),
            ("5/x", "what follows / is no time"),
        ] {
            let error = parse_rate(text).unwrap_err().to_string();
            let advice = "write it like 500, 100/s or 30000/1m";
            assert_eq!(error, format!("{text:?} is not a rate: {what}; {advice}"));
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,20}", typed in "[0-9.hmsunµ/ -]{0,12}") {
            for text in [text, typed] {
                let _ = parse_duration(&text);
                if let Ok(rate) = parse_rate(&text) {
                    prop_assert!(rate >= 0.0);
                }
            }
        }
    }
}
