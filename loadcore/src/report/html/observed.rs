//! Turns what the target told of itself into a table of its most telling series, each with a small picture.

use super::spark;
use crate::result::{Finding, Observed, ObservedSeries, RunResult, short};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The most series that the page shows.
const MOST: usize = 12;

/// A row.
pub(super) struct Series<'a> {
    pub(super) endpoint: &'a str,
    pub(super) series: &'a str,
    pub(super) is_witness: bool,
    pub(super) kind: &'static str,
    pub(super) least: String,
    pub(super) most: String,
    /// The lines of the picture.
    pub(super) lines: Vec<String>,
}

/// Witnesses first, in the order of the findings; then those that moved most.
pub(super) fn of(result: &RunResult) -> Vec<Series<'_>> {
    let places = witnesses(&result.bottlenecks);
    let mut all: Vec<(&Observed, &ObservedSeries)> = Vec::new();
    for endpoint in &result.observed {
        all.extend(endpoint.series.iter().map(|series| (endpoint, series)));
    }
    let place = |(endpoint, series): &(&Observed, &ObservedSeries)| {
        places.get(&(&*endpoint.name, &*series.series)).copied()
    };
    let rank = |it: &(&Observed, &ObservedSeries)| (place(it).unwrap_or(usize::MAX), moved(it.1));
    let order =
        |a: (usize, f64), b: (usize, f64)| -> Ordering { a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)) };
    all.sort_by(|a, b| order(rank(a), rank(b)));
    all.truncate(MOST);
    all.iter().map(|it| row(it.0, it.1, place(it).is_some())).collect()
}

/// Where each series that a finding names stands among all that are named.
fn witnesses(findings: &[Finding]) -> BTreeMap<(&str, &str), usize> {
    let named = findings.iter().flat_map(|finding| &finding.witnesses).enumerate();
    let mut places = BTreeMap::new();
    for (place, witness) in named {
        places.entry((&*witness.name, &*witness.series)).or_insert(place);
    }
    places
}

/// How far its values lie apart, as a share of the greatest.
fn moved(series: &ObservedSeries) -> f64 {
    let (least, most) = bounds(series);
    let size = least.abs().max(most.abs());
    if size > 0.0 { (most - least) / size } else { 0.0 }
}

fn bounds(series: &ObservedSeries) -> (f64, f64) {
    let values = || series.values.iter().flatten().copied();
    (values().reduce(f64::min).unwrap_or(0.0), values().reduce(f64::max).unwrap_or(0.0))
}

fn row<'a>(endpoint: &'a Observed, series: &'a ObservedSeries, is_witness: bool) -> Series<'a> {
    let (least, most) = bounds(series);
    Series {
        endpoint: &endpoint.name,
        series: &series.series,
        is_witness,
        kind: series.kind.name(),
        least: short(least),
        most: short(most),
        lines: spark::lines(series.values.iter().copied(), least),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::FindingKind;
    use crate::result::fixtures::{finding, steady_run};
    use serde_json::json;

    fn observed(series: &[(&str, &[f64])]) -> Observed {
        let one = |(name, values): &(&str, &[f64])| {
            let second: Vec<_> = (0..values.len()).collect();
            json!({"series": name, "kind": "gauge", "second": second, "values": values})
        };
        let series: Vec<_> = series.iter().map(one).collect();
        let document = json!({"name": "app", "url": "http://app/", "readings": 3, "faults": [],
            "failedReadings": 0, "series": series});
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn witnesses_come_first_and_then_what_moved_most() {
        let mut result = steady_run();
        let little = (0..20).map(|n| format!("little_{n}")).collect::<Vec<_>>();
        let mut series: Vec<(&str, &[f64])> =
            little.iter().map(|name| (&**name, &[10.0, 11.0][..])).collect();
        series.extend([("much", &[1.0, 9e6][..]), ("pool", &[5.0, 6.0][..])]);
        result.observed = vec![observed(&series)];
        let witness =
            json!({"name": "app", "series": "pool", "leadSeconds": 1.0, "correlation": 0.9});
        let mut found = finding(FindingKind::Saturation);
        found.witnesses = vec![serde_json::from_value(witness).unwrap()];
        result.bottlenecks = vec![found];
        let rows = of(&result);
        assert_eq!(rows.len(), MOST);
        assert_eq!((rows[0].series, rows[0].is_witness), ("pool", true));
        assert_eq!((rows[1].series, rows[1].is_witness, &*rows[1].most), ("much", false, "9M"));
        assert_eq!(rows[0].lines, ["0,23.0 120,1.0"]);
    }
}
