//! Turns a scenario's load into words: `1,000/s for 10 s`.

use super::super::format::{rate, round_time};
use crate::result::RunResult;
use serde_json::Value;

/// What load there was, and for how long: `Open loop, 1,000/s, for 10 s`.
pub(crate) fn load(result: &RunResult) -> String {
    let lasted = round_time(1e3 * result.duration_seconds);
    if !result.is_open_loop() {
        let connections = result.scenario.get("connections").and_then(Value::as_u64);
        let with = match connections {
            Some(1) => " over 1 connection".to_owned(),
            Some(n) => format!(" over {n} connections"),
            None => String::new(),
        };
        return format!("Closed loop{with}, for {lasted}");
    }
    let profile = profile(&result.scenario);
    let profile = profile.or_else(|| Some(rate(result.offered_rps?)));
    let profile = profile.map_or(String::new(), |profile| format!(", {profile}"));
    format!("Open loop{profile}, for {lasted}")
}

/// The load profile of a scenario in words; nothing where it has none, or none that is known.
pub(crate) fn profile(scenario: &Value) -> Option<String> {
    let profile = scenario.get("loadProfile")?;
    let number = |key: &str| profile.get(key).and_then(Value::as_f64);
    let per_second = |key: &str| number(key).map(rate);
    let lasts = |seconds: f64| round_time(1e3 * seconds);
    let initial = per_second("initialRps");
    let list = |key: &str| profile.get(key).and_then(Value::as_array);
    let words = match profile.get("type")?.as_str()? {
        "CONSTANT" => initial?,
        "RAMP" => {
            let way =
                if number("targetRps")? < number("initialRps")? { "falling" } else { "rising" };
            let within = number("rampUpSeconds").map(lasts);
            let within = within.map_or(String::new(), |within| format!(" within {within}"));
            format!("{} {way} to {}{within}", initial?, per_second("targetRps")?)
        }
        "SPIKE" => {
            let long = number("spikeDurationSeconds").map(lasts);
            let long = long.map_or(String::new(), |long| format!(" for {long}"));
            format!("{} with a spike of {}{long}", initial?, per_second("targetRps")?)
        }
        "BURST" => {
            let bursts = list("bursts")?;
            let (plural, most) = (if bursts.len() == 1 { "" } else { "s" }, highest(bursts)?);
            format!("{} with {} burst{plural} of up to {most}", initial?, bursts.len())
        }
        "STEPS" => {
            let steps = list("steps")?;
            let (plural, most) = (if steps.len() == 1 { "" } else { "s" }, highest(steps)?);
            format!("{} step{plural} of up to {most}", steps.len())
        }
        "SINE" => {
            let (swing, period) =
                (per_second("amplitudeRps")?, number("periodSeconds").map(lasts)?);
            format!("{} up and down by {swing} every {period}", initial?)
        }
        "REPLAY" => match list("points") {
            Some(points) => format!("a replayed course of up to {}", highest(points)?),
            None => "a replayed course".to_owned(),
        },
        other => other.to_owned(),
    };
    let at_random = scenario.get("arrivals").and_then(Value::as_str) == Some("POISSON");
    Some(if at_random { format!("{words} at random (Poisson)") } else { words })
}

fn highest(parts: &[Value]) -> Option<String> {
    let rates = parts.iter().filter_map(|part| part.get("rps")?.as_f64());
    rates.reduce(f64::max).map(rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::fixtures::{closed_run, steady_run};
    use serde_json::json;

    #[test]
    fn every_profile_has_words() {
        for (load, words) in [
            (json!({"type": "CONSTANT", "initialRps": 1_000}), "1,000/s"),
            (
                json!({"type": "RAMP", "initialRps": 10, "targetRps": 200, "rampUpSeconds": 90}),
                "10/s rising to 200/s within 1.5 min",
            ),
            (json!({"type": "RAMP", "initialRps": 10, "targetRps": 1}), "10/s falling to 1/s"),
            (
                json!({"type": "SPIKE", "initialRps": 10, "targetRps": 90,
                       "spikeDurationSeconds": 2}),
                "10/s with a spike of 90/s for 2 s",
            ),
            (
                json!({"type": "BURST", "initialRps": 10, "bursts": [{"rps": 90}, {"rps": 300}]}),
                "10/s with 2 bursts of up to 300/s",
            ),
            (json!({"type": "STEPS", "steps": [{"rps": 5}]}), "1 step of up to 5/s"),
            (
                json!({"type": "SINE", "initialRps": 50, "amplitudeRps": 20, "periodSeconds": 60}),
                "50/s up and down by 20/s every 1 min",
            ),
            (json!({"type": "REPLAY", "points": [{"rps": 7}]}), "a replayed course of up to 7/s"),
            (json!({"type": "LATER"}), "LATER"),
        ] {
            assert_eq!(profile(&json!({"loadProfile": load})).as_deref(), Some(words));
        }
        assert_eq!(profile(&json!({})), None);
        let at_random = json!({"arrivals": "POISSON",
            "loadProfile": {"type": "CONSTANT", "initialRps": 5}});
        assert_eq!(profile(&at_random).as_deref(), Some("5/s at random (Poisson)"));
    }

    #[test]
    fn without_a_profile_it_is_what_was_offered() {
        assert_eq!(load(&steady_run()), "Open loop, 1,000/s, for 10 s");
        assert_eq!(load(&closed_run()), "Closed loop, for 2 s");
    }
}
