//! Turns numbers into short text for people, and foreign text into text that a terminal survives.

/// `12,345`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate with the digits it has, three of them at most, and below 1 in a thousand parts or two digits:
/// `1,000/s`, `12.3/s`, `1.25/s`, `0.2/s`, `0.033/s`.
#[must_use]
pub fn rate(per_second: f64) -> String {
    let decimals = match per_second {
        _ if per_second >= 99.95 => return format!("{}/s", count(per_second.round() as u64)),
        _ if per_second >= 9.995 => 1,
        _ if per_second >= 0.9995 => 2,
        _ if per_second >= 0.00995 || per_second <= 0.0 => 3,
        _ => (1 - per_second.log10().floor() as i32).clamp(3, 12) as usize,
    };
    let digits = format!("{per_second:.decimals$}");
    format!("{}/s", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// Milliseconds in the unit that suits them, to three digits: `512 us`, `1.00 ms`, `2.50 s`; a dash
/// where there is no number.
#[must_use]
pub fn time(ms: Option<f64>) -> String {
    let Some(ms) = ms else { return "-".to_owned() };
    let (number, unit) = in_unit(ms);
    format!("{} {unit}", three_digits(number))
}

/// Milliseconds in the unit that suits them, with as many decimals as they need and at most three,
/// for round numbers: `1 ms`, `2.5 s`, `10.02 ms`.
#[must_use]
pub fn round_time(ms: f64) -> String {
    let (number, unit) = in_unit(ms);
    let digits = format!("{number:.3}");
    format!("{} {unit}", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// A moment of a run, in seconds since its start: `12 s`, `2.5 s`, and in longer runs `25:00`, `1:02:03`.
#[must_use]
pub fn moment(seconds: f64) -> String {
    if seconds < 150.0 {
        let digits = format!("{seconds:.1}");
        return format!("{} s", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3_600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        hours => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// The limits lie where rounding to three digits would reach 1,000 of the smaller unit.
fn in_unit(ms: f64) -> (f64, &'static str) {
    match ms {
        _ if ms < 0.000_999_5 => (ms * 1e6, "ns"),
        _ if ms < 0.999_5 => (ms * 1e3, "us"),
        _ if ms < 999.5 => (ms, "ms"),
        _ if ms < 60_000.0 => (ms / 1e3, "s"),
        _ if ms < 3_600_000.0 => (ms / 60e3, "min"),
        _ => (ms / 3_600e3, "h"),
    }
}

/// Bytes in the unit that suits them, of 1,000 each: `850 B`, `8.50 MB`.
#[must_use]
pub fn bytes(n: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut number = n;
    let mut unit = 0;
    while number >= 999.5 && unit + 1 < units.len() {
        number /= 1_000.0;
        unit += 1;
    }
    format!("{} {}", three_digits(number), units[unit])
}

/// A share in percent, with as many decimals as it needs to be neither 0 nor 100 when it is not.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let percent = 100.0 * part as f64 / whole as f64;
    for decimals in [1, 2, 3, 4] {
        let text = format!("{percent:.decimals$}%");
        let said: f64 = text[..text.len() - 1].parse().unwrap_or(percent);
        if (said == 0.0) == (part == 0) && (said == 100.0) == (part == whole) {
            return text;
        }
    }
    if part < whole / 2 { "<0.0001%".to_owned() } else { ">99.9999%".to_owned() }
}

/// Three significant digits; 0 has none.
fn three_digits(number: f64) -> String {
    let decimals = match number {
        0.0 => 0,
        _ if number < 9.995 => 2,
        _ if number < 99.95 => 1,
        _ => 0,
    };
    format!("{number:.decimals$}")
}

/// Foreign text on one line of at most `width` characters, without control characters: what a
/// server sends must not move the cursor.
#[must_use]
pub fn one_line(text: &str, width: usize) -> String {
    let clean = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let line: String = clean.collect();
    if line.chars().count() <= width {
        return line;
    }
    line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Words on lines of at most `width` characters.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = one_line(word, width);
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_rates() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn rates_have_the_digits_they_have() {
        for (per_second, text) in [
            (0.0, "0/s"),
            (1.0 / 86_400.0, "0.000012/s"),
            (1.0 / 3_600.0, "0.00028/s"),
            (0.005, "0.005/s"),
            (0.009_99, "0.01/s"),
            (1.0 / 30.0, "0.033/s"),
            (0.125, "0.125/s"),
            (0.2, "0.2/s"),
            (0.25, "0.25/s"),
            (4.0 / 15.0, "0.267/s"),
            (0.999_6, "1/s"),
            (1.25, "1.25/s"),
            (9.996, "10/s"),
            (12.0, "12/s"),
            (12.34, "12.3/s"),
            (99.96, "100/s"),
            (999.84, "1,000/s"),
            (9_876.5, "9,877/s"),
        ] {
            assert_eq!(rate(per_second), text);
        }
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let cases = [
            (0.0, "0 ns", "0 ns"),
            (0.000_511, "511 ns", "511 ns"),
            (0.000_999_9, "1.00 us", "1 us"),
            (10.02, "10.0 ms", "10.02 ms"),
            (0.0125, "12.5 us", "12.5 us"),
            (0.999_999_9, "1.00 ms", "1 ms"),
            (1.254, "1.25 ms", "1.254 ms"),
            (30.0, "30.0 ms", "30 ms"),
            (249.6, "250 ms", "249.6 ms"),
            (999.999_9, "1.00 s", "1 s"),
            (90_000.0, "1.50 min", "1.5 min"),
            (7_200_000.0, "2.00 h", "2 h"),
        ];
        for (ms, exact, round) in cases {
            assert_eq!((time(Some(ms)), round_time(ms)), (exact.into(), round.into()));
        }
        assert_eq!(time(None), "-");
    }

    #[test]
    fn a_moment_is_told_as_clocks_do_where_seconds_are_many() {
        let told = [0.0, 2.5, 120.0, 1_500.0, 3_723.4].map(moment);
        assert_eq!(told, ["0 s", "2.5 s", "120 s", "25:00", "1:02:03"]);
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        assert_eq!(
            (percent(0, 9), percent(9, 9), percent(1, 0)),
            ("0.0%".into(), "100.0%".into(), "-".into())
        );
        assert_eq!(percent(9_990, 9_998), "99.9%");
        assert_eq!(percent(99_999, 100_000), "99.999%");
        assert_eq!(percent(1, 100_000), "0.001%");
        assert_eq!(percent(1, 1 << 40), "<0.0001%");
        assert_eq!(percent((1 << 40) - 1, 1 << 40), ">99.9999%");
    }

    #[test]
    fn bytes_have_decimal_units() {
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!([850.0, 8.5e6, 999_600.0].map(bytes), ["850 B", "8.50 MB", "1.00 MB"]);
    }

    #[test]
    fn foreign_text_is_tamed() {
        assert_eq!(one_line("a\u{1b}[2Jb\nc", 20), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(one_line("abcdef", 4), "abc…");
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("immeasurably", 5), ["imme…"]);
    }
}
