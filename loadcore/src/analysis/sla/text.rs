//! Turns the text of a rule into a bound on a statistic, and back.
//!
//! ```text
//! rule       = metric ["{" name "}"] comparison bound
//!                                                p99<250ms, error_rate<=0.1%, p99{checkout}<1s
//! name       = a request of the mix
//! metric     = ["ok_" | "service_"] statistic | ["ok_"] "rps"
//!            | "error_rate" | "achieved_rate" | "dropped_rate" | "share{" counted "}"
//! statistic  = "p" percent | "min" | "mean" | "max"      percent: 0 to 100, up to four decimals
//! counted    = a status (503) | its hundred (5xx) | an error class (connect_refused)
//! comparison = "<" | "<=" | ">" | ">="
//! bound      = time (ns us ms s m h) | percentage (%) | number, as the metric asks for
//! ```

use super::rule::Unit;
use super::{Bound, Comparison, Metric, Rule, RuleError, Statistic, StatusOrClass, Times};
use crate::analysis::suggest::nearest;
use std::fmt;
use std::str::FromStr;

/// Metrics that stand for themselves, for suggestions.
const METRICS: [&str; 21] = [
    "min",
    "mean",
    "max",
    "p50",
    "p99",
    "ok_min",
    "ok_mean",
    "ok_max",
    "ok_p50",
    "ok_p99",
    "service_min",
    "service_mean",
    "service_max",
    "service_p50",
    "service_p99",
    "error_rate",
    "achieved_rate",
    "dropped_rate",
    "rps",
    "ok_rps",
    "share{503}",
];

/// What others call them.
const OTHER_NAMES: [(&str, &str); 12] = [
    ("avg", "mean"),
    ("average", "mean"),
    ("median", "p50"),
    ("maximum", "max"),
    ("minimum", "min"),
    ("errors", "error_rate"),
    ("failures", "error_rate"),
    ("success_rate", "error_rate"),
    ("throughput", "rps"),
    ("goodput", "ok_rps"),
    ("dropped", "dropped_rate"),
    ("share", "share{503}"),
];

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let fail =
            |why: String| RuleError(format!("\"{}\" is not an SLA rule: {why}", text.trim()));
        let no_comparison =
            || fail("it has no comparison; allowed are <, <=, > and >=, as in p99<250ms".into());
        let at = comparison_at(text).ok_or_else(no_comparison)?;
        let (metric, rest) = text.split_at(at);
        let signs = rest.len() - rest.trim_start_matches(['<', '>', '=', '!']).len();
        let (comparison, bound) = rest.split_at(signs);
        let (metric, request) = split_request(metric.trim()).map_err(fail)?;
        let metric = parse_metric(metric).map_err(fail)?;
        let comparison = parse_comparison(comparison).map_err(fail)?;
        let bound = parse_bound(metric, bound.trim()).map_err(fail)?;
        Ok(Self { metric, request, comparison, bound })
    }
}

/// Where the comparison begins: a request's name, in braces, may hold its signs as well.
fn comparison_at(text: &str) -> Option<usize> {
    let signs = ['<', '>', '=', '!'];
    let first = text.find(signs)?;
    let name = text.find('{').filter(|open| *open < first);
    let closed = name.and_then(|_| text.rfind('}'));
    let from = closed.map_or(first, |closed| closed + 1);
    text[from..].find(signs).map(|at| from + at)
}

/// `p99{checkout}` as the metric and the request's name. A share has what it counts in the first of
/// its braces.
fn split_request(metric: &str) -> Result<(&str, Option<Box<str>>), String> {
    let is_share = metric.split('{').next().is_some_and(|it| it.trim() == "share");
    let from = if is_share { metric.find('}').map_or(metric.len(), |at| at + 1) } else { 0 };
    let Some(open) = metric[from..].find('{').map(|at| from + at) else {
        return Ok((metric, None));
    };
    let name = metric[open + 1..].strip_suffix('}').ok_or("its brace { is not closed by a }")?;
    if name.is_empty() {
        return Err("it has no name in its braces; give that of a request of the mix".into());
    }
    Ok((metric[..open].trim_end(), Some(name.into())))
}

