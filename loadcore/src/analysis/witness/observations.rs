//! Turns readings, as they come, into the course of each series, and that into its part of the result.

use super::reduce::MOST_SERIES;
use crate::record::{Measure, Reading, Told};
use crate::result::{Observed, ObservedFault, ObservedSeries};
use std::collections::BTreeMap;

/// The most readings of an endpoint that are kept. Of a longer run the older ones become one of two.
const MOST_READINGS: usize = 3_600;
/// The most rows of a series in a result.
const MOST_ROWS: u64 = 120;
/// Faults of an endpoint that are kept; of more it is known how many.
const MOST_FAULTS: usize = 20;

/// What one endpoint told in the run.
#[derive(Debug, Default)]
pub(super) struct Course {
    name: String,
    url: String,
    /// Which seconds there are readings of, rising.
    seconds: Vec<u64>,
    /// Each series has a value for each of those, NaN for none.
    series: BTreeMap<String, (Measure, Vec<f64>)>,
    faults: Vec<(u64, String)>,
    readings: u64,
    failed: u64,
}

impl Course {
    pub(super) fn new(name: String, url: String) -> Self {
        Self { name, url, ..Self::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Adds a reading. They come in the order of time; of two of a second the later one counts.
    pub(super) fn add(&mut self, reading: &Reading) {
        self.readings += 1;
        if let Some(fault) = &reading.fault {
            self.failed += 1;
            if self.faults.len() < MOST_FAULTS {
                self.faults.push((reading.second, fault.clone()));
            }
            return;
        }
        if self.seconds.last().is_none_or(|last| *last < reading.second) {
            self.seconds.push(reading.second);
            // What is not told is as it was.
            for (_, values) in self.series.values_mut() {
                values.push(values.last().copied().unwrap_or(f64::NAN));
            }
        }
        reading.told.iter().for_each(|told| self.tell(told));
        if self.seconds.len() > MOST_READINGS {
            self.halve();
        }
    }

    fn tell(&mut self, told: &Told) {
        let Told { series, measure, value, before } = told;
        if !self.series.contains_key(series) {
            if self.series.len() == MOST_SERIES {
                return;
            }
            let before = vec![before.unwrap_or(f64::NAN); self.seconds.len()];
            self.series.insert(series.clone(), (*measure, before));
        }
        let last = self.series.get_mut(series).and_then(|(_, values)| values.last_mut());
        if let Some(last) = last {
            *last = value.unwrap_or(f64::NAN);
        }
    }

    fn halve(&mut self) {
        self.seconds = self.seconds.iter().step_by(2).copied().collect();
        for (_, values) in self.series.values_mut() {
            *values = values.chunks(2).map(mean).collect();
        }
    }

    /// Each series with its value in each of these spans of seconds, NaN for none.
    pub(super) fn within(&self, spans: &[(f64, f64)]) -> Vec<(&str, Measure, Vec<f64>)> {
        let place = |second: f64| self.seconds.partition_point(|it| (*it as f64) < second);
        let places: Vec<_> = spans.iter().map(|(from, to)| place(*from)..place(*to)).collect();
        let row = |values: &Vec<f64>| places.iter().map(|it| mean(&values[it.clone()])).collect();
        self.series
            .iter()
            .map(|(name, (measure, values))| (&**name, *measure, row(values)))
            .collect()
    }

    /// Its part of the result.
    pub(super) fn result(&self) -> Observed {
        let end = self.seconds.last().map_or(0, |last| last + 1);
        let length = end.div_ceil(MOST_ROWS).max(1);
        let begins: Vec<_> = (0..end.div_ceil(length)).map(|row| row * length).collect();
        let span = |from: &u64| (*from as f64, (*from + length) as f64);
        let spans: Vec<_> = begins.iter().map(span).collect();
        let series = |(name, kind, values): (&str, Measure, Vec<f64>)| ObservedSeries {
            series: name.to_owned(),
            kind,
            second: begins.clone(),
            values: values.into_iter().map(|it| (!it.is_nan()).then(|| rounded(it))).collect(),
        };
        let fault =
            |(second, text): &(u64, String)| ObservedFault { second: *second, text: text.clone() };
        Observed {
            name: self.name.clone(),
            url: self.url.clone(),
            readings: self.readings,
            series: self.within(&spans).into_iter().map(series).collect(),
            faults: self.faults.iter().map(fault).collect(),
            failed_readings: self.failed,
        }
    }
}

/// The mean of those that are there; NaN of none.
pub(super) fn mean(values: &[f64]) -> f64 {
    let there = values.iter().filter(|value| !value.is_nan());
    let (sum, count) = there.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// To four digits: a result has thousands of them.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(series: &str, value: Option<f64>, before: Option<f64>) -> Told {
        Told { series: series.into(), measure: Measure::Gauge, value, before }
    }

    fn reading(second: u64, told: Vec<Told>) -> Reading {
        Reading { second, told, ..Reading::default() }
    }

    fn course(readings: &[Reading]) -> Course {
        let mut course = Course::new("db".into(), "http://a/metrics".into());
        readings.iter().for_each(|reading| course.add(reading));
        course
    }

    #[test]
    fn what_is_not_told_is_as_it_was_and_what_was_not_read_is_unknown() {
        let result = course(&[
            reading(0, vec![]),
            reading(1, vec![told("a", Some(3.0), Some(1.0))]),
            reading(2, vec![]),
            Reading { second: 3, fault: Some("no answer".into()), ..Reading::default() },
            reading(4, vec![told("a", None, None)]),
        ])
        .result();
        assert_eq!(result.series[0].second, [0, 1, 2, 3, 4]);
        assert_eq!(result.series[0].values, [Some(1.0), Some(3.0), Some(3.0), None, None]);
        assert_eq!((result.readings, result.failed_readings), (5, 1));
        assert_eq!((result.faults[0].second, &*result.faults[0].text), (3, "no answer"));
    }

    #[test]
    fn a_long_run_has_120_rows_and_what_is_kept_is_bounded() {
        let value = |n: u64| told("a", Some(n as f64), None);
        let readings: Vec<_> = (0..10_000).map(|n| reading(n, vec![value(n)])).collect();
        let course = course(&readings);
        assert!(course.seconds.len() <= MOST_READINGS);
        let result = course.result();
        let series = &result.series[0];
        assert!(series.second.len() as u64 <= MOST_ROWS);
        let rows = series.values.iter().zip(&series.second).rev().skip(1);
        let mut far = rows.map(|(value, second)| (value.unwrap() - *second as f64 - 42.0).abs());
        assert!(far.all(|far| far < 42.0), "{series:?}");
        let fault = |second| Reading { second, fault: Some("no".into()), ..Reading::default() };
        let failed = self::course(&(0..1_000).map(fault).collect::<Vec<_>>()).result();
        assert_eq!((failed.faults.len(), failed.failed_readings), (MOST_FAULTS, 1_000));
        let many = (0..600).map(|n| told(&format!("s{n}"), Some(1.0), None)).collect();
        assert_eq!(self::course(&[reading(0, many)]).result().series.len(), MOST_SERIES);
    }

    #[test]
    fn values_have_four_digits() {
        assert_eq!(
            [123_456.0, 0.001_234_56, -2.0, 0.0].map(rounded),
            [123_500.0, 0.001_235, -2.0, 0.0]
        );
    }
}
