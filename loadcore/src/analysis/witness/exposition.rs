//! Reads Prometheus's text format, and what OpenMetrics adds to it, into samples.
//!
//! Of each line it takes what it understands, for endpoints of many makes write it in many ways: a line
//! that it does not understand is counted, and the others are read all the same. Time stamps, exemplars
//! and texts for people are passed over. Nothing is copied.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/> (version 0.0.4),
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::collections::HashMap;

/// What an endpoint told.
#[derive(Debug, Default)]
pub(super) struct Exposition<'a> {
    pub(super) samples: Vec<Sample<'a>>,
    /// The first line that is none of the format, and how many there are.
    pub(super) wrong: Option<(&'a str, usize)>,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample<'a> {
    /// Its name; of a histogram's or a summary's sum and count the name of the whole.
    pub(super) name: &'a str,
    /// What stands between the braces.
    pub(super) labels: &'a str,
    pub(super) value: f64,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It goes up and down.
    Gauge,
    /// It only grows.
    Counter,
    /// Everything that a histogram or a summary was told, added up.
    Sum,
    /// How often it was told something.
    Count,
}

/// What the `# TYPE` line of a family says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Counter,
    Gauge,
    /// Histograms and summaries.
    Times,
    Other,
}

impl<'a> Exposition<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let (mut families, mut read) = (HashMap::new(), Self::default());
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix('#') {
                families.extend(family(comment));
                continue;
            }
            match sample(line) {
                Some((name, labels, value)) => {
                    let known = kind(&families, name, labels);
                    // NaN and the infinite are no values that anything can be said of.
                    let known = known.filter(|_| value.is_finite());
                    let sample = |(name, kind)| Sample { name, labels, value, kind };
                    read.samples.extend(known.map(sample));
                }
                None => match &mut read.wrong {
                    Some((_, count)) => *count += 1,
                    None => read.wrong = Some((line, 1)),
                },
            }
        }
        read
    }
}

/// The labels of a sample, each with its value as it is written there.
pub(super) fn label<'a>(labels: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = labels;
    while let Some((name, value, left)) = next_label(rest) {
        if name == wanted {
            return Some(value);
        }
        rest = left;
    }
    None
}

/// The first label, its value, and what follows.
fn next_label(labels: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = labels.split_once('=')?;
    let rest = rest.trim_start().strip_prefix('"')?;
    let end = end_of_quoted(rest)?;
    Some((name.trim_matches([',', ' ']), &rest[..end], &rest[end + 1..]))
}

/// Where the closing quotation mark is.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| match byte {
        _ if std::mem::take(&mut escaped) => false,
        b'\\' => {
            escaped = true;
            false
        }
        byte => byte == b'"',
    })
}

/// Name, labels and value of a line.
fn sample(line: &str) -> Option<(&str, &str, f64)> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, rest) = line.split_at(end);
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    if !name.starts_with(begins) || !name.chars().all(|c| begins(c) || c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start();
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inner) => {
            let end = end_of_labels(inner)?;
            (inner[..end].trim().trim_end_matches(','), &inner[end + 1..])
        }
        None => ("", rest),
    };
    let value = rest.split_whitespace().next()?;
    Some((name, labels, value.parse().ok()?))
}

fn end_of_labels(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(['}', '"'])?;
        if text.as_bytes()[at] == b'}' {
            return Some(at);
        }
        from = at + 1 + end_of_quoted(&text[at + 1..])? + 1;
    }
}

fn family(comment: &str) -> Option<(&str, Family)> {
    let mut words = comment.split_whitespace();
    if words.next() != Some("TYPE") {
        return None;
    }
    let name = words.next()?;
    let family = match words.next()? {
        "counter" => Family::Counter,
        "gauge" | "stateset" => Family::Gauge,
        "histogram" | "summary" => Family::Times,
        "gaugehistogram" | "info" => Family::Other,
        // `untyped`, `unknown`, and what nobody knows: its name says it.
        _ => return None,
    };
    Some((name, family))
}

