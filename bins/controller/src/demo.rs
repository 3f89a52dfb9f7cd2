//! Turns `--demo` into the built-in target and a scenario that loads it for as long as the program
//! runs.

use crate::terminal::tell;
use loadcore::cluster::controller::api::Command;
use loadcore::cluster::store::Page;
use loadcore::cluster::{Owner, ScenarioId};
use loadcore_controller::problem::Problem;
use loadcore_controller::state::Platform;
use loadcore_target::{Config, Target};
use serde_json::{Value, json};
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
                    "Demo: a run against {}, which {url}/ shows\n\
                     The same for scripts: curl '{url}/api/v1/scenarios/{scenario}/stats/realtime?lastNSeconds=10'\n",
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

/// Requests a second that the target takes; the demo's load goes beyond it for some seconds of each minute.
const TAKES: f64 = 260.0;

/// Like a service in its cache most of the time, that fails now and then, stands still now and then, and takes
/// so many requests and no more.
async fn start_target() -> Result<Target, String> {
    let word = |error: loadcore_target::ParseError| error.to_string();
    let config = Config {
        latency: "bimodal(0.93:4ms,0.07:45ms)".parse().map_err(word)?,
        errors: "0.3%:503".parse().map_err(word)?,
        stalls: vec!["every=150s,for=400ms".parse().map_err(word)?],
        service_rate: Some(TAKES),
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
    match controller.newest_run(&owner, &record.id).await? {
        Some(run) if !run.state.has_ended() => {
            // Of a start before this one, whose target has gone with it. Who ends it twice is told so.
            if run.scenario["targetUrl"] != record.document["targetUrl"] {
                let _ = controller.command(&owner, &run.id, Command::Stop).await;
            }
        }
        _ => drop(controller.start_scenario(&owner, &record.id, None).await?),
    }
    Ok(record.id)
}

/// Holds nothing secret, and so is kept as it is.
fn document(url: &str) -> Value {
    json!({
        "name": "Demo shop",
        "targetUrl": url,
        "durationSeconds": 600,
        "numWorkers": 2,
        "loadProfile": {"type": "SINE", "initialRps": 160, "amplitudeRps": 120, "periodSeconds": 60},
        "mix": [
            {"name": "home", "url": "/", "weight": 6},
            {"name": "search", "url": "/search?latency=normal(15ms,4ms)", "weight": 3},
            {"name": "order", "url": "/orders?latency=exp(30ms)&errors=1%25:500", "method": "POST",
             "body": "{\"item\": 3}", "weight": 1},
        ],
        "sla": [{"rule": "ok_p99<250ms", "windowSeconds": 10}, "error_rate<2%"],
        "tags": [TAG, "shop"],
        "notes": "Made by --demo: a shop that takes some 260 requests a second, with a load that goes beyond that for some \
                  seconds of each minute. Then requests wait, and the rule of the latency does not hold.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadcore::result::LoopKind;
    use loadcore::scenario::Scenario;
    use loadcore::scenario::preview::{Rows, preview};

    #[test]
    fn the_scenario_is_valid() {
        let scenario = Scenario::from_value(document("http://127.0.0.1:1/")).unwrap();
        assert_eq!(scenario.tags, [TAG, "shop"]);
        let plan = preview(&scenario, Rows::default());
        let peak = plan.peak_rps.unwrap();
        assert!(
            TAKES < peak && peak < 300.0,
            "the target is at its limit, and no machine is: {peak}"
        );
        assert_eq!(
            (plan.loop_kind, scenario.mix.len(), scenario.sla.len()),
            (LoopKind::Open, 3, 2)
        );
    }

    #[tokio::test]
    async fn the_target_starts() {
        assert!(start_target().await.unwrap().url("/").starts_with("http://127.0.0.1:"));
    }
}
