//! Turns what load was asked for into a profile: one of the document's types, or anybody's own.

use super::error::Problems;
use crate::profile::{LoadProfile, MAX_ARRIVALS, MAX_RATE, Profile, ProfileType};
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How many moments of somebody's own profile are looked at before the run.
const LOOKS: u32 = 1_000;

/// The load as it was asked for.
#[derive(Debug, Clone, Default)]
pub(super) enum Wanted {
    /// As fast as the connections are answered.
    #[default]
    Closed,
    /// A type that is complete once the duration is known: this one, where nobody says another.
    Typed(ProfileType, Duration),
    /// Open loop.
    Profile(AnyProfile),
}

/// A profile whose type is forgotten. Those of the document, which nearly all runs have, are called
/// without a `dyn` in between.
#[derive(Clone)]
pub(super) enum AnyProfile {
    /// One of the document's types.
    Ours(LoadProfile),
    /// Anybody's own.
    Own(Arc<dyn Profile>),
}

impl AnyProfile {
    pub(super) fn new<P: Profile>(profile: P) -> Self {
        let mut profile = Some(profile);
        let ours = (&mut profile as &mut dyn Any).downcast_mut::<Option<LoadProfile>>();
        match (ours.and_then(Option::take), profile) {
            (Some(ours), _) => Self::Ours(ours),
            (None, Some(own)) => Self::Own(Arc::new(own)),
            (None, None) => unreachable!("what is not ours was not taken"),
        }
    }

    pub(super) fn get(&self) -> &dyn Profile {
        match self {
            Self::Ours(profile) => profile,
            Self::Own(profile) => profile,
        }
    }
}

impl fmt::Debug for AnyProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(profile) => write!(f, "{:?}", profile.profile_type()),
            Self::Own(_) => f.write_str("a profile of one's own"),
        }
    }
}

impl Wanted {
    /// How long it lasts, where it says so.
    pub(super) fn length(&self) -> Option<f64> {
        match self {
            Self::Closed | Self::Typed(..) => None,
            Self::Profile(profile) => profile.get().length(),
        }
    }

    /// How long it lasts where nobody says it.
    pub(super) fn default_length(&self) -> Option<Duration> {
        match self {
            Self::Typed(_, length) => Some(*length),
            Self::Closed | Self::Profile(_) => None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self, Self::Closed)
    }

    /// The profile of a run of `duration`; `None` in closed loop, and where it is wrong.
    pub(super) fn resolve(
        self,
        duration: Duration,
        limit: Option<u64>,
        problems: &mut Problems,
    ) -> Option<AnyProfile> {
        match self {
            Self::Closed => None,
            Self::Typed(profile, _) => match LoadProfile::new(profile, duration.as_secs_f64()) {
                Ok(profile) => Some(AnyProfile::Ours(profile)),
                Err(error) => {
                    problems.add_all("loadProfile", &error.faults.clone(), error);
                    None
                }
            },
            Self::Profile(profile) => {
                if let AnyProfile::Own(own) = &profile
                    && let Err(why) = keeps_its_contract(&**own, duration.as_secs_f64(), limit)
                {
                    problems.add("loadProfile", why);
                    return None;
                }
                Some(profile)
            }
        }
    }
}

