//! Turns the first witnesses of a finding into a sentence.

use crate::record::Measure;
use crate::result::{Witness, short};
use std::cmp::Ordering;

/// What the first witness did, beside the course of the trouble, and who did so too.
pub(super) fn said(
    witnesses: &[Witness],
    measure: Measure,
    (values, trouble): (&[f64], &[f64]),
    figure: &str,
) -> String {
    let [first, others @ ..] = witnesses else { return String::new() };
    let (low, high) = levels(values, trouble);
    let went = if high >= low { "rose" } else { "fell" };
    let value = |value: f64| value_text(&first.series, measure, value);
    let when = when(first.lead_seconds, figure);
    let followed = match others {
        [] => String::new(),
        [one] => format!("; so did {}", one.series),
        [one, rest @ ..] => format!("; so did {} and {} more", one.series, rest.len()),
    };
    let (low, high) = (value(low), value(high));
    format!("{}'s {} {went} from {low} to {high} {when}{followed}", first.name, first.series)
}

/// The middle of its values while the trouble is in its lowest third, and in its highest.
fn levels(values: &[f64], trouble: &[f64]) -> (f64, f64) {
    let ranks = ranks(trouble);
    let third = ranks.len() as f64 / 6.0;
    let middle = |is_in: &dyn Fn(f64) -> bool| {
        let of = ranks.iter().zip(values).filter(|(rank, value)| is_in(**rank) && !value.is_nan());
        let mut of: Vec<_> = of.map(|(_, value)| *value).collect();
        of.sort_by(f64::total_cmp);
        of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
    };
    (middle(&|rank| rank < -third), middle(&|rank| rank > third))
}

/// Ranks around 0, equals with their mean; what is not known has 0, which is in the middle.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<_> = (0..values.len()).filter(|place| !values[*place].is_nan()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let middle = (order.len() as f64 - 1.0) / 2.0;
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    for equals in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = from as f64 + (equals.len() as f64 - 1.0) / 2.0 - middle;
        equals.iter().for_each(|place| ranks[*place] = rank);
        from += equals.len();
    }
    ranks
}

fn when(lead: f64, figure: &str) -> String {
    match lead.total_cmp(&0.0) {
        Ordering::Greater => format!("{lead:.0} s before {figure} rose"),
        Ordering::Less => format!("{:.0} s after {figure} rose", -lead),
        Ordering::Equal => format!("as {figure} rose"),
    }
}

fn value_text(series: &str, measure: Measure, value: f64) -> String {
    let name = series.split('{').next().unwrap_or(series);
    match measure {
        // A processor that is used for a second in a second is one.
        Measure::Rate if name.contains("cpu_seconds") => {
            format!("{:.0}% of a processor", 100.0 * value)
        }
        Measure::Rate => format!("{}/s", short(value)),
        Measure::Share => format!("{:.0}%", 100.0 * value),
        Measure::Mean => format!("a mean of {}", short(value)),
        Measure::Gauge => short(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_lie_around_nought_and_what_is_unknown_in_the_middle() {
        assert_eq!(ranks(&[5.0, f64::NAN, 1.0, 5.0, 9.0]), [0.0, 0.0, -1.5, 0.0, 1.5]);
        assert_eq!(ranks(&[7.0; 3]), [0.0; 3]);
    }

    fn witness(series: &str, lead_seconds: f64) -> Witness {
        Witness { name: "target".into(), series: series.into(), lead_seconds, correlation: 0.9 }
    }

    #[test]
    fn the_first_is_told_with_its_values_and_the_others_by_name() {
        let trouble: Vec<_> = (0..30).map(f64::from).collect();
        let values: Vec<_> = (0..30).map(|n| if n < 15 { 0.42 } else { 0.99 }).collect();
        let cpu = "process_cpu_seconds_total";
        let all = [witness(cpu, 2.0), witness("heap_bytes", 0.0), witness("gc", 0.0)];
        assert_eq!(
            said(&all, Measure::Rate, (&values, &trouble), "latency"),
            "target's process_cpu_seconds_total rose from 42% of a processor to 99% of a processor 2 s before \
             latency rose; so did heap_bytes and 1 more"
        );
        let falls: Vec<_> = values.iter().map(|value| -2e6 * value).collect();
        assert_eq!(
            said(&[witness("free", 0.0)], Measure::Gauge, (&falls, &trouble), "latency"),
            "target's free fell from -840k to -1.98M as latency rose"
        );
    }
}
