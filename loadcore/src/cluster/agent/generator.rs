//! Makes a worker's load: by the engine, or by a simulated one.

use crate::LoadTest;
use crate::cluster::plan::Plan;
use crate::cluster::threads;
use crate::http::TargetPolicy;
use crate::run::{Assignment, Control, Snapshots};
use crate::schedule::Share;
use async_trait::async_trait;
use std::time::Duration;

/// Makes the load that an assignment asks for.
#[async_trait]
pub(crate) trait Generator: Send + Sync {
    /// Whether it could; the text says why not.
    async fn prepare(&self, plan: &Plan) -> Result<(), String>;

    /// Starts, at the zero of the assignment's clock.
    async fn start(&self, plan: &Plan, assignment: Assignment) -> Result<StartedLoad, String>;
}

/// Load that is being made.
#[derive(Debug)]
pub(crate) struct StartedLoad {
    pub(crate) control: Control,
    pub(crate) snapshots: Snapshots,
    /// Engine threads that make it.
    pub(crate) threads: u64,
    /// Ends the load when it is dropped.
    pub(crate) _guard: Option<crate::RunHandle>,
}

/// The engine of this library.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    pub(crate) policy: TargetPolicy,
    /// As many as its part needs where `None`. A scenario may ask for fewer.
    pub(crate) threads: Option<usize>,
    pub(crate) cores: u64,
    /// Where the scenario says nothing of it.
    pub(crate) slack: Duration,
}

#[async_trait]
impl Generator for Engine {
    async fn prepare(&self, plan: &Plan) -> Result<(), String> {
        self.test(plan, 1).check().await.map_err(|error| error.to_string())
    }

    async fn start(&self, plan: &Plan, assignment: Assignment) -> Result<StartedLoad, String> {
        let first = assignment.parts.first().copied().unwrap_or(Share::WHOLE);
        let own = self.threads.map(|threads| threads as u64);
        let threads = threads::of(&plan.scenario, own, first, self.cores);
        let started = self.test(plan, threads).assigned(assignment).start().await;
        let handle = started.map_err(|error| error.to_string())?;
        let (control, snapshots) = (handle.control(), handle.snapshots());
        Ok(StartedLoad { control, snapshots, threads, _guard: Some(handle) })
    }
}

impl Engine {
    fn test(&self, plan: &Plan, threads: u64) -> LoadTest {
        let scenario = &plan.scenario;
        // The platform's word and the worker's own: the stricter binds.
        let policy = self.policy.clone().and(plan.policy.clone());
        LoadTest::from_scenario(scenario)
            .threads(threads as usize)
            .slack(scenario.slack.unwrap_or(self.slack))
            .options(|http| {
                http.policy = policy;
                // A proxy is no way round it.
                http.judges_names = true;
            })
    }
}