fn parse_metric(name: &str) -> Result<Metric, String> {
    match name {
        "error_rate" => return Ok(Metric::ErrorRate),
        "achieved_rate" => return Ok(Metric::AchievedRate),
        "dropped_rate" => return Ok(Metric::DroppedRate),
        "rps" => return Ok(Metric::Rps),
        "ok_rps" => return Ok(Metric::OkRps),
        _ => {}
    }
    if let Some((before, counted)) = name.split_once('{') {
        return parse_share(before, counted);
    }
    let (times, statistic) = match (name.strip_prefix("service_"), name.strip_prefix("ok_")) {
        (Some(statistic), _) => (Times::Service, statistic),
        (_, Some(statistic)) => (Times::Ok, statistic),
        _ => (Times::Response, name),
    };
    let statistic = match statistic {
        "min" => Statistic::Min,
        "mean" => Statistic::Mean,
        "max" => Statistic::Max,
        _ => match statistic.strip_prefix('p').filter(|rest| rest.starts_with(is_digit)) {
            Some(percent) => Statistic::Percentile(parse_percentile(percent)?),
            None => return Err(unknown_metric(name)),
        },
    };
    Ok(Metric::Time(times, statistic))
}

/// `503}` as what is counted, after the name `share`.
fn parse_share(before: &str, counted: &str) -> Result<Metric, String> {
    let counted = counted.strip_suffix('}').ok_or("its brace { is not closed by a }")?;
    if before.trim() != "share" {
        return Err(unknown_metric(before.trim()));
    }
    StatusOrClass::parse(counted.trim()).map(Metric::Share)
}

fn unknown_metric(name: &str) -> String {
    let lower = name.to_lowercase();
    let prefixed = |prefix: &'static str| Some((prefix, lower.strip_prefix(prefix)?));
    let (prefix, rest) =
        ["ok_", "service_"].into_iter().find_map(prefixed).unwrap_or(("", lower.as_str()));
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == rest);
    let other = other.map(|(_, ours)| format!("{prefix}{ours}"));
    let other = other.filter(|word| METRICS.contains(&word.as_str()));
    let hint = match other.or_else(|| nearest(name, &METRICS).map(str::to_owned)) {
        Some(word) => format!("did you mean {word}? "),
        None => String::new(),
    };
    format!(
        "there is no metric \"{name}\"; {hint}allowed are p50, p99, p99.9 and so on, min, mean, max, \
         each also of ok requests alone as ok_p50 and so on, and as service_p50 and so on, rps, \
         ok_rps, error_rate, achieved_rate, dropped_rate, and share{{503}} of a status or error class"
    )
}

/// `99.9` as ten-thousandths of a percent.
fn parse_percentile(text: &str) -> Result<u32, String> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.chars().chain(decimals.chars()).all(is_digit);
    let exact = decimals.len() <= 4 && !text.ends_with('.');
    let parts = format!("{whole}{decimals:0<4}").parse::<u32>().ok();
    match parts.filter(|_| digits && exact) {
        Some(parts @ 1..1_000_000) => Ok(parts),
        Some(1_000_000) => Err("the 100th percentile is called max".into()),
        Some(_) if whole.starts_with("99") && decimals.is_empty() => {
            Err(format!("there is no percentile above 100; did you mean p99.{}?", &whole[2..]))
        }
        _ => Err(format!(
            "\"{text}\" is not a percentile: it must be above 0 and below 100, with at most four \
             decimals"
        )),
    }
}

fn parse_comparison(signs: &str) -> Result<Comparison, String> {
    match signs {
        "<" => Ok(Comparison::Less),
        "<=" => Ok(Comparison::AtMost),
        ">" => Ok(Comparison::Greater),
        ">=" => Ok(Comparison::AtLeast),
        _ => Err(format!("\"{signs}\" is no comparison; allowed are <, <=, > and >=")),
    }
}

