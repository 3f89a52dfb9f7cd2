//! Turns the words of an option (`20ms`, `5%`, `1000/s`, `16KiB`) into numbers, or says what is wrong.
//!
//! Every error names the option, the value and what would be accepted: these texts are all that a
//! person at a terminal or a client with a mistyped query gets to see.

use std::time::Duration;

/// The longest duration that any option takes.
pub const MAX_DURATION: Duration = Duration::from_secs(3600);

/// A value that an option does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{value}`: {problem}")]
pub struct ParseError {
    what: &'static str,
    value: String,
    problem: String,
}

impl ParseError {
    pub(crate) fn new(what: &'static str, value: &str, problem: impl Into<String>) -> Self {
        // A value may come from the network: an error must not grow with it.
        let mut shown: String = value.chars().take(80).collect();
        if shown.len() < value.len() {
            shown.push_str("...");
        }
        Self { what, value: shown, problem: problem.into() }
    }
}

/// Parses a duration with its unit: `500ns`, `20us`, `1.5ms`, `2s`, `1m`, `1h`, and a bare `0`.
///
/// # Errors
/// Where there is no unit, or the value is negative or longer than [`MAX_DURATION`].
pub fn duration(what: &'static str, text: &str) -> Result<Duration, ParseError> {
    let fail = |problem: &str| Err(ParseError::new(what, text, problem));
    let text_trimmed = text.trim();
    if text_trimmed == "0" {
        return Ok(Duration::ZERO);
    }
    let split = text_trimmed.find(|c: char| c.is_alphabetic()).unwrap_or(text_trimmed.len());
    let (number, unit) = text_trimmed.split_at(split);
    let unit_ns = match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 60e9,
        "h" => 3600e9,
        _ => return fail("is not a duration; write a number and ns, us, ms, s, m or h: 20ms"),
    };
    let Ok(number) = number.trim().parse::<f64>() else {
        return fail("is not a duration; write a number and ns, us, ms, s, m or h: 20ms");
    };
    let ns = number * unit_ns;
    if !ns.is_finite() || ns < 0.0 {
        return fail("a duration cannot be negative, infinite or not a number");
    }
    if ns > MAX_DURATION.as_nanos() as f64 {
        return fail("is longer than the limit of 1h");
    }
    Ok(Duration::from_nanos(ns.round() as u64))
}

/// Parses a share of the whole: `5%`, `0.05`. The limit is the whole.
pub(crate) fn share(what: &'static str, text: &str) -> Result<f64, ParseError> {
    let text_trimmed = text.trim();
    let (number, scale) = match text_trimmed.strip_suffix('%') {
        Some(number) => (number, 0.01),
        None => (text_trimmed, 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if (0.0..=1.0).contains(&(number * scale)) => Ok(number * scale),
        _ => Err(ParseError::new(what, text, "is not a share; write 0% to 100%, or 0 to 1")),
    }
}

/// Parses a rate into events per second: `1000/s`, `60000/1m`, `500`. Above 0, at most 10 million.
///
/// # Errors
/// Where it is no rate, or beyond these limits.
pub fn rate(what: &'static str, text: &str) -> Result<f64, ParseError> {
    let fail = || {
        let problem = "is not a rate; write a number above 0 and at most 1e7 for each second: \
                       1000/s, 500, 60000/1m";
        Err(ParseError::new(what, text, problem))
    };
    let (number, unit) = text.trim().split_once('/').unwrap_or((text.trim(), "s"));
    let Ok(number) = number.trim().parse::<f64>() else { return fail() };
    let per = if unit.starts_with(|c: char| c.is_ascii_digit()) {
        duration(what, unit)?
    } else {
        duration(what, &format!("1{unit}"))?
    };
    let rate = number / per.as_secs_f64();
    if rate > 0.0 && rate <= 1e7 { Ok(rate) } else { fail() }
}

/// Parses a number of bytes: `1024`, `16KiB`, `1MB`. At most 1 TiB.
///
/// # Errors
/// Where it is no number of bytes, or beyond the limit.
pub fn bytes(what: &'static str, text: &str) -> Result<u64, ParseError> {
    const LIMIT: u64 = 1 << 40;
    let text_trimmed = text.trim();
    let split = text_trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(text_trimmed.len());
    let (number, unit) = text_trimmed.split_at(split);
    let unit = match unit.trim() {
        "" | "B" => Some(1),
        "kB" | "KB" => Some(1_000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let value = number.parse::<u64>().ok().zip(unit).and_then(|(n, unit)| n.checked_mul(unit));
    match value {
        Some(value) if value <= LIMIT => Ok(value),
        Some(_) => Err(ParseError::new(what, text, "is more than the limit of 1 TiB")),
        None => {
            Err(ParseError::new(what, text, "is not a size; write a number of bytes, or 16KiB"))
        }
    }
}

/// Parses a whole number within limits.
pub(crate) fn count(
    what: &'static str,
    text: &str,
    low: u64,
    high: u64,
) -> Result<u64, ParseError> {
    match text.trim().parse::<u64>() {
        Ok(value) if (low..=high).contains(&value) => Ok(value),
        _ => {
            let problem = format!("is not a whole number from {low} to {high}");
            Err(ParseError::new(what, text, problem))
        }
    }
}

/// The `key=value` parts of an option such as `at=5s,for=1s`, in order.
///
/// A part without `=` has an empty value. Unknown keys are for the caller to refuse.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        (key.trim(), value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, ns) in [
            ("0", 0),
            ("7ns", 7),
            ("20us", 20_000),
            ("1.5ms", 1_500_000),
            ("2s", 2_000_000_000),
            ("1m", 60_000_000_000),
            ("1h", 3_600_000_000_000),
        ] {
            assert_eq!(duration("x", text), Ok(Duration::from_nanos(ns)), "{text}");
        }
        for text in ["", "5", "ms", "-1ms", "1 day", "NaNs", "infs", "2h", "1e30s", "0x1s"] {
            let error = duration("--latency", text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--latency `{text}`: ")), "{error}");
        }
    }

    #[test]
    fn shares_rates_sizes_and_counts() {
        assert_eq!(share("x", "5%"), Ok(0.05));
        assert_eq!(share("x", "1"), Ok(1.0));
        assert_eq!(rate("x", "1000/s"), Ok(1000.0));
        assert_eq!(rate("x", "500"), Ok(500.0));
        assert_eq!(rate("x", "60000/1m"), Ok(1000.0));
        assert_eq!(rate("x", "5/ms"), Ok(5000.0));
        assert_eq!(bytes("x", "1024"), Ok(1024));
        assert_eq!(bytes("x", "16KiB"), Ok(16384));
        assert_eq!(count("x", "3", 1, 5), Ok(3));
        for text in ["", "101%", "-1%", "NaN", "5%%"] {
            assert!(share("x", text).is_err(), "{text}");
        }
        for text in ["", "0/s", "-5", "NaN", "1e12", "5/", "5/0s", "5/x"] {
            assert!(rate("x", text).is_err(), "{text}");
        }
        for text in ["", "-1", "1.5", "2TiB", "99999999999999999999", "1025GiB"] {
            assert!(bytes("x", text).is_err(), "{text}");
        }
        for text in ["", "0", "6", "x"] {
            assert!(count("x", text, 1, 5).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_does_not_grow_with_the_value() {
        let error = duration("x", &"9".repeat(100_000)).unwrap_err().to_string();
        assert!(error.len() < 300, "{}", error.len());
    }
}
