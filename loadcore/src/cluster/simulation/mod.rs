//! Runs a whole platform in one thread under a clock that tests drive, by seed: real agents, real
//! engines, a real controller; a network, a coordinator, a store and processes that fail.
//!
//! A seed decides everything: the scenario, the workers, what fails when. Each run is held against
//! the invariants of `docs/distributed.md`, by number. `LOADCORE_SEED=n` runs one seed alone and
//! says what happens in it; `LOADCORE_SEEDS=n` so many.

mod checks;
mod controllers;
mod ends;
mod faults;
mod host;
mod hostile;
mod links;
mod post;
mod queue;
mod series;
mod shares;

use crate::LoadTest;
use crate::cluster::agent::{Agent, AgentOptions, Generator, StartedLoad};
use crate::cluster::controller::EVIDENCE_WAIT;
use crate::cluster::controller::api::Command;
use crate::cluster::memory::{MemoryCoordinator, MemoryStore};
use crate::cluster::plan::Plan;
use crate::cluster::secrets::Secrets;
use crate::cluster::signed::Signer;
use crate::cluster::store::{RunRecord, RunState, ScenarioRecord, Store};
use crate::cluster::{Controller, ControllerOptions, Lease, Owner, ScenarioId};
use crate::engine::SentWatch;
use crate::run::Assignment;
use async_trait::async_trait;
use checks::Witness;
use faults::Trial;
use host::Host;
use links::{CoordinatorLink, Network, StoreLink};
use post::Mailbox;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::sync::Arc;
use std::time::Duration;

/// The secret that stands in every simulated scenario, and nowhere else.
const SECRET: &str = "s3cr3t-of-the-simulation";

/// A source of chance that a seed decides.
#[derive(Debug, Clone)]
struct Dice(Xoshiro256PlusPlus);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number from `low` up to and including `high`.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.0.next_u64() % (high - low + 1)
    }

    /// Whether something happens that does in `percent` of all cases.
    fn chance(&mut self, percent: u64) -> bool {
        self.between(1, 100) <= percent
    }
}

/// Makes load with the real engine, on a target that counts.
struct SimulatedEngine {
    witness: Arc<Witness>,
}

#[async_trait]
impl Generator for SimulatedEngine {
    async fn prepare(&self, _: &Plan) -> Result<(), String> {
        Ok(())
    }

    async fn start(&self, plan: &Plan, mut assignment: Assignment) -> Result<StartedLoad, String> {
        let watch: Arc<dyn SentWatch> = Arc::clone(&self.witness) as _;
        assignment.simulated = Some(watch);
        let witness = Arc::clone(&self.witness);
        let transport = crate::transport::FnTransport::new(move |_| {
            let takes = witness.counts();
            async move {
                tokio::time::sleep(takes).await;
                Ok(200)
            }
        });
        let test =
            LoadTest::from_scenario(&plan.scenario).threads(1).slack(Duration::from_millis(2));
        let started = test.on(transport).assigned(assignment).start().await;
        let handle = started.map_err(|error| error.to_string())?;
        let (control, snapshots) = (handle.control(), handle.snapshots());
        Ok(StartedLoad { control, snapshots, threads: 1, _guard: Some(handle) })
    }
}

/// Everything of one seed.
struct World {
    network: Arc<Network>,
    coordinator: Arc<MemoryCoordinator>,
    store: Arc<MemoryStore>,
    witness: Arc<Witness>,
    mailbox: Arc<Mailbox>,
    workers: Vec<Host>,
    controllers: Vec<(usize, Controller)>,
    next_host: usize,
    secrets: Secrets,
    lease: Lease,
    evidence_wait: Duration,
    dice: Dice,
    run: Option<RunRecord>,
    loud: bool,
}

impl World {
    fn new(seed: u64, loud: bool) -> Self {
        let mut dice = Dice::new(seed);
        let witness = Arc::new(Witness::new(dice.between(0, u64::MAX - 1)));
        Self {
            network: Arc::new(Network::new(dice.between(0, u64::MAX - 1), Arc::clone(&witness))),
            coordinator: Arc::new(MemoryCoordinator::starting_at(1_700_000_000_000_000)),
            store: Arc::new(MemoryStore::new()),
            witness,
            // Without the dice, so that the rest of each seed stays what it is.
            mailbox: Arc::new(Mailbox::new(seed, 10)),
            workers: Vec::new(),
            controllers: Vec::new(),
            next_host: 0,
            secrets: Secrets::from_text("the key of the simulation").unwrap(),
            lease: Lease::default(),
            evidence_wait: EVIDENCE_WAIT,
            dice,
            run: None,
            loud,
        }
    }

    fn say(&self, what: &str) {
        if self.loud {
            let at = self.network.now().as_secs_f64();
            #[expect(clippy::print_stderr, reason = "asked for, to look at one seed")]
            {
                eprintln!("{at:8.3} s  {what}");
            }
        }
    }

    fn host(&mut self) -> usize {
        self.next_host += 1;
        self.next_host - 1
    }

    fn add_worker(&mut self) {
        self.add_worker_with(AgentOptions::default());
    }

