//! Turns `--demo` into the built-in target and a scenario that loads it for as long as the program
//! runs.

use loadcore::cluster::store::{Page, RunRecord};
use loadcore::cluster::{Owner, ScenarioId};
use loadcore_controller::problem::Problem;
use loadcore_controller::state::Platform;
use loadcore_target::{Config, Target};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// The tag by which the demo finds its scenario again.
const TAG: &str = "demo";
/// How often it is looked whether the run has ended.
const LOOK: Duration = Duration::from_secs(2);

/// Starts target and scenario, and the scenario again whenever it has ended.
pub async fn play(url: String, platform: Platform) {
    let target = match start_target().await {
        Ok(target) => target,
        Err(error) => return tracing::error!("the demo has no target: {error}"),
    };
    let mut told = false;
    loop {
        match turn(&platform, &target.url("/")).await {
            Ok(scenario) if !told => {
                tell(&format!(
                    "Demo: the target is {}, the scenario {url}/api/v1/scenarios/{scenario}\n\
                     Live: curl '{url}/api/v1/scenarios/{scenario}/stats/realtime?lastNSeconds=10'\n",
                    target.url("/"),
                ));
                told = true;
            }
            Ok(_) => {}
            Err(problem) => tracing::warn!("the demo waits: {}", problem.detail),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Like a service in its cache most of the time, that fails now and then.
async fn start_target() -> Result<Target, String> {
    let word = |error: loadcore_target::ParseError| error.to_string();
    let config = Config {
        latency: "bimodal(0.93:4ms,0.07:45ms)".parse().map_err(word)?,
        errors: "0.3%:503".parse().map_err(word)?,
        ..Config::default()
    };
    Target::start(config).await.map_err(|error| error.to_string())
}

/// Starts a run where none goes on, of the scenario of an earlier start with the target as it is now;
/// else of a new one. Answers the scenario.
async fn turn(platform: &Platform, url: &str) -> Result<ScenarioId, Problem> {
    let (controller, owner, document) = (&platform.controller, Owner::local(), document(url));
    let page = Page { after: None, most: 1 };
    let kept = platform.store.scenarios(&owner, Some(TAG), &page).await?.into_iter().next();
    let Some(kept) = kept else {
        return Ok(controller.create_scenario(&owner, document, None).await?.scenario_id);
    };
    let record = if kept.document == document {
        kept
    } else {
        controller.replace_scenario(kept, document).await?
    };
    let newest = controller.newest_run(&owner, &record.id).await?;
    // A controller that takes over goes on with the run of the one before it.
    if newest.is_none_or(|run: RunRecord| run.state.has_ended()) {
        controller.start_scenario(&owner, &record.id, None).await?;
    }
    Ok(record.id)
}

/// Holds nothing secret, and so is kept as it is.
fn document(url: &str) -> Value {
    json!({
        "name": "Demo",
        "targetUrl": url,
        "durationSeconds": 600,
        "loadProfile": {"type": "SINE", "initialRps": 200, "amplitudeRps": 150, "periodSeconds": 60},
        "sla": ["ok_p99<250ms", "error_rate<1%"],
        "tags": [TAG],
        "notes": "Made by --demo: the built-in target answers most requests at once and some slowly.",
    })
}

/// For people at a terminal; a reader that closed the pipe has read enough.
fn tell(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadcore::scenario::Scenario;

    #[test]
    fn the_scenario_is_valid() {
        let scenario = Scenario::from_value(document("http://127.0.0.1:1/")).unwrap();
        assert_eq!(
            (scenario.name.as_str(), scenario.tags.as_slice()),
            ("Demo", &["demo".to_owned()][..])
        );
    }

    #[tokio::test]
    async fn the_target_starts() {
        assert!(start_target().await.unwrap().url("/").starts_with("http://127.0.0.1:"));
    }
}