fn parse_bound(metric: Metric, text: &str) -> Result<Bound, String> {
    let split = text.find(|c| !is_digit(c) && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim());
    let example = match metric.unit() {
        Unit::Time => "a time with its unit: ns, us, ms, s, m or h, as in 250ms",
        Unit::PerSecond => "a number per second, as in 1000",
        Unit::Percent => "a percentage, as in 1%",
    };
    let wanted = || format!("\"{text}\" is not {example}");
    let value = number.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(wanted)?;
    match (metric.unit(), unit) {
        (Unit::Time, unit) => {
            let nanos = value * nanos_in(unit).ok_or_else(wanted)?;
            if nanos > 7.0 * 86_400e9 {
                return Err(format!("\"{text}\" is longer than a week, the longest run"));
            }
            Ok(Bound::Time(nanos.round() as u64))
        }
        (Unit::PerSecond, "" | "/s") => Ok(Bound::PerSecond(value)),
        (Unit::PerSecond, _) => Err(wanted()),
        (_, "%") if value <= 100.0 => Ok(Bound::Percent(value)),
        (_, "%") => Err(format!("\"{text}\" is more than 100%")),
        _ => Err(wanted()),
    }
}

fn nanos_in(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 60e9,
        "h" => 3_600e9,
        _ => return None,
    })
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.metric)?;
        if let Some(name) = &self.request {
            write!(f, "{{{name}}}")?;
        }
        write!(f, "{}{}", self.comparison, self.bound)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(Times::Response, statistic) => statistic.fmt(f),
            Self::Time(Times::Service, statistic) => write!(f, "service_{statistic}"),
            Self::Time(Times::Ok, statistic) => write!(f, "ok_{statistic}"),
            Self::ErrorRate => f.write_str("error_rate"),
            Self::AchievedRate => f.write_str("achieved_rate"),
            Self::DroppedRate => f.write_str("dropped_rate"),
            Self::Rps => f.write_str("rps"),
            Self::OkRps => f.write_str("ok_rps"),
            Self::Share(counted) => write!(f, "share{{{counted}}}"),
        }
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Min => f.write_str("min"),
            Self::Mean => f.write_str("mean"),
            Self::Max => f.write_str("max"),
            Self::Percentile(parts) => write!(f, "p{}", f64::from(*parts) / 1e4),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        })
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            // Below 2^53, so the division and its shortest decimal form come back exactly.
            Self::Time(nanos @ 1_000_000_000..) => write!(f, "{}s", nanos as f64 / 1e9),
            Self::Time(nanos @ 1_000_000..) => write!(f, "{}ms", nanos as f64 / 1e6),
            Self::Time(nanos @ 1_000..) => write!(f, "{}us", nanos as f64 / 1e3),
            Self::Time(nanos) => write!(f, "{nanos}ns"),
            Self::Percent(value) => write!(f, "{value}%"),
            Self::PerSecond(value) => write!(f, "{value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(text: &str) -> Rule {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn fault(text: &str) -> String {
        text.parse::<Rule>().unwrap_err().to_string()
    }

    #[test]
    fn the_documented_rules_are_read_and_written() {
        for text in [
            "p99<250ms",
            "p99.9<1s",
            "p50<=10us",
            "mean<40ms",
            "max<2s",
            "min>1us",
            "error_rate<1%",
            "achieved_rate>=99%",
            "dropped_rate<=0.1%",
            "rps>=1000",
            "service_p99<1.5s",
            "p0.0001>0ns",
            "ok_p99.9<250ms",
            "ok_min>1us",
            "ok_mean<40ms",
            "ok_max<2s",
            "ok_rps>=1000",
            "share{503}<0.1%",
            "share{5xx}<=1%",
            "share{connect_refused}<1%",
        ] {
            assert_eq!(rule(text).to_string(), text);
        }
        assert_eq!(rule(" p99 < 0.25 s ").to_string(), "p99<250ms");
        assert_eq!(rule("max<1m").to_string(), "max<60s");
        assert_eq!(rule("p50<10µs"), rule("p50<10us"));
        assert_eq!(rule("share { 503 } < 0.1 %"), rule("share{503}<0.1%"));
    }

    #[test]
    fn a_fault_says_what_is_allowed_and_what_was_meant() {
        let cases = [
            ("p99", "it has no comparison; allowed are <, <=, > and >="),
            ("p99==1s", "\"==\" is no comparison; allowed are <, <=, > and >="),
            ("p99=<1s", "\"=<\" is no comparison"),
            ("errorrate<1%", "did you mean error_rate?"),
            ("avg<1s", "did you mean mean?"),
            ("service_p<1s", "did you mean service_p50?"),
            ("p999<1s", "did you mean p99.9?"),
            ("p100<1s", "the 100th percentile is called max"),
            ("p0<1s", "must be above 0 and below 100"),
            ("p99.<1s", "\"99.\" is not a percentile"),
            ("p99.99999<1s", "at most four decimals"),
            ("p99<250", "\"250\" is not a time with its unit: ns, us, ms, s, m or h"),
            ("p99<250 furlongs", "is not a time with its unit"),
            ("p99<-1ms", "\"-1ms\" is not a time"),
            ("p99<1e3ms", "\"1e3ms\" is not a time"),
            ("p99<900h", "longer than a week"),
            ("error_rate<0.01", "\"0.01\" is not a percentage, as in 1%"),
            ("error_rate<101%", "\"101%\" is more than 100%"),
            ("rps>=1000ms", "is not a number per second"),
            ("<1s", "there is no metric \"\""),
            ("okp99<1s", "did you mean ok_p99?"),
            ("ok_p100<1s", "the 100th percentile is called max"),
            ("ok_avg<1s", "did you mean ok_mean?"),
            ("service_median<1s", "did you mean service_p50?"),
            ("ok_throughput>1", "did you mean ok_rps?"),
            ("ok_service_p99<1s", "did you mean service_p99?"),
            ("ok_p99<250", "is not a time with its unit"),
            ("ok_rps>=99%", "is not a number per second"),
            ("ok_error_rate<1%", "did you mean error_rate?"),
            ("share<1%", "did you mean share{503}?"),
            ("share(503)<1%", "did you mean share{503}?"),
            ("share{503<1%", "its brace { is not closed"),
            ("share{teapot}<1%", "there is no status or error class \"teapot\""),
            ("share{timeout}<1%", "did you mean share{response_timeout}?"),
            ("share{503}<10ms", "\"10ms\" is not a percentage"),
            ("share{503}<0.01", "\"0.01\" is not a percentage"),
            ("p99{}<1s", "it has no name in its braces"),
            ("p99{a<1s", "its brace { is not closed"),
            ("share{503}{}<1%", "it has no name in its braces"),
            ("", "it has no comparison"),
        ];
        for (text, wanted) in cases {
            let fault = fault(text);
            assert!(fault.contains(wanted), "{text}: {fault}");
            assert!(fault.starts_with(&format!("\"{text}\" is not an SLA rule: ")), "{fault}");
        }
    }

    #[test]
    fn a_rule_may_be_of_one_request_whatever_its_name() {
        for (text, name) in [
            ("p99{checkout}<250ms", "checkout"),
            ("error_rate{GET /a<b>=c}<=1%", "GET /a<b>=c"),
            ("share{503}{a}b}<1%", "a}b"),
            ("ok_rps{ a }>=10", " a "),
        ] {
            let rule = rule(text);
            assert_eq!((rule.request.as_deref(), &*rule.to_string()), (Some(name), text));
        }
        assert_eq!(rule("p99 {a} < 1s").to_string(), "p99{a}<1s");
    }

    proptest! {
        #[test]
        fn text_comes_back_to_the_same_rule(
            times in prop::sample::select(vec![Times::Response, Times::Service, Times::Ok]),
            percentile in 1..1_000_000u32,
            nanos in 0..7 * 86_400_000_000_000u64,
            name in prop::option::of("\\PC{0,9}[a-z<={}]"),
        ) {
            let rule = Rule {
                metric: Metric::Time(times, Statistic::Percentile(percentile)),
                request: name.map(Into::into),
                comparison: Comparison::AtMost,
                bound: Bound::Time(nanos),
            };
            prop_assert_eq!(rule.to_string().parse::<Rule>(), Ok(rule));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}", tail in "[p<>=0-9.%mus]{0,12}") {
            let _ = text.parse::<Rule>();
            let _ = format!("share{{{text}}}<{tail}").parse::<Rule>();
            let _ = tail.parse::<Rule>();
        }
    }
}
