//! Turns numbers into as few characters as show on a page: four significant digits in JSON.

use serde::{Serialize, Serializer};

/// A number of four digits; null where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Short(pub(super) Option<f64>);

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.map(rounded) {
            None => serializer.serialize_none(),
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e15 => {
                serializer.serialize_i64(whole as i64)
            }
            Some(number) => serializer.serialize_f64(number),
        }
    }
}

fn rounded(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return 0.0;
    }
    let decimals = 3 - number.abs().log10().floor() as i32;
    // By way of its text: a product with a power of ten would bring digits back.
    format!("{number:.*}", decimals.clamp(0, 12) as usize).parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_as_many_digits_as_show() {
        let text = |number| serde_json::to_string(&Short(number)).unwrap();
        for (number, short) in [
            (0.0, "0"),
            (1_000.0, "1000"),
            (123_456.7, "123457"),
            (1.234_567, "1.235"),
            (0.000_123_456, "0.0001235"),
            (99.999_9, "100"),
        ] {
            assert_eq!(text(Some(number)), short);
        }
        assert_eq!(text(None), "null");
    }
}
