//! Tests one table of scenarios over every road that a load can take: on this machine, on workers
//! within a controller, on workers that a Redis coordinates. Every key of the result says the same
//! on each.
//!
//! The short form is a part of the table; `LOADCORE_LONG=1` runs the whole of it. All of a road's
//! runs go side by side, each against a target of its own.

#[path = "roads/compare.rs"]
mod compare;
#[path = "roads/roads.rs"]
mod roads;
#[path = "roads/rules.rs"]
mod rules;
#[path = "roads/table.rs"]
mod table;

use roads::Road;
use serde_json::Value;
use table::Case;

/// What a case came to on each road.
async fn travelled(case: &Case, roads: &[Road]) -> Vec<Value> {
    let mut results = Vec::new();
    for road in roads {
        results.push(road.run(case).await);
    }
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_road_gives_the_same_figures() {
    let long = std::env::var_os("LOADCORE_LONG").is_some();
    let cases: Vec<_> = table::cases().into_iter().filter(|case| long || case.short).collect();
    let redis = loadcore_test_support::redis::Server::start().await;
    let workers: usize = cases.iter().map(|case| case.workers() as usize).sum();
    let roads = [
        Road::Local,
        Road::within_the_controller(workers).await,
        Road::over_redis(&redis.url(), workers).await,
    ];
    let roads = std::sync::Arc::new(roads);
    let tasks: Vec<_> = cases
        .into_iter()
        .map(|case| {
            let roads = std::sync::Arc::clone(&roads);
            tokio::spawn(async move {
                let results = travelled(&case, &roads[..]).await;
                faults(&case, &results, &roads[..])
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.expect("no case panics"));
    }
    for road in roads.iter() {
        road.end().await;
    }
    assert!(all.is_empty(), "{} differences:\n{}", all.len(), all.join("\n"));
}

/// Where a case's results differ from the local one, or are not what they must be.
fn faults(case: &Case, results: &[Value], roads: &[Road]) -> Vec<String> {
    let mut faults = Vec::new();
    for (result, road) in results.iter().zip(roads) {
        let mut found = case.faults(result);
        found.extend(compare::identities(result));
        found.extend(compare::differences(&results[0], result, case.told));
        faults.extend(found.iter().map(|fault| format!("{}, {}: {fault}", case.name, road.name())));
    }
    faults
}