/// What a sample is, and the name that it goes by; `None`: it is passed over.
fn kind<'a>(
    families: &HashMap<&str, Family>,
    name: &'a str,
    labels: &str,
) -> Option<(&'a str, Kind)> {
    const SUFFIXES: [&str; 6] = ["_total", "_sum", "_count", "_bucket", "_created", "_info"];
    let mut suffixes = SUFFIXES.iter();
    let split = suffixes.find_map(|suffix| name.strip_suffix(suffix).map(|base| (base, *suffix)));
    let split = split.filter(|(base, _)| !base.is_empty());
    let of_base = split.and_then(|(base, _)| families.get(base));
    let family = families.get(name).or(of_base);
    match (family, split) {
        // A family of this very name, whatever it ends with.
        (Some(Family::Gauge), _) => Some((name, Kind::Gauge)),
        (Some(Family::Other), _) | (_, Some((_, "_created" | "_info"))) => None,
        (Some(Family::Counter), _) | (_, Some((_, "_total"))) => Some((name, Kind::Counter)),
        (_, Some((_, "_bucket"))) if label(labels, "le").is_some() => None,
        (Some(Family::Times) | None, Some((base, "_sum"))) => Some((base, Kind::Sum)),
        (Some(Family::Times) | None, Some((base, "_count"))) => Some((base, Kind::Count)),
        // A summary's own quantiles, and what has no type.
        (Some(Family::Times) | None, _) => Some((name, Kind::Gauge)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(String, f64, Kind)> {
        let all = Exposition::read(text).samples;
        all.iter().map(|it| (format!("{}|{}", it.name, it.labels), it.value, it.kind)).collect()
    }

    fn of(name: &str, value: f64, kind: Kind) -> (String, f64, Kind) {
        (name.into(), value, kind)
    }

    #[test]
    fn the_example_of_the_format_is_read() {
        let text = r#"
# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot {find} file:\n\"FILE.TXT\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
http_request_duration_seconds_count 144320
# TYPE rpc_duration_seconds summary
rpc_duration_seconds{quantile="0.5"} 4773
rpc_duration_seconds{quantile="0.9"} NaN
rpc_duration_seconds_sum 1.7560473e+07
rpc_duration_seconds_count 2693
"#;
        let path = r#"msdos_file_access_time_seconds|path="C:\\DIR\\FILE.TXT",error="Cannot {find} file:\n\"FILE.TXT\"""#;
        assert_eq!(
            read(text),
            [
                of(r#"http_requests_total|method="post",code="200""#, 1027.0, Kind::Counter),
                of(path, 1.458255915e9, Kind::Gauge),
                of("metric_without_timestamp_and_labels|", 12.47, Kind::Gauge),
                of("http_request_duration_seconds|", 53423.0, Kind::Sum),
                of("http_request_duration_seconds|", 144320.0, Kind::Count),
                of(r#"rpc_duration_seconds|quantile="0.5""#, 4773.0, Kind::Gauge),
                of("rpc_duration_seconds|", 1.7560473e7, Kind::Sum),
                of("rpc_duration_seconds|", 2693.0, Kind::Count),
            ]
        );
    }

    #[test]
    fn what_open_metrics_adds_is_read_or_passed_over() {
        let text = r#"# TYPE hits counter
# UNIT hits requests
hits_total{a="b"} 17.0 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67
hits_created{a="b"} 1520430000.123
# TYPE build info
build_info{version="1"} 1
# TYPE feature stateset
feature{feature="a"} 1
# TYPE size gaugehistogram
size_gcount 3
size_bucket{le="1"} 3
# EOF"#;
        let wanted = [
            of(r#"hits_total|a="b""#, 17.0, Kind::Counter),
            of(r#"feature|feature="a""#, 1.0, Kind::Gauge),
            of("size_gcount|", 3.0, Kind::Gauge),
        ];
        assert_eq!(read(text), wanted);
    }

    #[test]
    fn without_a_type_the_name_says_what_it_is() {
        let kinds: Vec<_> =
            read("a_total 1\nb 2\nc_sum 3\nc_count 4\n").iter().map(|it| it.2).collect();
        assert_eq!(kinds, [Kind::Counter, Kind::Gauge, Kind::Sum, Kind::Count]);
        let declared = "# TYPE connections_count gauge\nconnections_count 3";
        assert_eq!(read(declared), [of("connections_count|", 3.0, Kind::Gauge)]);
    }

    #[test]
    fn lines_that_are_none_are_counted_and_the_others_read() {
        let read = Exposition::read("a 1\n<html>\nb{c=\"d} 2\ne 3,5\nf 4\n9g 5");
        assert_eq!(read.samples.len(), 2);
        assert_eq!(read.wrong, Some(("<html>", 4)));
    }

    #[test]
    fn a_label_is_found_by_its_name() {
        let labels = r#"cpu="0", mode="id\"le",x = "y""#;
        assert_eq!((label(labels, "cpu"), label(labels, "x")), (Some("0"), Some("y")));
        assert_eq!((label(labels, "mode"), label(labels, "z")), (Some(r#"id\"le"#), None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "\\PC{0,200}") {
            let _ = Exposition::read(&text);
        }

        #[test]
        fn so_is_what_almost_looks_like_it(
            lines in prop::collection::vec("(# TYPE )?[a-c_]{0,4}(_sum|_total)?[{]?[a\"=,\\\\}é ]{0,8}[}]? ?[0-9e.NaInf+-]{0,6}", 0..20)
        ) {
            let text = lines.join("\n");
            for sample in Exposition::read(&text).samples {
                prop_assert!(sample.value.is_finite() && !sample.name.is_empty());
                let _ = label(sample.labels, "le");
            }
        }

        /// Labels hold any text: what is written in them comes back, and the value behind them is right.
        #[test]
        fn values_of_labels_may_hold_anything(text in "\\PC{0,30}", value: f64) {
            prop_assume!(value.is_finite());
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            let line = format!("a{{x=\"1\",b=\"{escaped}\"}} {value:e} 12");
            let read = Exposition::read(&line);
            prop_assert_eq!(read.samples.len(), 1);
            prop_assert_eq!(read.samples[0].value, value);
            prop_assert_eq!(label(read.samples[0].labels, "b"), Some(&*escaped));
        }
    }
}
