//! Turns the estimates of one figure in all runs of a group into one, and two groups into a difference.

use super::part::Estimate;
use super::spread::Spread;
use super::student::critical;

/// A figure of all runs of a group together: the mean of theirs.
pub(super) fn of_runs(runs: &[Estimate]) -> Option<Estimate> {
    let n = runs.len() as f64;
    let mean = |of: fn(&Estimate) -> f64| runs.iter().map(of).sum::<f64>() / n;
    let value = mean(|run| run.value);
    let spread = match runs {
        [] => return None,
        [run] => run.spread,
        _ => {
            let squares = runs.iter().map(|run| (run.value - value).powi(2)).sum::<f64>();
            let between = Spread { variance: squares / (n - 1.0) / n, freedom: n - 1.0 };
            Some(within(runs).map_or(between, |within| sum(between, within)))
        }
    };
    Some(Estimate { value, spread, resolution: mean(|run| run.resolution) })
}

/// What the seconds of the runs say of the mean's spread. It is added to what the runs say of it, as
/// drawing runs and then blocks of their seconds would: a few runs may agree by luck.
fn within(runs: &[Estimate]) -> Option<Spread> {
    let spreads: Option<Vec<Spread>> = runs.iter().map(|run| run.spread).collect();
    let n = runs.len() as f64;
    let scaled = spreads?.into_iter().map(|it| Spread { variance: it.variance / (n * n), ..it });
    scaled.reduce(sum)
}

/// Two independent spreads together, with the degrees of freedom of Welch and Satterthwaite.
fn sum(one: Spread, other: Spread) -> Spread {
    let variance = one.variance + other.variance;
    let part = |it: Spread| it.variance * it.variance / it.freedom;
    let freedom = variance * variance / (part(one) + part(other));
    let freedom = if freedom.is_finite() { freedom } else { one.freedom + other.freedom };
    Spread { variance, freedom }
}

/// How far the difference of two may lie from what it seems, but for a `chance`; `None` where one of
/// them does not say how far it scatters.
pub(super) fn reach(base: &Estimate, candidate: &Estimate, chance: f64) -> Option<f64> {
    let Spread { variance, freedom } = sum(base.spread?, candidate.spread?);
    let reach = critical(chance, freedom) * variance.sqrt();
    let reach = reach + base.resolution + candidate.resolution;
    reach.is_finite().then_some(reach)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, deviation: f64) -> Estimate {
        let spread = Some(Spread { variance: deviation * deviation, freedom: 5.0 });
        Estimate { value, spread, resolution: 0.0 }
    }

    #[test]
    fn one_run_speaks_for_itself_and_none_for_nothing() {
        assert_eq!(of_runs(&[]), None);
        assert_eq!(of_runs(&[estimate(1.0, 0.1)]), Some(estimate(1.0, 0.1)));
    }

    #[test]
    fn runs_that_differ_scatter_more_than_each_of_them_says() {
        let alike = of_runs(&[estimate(1.0, 0.1), estimate(1.0, 0.1), estimate(1.0, 0.1)]).unwrap();
        let apart = of_runs(&[estimate(0.0, 0.1), estimate(1.0, 0.1), estimate(2.0, 0.1)]).unwrap();
        assert_eq!((alike.value, apart.value), (1.0, 1.0));
        let [alike, apart] = [alike, apart].map(|it| it.spread.unwrap());
        assert!((alike.variance - 0.01 / 3.0).abs() < 1e-12 && alike.freedom > 14.0);
        assert!((apart.variance - (1.0 / 3.0 + 0.01 / 3.0)).abs() < 1e-12);
        assert!(apart.freedom < 2.1, "{apart:?}");
    }

    #[test]
    fn repeats_speak_where_their_seconds_do_not() {
        let silent = |value| Estimate { spread: None, ..estimate(value, 0.0) };
        let group = of_runs(&[silent(1.0), silent(2.0)]).unwrap();
        assert_eq!(group.spread, Some(Spread { variance: 0.25, freedom: 1.0 }));
        assert_eq!(reach(&group, &silent(1.0), 0.05), None);
        let reach = reach(&group, &group, 0.05).unwrap();
        assert!((reach - 4.303 * 0.5f64.sqrt()).abs() < 0.02, "{reach}");
    }

    #[test]
    fn what_does_not_scatter_at_all_is_known_to_its_resolution() {
        let exact = Estimate { resolution: 0.001, ..estimate(1.0, 0.0) };
        assert_eq!(reach(&exact, &exact, 0.05), Some(0.002));
    }
}
