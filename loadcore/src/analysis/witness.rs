//! Turns what the target told of itself during a run into witnesses of what was found: series that moved
//! with the trouble, the most telling first.
//!
//! [`Reducer`] makes of each answer of an endpoint what is kept of it. Whether two courses are more alike than chance makes them
//! (`correlate.rs`) knows nothing of names; `names.rs` puts what speaks of a resource before what the
//! requests themselves do.

mod correlate;
mod exposition;
#[cfg(test)]
mod fuzz;
mod names;
mod observations;
mod reduce;
#[cfg(test)]
mod trials;
mod words;

use super::bottleneck::{Trouble, TroubleRow};
use crate::record::{Measure, Reading};
use crate::result::{Finding, Observed, Witness};
use observations::Course;
pub(crate) use reduce::Reducer;

/// So many witnesses are named at a finding.
const MOST_NAMED: usize = 5;
/// So many findings have witnesses, the weightiest: each takes half a second beside 500 series, and the result of
/// a run that goes on is asked for often.
const MOST_FINDINGS: usize = 8;
/// So many rows are looked at: more say little more, and cost time for each series.
const MOST_ROWS: usize = 120;
/// What is before a trouble and after it belongs to the picture: at least so many rows of each.
const AROUND: usize = 60;

/// All that the target told in a run.
#[derive(Debug, Default)]
pub(super) struct Observations(Vec<Course>);

/// A series, in the rows in which a trouble is looked at.
struct Told<'a> {
    endpoint: &'a str,
    series: &'a str,
    measure: Measure,
    values: Vec<f64>,
}

impl Observations {
    /// Of a run that observes these endpoints: their names and URLs.
    pub(super) fn new(endpoints: &[(String, String)]) -> Self {
        let course = |(name, url): &(String, String)| Course::new(name.clone(), url.clone());
        Self(endpoints.iter().map(course).collect())
    }

    /// Adds a reading. They come in the order of time, each endpoint's by itself.
    pub(super) fn add(&mut self, reading: &Reading) {
        if let Some(course) = self.0.get_mut(reading.endpoint) {
            course.add(reading);
        }
    }

    /// Their part of the result.
    pub(super) fn result(&self) -> Vec<Observed> {
        self.0.iter().map(Course::result).collect()
    }

    /// Names at each finding what moved with its trouble, and says so in its explanation.
    pub(super) fn testify(
        &self,
        findings: &mut [Finding],
        trouble: impl Fn(&Finding) -> Option<Trouble>,
    ) {
        if self.0.is_empty() {
            return;
        }
        let troubled =
            findings.iter_mut().filter_map(|it| trouble(it).map(|trouble| (it, trouble)));
        for (finding, trouble) in troubled.take(MOST_FINDINGS) {
            self.testify_to(finding, &trouble);
        }
    }

    fn testify_to(&self, finding: &mut Finding, trouble: &Trouble) {
        let (spans, course) = rows(trouble, finding);
        let told = self.told(&spans);
        let values: Vec<_> = told.iter().map(|it| &*it.values).collect();
        let mut moved = correlate::moved_with(&course, &values);
        moved.sort_by(|a, b| {
            let score = |it: &correlate::Moved| {
                names::score(told[it.place].series, it.correlation, it.lead)
            };
            score(b).total_cmp(&score(a))
        });
        let seconds = spans.first().map_or(1.0, |(from, to)| to - from);
        let witness = |it: &correlate::Moved| Witness {
            name: told[it.place].endpoint.to_owned(),
            series: told[it.place].series.to_owned(),
            lead_seconds: it.lead as f64 * seconds,
            correlation: (it.correlation * 100.0).round() / 100.0,
        };
        finding.witnesses = moved.iter().take(MOST_NAMED).map(witness).collect();
        if let Some(first) = moved.first() {
            let Told { measure, values, .. } = &told[first.place];
            let said = words::said(&finding.witnesses, *measure, (values, &course), trouble.figure);
            finding.explanation = format!("{}. {said}", finding.explanation.trim_end_matches('.'));
        }
    }

    /// All series in these spans of seconds, but for clocks: what counts the seconds since something is as
    /// high as anything that grows.
    fn told(&self, spans: &[(f64, f64)]) -> Vec<Told<'_>> {
        let mut all = Vec::new();
        for course in &self.0 {
            let series = course.within(spans).into_iter().map(|(series, measure, values)| Told {
                endpoint: course.name(),
                series,
                measure,
                values,
            });
            all.extend(series.filter(|told| !is_clock(&told.values, spans)));
        }
        all
    }
}

/// The rows around a finding, of equal length and not too many: their spans, and how bad the trouble was
/// in each.
fn rows(trouble: &Trouble, finding: &Finding) -> (Vec<(f64, f64)>, Vec<f64>) {
    let place = |second: f64| trouble.rows.partition_point(|row| row.from < second);
    let (from, to) = (place(finding.from_second), place(finding.to_second));
    let around = AROUND.max(to.saturating_sub(from));
    let rows = &trouble.rows[from.saturating_sub(around)..(to + around).min(trouble.rows.len())];
    let merged = rows.chunks(rows.len().div_ceil(MOST_ROWS).max(1));
    let merge = |rows: &[TroubleRow]| {
        let values: Vec<_> = rows.iter().map(|row| row.value).collect();
        ((rows[0].from, rows[rows.len() - 1].to), observations::mean(&values))
    };
    merged.map(merge).unzip()
}

/// It advances by a second in a second, or by a thousand milliseconds.
fn is_clock(values: &[f64], spans: &[(f64, f64)]) -> bool {
    let steps = values.windows(2).zip(spans.windows(2));
    let ratio = |(values, spans): (&[f64], &[(f64, f64)])| {
        (values[1] - values[0]) / (spans[1].0 - spans[0].0)
    };
    let mut ratios = steps.map(ratio).filter(|ratio| !ratio.is_nan()).peekable();
    let near = |ratio: f64, one: f64| (ratio / one - 1.0).abs() < 0.2;
    ratios.peek().is_some() && ratios.all(|ratio| near(ratio, 1.0) || near(ratio, 1_000.0))
}
