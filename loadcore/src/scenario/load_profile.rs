//! Turns the document's `loadProfile` into a load: open loop, or closed loop where there is none.

use super::object::{Object, quoted};
use super::{Load, points};
use crate::profile::{
    Burst, Fault, LoadProfile, MAX_BURSTS, MAX_POINTS, MAX_STEPS, Point, ProfileType, Step,
};
use serde_json::Value;
use std::io;
use std::time::Duration;

/// Fetches a file that a document names.
pub(super) type ReadFile<'a> = &'a mut dyn FnMut(&str) -> io::Result<Vec<u8>>;

/// Lends it once more.
pub(super) fn lent<'a>(read: &'a mut Option<ReadFile<'_>>) -> Option<ReadFile<'a>> {
    match read {
        Some(read) => Some(&mut **read),
        None => None,
    }
}

/// Makes a type of profile from its fields. A number that is wrong is NaN in it, its fault being noted;
/// `None` where there is nothing more to be said.
type ReadType = fn(&mut Object<'_>, Option<ReadFile<'_>>) -> Option<ProfileType>;

const TYPES: &[(&str, ReadType)] = &[
    ("CONSTANT", constant),
    ("RAMP", ramp),
    ("BURST", burst),
    ("SPIKE", spike),
    ("STEPS", steps),
    ("SINE", sine),
    ("REPLAY", replay),
];

/// The load of a scenario. Where its duration is not known, for it is wrong itself, all is judged
/// that does not depend on it.
pub(super) fn load(
    scenario: &mut Object<'_>,
    duration: Option<Duration>,
    read: Option<ReadFile<'_>>,
) -> Option<Load> {
    if scenario.value("loadProfile").is_none() {
        return Some(Load::Closed);
    }
    let mut object = scenario.object("loadProfile")?;
    let read_type = object.required("type", |object, field| object.choice(field, TYPES))?;
    let profile = read_type(&mut object, read);
    object.refuse_unknown();
    let profile = profile?;
    let (built, faults) = match duration {
        None => (None, profile.faults(f64::INFINITY).into_vec()),
        Some(duration) => match LoadProfile::new(profile, duration.as_secs_f64()) {
            Ok(built) => (Some(Load::Open(built)), Vec::new()),
            Err(error) => (None, error.faults),
        },
    };
    for Fault { path, message } in faults {
        object.fault(&path, message);
    }
    built
}

/// How many seconds the steps of a STEPS profile last together. `None` for a load of another kind;
/// NaN where a step is wrong, which is told with the profile.
pub(super) fn sum_of_steps(scenario: &mut Object<'_>) -> Option<f64> {
    let profile = scenario.value("loadProfile")?;
    if profile.get("type")?.as_str()? != "STEPS" {
        return None;
    }
    let seconds = |step: &Value| step.get("durationSeconds").and_then(Value::as_f64);
    let length = |step| seconds(step).filter(|seconds| *seconds > 0.0).unwrap_or(f64::NAN);
    let steps = profile.get("steps").and_then(Value::as_array).filter(|steps| !steps.is_empty());
    Some(steps.map_or(f64::NAN, |steps| steps.iter().map(length).sum()))
}

fn constant(object: &mut Object<'_>, _: Option<ReadFile<'_>>) -> Option<ProfileType> {
    Some(ProfileType::Constant { initial_rps: object.required_number("initialRps") })
}

fn ramp(object: &mut Object<'_>, _: Option<ReadFile<'_>>) -> Option<ProfileType> {
    Some(ProfileType::Ramp {
        initial_rps: object.required_number("initialRps"),
        target_rps: object.required_number("targetRps"),
        ramp_up_seconds: object.number("rampUpSeconds"),
    })
}

fn burst(object: &mut Object<'_>, _: Option<ReadFile<'_>>) -> Option<ProfileType> {
    Some(ProfileType::Burst {
        initial_rps: object.required_number("initialRps"),
        bursts: object.elements("bursts", MAX_BURSTS, |burst| Burst {
            start_second: burst.required_number("startSecond"),
            duration_seconds: burst.required_number("durationSeconds"),
            rps: burst.required_number("rps"),
        }),
    })
}

fn spike(object: &mut Object<'_>, _: Option<ReadFile<'_>>) -> Option<ProfileType> {
    Some(ProfileType::Spike {
        initial_rps: object.required_number("initialRps"),
        target_rps: object.required_number("targetRps"),
        spike_start_second: object.number("spikeStartSecond"),
        spike_duration_seconds: object.number("spikeDurationSeconds"),
    })
}

fn steps(object: &mut Object<'_>, _: Option<ReadFile<'_>>) -> Option<ProfileType> {
    Some(ProfileType::Steps {
        steps: object.elements("steps", MAX_STEPS, |step| Step {
            duration_seconds: step.required_number("durationSeconds"),
            rps: step.required_number("rps"),
        }),
    })
}

fn sine(object: &mut Object<'_>, _: Option<ReadFile<'_>>) -> Option<ProfileType> {
    Some(ProfileType::Sine {
        initial_rps: object.required_number("initialRps"),
        amplitude_rps: object.required_number("amplitudeRps"),
        period_seconds: object.required_number("periodSeconds"),
    })
}

fn replay(object: &mut Object<'_>, read: Option<ReadFile<'_>>) -> Option<ProfileType> {
    let Some(file) = object.text("file") else {
        let points = object.elements("points", MAX_POINTS, |point| Point {
            second: point.required_number("second"),
            rps: point.required_number("rps"),
        });
        return Some(ProfileType::Replay { points });
    };
    if object.value("points").is_some() {
        object.fault("file", "stands beside points; give one of them");
    }
    let points = points_of_file(object, file, read)?;
    Some(ProfileType::Replay { points })
}

fn points_of_file(
    object: &Object<'_>,
    file: &str,
    read: Option<ReadFile<'_>>,
) -> Option<Vec<Point>> {
    let name = quoted(file);
    let Some(read) = read else {
        object.fault("file", "is read by the command line only; give points here instead");
        return None;
    };
    let cannot = |error| object.fault("file", format!("{name} cannot be read: {error}"));
    let text = read(file).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
    let text = text.map_err(cannot).ok()?;
    points::parse(&text, &mut |place, why| match place {
        "" => object.fault("file", format!("{name}: {why}")),
        place => object.fault(&format!("file[{place}]"), format!("{name}: {why}")),
    })
}
