//! Turns a sine wave of rate, cut off at 0, into exact demand and its inverse.
//!
//! `rate(t) = max(0, initial + amplitude·sin(2πt/period))`. The textbook integral subtracts a
//! cosine, and where the rate comes near 0 the difference of two large numbers is all that is
//! left. So demand is reckoned from the trough instead, where everything only adds up: half a wave
//! from trough to peak, the [`climb`](Sine::climb), is all there is; the rest is its mirror image.

use super::Profile;
use std::f64::consts::TAU;

/// A sine wave of rate that never falls below 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Sine {
    initial: f64,
    amplitude: f64,
    period: f64,
    /// 2π / period.
    omega: f64,
    /// The lowest rate, at least 0.
    floor: f64,
    /// The phase past the trough, θ, at which the wave comes out above 0: `cos θ` is
    /// `initial / amplitude`, and 1 where the wave stays above.
    cos_theta: f64,
    sin_theta: f64,
    /// θ in seconds: how long the rate stays 0 on each side of the trough.
    rest: f64,
    /// Arrivals of a whole wave.
    wave: f64,
    /// Arrivals from the trough before 0 to 0, where the wave begins in mid-climb.
    before: f64,
}

impl Sine {
    /// A wave around `initial` arrivals per second, rising first.
    ///
    /// # Panics
    ///
    /// If a number is negative or not finite, or the period is shorter than a nanosecond.
    #[must_use]
    pub fn new(initial: f64, amplitude: f64, period_seconds: f64) -> Self {
        let period = period_seconds;
        assert!(initial.is_finite() && initial >= 0.0, "a rate of {initial} arrivals per second");
        assert!(amplitude.is_finite() && amplitude >= 0.0, "an amplitude of {amplitude}");
        assert!(period.is_finite() && period >= 1e-9, "a period of {period} seconds");

        let cos_theta = if initial < amplitude { initial / amplitude } else { 1.0 };
        let omega = TAU / period;
        let mut sine = Self {
            initial,
            amplitude,
            period,
            omega,
            floor: (initial - amplitude).max(0.0),
            cos_theta,
            sin_theta: (1.0 - cos_theta * cos_theta).sqrt(),
            rest: cos_theta.acos() / omega,
            wave: 0.0,
            before: 0.0,
        };
        sine.wave = 2.0 * sine.climb(period / 2.0 - sine.rest).0;
        sine.before = sine.since_trough(period / 4.0);
        sine
    }

    /// Arrivals in the first `z` seconds after the wave came out of its trough, up to the peak, and
    /// the rate there.
    ///
    /// That rate is `floor + A·(cos θ − cos(θ + ωz))`, so by the addition theorem
    ///
    /// ```text
    /// rate     = floor   + A·(cos θ·(1 − cos ωz)  + sin θ·sin ωz)
    /// arrivals = floor·z + A·(cos θ·(ωz − sin ωz) + sin θ·(1 − cos ωz))/ω
    /// ```
    ///
    /// in which every term is positive and the arrivals only rise. One half angle gives them all:
    /// `1 − cos x = 2 sin²(x/2)`, which keeps the digits of a small `x`.
    fn climb(&self, z: f64) -> (f64, f64) {
        let phase = self.omega * z;
        let (sin_half, cos_half) = (phase / 2.0).sin_cos();
        let sine = 2.0 * sin_half * cos_half;
        let versine = 2.0 * sin_half * sin_half;
        let curve = self.cos_theta * minus_sine(phase, sine) + self.sin_theta * versine;
        let slope = self.cos_theta * versine + self.sin_theta * sine;
        let arrivals = self.floor * z + self.amplitude * curve / self.omega;
        (arrivals, self.floor + self.amplitude * slope)
    }

    /// The `z` at which the climb has brought `arrivals`: Newton's method within a bracket that
    /// bisection keeps closing, as in Numerical Recipes, 9.4. Near the trough the climb is as flat
    /// as a cubic, where Newton alone would run away.
    fn climb_inverse(&self, arrivals: f64) -> f64 {
        let (mut low, mut high) = (0.0, self.period / 2.0 - self.rest);
        let mut z = high * (arrivals / (self.wave / 2.0)).clamp(0.0, 1.0);
        // Bisection alone would be through after 64 halvings.
        for _ in 0..128 {
            let (climbed, rate) = self.climb(z);
            let error = climbed - arrivals;
            if error < 0.0 {
                low = z;
            } else {
                high = z;
            }
            let newton = z - error / rate;
            let next = if newton > low && newton < high { newton } else { (low + high) / 2.0 };
            if error == 0.0 || (next - z).abs() <= 2.0 * f64::EPSILON * z {
                return z;
            }
            z = next;
        }
        z
    }

