//! `--demo`: the built-in target and a scenario against it that never stands still.

use loadcore::cluster::store::{Page, RunRecord, ScenarioRecord};
use loadcore::cluster::{Owner, ScenarioId};
use loadcore::time::unix_millis;
use loadcore_controller::extract::LOCAL_USER;
use loadcore_controller::problem::Problem;
use loadcore_controller::state::Platform;
use loadcore_target::{Config, Target};
use serde_json::{Value, json};
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

/// The tag by which the demo finds its scenario again.
const TAG: &str = "demo";
/// How often it is looked whether the run has ended.
const LOOK: Duration = Duration::from_secs(2);

/// Starts target and scenario, and the scenario again whenever it has ended.
pub async fn play(address: SocketAddr, platform: Platform) {
    let target = match start_target().await {
        Ok(target) => target,
        Err(error) => return tracing::error!("the demo has no target: {error}"),
    };
    let mut told = false;
    loop {
        match turn(&platform, &target.url("/")).await {
            Ok(scenario) if !told => {
                tell(&format!(
                    "Demo: the target is {}, the scenario http://{address}/api/v1/scenarios/{scenario}\n\
                     Live: curl 'http://{address}/api/v1/scenarios/{scenario}/stats/realtime?lastNSeconds=10'\n",
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

/// Starts a run where none goes on. Answers the scenario.
async fn turn(platform: &Platform, url: &str) -> Result<ScenarioId, Problem> {
    let owner = Owner::from(LOCAL_USER);
    let record = scenario(platform, &owner, url).await?;
    let newest = Page { after: None, most: 1 };
    let runs = platform.store.runs(&owner, Some(&record.id), &newest).await?;
    // A controller that takes over goes on with the run of the one before it.
    if runs.first().is_none_or(|run: &RunRecord| run.state.has_ended()) {
        platform.controller.submit(&record).await?;
    }
    Ok(record.id)
}

/// The scenario of an earlier start, with the target as it is now; else a new one.
async fn scenario(
    platform: &Platform,
    owner: &Owner,
    url: &str,
) -> Result<ScenarioRecord, Problem> {
    let page = Page { after: None, most: 1 };
    let kept = platform.store.scenarios(owner, Some(TAG), &page).await?.into_iter().next();
    let document = document(url);
    let now = unix_millis();
    match kept {
        Some(record) if record.document == document => Ok(record),
        Some(mut record) => {
            record.document = document;
            record.changed_unix_ms = now;
            platform.store.replace_scenario(&record).await?;
            record.revision += 1;
            Ok(record)
        }
        None => {
            let record = ScenarioRecord {
                id: ScenarioId::random(),
                owner: owner.clone(),
                revision: 0,
                created_unix_ms: now,
                changed_unix_ms: now,
                tags: vec![TAG.into()],
                document,
                baseline: None,
            };
            platform.store.insert_scenario(&record).await?;
            Ok(record)
        }
    }
}

/// Holds nothing secret, and so needs no seal.
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

/// For people at a terminal; whoever closed the pipe has read enough.
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
