//! Turns the text of a number, as people type it, into the exact number; and what nearly is one into
//! how it can be written.

/// A decimal number as it was written: its digits, times a power of ten. Exact, for 2^64 - 1 is no
/// float.
#[derive(Debug)]
pub(super) struct Number<'a> {
    /// What of the text is the number.
    pub(super) written: &'a str,
    digits: String,
    exponent: i32,
}

/// Why a text is no number.
pub(super) enum Misread<'a> {
    /// It does not begin with one.
    NoNumber,
    /// It is below 0.
    Negative,
    /// There is a sign between digits that is none of ours; how it can be written.
    Grouped { what: String, forms: Vec<String> },
    /// Something follows a number.
    Suffix { number: &'a str, suffix: &'a str },
}

/// What a number is among whole ones.
pub(super) enum Whole {
    /// This one.
    Is(u64),
    /// None.
    Not,
    /// One above the greatest of 64 bits.
    TooLarge,
}

impl<'a> Number<'a> {
    /// Digits, with `_` between them where it helps, a fraction, an exponent, and k, M or G.
    pub(super) fn parse(text: &'a str) -> Result<Self, Misread<'a>> {
        let text = text.trim();
        if text.starts_with('-') {
            return Err(Misread::Negative);
        }
        let (whole, rest) = digits(text);
        let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
        if (whole.is_empty() && fraction.is_empty())
            || !are_grouped(whole)
            || !are_grouped(fraction)
        {
            return Err(Misread::NoNumber);
        }
        let (power, rest) = exponent(rest);
        let (thousands, rest) = match rest.chars().next() {
            Some('k' | 'K') => (3, &rest[1..]),
            Some('M') => (6, &rest[1..]),
            Some('G') => (9, &rest[1..]),
            _ => (0, rest),
        };
        let written = &text[..text.len() - rest.len()];
        if !rest.is_empty() {
            return Err(grouped(text, rest)
                .unwrap_or(Misread::Suffix { number: written, suffix: rest.trim() }));
        }
        let digits: String = [whole, fraction].concat().replace('_', "");
        let places = fraction.bytes().filter(u8::is_ascii_digit).count() as i32;
        Ok(Self { written, digits, exponent: power + thousands - places })
    }

    /// The nearest float.
    pub(super) fn value(&self) -> f64 {
        // What consists of digits and an exponent is a float.
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or(f64::NAN)
    }

    /// The whole number that it is.
    pub(super) fn whole(&self) -> Whole {
        /// Digits of the greatest whole number.
        const MOST: usize = 20;
        let mut digits = self.digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Whole::Is(0);
        }
        if self.exponent < 0 {
            let places = self.exponent.unsigned_abs() as usize;
            let split = digits.len().saturating_sub(places);
            if digits.len() < places || digits[split..].contains(|c| c != '0') {
                return Whole::Not;
            }
            digits.truncate(split);
        } else {
            let zeros = self.exponent as usize;
            if digits.len() + zeros > MOST {
                return Whole::TooLarge;
            }
            digits.push_str(&"0".repeat(zeros));
        }
        digits.parse().map_or(Whole::TooLarge, Whole::Is)
    }
}

/// Digits and `_` at the beginning, and what follows them.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    text.split_at(end)
}

/// Whether each `_` stands between digits.
fn are_grouped(digits: &str) -> bool {
    digits.is_empty() || digits.split('_').all(|group| !group.is_empty())
}

/// The exponent at the beginning, if there is one, and what follows it.
fn exponent(text: &str) -> (i32, &str) {
    let Some(after) = text.strip_prefix(['e', 'E']) else { return (0, text) };
    let sign = after.len() - after.trim_start_matches(['+', '-']).len();
    let end =
        after[sign..].find(|c: char| !c.is_ascii_digit()).map_or(after.len(), |end| sign + end);
    after[..end].parse().map_or((0, text), |exponent: i32| {
        // Far beyond what any of our numbers can be, and far from where sums of it overflow.
        (exponent.clamp(-10_000, 10_000), &after[end..])
    })
}

/// `1,000`, `1'000`, `1 000` and `0,5`: what some people write between digits, and how it is written
/// here. A comma may be either, so both forms are named where three digits follow it.
fn grouped<'a>(text: &str, rest: &str) -> Option<Misread<'a>> {
    let separator = rest.chars().next().filter(|c| matches!(c, ',' | '\'' | '’' | ' ' | '.'))?;
    let (number, suffix) = {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != separator);
        text.split_at(end.unwrap_or(text.len()))
    };
    let groups: Vec<&str> = number.split(separator).collect();
    if groups.iter().any(|group| group.is_empty()) || groups.len() < 2 {
        return None;
    }
    let suffix = if ["k", "K", "M", "G"].contains(&suffix) { suffix } else { "" };
    let forms: Vec<String> = if groups[1..].iter().all(|group| group.len() == 3) {
        ["", "_"].map(|sign| groups.join(sign) + suffix).into()
    } else if separator == ',' && groups.len() == 2 {
        vec![groups.join(".") + suffix]
    } else {
        return None;
    };
    Some(Misread::Grouped { what: format!("{separator:?} is no part of a number"), forms })
}