    /// Arrivals between the trough before 0 and `u` seconds after that trough.
    fn since_trough(&self, u: f64) -> f64 {
        let waves = (u / self.period).floor();
        let y = (u - waves * self.period).clamp(0.0, self.period);
        let part = if y <= self.period / 2.0 {
            self.climb((y - self.rest).max(0.0)).0
        } else {
            self.wave - self.climb((self.period - y - self.rest).max(0.0)).0
        };
        // The next wave begins at the product, so this one must not round past it.
        (waves * self.wave + part).min((waves + 1.0) * self.wave)
    }

    /// The highest rate between two moments, in seconds: the later one is not reached.
    pub(super) fn peak_between(&self, from: f64, to: f64) -> f64 {
        let crest = self.period / 4.0;
        let waves = ((from - crest) / self.period).ceil().max(0.0);
        // Between two crests it is highest at one of the ends.
        if crest + waves * self.period < to {
            return self.peak_rate();
        }
        self.rate(from).max(self.rate(to))
    }
}

impl Profile for Sine {
    fn rate(&self, seconds: f64) -> f64 {
        (self.initial + self.amplitude * (self.omega * seconds).sin()).max(0.0)
    }

    fn demand(&self, seconds: f64) -> f64 {
        self.since_trough(seconds + self.period / 4.0) - self.before
    }

    fn inverse(&self, arrivals: f64) -> f64 {
        if arrivals <= 0.0 {
            return 0.0;
        }
        if self.wave <= 0.0 {
            return f64::INFINITY;
        }
        let total = arrivals + self.before;
        // A whole number of waves is reached where the last of them ends, before its rest.
        let waves = (total / self.wave).ceil() - 1.0;
        let part = (total - waves * self.wave).clamp(0.0, self.wave);
        let y = if part <= self.wave / 2.0 {
            self.rest + self.climb_inverse(part)
        } else {
            self.period - self.rest - self.climb_inverse(self.wave - part)
        };
        (waves * self.period + y - self.period / 4.0).max(0.0)
    }

    fn peak_rate(&self) -> f64 {
        self.initial + self.amplitude
    }
}

/// `x − sin x`, without losing the digits of a small `x`: there by its Taylor series, nested, whose
/// next term would be below the last bit.
fn minus_sine(x: f64, sine: f64) -> f64 {
    if x >= 0.5 {
        return x - sine;
    }
    let x2 = x * x;
    let mut nested = 1.0;
    for k in [210.0, 156.0, 110.0, 72.0, 42.0, 20.0] {
        nested = 1.0 - x2 / k * nested;
    }
    x * x2 / 6.0 * nested
}

#[cfg(test)]
mod tests {
    use super::super::laws;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn formulas_hold(
            initial in prop_oneof![Just(0.0), 0.0..5_000.0f64],
            amplitude in prop_oneof![Just(0.0), 0.0..5_000.0f64],
            period in prop_oneof![0.05..1.0f64, 1.0..100.0f64],
        ) {
            prop_assume!(initial + amplitude > 0.0);
            let sine = Sine::new(initial, amplitude, period);
            // The midpoint sum loses amplitude·(2π/steps)²/24 a wave; ten waves, 2,000 steps each.
            laws::demand_is_the_integral_of_the_rate(&sine, 10.0 * period, 0.1 * amplitude);
            laws::inverse_undoes_demand(&sine, 10.3 * period);
        }

        #[test]
        fn the_textbook_integral_where_the_wave_stays_above_zero(
            initial in 1.0..5_000.0f64, part in 0.0..1.0f64, period in 0.1..600.0f64, t in 0.0..900.0f64,
        ) {
            let amplitude = initial * part;
            let sine = Sine::new(initial, amplitude, period);
            let omega = TAU / period;
            let expected = initial * t + amplitude * (1.0 - (omega * t).cos()) / omega;
            prop_assert!((sine.demand(t) - expected).abs() <= 1e-11 * (initial + amplitude) * (t + period));
        }

        #[test]
        fn no_nanosecond_takes_an_arrival_back(
            initial in 0.0..2_000.0f64, amplitude in 0.0..2_000.0f64,
            period in 0.1..86_400.0f64, waves in 0u32..100,
        ) {
            prop_assume!(initial + amplitude > 0.0);
            let sine = Sine::new(initial, amplitude, period);
            let trough = (f64::from(waves) + 0.75) * period;
            for t in [trough, trough - sine.rest, trough + sine.rest, trough - period / 2.0] {
                laws::demand_never_falls_around(&sine, t.max(0.0));
            }
        }
    }

    #[test]
    fn a_wave_that_is_cut_off_rests_at_zero() {
        let sine = Sine::new(0.0, 1_000.0, 10.0);
        // Half a wave of a sine: amplitude · period / π.
        let half = 1_000.0 * 10.0 / std::f64::consts::PI;
        assert!((sine.demand(5.0) - half).abs() < 1e-9);
        assert!((sine.demand(10.0) - half).abs() < 1e-9);
        assert!(
            (sine.inverse(sine.demand(7.0)) - 5.0).abs() < 1e-3,
            "reached when the rest begins"
        );
        assert_eq!(sine.rate(7.5), 0.0);
        assert_eq!(sine.peak_rate(), 1_000.0);
    }
}
