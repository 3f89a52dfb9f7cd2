//! Turns what an endpoint told, reading after reading, into the few series that are kept of it.
//!
//! Counters become rates; of a histogram or a summary stay the mean and the rate; processors become one
//! machine. What never changes is not told, for it says nothing, and it is what there is most of.

use super::exposition::{Exposition, Kind, Sample, label};
use super::names;
use crate::record::{Measure, Told};
use std::collections::{BTreeMap, HashMap};

/// The most series that are kept of a run, of all its endpoints together.
pub(crate) const MOST_SERIES: usize = 500;
/// Bytes of a series' name and labels: what is longer is passed over.
const LONGEST_NAME: usize = 512;
/// The counter of node_exporter that has a series for each processor and what it does.
const PROCESSORS: &str = "node_cpu_seconds_total";
/// What is made of it: the share of the machine's processors that is not idle.
const BUSY: &str = "node_cpu_busy";

/// The reduction of one endpoint's readings. It remembers the one before.
#[derive(Debug)]
pub(crate) struct Reducer {
    most: usize,
    /// When the last reading was taken, in seconds.
    last: Option<f64>,
    counters: HashMap<String, f64>,
    /// What was told last of each series, and what is known of one that has not changed so far.
    known: HashMap<String, Known>,
    /// How many of them were told.
    told: usize,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    value: Option<f64>,
    /// The first value that it had.
    first: Option<f64>,
    is_told: bool,
    /// It was there in this reading.
    is_here: bool,
}

impl Reducer {
    /// Of one of so many endpoints, which share in the most series.
    pub(crate) fn new(endpoints: usize) -> Self {
        Self {
            most: MOST_SERIES / endpoints.max(1),
            last: None,
            counters: HashMap::new(),
            known: HashMap::new(),
            told: 0,
        }
    }

    /// What a reading that was taken at this second changes.
    ///
    /// # Errors
    /// If it is no text of the format at all: what is wrong, and what to do.
    pub(crate) fn reduce(&mut self, at: f64, text: &str) -> Result<Vec<Told>, String> {
        let read = Exposition::read(text);
        if let (Some((line, _)), []) = (read.wrong, &read.samples[..]) {
            let line: String = line.chars().take(60).collect();
            return Err(format!(
                "it answers no Prometheus text: the first line reads {line:?}; give the URL of its metrics, such as /metrics"
            ));
        }
        let passed = self.last.map(|last| at - last).filter(|passed| *passed > 0.0);
        self.last = Some(at);
        let values = self.values(&read.samples, passed);
        Ok(self.changes(values))
    }

