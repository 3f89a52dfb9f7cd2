//! What makes a worker's load: the engine, or a simulated one.

use crate::LoadTest;
use crate::http::TargetPolicy;
use crate::run::{Control, Duty, Snapshots};
use crate::scenario::Scenario;
use async_trait::async_trait;
use std::time::Duration;

/// Makes the load that a duty asks for.
#[async_trait]
pub(crate) trait Generator: Send + Sync {
    /// Whether it could; the text says why not.
    async fn prepare(&self, scenario: &Scenario) -> Result<(), String>;

    /// Starts, at the zero of the duty's clock.
    async fn start(&self, scenario: &Scenario, duty: Duty) -> Result<Load, String>;
}

/// Load that is being made.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) control: Control,
    pub(crate) snapshots: Snapshots,
    /// Ends the load when it is dropped.
    pub(crate) _guard: Option<crate::RunHandle>,
}

/// The engine of this library.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    pub(crate) policy: TargetPolicy,
    pub(crate) threads: Option<usize>,
    pub(crate) slack: Duration,
}

#[async_trait]
impl Generator for Engine {
    async fn prepare(&self, scenario: &Scenario) -> Result<(), String> {
        self.test(scenario).check().await.map_err(|error| error.to_string())
    }

    async fn start(&self, scenario: &Scenario, duty: Duty) -> Result<Load, String> {
        let started = self.test(scenario).on_duty(duty).start().await;
        let mut handle = started.map_err(|error| error.to_string())?;
        let (control, snapshots) = (handle.control(), handle.snapshots());
        Ok(Load { control, snapshots, _guard: Some(handle) })
    }
}

impl Engine {
    fn test(&self, scenario: &Scenario) -> LoadTest {
        let policy = self.policy.clone();
        let test = LoadTest::from_scenario(scenario)
            .slack(self.slack)
            .options(|http| http.policy = policy);
        match self.threads {
            Some(threads) => test.threads(threads),
            None => test,
        }
    }
}
