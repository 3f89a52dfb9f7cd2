//! Turns text such as `5%` into how much worse a figure may become, in percent.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How much worse a figure may be before that is a regression, in percent of what it was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Tolerance(f64);

/// What is no tolerance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tolerance {given:?} is no number of percent from 0 to {}, as in 5%", Tolerance::MOST)]
pub struct NoTolerance {
    /// As it was given.
    pub given: String,
}

impl Tolerance {
    /// The greatest there is.
    pub const MOST: f64 = 10_000.0;

    /// In percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        self.0
    }

    /// As a share.
    pub(super) fn share(self) -> f64 {
        self.0 / 100.0
    }
}

impl Default for Tolerance {
    /// 5%.
    fn default() -> Self {
        Self(5.0)
    }
}

impl TryFrom<f64> for Tolerance {
    type Error = NoTolerance;

    fn try_from(percent: f64) -> Result<Self, NoTolerance> {
        let is_one = (0.0..=Self::MOST).contains(&percent);
        is_one.then_some(Self(percent)).ok_or_else(|| NoTolerance { given: percent.to_string() })
    }
}

impl From<Tolerance> for f64 {
    fn from(tolerance: Tolerance) -> Self {
        tolerance.0
    }
}

impl FromStr for Tolerance {
    type Err = NoTolerance;

    /// Percent, with or without the sign.
    fn from_str(text: &str) -> Result<Self, NoTolerance> {
        let wrong = || NoTolerance { given: text.to_owned() };
        let number = text.strip_suffix('%').unwrap_or(text).trim_end();
        number.parse().ok().and_then(|percent: f64| Self::try_from(percent).ok()).ok_or_else(wrong)
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_percent() {
        for (text, percent) in [("5", 5.0), ("5%", 5.0), ("0.5 %", 0.5), ("0", 0.0), ("1e2", 100.0)]
        {
            let read: Tolerance = text.parse().unwrap();
            assert_eq!((read.percent(), read.share()), (percent, percent / 100.0));
        }
        assert_eq!(Tolerance::default().to_string(), "5%");
        assert_eq!(serde_json::to_string(&Tolerance::default()).unwrap(), "5.0");
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "%", "-1", "nan", "inf", "10001", "5%%", "five"] {
            let error = text.parse::<Tolerance>().unwrap_err().to_string();
            assert!(error.contains(text) && error.contains("from 0 to 10000"), "{error}");
        }
        assert!(serde_json::from_str::<Tolerance>("-3").is_err());
    }
}