    fn add_worker_with(&mut self, options: AgentOptions) {
        let host = self.host();
        let link = CoordinatorLink::new(host, &self.network, &self.coordinator);
        let engine = Arc::new(SimulatedEngine { witness: Arc::clone(&self.witness) });
        // A seed decides its id too.
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&host.to_le_bytes());
        let (signer, kind) = (Signer::of(&seed), format!("w{host}"));
        let agent = Agent::with(signer, &kind, Arc::new(link), engine, options).unwrap();
        self.workers.push(Host::start(host, agent));
    }

    /// Starts a controller; one that finds nobody to talk to tries again.
    async fn add_controller(&mut self) {
        let (secrets, lease) = (self.secrets.clone(), self.lease);
        let evidence_wait = self.evidence_wait;
        let options = ControllerOptions { secrets, lease, evidence_wait, ..Default::default() };
        self.add_controller_with(options).await;
    }

    async fn add_controller_with(&mut self, options: ControllerOptions) {
        let host = self.host();
        for _ in 0..200 {
            let coordinator =
                Arc::new(CoordinatorLink::new(host, &self.network, &self.coordinator));
            let store = Arc::new(StoreLink::new(&self.network, &self.store));
            let post = Arc::clone(&self.mailbox) as _;
            let options = options.clone();
            let started = Controller::start_with(store, coordinator, options, post).await;
            if let Ok(controller) = started {
                self.controllers.push((host, controller));
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("no controller could be started");
    }

    /// The controllers die, and another takes the lead once their lease is over.
    async fn change_controller(&mut self) {
        self.controllers.clear();
        self.add_controller().await;
        while self.leader().is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn leader(&self) -> Option<&Controller> {
        self.controllers.iter().map(|(_, it)| it).find(|it| it.is_leading())
    }

    async fn submit(&mut self, document: serde_json::Value) {
        let scenario = ScenarioRecord {
            id: ScenarioId::from("the scenario"),
            owner: Owner::from("somebody"),
            revision: 0,
            created_unix_ms: 0,
            changed_unix_ms: 0,
            tags: Vec::new(),
            document: self.secrets.seal(document),
            baseline: None,
        };
        self.run = Some(self.leader().unwrap().submit(&scenario).await.unwrap());
    }

    async fn record(&self) -> RunRecord {
        let run = self.run.as_ref().expect("submitted");
        self.store.run(&run.owner, &run.id).await.unwrap().expect("it was kept")
    }
}

/// One seed from its start to its checks. What it answers is printed, with the seed, if it is wrong.
async fn simulate(seed: u64, loud: bool) -> Result<(), String> {
    let mut world = World::new(seed, loud);
    let plan = Trial::new(&mut world.dice);
    let Trial { scenario, workers, faults, lease, evidence_wait, max_rps } = plan;
    (world.lease, world.evidence_wait) = (lease, evidence_wait);
    world.say(&format!(
        "{workers} workers, {max_rps:?}, {lease:?}, evidence {evidence_wait:?}, {faults:?}"
    ));
    world.say(&scenario.to_string());
    world.add_controller().await;
    for _ in 0..workers {
        world.add_worker_with(AgentOptions { max_rps, ..AgentOptions::default() });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.submit(scenario).await;
    let begun = world.network.now();
    for (at, fault) in &faults {
        let at = begun + Duration::from_millis(*at);
        while world.network.now() < at {
            tokio::time::sleep(Duration::from_millis(100).min(at - world.network.now())).await;
            checks::in_between(&mut world).await?;
        }
        world.say(&format!("{fault:?}"));
        faults::carry_out(&mut world, fault).await;
    }
    let record = until_ended(&mut world).await?;
    world.say(&format!(
        "ended as {:?}: {:#?} {:#?}",
        record.state, record.timeline, record.warnings
    ));
    checks::at_the_end(&mut world, &record, &faults).await
}

/// Waits for the run's end: invariant 7.
async fn until_ended(world: &mut World) -> Result<RunRecord, String> {
    let planned = 30 + 2; // the longest scenario of a plan, and its drain
    let deadline = world.network.now() + Duration::from_secs(planned + 120);
    loop {
        let record = world.record().await;
        if record.state.has_ended() {
            return Ok(record);
        }
        if world.network.now() > deadline {
            let says = world.leader().map(|it| format!("{:?}", it.workers()));
            return Err(format!("7: not ended in time: {record:#?}\nworkers: {says:?}"));
        }
        if record.state == RunState::Paused
            && let Some(leader) = world.leader()
        {
            // Whoever was to do so earlier found nobody to tell.
            let _ = leader.command(&record.owner, &record.id, Command::Resume).await;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        checks::in_between(world).await?;
    }
}

fn run_seed(seed: u64, loud: bool) -> Result<(), String> {
    alone(simulate(seed, loud))
}

/// Runs a simulation in a thread of its own, under its own clock.
fn alone<T>(simulation: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let local = tokio::task::LocalSet::new();
    let outcome = local.block_on(&runtime, simulation);
    drop(local);
    outcome
}

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    if let Some(seed) = number("LOADCORE_SEED") {
        return vec![seed];
    }
    let long = std::env::var_os("LOADCORE_LONG").is_some();
    (0..number("LOADCORE_SEEDS").unwrap_or(if long { 5_000 } else { 300 })).collect()
}

#[test]
fn the_invariants_hold_whatever_fails() {
    let all = seeds();
    let loud = all.len() == 1;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let failures: Vec<(u64, String)> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..cores)
            .map(|core| {
                let mine: Vec<u64> = all.iter().copied().skip(core).step_by(cores).collect();
                scope.spawn(move || {
                    let check = |seed| run_seed(seed, loud).err().map(|why| (seed, why));
                    mine.into_iter().filter_map(check).take(5).collect::<Vec<_>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("a simulation panicked")).collect()
    });
    let listed: Vec<_> =
        failures.iter().map(|(seed, why)| format!("LOADCORE_SEED={seed}: {why}")).collect();
    assert!(failures.is_empty(), "of {} seeds:\n{}", all.len(), listed.join("\n\n"));
}