    /// The value of each series.
    fn values(
        &mut self,
        samples: &[Sample<'_>],
        passed: Option<f64>,
    ) -> Vec<(String, Measure, Option<f64>)> {
        let mut counters = HashMap::with_capacity(self.counters.len());
        let mut times: BTreeMap<String, [Option<f64>; 2]> = BTreeMap::new();
        let mut modes: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        let mut values = Vec::new();
        let mut rate = |key: String, value: f64| {
            let before = self.counters.get(&key).copied();
            counters.insert(key, value);
            // One that has become smaller began anew with its process.
            let grown = before.map(|before| value - before).filter(|grown| *grown >= 0.0);
            // Of two values at the ends of what a number can be the difference is none.
            grown.zip(passed).map(|(grown, passed)| grown / passed).filter(|rate| rate.is_finite())
        };
        for Sample { name, labels, value, kind } in samples.iter().copied() {
            let key = key(name, labels);
            if key.len() > LONGEST_NAME {
                continue;
            }
            match kind {
                Kind::Gauge => values.push((key, Measure::Gauge, Some(value))),
                Kind::Counter if name == PROCESSORS => {
                    let Some(share) = rate(key, value) else { continue };
                    let mode = modes.entry(label(labels, "mode").unwrap_or("")).or_default();
                    (mode.0, mode.1) = (mode.0 + share, mode.1 + 1.0);
                }
                Kind::Counter => {
                    let rate = rate(key.clone(), value);
                    values.push((key, Measure::Rate, rate));
                }
                Kind::Sum => {
                    times.entry(key).or_default()[0] =
                        rate(self::key(&format!("{name}_sum"), labels), value);
                }
                Kind::Count => {
                    let count = self::key(&format!("{name}_count"), labels);
                    let rate = rate(count.clone(), value);
                    values.push((count, Measure::Rate, rate));
                    times.entry(key).or_default()[1] = rate;
                }
            }
        }
        values.extend(times.into_iter().map(|(key, [sum, count])| {
            let mean = sum.zip(count.filter(|count| *count > 0.0)).map(|(sum, count)| sum / count);
            (key, Measure::Mean, mean.filter(|mean| mean.is_finite()))
        }));
        values.extend(modes.into_iter().map(|(mode, (sum, processors))| {
            let share = (sum / processors).clamp(0.0, 1.0);
            match mode {
                "idle" => (BUSY.to_owned(), Measure::Share, Some(1.0 - share)),
                mode => (key(PROCESSORS, &format!("mode=\"{mode}\"")), Measure::Share, Some(share)),
            }
        }));
        self.counters = counters;
        values
    }

    /// What of it is new, as far as there is room. Names that speak of a resource come first, and a fifth
    /// of the room is theirs alone.
    fn changes(&mut self, mut values: Vec<(String, Measure, Option<f64>)>) -> Vec<Told> {
        values.sort_by_cached_key(|(series, ..)| !names::is_resource(series));
        let mut told = Vec::new();
        for (series, measure, value) in values {
            let new = Known { value, first: value, is_told: false, is_here: true };
            let known = self.known.entry(series.clone()).or_insert(new);
            known.is_here = true;
            known.first = known.first.or(value);
            let (has_changed, has_moved) = (known.value != value, known.first != value);
            known.value = value;
            let mut before = None;
            if !known.is_told && value.is_some() && has_moved {
                let room = if names::is_resource(&series) { self.most } else { self.most * 4 / 5 };
                known.is_told = self.told < room;
                self.told += usize::from(known.is_told);
                before = known.first;
            }
            if known.is_told && has_changed {
                told.push(Told { series, measure, value, before });
            }
        }
        told.extend(self.gone());
        told
    }

    /// What is not there any more has no value. What was never told of it is forgotten.
    fn gone(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        self.known.retain(|series, known| {
            let is_here = std::mem::take(&mut known.is_here);
            if !is_here && known.value.take().is_some() && known.is_told {
                let (series, measure) = (series.clone(), Measure::Gauge);
                told.push(Told { series, measure, value: None, before: None });
            }
            is_here || known.is_told
        });
        told
    }
}

fn key(name: &str, labels: &str) -> String {
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{labels}}}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of texts a second apart, the values to a thousandth.
    fn told(texts: &[&str]) -> Vec<Vec<String>> {
        let mut reducer = Reducer::new(1);
        let shown = |it: &Told| {
            let value = it.value.map_or("gone".into(), |value| format!("{:.3}", value));
            let before = it.before.map_or(String::new(), |before| format!(" after {before:.3}"));
            format!("{} {} {value}{before}", it.series, it.measure.name())
        };
        let read = |(at, text): (usize, &&str)| {
            let mut told: Vec<_> =
                reducer.reduce(at as f64, text).unwrap().iter().map(shown).collect();
            told.sort();
            told
        };
        texts.iter().enumerate().map(read).collect()
    }

    #[test]
    fn a_gauge_is_told_once_it_moves_and_whenever_it_does() {
        let all = told(&["a 1\nb 5", "a 1\nb 5", "a 3\nb 5", "a 3\nb 5", "b 5", "a 4\nb 5"]);
        assert_eq!(all[2], ["a gauge 3.000 after 1.000"]);
        assert_eq!((all[0].len(), all[1].len(), all[3].len()), (0, 0, 0));
        assert_eq!(
            (&all[4][..], &all[5][..]),
            (&["a gauge gone".to_owned()][..], &["a gauge 4.000".to_owned()][..])
        );
    }

    #[test]
    fn a_counter_is_told_as_its_rate_and_one_that_began_anew_has_none_for_once() {
        let all = told(&["a_total 10", "a_total 30", "a_total 70", "a_total 5", "a_total 25"]);
        assert_eq!(all[2], ["a_total rate 40.000 after 20.000"]);
        assert_eq!(
            (&all[3][..], &all[4][..]),
            (&["a_total rate gone".to_owned()][..], &["a_total rate 20.000".to_owned()][..])
        );
    }

    #[test]
    fn of_a_histogram_stay_the_mean_and_the_rate() {
        let text = |sum: u32, count: u32| {
            format!("# TYPE t histogram\nt_bucket{{le=\"1\"}} 7\nt_sum {sum}\nt_count {count}")
        };
        let texts = [text(0, 0), text(10, 10), text(40, 20), text(40, 20), text(140, 30)];
        let all = told(&texts.each_ref().map(|it| &**it));
        assert_eq!(all[2], ["t mean 3.000 after 1.000"]);
        assert_eq!(all[3], ["t mean gone", "t_count rate 0.000 after 10.000"]);
        assert_eq!(all[4], ["t mean 10.000", "t_count rate 10.000"]);
    }

    #[test]
    fn processors_become_one_machine() {
        let text = |idle: [f64; 2], user: f64| {
            let line = |cpu: usize, mode: &str, value: f64| {
                format!("node_cpu_seconds_total{{cpu=\"{cpu}\",mode=\"{mode}\"}} {value}\n")
            };
            line(0, "idle", idle[0])
                + &line(1, "idle", idle[1])
                + &line(0, "user", user)
                + &line(1, "user", 0.0)
        };
        let texts = [text([0.0, 0.0], 0.0), text([1.0, 1.0], 0.0), text([1.1, 2.0], 0.9)];
        let all = told(&texts.each_ref().map(|it| &**it));
        let user = "node_cpu_seconds_total{mode=\"user\"} share 0.450 after 0.000";
        assert_eq!(all[2], ["node_cpu_busy share 0.450 after 0.000", user]);
    }

    #[test]
    fn of_very_many_series_some_hundred_are_told_and_those_of_resources_among_them() {
        let text = |at: usize| {
            let mut text: String = (0..3_000).map(|n| format!("s{n} {at}\n")).collect();
            (0..40).for_each(|n| text += &format!("pool_in_use{{n=\"{n}\"}} {at}\n"));
            text
        };
        let mut reducer = Reducer::new(2);
        let told: Vec<_> =
            (0..3).map(|at| reducer.reduce(at as f64, &text(at)).unwrap().len()).collect();
        assert_eq!(told, [0, 200, 200]);
        let (mut reducer, mut text) = (Reducer::new(2), text(1));
        reducer.reduce(0.0, &text).unwrap();
        text = text.replace(" 1", " 2");
        let told = reducer.reduce(1.0, &text).unwrap();
        assert_eq!(told.iter().filter(|it| it.series.starts_with("pool")).count(), 40);
    }

    #[test]
    fn what_is_no_such_text_is_refused_and_nothing_at_all_is_not() {
        let mut reducer = Reducer::new(1);
        let refused = reducer.reduce(0.0, "<html>\n<body>").unwrap_err();
        assert!(refused.contains("the first line reads \"<html>\"; give the URL"), "{refused}");
        assert_eq!(reducer.reduce(1.0, "").unwrap(), []);
        assert_eq!(reducer.reduce(2.0, "# HELP a\n{}\na 1").unwrap(), []);
    }
}
