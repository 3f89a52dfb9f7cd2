//! Turns what people type on a command line, `1h30m`, `10k` or `30k/1m`, into durations, numbers and
//! rates; and what is nearly one of these into the form that is.

use super::number::{Misread, Number, Whole};
use super::object::quoted;
use std::time::Duration;

/// Why a duration, a number or a rate could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(String);

/// Units of time, the greatest first, in nanoseconds, and what else people call them.
const UNITS: [(&str, f64, &[&str]); 8] = [
    ("d", 86_400e9, &["day", "days"]),
    ("h", 3_600e9, &["hr", "hrs", "hour", "hours"]),
    ("m", 60e9, &["min", "mins", "minute", "minutes"]),
    ("s", 1e9, &["sec", "secs", "second", "seconds"]),
    ("ms", 1e6, &["msec", "msecs", "millis", "millisecond", "milliseconds"]),
    ("us", 1e3, &["usec", "usecs", "micros", "microsecond", "microseconds"]),
    ("µs", 1e3, &["μs"]),
    ("ns", 1.0, &["nsec", "nanos", "nanosecond", "nanoseconds"]),
];

/// The unit that somebody meant who calls it otherwise.
fn meant_unit(name: &str) -> Option<&'static str> {
    let name = name.trim().to_lowercase();
    let is = |(unit, _, others): &&(&str, f64, &[&str])| *unit == name || others.contains(&&*name);
    UNITS.iter().find(is).map(|(unit, ..)| *unit)
}

