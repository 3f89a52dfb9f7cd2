//! Turns a load profile as somebody wrote it into a [`Profile`] that cannot be invalid.
//!
//! [`LoadProfile::new`] holds the numbers of a [`ProfileType`] against the run's duration, names
//! all that is wrong at once, and fills in what was left out.

use super::types::Curve;
use super::{Fault, MAX_DURATION_SECONDS, Profile, ProfileType, fault::number};

/// Everything that is wrong with a load profile. Paths are relative to it: `bursts[2].rps`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the load profile is invalid: {}", faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; "))]
pub struct ProfileError {
    /// The faults, at least one.
    pub faults: Vec<Fault>,
}

/// A load profile of the scenario document: valid, complete, and ready to be asked for demand.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadProfile {
    effective: ProfileType,
    duration_seconds: f64,
    curve: Curve,
}

impl LoadProfile {
    /// A profile for a run of `duration_seconds`.
    ///
    /// # Errors
    ///
    /// All faults at once: a rate outside 0 to [`MAX_RATE`](super::MAX_RATE), or 0 throughout; a time that is
    /// negative, not finite or past the duration; too long a list; a duration that is not above 0
    /// or is above [`MAX_DURATION_SECONDS`].
    pub fn new(profile: ProfileType, duration_seconds: f64) -> Result<Self, ProfileError> {
        if !(duration_seconds > 0.0 && duration_seconds <= MAX_DURATION_SECONDS) {
            let message = format!(
                "a duration of {} seconds: give one above 0, at most {MAX_DURATION_SECONDS}",
                number(duration_seconds)
            );
            return Err(ProfileError { faults: vec![Fault { path: String::new(), message }] });
        }
        let effective = profile.with_defaults(duration_seconds);
        let faults = effective.faults(duration_seconds);
        if !faults.is_empty() {
            return Err(ProfileError { faults: faults.into_vec() });
        }
        let curve = effective.curve();
        Ok(Self { effective, duration_seconds, curve })
    }

    /// The same rate for the whole run, however long.
    ///
    /// # Errors
    ///
    /// A rate that is not above 0 or is above [`MAX_RATE`](super::MAX_RATE).
    pub fn constant(rps: f64) -> Result<Self, ProfileError> {
        Self::new(ProfileType::Constant { initial_rps: rps }, MAX_DURATION_SECONDS)
    }

    /// The type and its numbers, with every default filled in.
    #[must_use]
    pub fn profile_type(&self) -> &ProfileType {
        &self.effective
    }

    /// The highest rate between two moments, in seconds: the later one is not reached.
    #[must_use]
    pub fn peak_between(&self, from: f64, to: f64) -> f64 {
        match &self.curve {
            Curve::Lines(lines) => lines.peak_between(from, to),
            Curve::Sine(sine) => sine.peak_between(from, to),
        }
    }

    /// The duration that it was made for, in seconds.
    #[must_use]
    pub fn duration_seconds(&self) -> f64 {
        self.duration_seconds
    }
}

impl Profile for LoadProfile {
    #[inline]
    fn rate(&self, seconds: f64) -> f64 {
        self.curve.rate(seconds)
    }

    #[inline]
    fn demand(&self, seconds: f64) -> f64 {
        self.curve.demand(seconds)
    }

    #[inline]
    fn inverse(&self, arrivals: f64) -> f64 {
        self.curve.inverse(arrivals)
    }

    fn peak_rate(&self) -> f64 {
        self.curve.peak_rate()
    }

