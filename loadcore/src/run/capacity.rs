//! Turns a test into a search for the highest rate at which an objective holds.
//!
//! It is one run under changes of rate. What is to be tried next [`Search`] says; here it is told what happened
//! each second, and obeyed.

use super::collect::ClosedInterval;
use super::error::Problems;
use super::handle::{Control, RunHandle};
use super::{LoadTest, RunError};
use crate::analysis::capacity::{Capacity, Search, Step, Trial, Wanted};
use crate::result::RunStart;
use crate::scenario::limits::MAX_BACKLOG;
use crate::time::nanos;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// A search to be configured and run. Made by [`LoadTest::capacity`], it makes the requests of that test; rate,
/// duration, warm-up, number of requests and rules it sets itself.
///
/// ```no_run
/// # async fn example() -> Result<(), loadcore::RunError> {
/// use loadcore::LoadTest;
///
/// let found = LoadTest::get("http://127.0.0.1:8081/")
///     .capacity("ok_p99<50ms", 20_000.0)
///     .on_trial(|trial| eprintln!("{}/s: {}", trial.rate, trial.held))
///     .run()
///     .await?;
/// println!("{}", found.conclusion);
/// # Ok(())
/// # }
/// ```
#[must_use = "a search does nothing until it is run"]
pub struct CapacityTest {
    test: LoadTest,
    wanted: Wanted,
    on_trial: Box<dyn FnMut(&Trial) + Send>,
}

/// A running search. Dropping it ends the load.
#[derive(Debug)]
#[must_use = "dropping the handle ends the load"]
pub struct CapacityHandle {
    run: RunHandle,
    search: Arc<Mutex<Search>>,
}

impl CapacityTest {
    pub(super) fn new(test: LoadTest, slo: String, max_rate: f64) -> Self {
        let wanted = Wanted { slo, max_rate, duration: Wanted::USUAL_DURATION };
        Self { test, wanted, on_trial: Box::new(|_| ()) }
    }

    /// How long the whole search may last: 4 minutes. The longer, the narrower the interval.
    pub fn duration(mut self, duration: Duration) -> Self {
        self.wanted.duration = duration;
        self
    }

    /// Calls `observe` with each trial as it ends, on a thread that is not the engine's.
    pub fn on_trial(mut self, observe: impl FnMut(&Trial) + Send + 'static) -> Self {
        self.on_trial = Box::new(observe);
        self
    }

    /// Searches to the end. Dropping the future ends the load.
    ///
    /// # Errors
    /// When the search or its run could not be made; an objective that holds nowhere is part of the answer.
    pub async fn run(self) -> Result<Capacity, RunError> {
        self.start().await?.result().await
    }

    /// Starts the search, from within a tokio runtime.
    ///
    /// # Errors
    /// As [`CapacityTest::run`].
    pub async fn start(self) -> Result<CapacityHandle, RunError> {
        let Self { test, wanted, on_trial } = self;
        let search = Search::new(&wanted, test.run_start()).map_err(|error| {
            let mut problems = Problems::default();
            error.faults.iter().for_each(|(part, fault)| problems.add(*part, fault.clone()));
            problems.found().expect_err("there are faults")
        })?;
        let test = test.for_search(&wanted, search.first_rate());
        let search = Arc::new(Mutex::new(search));
        let control = Arc::new(OnceLock::new());
        let mut drive =
            Drive { search: Arc::clone(&search), control: Arc::clone(&control), on_trial };
        let run = test.on_interval(move |closed| drive.interval(closed)).start().await?;
        // The first interval closes a second later.
        let _ = control.set(run.control());
        Ok(CapacityHandle { run, search })
    }
}

impl LoadTest {
    /// What of a run's start a search looks at.
    fn run_start(&self) -> RunStart {
        let slack_ns = nanos(self.settings.slack());
        RunStart { mix: self.settings.mix.clone(), slack_ns, ..RunStart::default() }
    }

    /// The same requests under the load with which a search begins.
    fn for_search(mut self, wanted: &Wanted, rate: f64) -> Self {
        let backlog =
            (wanted.max_rate * Wanted::BACKLOG_SECONDS).ceil().min(MAX_BACKLOG as f64) as u64;
        self.settings.max_backlog.get_or_insert(backlog);
        self.settings.requests = None;
        self.settings.rules.clear();
        self.rate(rate).duration(wanted.duration + Wanted::SPARE).warmup(Duration::ZERO)
    }
}

impl CapacityHandle {
    /// Ends the search: [`CapacityHandle::result`] says what is known by then.
    pub fn stop(&self) {
        lock(&self.search).interrupt();
        self.run.stop();
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When an engine thread failed.
    pub async fn result(&self) -> Result<Capacity, RunError> {
        drop(self.run.result().await?);
        let mut search = lock(&self.search);
        // Where the run has ended before the search.
        search.interrupt();
        Ok(search.capacity())
    }
}

impl fmt::Debug for CapacityTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapacityTest")
            .field("test", &self.test)
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}

/// Does what the search wants.
struct Drive {
    search: Arc<Mutex<Search>>,
    control: Arc<OnceLock<Control>>,
    on_trial: Box<dyn FnMut(&Trial) + Send>,
}

impl Drive {
    fn interval(&mut self, closed: &ClosedInterval<'_>) {
        let Some(control) = self.control.get() else { return };
        let mut search = lock(&self.search);
        let known = search.trials().count();
        search.interval(closed.interval, closed.span);
        search.trials().skip(known).for_each(&mut self.on_trial);
        match search.wants() {
            Step::GoOn => {}
            Step::End => control.stop(),
            // A run that has ended takes no orders, and its search ends with it.
            Step::Offer(rate) => {
                if let Ok(from_ns) = control.offer(rate, 0.0) {
                    search.offered(from_ns, rate);
                }
            }
        }
    }
}

fn lock(search: &Mutex<Search>) -> MutexGuard<'_, Search> {
    search.lock().unwrap_or_else(PoisonError::into_inner)
}