/// Reads a duration: numbers with units, the greatest unit first (`10s`, `1h30m`, `1.5s`, `500ms`,
/// `25us`). Without a unit there is none but 0, for a number alone is seconds to one program and
/// milliseconds to another, and threads to a third.
///
/// # Errors
///
/// A number or a unit that is none, units out of order, and what is longer than 584 years.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let instead = |what: &str, form: &str| {
        UnitError(format!("{} is not a duration: {what}; write it like {form}", quoted(text)))
    };
    let wrong = |what: &str| instead(what, "10s, 500ms or 1h30m");
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
        let (written, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (name, after) = after.split_at(letters);
        let number: f64 = written.parse().map_err(|_| wrong("a number is missing"))?;
        let is_alone = smallest.is_infinite() && after.is_empty();
        let unit = match UNITS.iter().find(|(unit, ..)| *unit == name) {
            Some((_, unit, _)) => *unit,
            None if name.is_empty() && is_alone && number == 0.0 => 1e9,
            None if name.is_empty() && is_alone => {
                let form = format!("{written}s, {written}ms or {written}m");
                return Err(instead("a unit is missing", &form));
            }
            None if name.is_empty() => return Err(wrong("a unit is missing")),
            None => {
                let what = format!("unknown unit {}", quoted(name));
                return Err(match meant_unit(name).filter(|_| is_alone) {
                    Some(unit) => instead(&what, &format!("{written}{unit}")),
                    None => wrong(&what),
                });
            }
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

/// Reads a rate in requests per second: `500`, `1.5k`, `1_000`, `100/s`, `30k/1m`, `1/10s`.
///
/// # Errors
///
/// A number that is none or negative, and what does not follow a `/` as a duration above 0.
pub fn parse_rate(text: &str) -> Result<f64, UnitError> {
    let instead = |what: &str, form: &str| {
        UnitError(format!("{} is not a rate: {what}; write it like {form}", quoted(text)))
    };
    let wrong = |what: &str| instead(what, "500, 100/s or 30000/1m");
    let (count, unit) = match text.split_once('/') {
        Some((count, unit)) => (count, Some(unit.trim())),
        None => (text, None),
    };
    let per_unit = |number: &str| unit.map_or(number.to_owned(), |unit| format!("{number}/{unit}"));
    let number = match Number::parse(count) {
        Ok(number) => number,
        Err(Misread::Negative) => return Err(wrong("its number is negative")),
        Err(Misread::NoNumber) => return Err(wrong("it does not begin with a number")),
        Err(Misread::Grouped { what, forms }) => {
            let forms: Vec<_> = forms.iter().map(|form| per_unit(form)).collect();
            return Err(instead(&what, &forms.join(" or ")));
        }
        Err(Misread::Suffix { number, suffix: "m", .. }) => {
            let form = format!("{number}M for millions, or {number}/m for so many a minute");
            return Err(instead("m may be millions or minutes", &form));
        }
        Err(Misread::Suffix { number, suffix }) => {
            let form = match (unit, suffix) {
                (Some(_), _) => per_unit(number),
                (None, "rpm" | "per minute") => format!("{number}/m"),
                (None, "rph" | "per hour") => format!("{number}/h"),
                (None, _) => format!("{number} or {number}/s"),
            };
            return Err(instead(&format!("{} is no unit of it", quoted(suffix)), &form));
        }
    };
    let count = number.value();
    if !count.is_finite() {
        return Err(wrong("its number is too large"));
    }
    let Some(unit) = unit else { return Ok(count) };
    // `/m` is `/1m`.
    let one = if unit.starts_with(|c: char| c.is_ascii_digit() || c == '.') { "" } else { "1" };
    let no_time = || match meant_unit(unit) {
        Some(meant) => instead("what follows / is no time", &format!("{}/{meant}", number.written)),
        None => wrong("what follows / is no time"),
    };
    let per = parse_duration(&format!("{one}{unit}")).map_err(|_| no_time())?;
    if per.is_zero() {
        return Err(no_time());
    }
    Ok(count / per.as_secs_f64())
}

/// Reads a whole number: `500`, `10k`, `1.5M`, `1_000`.
///
/// # Errors
///
/// A number that is none, negative, not whole, or above 18,446,744,073,709,551,615.
pub fn parse_count(text: &str) -> Result<u64, UnitError> {
    let wrong = |why: String| UnitError(format!("{} {why}", quoted(text)));
    let not_whole = || wrong("is not a whole number; write it like 500, 10k or 1_000".into());
    match Number::parse(text) {
        Ok(number) => match number.whole() {
            Whole::Is(whole) => Ok(whole),
            Whole::Not => Err(not_whole()),
            Whole::TooLarge => {
                Err(wrong(format!("is too large; the greatest whole number is {}", u64::MAX)))
            }
        },
        Err(Misread::Negative) => Err(wrong("is negative; give a whole number".into())),
        Err(Misread::NoNumber) => Err(not_whole()),
        Err(Misread::Grouped { what, forms }) => {
            Err(wrong(format!("is not a whole number: {what}; write {}", forms.join(" or "))))
        }
        Err(Misread::Suffix { number, suffix: "m" }) => {
            Err(wrong(format!("is not a whole number; write {number}M for millions")))
        }
        Err(Misread::Suffix { number, suffix }) => {
            let suffix = quoted(suffix);
            Err(wrong(format!("is not a whole number: {suffix} is no unit of it; write {number}")))
        }
    }
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
            ("0.0", 0),
            (".5s", 500_000_000),
            (" 3ns ", 3),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_told_why() {
        let usual = "10s, 500ms or 1h30m";
        for (text, what, form) in [
            ("", "it is empty", usual),
            ("s", "a number is missing", usual),
            ("-5s", "it is negative", usual),
            ("1.2.3s", "a number is missing", usual),
            ("10x", "unknown unit \"x\"", usual),
            ("10 s", "unknown unit \" s\"", "10s"),
            ("1.5sec", "unknown unit \"sec\"", "1.5s"),
            ("5 Minutes", "unknown unit \" Minutes\"", "5m"),
            ("10", "a unit is missing", "10s, 10ms or 10m"),
            ("1.5", "a unit is missing", "1.5s, 1.5ms or 1.5m"),
            ("5m10", "a unit is missing", usual),
            ("5s10m", "the greater unit comes first", usual),
            ("5s5s", "the greater unit comes first", usual),
            ("1e9s", "unknown unit \"e\"", usual),
            ("999999999999999d", "it is too long", usual),
        ] {
            let error = parse_duration(text).unwrap_err().to_string();
            assert_eq!(error, format!("{text:?} is not a duration: {what}; write it like {form}"));
        }
    }

    #[test]
    fn rates() {
        for (text, rate) in [
            ("500", 500.0),
            ("0.5", 0.5),
            ("1k", 1_000.0),
            ("1.5K", 1_500.0),
            ("2M", 2e6),
            ("1_000", 1_000.0),
            ("1_000.5", 1_000.5),
            ("100/s", 100.0),
            ("30000/1m", 500.0),
            ("30k/1m", 500.0),
            ("30000/m", 500.0),
            ("1/10s", 0.1),
            ("1k / s", 1_000.0),
            ("5/ms", 5_000.0),
            ("1e3", 1_000.0),
            ("2.5e-1", 0.25),
        ] {
            assert_eq!(parse_rate(text), Ok(rate), "{text}");
        }
        let usual = "500, 100/s or 30000/1m";
        for (text, what, form) in [
            ("", "it does not begin with a number", usual),
            ("fast", "it does not begin with a number", usual),
            ("NaN", "it does not begin with a number", usual),
            ("inf", "it does not begin with a number", usual),
            ("_5", "it does not begin with a number", usual),
            ("1__0", "it does not begin with a number", usual),
            ("-1", "its number is negative", usual),
            ("1e999", "its number is too large", usual),
            ("5/", "what follows / is no time", usual),
            ("5/0s", "what follows / is no time", usual),
            ("5/x", "what follows / is no time", usual),
            ("5/10", "what follows / is no time", usual),
            ("5/sec", "what follows / is no time", "5/s"),
            ("1k/minute", "what follows / is no time", "1k/m"),
            ("100rps", "\"rps\" is no unit of it", "100 or 100/s"),
            ("1.5k rps", "\"rps\" is no unit of it", "1.5k or 1.5k/s"),
            ("100req/s", "\"req\" is no unit of it", "100/s"),
            ("600rpm", "\"rpm\" is no unit of it", "600/m"),
            ("100s", "\"s\" is no unit of it", "100 or 100/s"),
            ("1m", "m may be millions or minutes", "1M for millions, or 1/m for so many a minute"),
            ("1,000", "',' is no part of a number", "1000 or 1_000"),
            ("1,000,000/m", "',' is no part of a number", "1000000/m or 1_000_000/m"),
            ("10'000", "'\\'' is no part of a number", "10000 or 10_000"),
            ("1 000", "' ' is no part of a number", "1000 or 1_000"),
            ("1.000.000", "'.' is no part of a number", "1000000 or 1_000_000"),
            ("0,5", "',' is no part of a number", "0.5"),
            ("1,5k", "',' is no part of a number", "1.5k"),
        ] {
            let error = parse_rate(text).unwrap_err().to_string();
            assert_eq!(error, format!("{text:?} is not a rate: {what}; write it like {form}"));
        }
    }

    #[test]
    fn whole_numbers() {
        for (text, number) in [
            ("0", 0),
            ("007", 7),
            ("10k", 10_000),
            ("1.5M", 1_500_000),
            ("1_000_000", 1_000_000),
            ("1e6", 1_000_000),
            ("1.0", 1),
            ("1500e-2", 15),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_count(text), Ok(number), "{text}");
        }
        let usual = "is not a whole number; write it like 500, 10k or 1_000";
        let large = "is too large; the greatest whole number is 18446744073709551615";
        for (text, why) in [
            ("", usual),
            ("many", usual),
            ("1.5", usual),
            ("0.0015k", usual),
            ("-1", "is negative; give a whole number"),
            ("18446744073709551616", large),
            ("1e99999999", large),
            ("99G_", "is not a whole number: \"_\" is no unit of it; write 99G"),
            ("1,000", "is not a whole number: ',' is no part of a number; write 1000 or 1_000"),
            ("10kb", "is not a whole number: \"b\" is no unit of it; write 10k"),
            ("5m", "is not a whole number; write 5M for millions"),
        ] {
            assert_eq!(parse_count(text).unwrap_err().to_string(), format!("{text:?} {why}"));
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,20}", typed in "[0-9.hmsunµ/ -]{0,12}", number in "[0-9_.,' ekM-]{0,9}") {
            for text in [text, typed, number] {
                let _ = parse_duration(&text);
                if let Ok(rate) = parse_rate(&text) {
                    prop_assert!(rate >= 0.0);
                }
                if let (Ok(count), Ok(rate)) = (parse_count(&text), parse_rate(&text)) {
                    prop_assert_eq!(count as f64, rate);
                }
            }
        }
    }
}