    fn length(&self) -> Option<f64> {
        let any = matches!(self.effective, ProfileType::Constant { .. });
        (!any).then_some(self.duration_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Burst, MAX_BURSTS, Point, Step, laws};
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    const D: f64 = 60.0;

    /// The rate as the contract writes it, from the numbers as they were given.
    fn written(profile: &ProfileType, t: f64) -> f64 {
        match profile {
            ProfileType::Constant { initial_rps } => *initial_rps,
            ProfileType::Ramp { initial_rps, target_rps, ramp_up_seconds } => {
                let part = t / ramp_up_seconds.unwrap_or(D);
                initial_rps + (target_rps - initial_rps) * part.min(1.0)
            }
            ProfileType::Burst { initial_rps, bursts } => {
                let lasts =
                    |b: &&Burst| t >= b.start_second && t < b.start_second + b.duration_seconds;
                bursts.iter().filter(lasts).map(|b| b.rps).reduce(f64::max).unwrap_or(*initial_rps)
            }
            ProfileType::Spike {
                initial_rps,
                target_rps,
                spike_start_second,
                spike_duration_seconds,
            } => {
                let start = spike_start_second.unwrap_or(D / 2.0);
                let length = spike_duration_seconds.unwrap_or((D / 10.0).max(1.0).min(D - start));
                if t >= start && t < start + length { *target_rps } else { *initial_rps }
            }
            ProfileType::Steps { steps } => {
                let mut end = 0.0;
                let lasts = |step: &&Step| {
                    end += step.duration_seconds;
                    t < end
                };
                steps.iter().find(lasts).or(steps.last()).unwrap().rps
            }
            ProfileType::Sine { initial_rps, amplitude_rps, period_seconds } => {
                let phase = std::f64::consts::TAU * t / period_seconds;
                (initial_rps + amplitude_rps * phase.sin()).max(0.0)
            }
            ProfileType::Replay { points } => {
                let after = points.partition_point(|point| point.second <= t);
                let Some(to) = points.get(after) else { return points.last().unwrap().rps };
                let Some(from) = after.checked_sub(1).map(|i| points[i]) else { return to.rps };
                from.rps + (to.rps - from.rps) * (t - from.second) / (to.second - from.second)
            }
        }
    }

    /// The highest of many moments, and of both sides of each jump that people can write.
    #[test]
    fn the_peak_between_two_moments_is_the_highest_rate_there() {
        let case = |profile: ProfileType, spans: &[(f64, f64, f64)]| {
            let profile = LoadProfile::new(profile, D).unwrap();
            for (from, to, peak) in spans {
                let found = profile.peak_between(*from, *to);
                assert!((found - peak).abs() < 1e-9, "{found} in {from}..{to} of {profile:?}");
            }
        };
        case(
            ProfileType::Ramp { initial_rps: 90.0, target_rps: 30.0, ramp_up_seconds: Some(30.0) },
            &[(0.0, 60.0, 90.0), (10.0, 20.0, 70.0), (40.0, 50.0, 30.0)],
        );
        let step = |rps| Step { duration_seconds: 20.0, rps };
        case(
            ProfileType::Steps { steps: vec![step(10.0), step(333.3), step(20.0)] },
            &[(0.0, 20.0, 10.0), (0.0, 20.1, 333.3), (39.9, 60.0, 333.3), (40.0, 60.0, 20.0)],
        );
        case(
            ProfileType::Sine { initial_rps: 100.0, amplitude_rps: 50.0, period_seconds: 40.0 },
            // Its crests are at 10 s and 50 s, its troughs at 30 s.
            &[
                (0.0, 60.0, 150.0),
                (0.0, 9.0, 100.0 + 50.0 * (TAU * 9.0 / 40.0).sin()),
                (20.0, 40.0, 100.0),
                (45.0, 55.0, 150.0),
                (10.0, 20.0, 150.0),
            ],
        );
    }

    proptest! {
        #[test]
        fn no_rate_between_two_moments_is_above_the_peak_there(
            profile in profiles(), from in 0.0..D, part in 0.001..1.0f64,
        ) {
            prop_assume!(LoadProfile::new(profile.clone(), D).is_ok());
            let profile = LoadProfile::new(profile, D).unwrap();
            let to = from + (D - from) * part;
            let peak = profile.peak_between(from, to);
            let rates = (0..500).map(|i| profile.rate(from + (to - from) * f64::from(i) / 500.0));
            let highest = rates.fold(0.0, f64::max);
            prop_assert!(highest <= peak * (1.0 + 1e-9) + 1e-9, "{highest} above {peak}");
            prop_assert!(peak <= profile.peak_rate());
        }
    }

    fn rate() -> impl Strategy<Value = f64> {
        prop_oneof![1 => Just(0.0), 5 => 0.1..9_000.0f64]
    }

    fn profiles() -> impl Strategy<Value = ProfileType> {
        let burst = (0.0..D - 1.0, 0.01..1.0f64, rate()).prop_map(|(start_second, part, rps)| {
            Burst { start_second, duration_seconds: (D - start_second) * part, rps }
        });
        let points = prop::collection::vec((0.0..=D, rate()), 1..20).prop_map(|mut points| {
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            points.into_iter().map(|(second, rps)| Point { second, rps }).collect()
        });
        let steps = prop::collection::vec((1u32..100, rate()), 1..10).prop_map(|parts| {
            let sum: f64 = parts.iter().map(|part| f64::from(part.0)).sum();
            let step = |(part, rps)| Step { duration_seconds: D * f64::from(part) / sum, rps };
            parts.into_iter().map(step).collect()
        });
        prop_oneof![
            rate().prop_map(|initial_rps| ProfileType::Constant { initial_rps }),
            (rate(), rate(), prop::option::of(0.1..=D)).prop_map(
                |(initial_rps, target_rps, ramp_up_seconds)| ProfileType::Ramp {
                    initial_rps,
                    target_rps,
                    ramp_up_seconds,
                }
            ),
            (rate(), prop::collection::vec(burst, 1..8))
                .prop_map(|(initial_rps, bursts)| ProfileType::Burst { initial_rps, bursts }),
            (rate(), rate(), prop::option::of(0.0..50.0f64), prop::option::of(0.1..10.0f64))
                .prop_map(
                    |(initial_rps, target_rps, spike_start_second, spike_duration_seconds)| {
                        ProfileType::Spike {
                            initial_rps,
                            target_rps,
                            spike_start_second,
                            spike_duration_seconds,
                        }
                    }
                ),
            Strategy::prop_map(steps, |steps| ProfileType::Steps { steps }),
            (rate(), rate(), 0.5..200.0f64).prop_map(
                |(initial_rps, amplitude_rps, period_seconds)| ProfileType::Sine {
                    initial_rps,
                    amplitude_rps,
                    period_seconds,
                }
            ),
            Strategy::prop_map(points, |points| ProfileType::Replay { points }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn every_type_is_what_its_formula_says(written_as in profiles()) {
            let Ok(profile) = LoadProfile::new(written_as.clone(), D) else {
                // Only a rate of 0 throughout is wrong with these.
                for i in 0..1_000 {
                    prop_assert!(written(&written_as, D * f64::from(i) / 1_000.0) < 1e-9);
                }
                return Ok(());
            };
            for i in 0..1_000 {
                // Off the round numbers, where a jump may fall to either side by a rounding error.
                let t = D * (f64::from(i) + 0.377) / 1_000.0;
                let (rate, expected) = (profile.rate(t), written(&written_as, t));
                prop_assert!((rate - expected).abs() < 1e-6 * (1.0 + expected), "{rate} at {t}, not {expected}");
            }
            let jumps = 40.0 * profile.peak_rate();
            laws::demand_is_the_integral_of_the_rate(&profile, D, jumps);
            laws::inverse_undoes_demand(&profile, D);
            let again = LoadProfile::new(profile.profile_type().clone(), D);
            prop_assert_eq!(again.as_ref(), Ok(&profile), "what was filled in is what was meant");
        }
    }

    fn faults(profile: ProfileType, duration: f64) -> Vec<String> {
        let error = LoadProfile::new(profile, duration).expect_err("a profile with faults");
        error.faults.iter().map(Fault::to_string).collect()
    }

    #[test]
    fn bursts_are_absolute_and_the_highest_holds() {
        let burst =
            |start_second, duration_seconds, rps| Burst { start_second, duration_seconds, rps };
        let bursts =
            vec![burst(10.0, 20.0, 500.0), burst(20.0, 20.0, 300.0), burst(25.0, 1.0, 900.0)];
        let profile = ProfileType::Burst { initial_rps: 700.0, bursts };
        let profile = LoadProfile::new(profile, D).unwrap();
        for (t, rate) in [
            (0.0, 700.0),
            (10.0, 500.0),
            (25.5, 900.0),
            (26.0, 500.0),
            (30.0, 300.0),
            (40.0, 700.0),
        ] {
            assert_eq!(profile.rate(t), rate, "at {t}");
        }
    }

    #[test]
    fn a_spike_has_defaults_that_fit_the_run() {
        let spike = |start, length| ProfileType::Spike {
            initial_rps: 10.0,
            target_rps: 100.0,
            spike_start_second: start,
            spike_duration_seconds: length,
        };
        let effective = |start, length, duration| {
            LoadProfile::new(spike(start, length), duration).unwrap().profile_type().clone()
        };
        assert_eq!(effective(None, None, 60.0), spike(Some(30.0), Some(6.0)));
        assert_eq!(effective(None, None, 4.0), spike(Some(2.0), Some(1.0)));
        assert_eq!(effective(None, None, 1.0), spike(Some(0.5), Some(0.5)));
        assert_eq!(effective(Some(59.0), None, 60.0), spike(Some(59.0), Some(1.0)));
        assert_eq!(
            faults(spike(Some(60.0), None), 60.0),
            ["spikeDurationSeconds: runs to second 66, past the run's end at second 60"]
        );
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let burst =
            |start_second, duration_seconds, rps| Burst { start_second, duration_seconds, rps };
        let bursts =
            vec![burst(-1.0, 0.0, f64::NAN), burst(50.0, 20.0, 1e12), burst(70.0, 1.0, 1.0)];
        assert_eq!(
            faults(ProfileType::Burst { initial_rps: f64::INFINITY, bursts }, 60.0),
            [
                "initialRps: inf is not a rate; give 0 to 1000000000 requests per second",
                "bursts[0].startSecond: -1 is not a time; give 0 seconds or more",
                "bursts[0].durationSeconds: 0 is not a duration; give seconds above 0",
                "bursts[0].rps: NaN is not a rate; give 0 to 1000000000 requests per second",
                "bursts[1].durationSeconds: runs to second 70, past the run's end at second 60",
                "bursts[1].rps: 1000000000000 is not a rate; give 0 to 1000000000 requests per second",
                "bursts[2].startSecond: runs to second 70, past the run's end at second 60",
            ]
        );
    }

    #[test]
    fn each_type_refuses_what_cannot_be() {
        let one = |profile| {
            let faults = faults(profile, 60.0);
            assert_eq!(faults.len(), 1, "{faults:?}");
            faults.into_iter().next().unwrap()
        };
        assert_eq!(
            one(ProfileType::Constant { initial_rps: 0.0 }),
            "the rate is 0 throughout; it may be 0 for a time only"
        );
        let ramp = |initial_rps, target_rps, ramp_up_seconds| ProfileType::Ramp {
            initial_rps,
            target_rps,
            ramp_up_seconds,
        };
        assert_eq!(
            one(ramp(1.0, 2.0, Some(60.1))),
            "rampUpSeconds: runs to second 60.1, past the run's end at second 60"
        );
        assert!(LoadProfile::new(ramp(0.0, 5.0, Some(0.0)), 60.0).is_ok(), "at once");
        let step = |duration_seconds| Step { duration_seconds, rps: 5.0 };
        assert_eq!(
            one(ProfileType::Steps { steps: vec![step(10.0), step(20.0)] }),
            "steps: the steps last 30 s together, the run 60 s; make them equal"
        );
        let tenths = vec![step(0.1); 600];
        assert!(LoadProfile::new(ProfileType::Steps { steps: tenths }, 60.0).is_ok());
        assert_eq!(one(ProfileType::Steps { steps: vec![] }), "steps: 0 steps; give 1 to 10000");
        let bursts =
            vec![Burst { start_second: 0.0, duration_seconds: 1.0, rps: 1.0 }; MAX_BURSTS + 1];
        assert_eq!(
            one(ProfileType::Burst { initial_rps: 1.0, bursts }),
            "bursts: 1001 bursts; give 1 to 1000"
        );
        let sine = |amplitude_rps, period_seconds| ProfileType::Sine {
            initial_rps: 9e8,
            amplitude_rps,
            period_seconds,
        };
        assert_eq!(
            one(sine(1.0, 0.0)),
            "periodSeconds: 0 is not a period; give 0.001 to 604800 seconds"
        );
        assert_eq!(
            one(sine(2e8, 10.0)),
            "amplitudeRps: the wave's peak is 1100000000; at most 1000000000 with initialRps"
        );
        let point = |second| Point { second, rps: 1.0 };
        assert_eq!(
            one(ProfileType::Replay { points: vec![point(5.0), point(4.0)] }),
            "points[1].second: 4 comes after 5; put the points in order"
        );
        assert_eq!(
            faults(ProfileType::Constant { initial_rps: 5.0 }, f64::NAN),
            ["a duration of NaN seconds: give one above 0, at most 604800"]
        );
    }

    #[test]
    fn a_replay_holds_its_first_and_last_rate_and_jumps_where_two_points_meet() {
        let point = |second, rps| Point { second, rps };
        let points =
            vec![point(10.0, 100.0), point(20.0, 200.0), point(20.0, 50.0), point(30.0, 0.0)];
        let profile = LoadProfile::new(ProfileType::Replay { points }, D).unwrap();
        for (t, rate) in [(0.0, 100.0), (15.0, 150.0), (20.0, 50.0), (25.0, 25.0), (31.0, 0.0)] {
            assert_eq!(profile.rate(t), rate, "at {t}");
        }
    }
}
