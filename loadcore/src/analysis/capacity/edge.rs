//! Turns trials into where the edge is: how likely the objective holds up to which rate.
//!
//! What speaks against the objective grows with the rate, as a power of it near the edge: at the rate x
//! it is (x/e)^s times what is allowed, where e is the edge and s how steep it is. For a target that has a
//! cliff s is large, for one that grows slower little by little it is not. Both are unknown. For each pair of a
//! grid the deviance of what was counted in each trial says how well it fits: that of counts with a mean
//! that is this, and a variance that is some multiple of it, as of requests that are late in clusters
//! (quasi-likelihood: McCullagh and Nelder, "Generalized Linear Models", 1989, chapter 9). Where it is far
//! beyond (`Strain::most`) a trial says no more than that. One in [`STRAY`] says nothing at all: a
//! target may have a bad moment. Before the first trial each edge is as likely as each other, on a logarithmic
//! scale, and so is each steepness; the sum over those is how likely an edge is.
//!
//! Trials at the median of that are the probabilistic bisection of Horstein (1963), shown to be as
//! quick as can be by Waeber, Frazier and Henderson (SIAM J. Control Optim. 51, 2013); with a slope that is
//! learned on the way they are those of psychophysics (Kontsevich and Tyler, Vision Research 39, 1999).

use super::trial::Tried;

/// One of so many trials says nothing.
const STRAY: f64 = 50.0;
/// Steepness that is thought of.
const SLOPES: [f64; 8] = [4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
/// From one rate of the grid to the next: 0.2%.
const FINE: f64 = 0.002;
/// How far the grid goes beyond the bounds, as a logarithm: 15%.
const BEYOND: f64 = 0.15;
/// How many degrees of freedom are as good as seen, of counts that do not cluster.
const USUAL_FREEDOM: f64 = 4.0;

/// How likely the edge is where.
#[derive(Debug)]
pub(super) struct Edge {
    /// Logarithms of rates, rising.
    rates: Vec<f64>,
    /// How likely each is. Their sum is 1.
    weights: Vec<f64>,
}

impl Edge {
    /// Where nothing is known.
    pub(super) fn between(lowest: f64, highest: f64) -> Self {
        Self::of(&[], lowest, highest)
    }

    /// What these trials say.
    pub(super) fn of(tried: &[Tried], lowest: f64, highest: f64) -> Self {
        let (from, to) = (lowest.ln() - BEYOND, highest.ln() + BEYOND);
        let count = ((to - from) / FINE).ceil() as usize + 1;
        let rates: Vec<_> = (0..count).map(|n| from + n as f64 * FINE).collect();
        let counted: Vec<_> = tried.iter().filter(|tried| tried.trial.counted).collect();
        let cluster = cluster(&counted);
        let fits = |edge: f64, slope: f64| -> f64 {
            counted.iter().map(|tried| fit(tried, edge, slope, cluster)).sum()
        };
        let logs: Vec<Vec<f64>> =
            rates.iter().map(|edge| SLOPES.map(|slope| fits(*edge, slope)).to_vec()).collect();
        let best = logs.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        let weight = |logs: &Vec<f64>| logs.iter().map(|log| (log - best).exp()).sum::<f64>();
        let weights: Vec<_> = logs.iter().map(weight).collect();
        let sum: f64 = weights.iter().sum();
        Self { rates, weights: weights.into_iter().map(|weight| weight / sum).collect() }
    }

    /// The rate below which the edge is with this probability.
    pub(super) fn quantile(&self, probability: f64) -> f64 {
        let mut left = probability;
        for (rate, weight) in self.rates.iter().zip(&self.weights) {
            if left <= *weight {
                return (rate + (left / weight - 0.5) * FINE).exp();
            }
            left -= weight;
        }
        self.rates.last().map_or(0.0, |rate| rate.exp())
    }

    /// Between which rates it is, with this probability.
    pub(super) fn interval(&self, probability: f64) -> [f64; 2] {
        let tail = (1.0 - probability) / 2.0;
        [self.quantile(tail), self.quantile(1.0 - tail)]
    }

    /// How likely it is above this rate.
    pub(super) fn above(&self, rate: f64) -> f64 {
        1.0 - self.below(rate)
    }

    /// How likely it is below this rate.
    pub(super) fn below(&self, rate: f64) -> f64 {
        let pairs = self.rates.iter().zip(&self.weights);
        pairs.take_while(|(it, _)| **it < rate.ln()).map(|(_, weight)| weight).sum()
    }
}

/// How many requests go astray together: the variance of counts, as a multiple of their mean.
fn cluster(tried: &[&Tried]) -> f64 {
    let beyond = |tried: &&&Tried| tried.strain.ratio() < tried.strain.most();
    let (sum, freedom) = tried
        .iter()
        .filter(beyond)
        .fold((0.0, 0.0), |(sum, freedom), tried| (sum + tried.spread.0, freedom + tried.spread.1));
    ((USUAL_FREEDOM + sum) / (USUAL_FREEDOM + freedom)).max(1.0)
}

/// How well a trial fits an edge with a steepness, as a logarithm: 0 is best.
fn fit(tried: &Tried, edge: f64, slope: f64, cluster: f64) -> f64 {
    let (allowed, most) = (tried.strain.allowed, tried.strain.most());
    let count = tried.strain.against.min(most * allowed);
    let steps = slope * (tried.trial.rate.ln() - edge);
    let mean = allowed * steps.exp().min(most);
    let half_deviance =
        if count > 0.0 { count * (count / mean).ln() - (count - mean) } else { mean };
    let likely = (-half_deviance / cluster).exp();
    ((1.0 - 1.0 / STRAY) * likely + 1.0 / STRAY).ln()
}