/// Looks at somebody's own profile from the start to the end of its run, or to its last arrival. What it
/// answers in between nobody can know, but a formula that is wrong mostly is in many places.
fn keeps_its_contract(
    profile: &dyn Profile,
    duration: f64,
    limit: Option<u64>,
) -> Result<(), String> {
    let rate = |name: &str, rate: f64| {
        let fits = (0.0..=MAX_RATE).contains(&rate);
        let advice = "a profile answers 0 to 1000000000 requests per second";
        if fits { Ok(()) } else { Err(format!("its {name} is {rate}; {advice}")) }
    };
    let number = |name: &str, value: f64| {
        if value.is_nan() {
            Err(format!("its {name} is NaN; a profile answers numbers"))
        } else {
            Ok(())
        }
    };
    rate("peak_rate()", profile.peak_rate())?;
    let mut end = duration;
    if let Some(limit) = limit {
        let last = profile.inverse(limit as f64);
        number(&format!("inverse({limit})"), last)?;
        end = end.min(last.max(0.0));
    }
    let mut before = 0.0;
    for look in 0..=LOOKS {
        let t = end * f64::from(look) / f64::from(LOOKS);
        rate(&format!("rate({t})"), profile.rate(t))?;
        let demand = profile.demand(t);
        if !(0.0..=MAX_ARRIVALS as f64).contains(&demand) {
            return Err(format!(
                "its demand({t}) is {demand}; a profile answers 0 to {MAX_ARRIVALS}"
            ));
        }
        // What a formula loses by rounding is no fall.
        if demand < before - 1e-6 * (1.0 + before) {
            return Err(format!(
                "its demand({t}) is {demand}, after {before} before that; a demand never falls"
            ));
        }
        before = before.max(demand);
        number(&format!("inverse({demand})"), profile.inverse(demand))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wrong in one of its answers.
    struct Wrong(&'static str);

    impl Wrong {
        fn or_nan(&self, name: &str, at: f64, right: f64) -> f64 {
            if self.0 == name && at > 3.0 { f64::NAN } else { right }
        }
    }

    impl Profile for Wrong {
        fn rate(&self, seconds: f64) -> f64 {
            self.or_nan("rate", seconds, 10.0)
        }

        fn demand(&self, seconds: f64) -> f64 {
            let falls = self.0 == "falls" && seconds > 3.0;
            self.or_nan("demand", seconds, if falls { 1.0 } else { 10.0 * seconds })
        }

        fn inverse(&self, arrivals: f64) -> f64 {
            self.or_nan("inverse", arrivals, arrivals / 10.0)
        }

        fn peak_rate(&self) -> f64 {
            self.or_nan("peak", 4.0, 10.0)
        }
    }

    fn refused(wrong: &'static str, limit: Option<u64>) -> Option<String> {
        let mut problems = Problems::default();
        let wanted = Wanted::Profile(AnyProfile::new(Wrong(wrong)));
        let profile = wanted.resolve(Duration::from_secs(10), limit, &mut problems);
        let error = problems.found().err()?;
        assert!(profile.is_none());
        assert_eq!(error.faults()[0].path, "loadProfile");
        Some(error.faults()[0].message.clone())
    }

    #[test]
    fn a_profile_that_breaks_its_contract_is_refused_and_told_where() {
        for (wrong, limit, why) in [
            ("rate", None, "its rate(3.01) is NaN; a profile answers 0 to 1000000000"),
            ("demand", None, "its demand(3.01) is NaN; a profile answers 0 to"),
            ("inverse", None, "its inverse(3.1) is NaN"),
            ("inverse", Some(50), "its inverse(50) is NaN"),
            ("peak", None, "its peak_rate() is NaN"),
            ("falls", None, "its demand(3.01) is 1, after 30 before that; a demand never falls"),
        ] {
            let found = refused(wrong, limit).unwrap();
            assert!(found.starts_with(why), "{found}");
        }
        assert_eq!(refused("nothing", None), None);
        assert_eq!(refused("rate", Some(29)), None, "only what the run asks matters");
    }

    #[test]
    fn a_profile_of_the_document_is_known_behind_any_type() {
        let ours = AnyProfile::new(LoadProfile::constant(5.0).unwrap());
        assert!(matches!(ours, AnyProfile::Ours(_)));
        let own = AnyProfile::new(Arc::new(LoadProfile::constant(5.0).unwrap()));
        assert_eq!(own.get().peak_rate(), 5.0);
        let boxed: Box<dyn Profile> = Box::new(Wrong("nothing"));
        assert_eq!(AnyProfile::new(boxed).get().demand(2.0), 20.0);
    }
}
