//! Turns a plan into running engine threads and their collector.

use super::RunError;
use super::collect::Collector;
use super::feed::Feed;
use super::handle::{Control, RunHandle};
use super::observe::Watched;
use super::settings::{Assignment, TestSettings};
use super::subject::Start;
use crate::analysis::Judge;
use crate::engine::{self, Channels, Settings, WholeLoad};
use crate::profile::Profile;
use crate::record::Interval;
use crate::result::ResultBuilder;
use crate::time::{Clock, SECOND, nanos, unix_millis};
use crate::transport::Transport;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Sets that go round between a thread and the collector, beside the one that is recorded to.
const SPARES: usize = 2;
/// From the call to the start of the load: time for the threads to be ready.
const LEAD: Duration = Duration::from_millis(10);

type Thread = JoinHandle<io::Result<()>>;
type Spares = SyncSender<Box<Interval>>;

impl Start {
    /// Starts all threads. Where one cannot be started, those that were are ended.
    pub(super) fn launch<P: Profile + Clone, T: Transport>(
        self,
        profile: Option<P>,
        transport: &Arc<T>,
    ) -> Result<RunHandle, RunError> {
        let Self { plan: planned, settings, rules, observed, observers, .. } = self;
        let settings = &settings;
        let assignment = settings.assignment.as_ref();
        let clock =
            assignment.map_or_else(|| Clock::starting_in(LEAD), |assignment| assignment.clock);
        let given = assignment.map(|assignment| assignment.orders.clone()).unwrap_or_default();
        let (control, orders) = Control::new(clock, given);
        let (snapshots, progress) = (Feed::new(), Feed::new());
        let (send, result) = watch::channel(None);
        // Dropped on the way, it ends the threads that were started.
        let handle = RunHandle {
            control: control.clone(),
            snapshots: snapshots.clone(),
            progress: progress.clone(),
            result,
        };
        let count = planned.threads as usize;
        let (report, reports) = sync_channel(count * (SPARES + 2));
        let mut spares = Vec::with_capacity(count);
        let mut threads = Vec::with_capacity(count);
        for index in 0..count {
            let (spare, emptied) = spares_of_a_thread();
            let channels =
                Channels { orders: orders.clone(), reports: report.clone(), spares: emptied };
            spares.push(spare);
            let load = planned.load(settings, profile.clone());
            let part = planned.part(settings, clock, index);
            threads.extend(spawn((part, load), control.clone(), transport, channels)?);
        }
        // They alone hear orders and report: when the last of them ends, so does all that.
        drop((report, orders));
        let started_unix_ms = started_at(settings, clock);
        let mut start = planned.run_start(settings, started_unix_ms);
        start.observe = observed.as_ref().map(Watched::names).unwrap_or_default();
        let measured_from = nanos(settings.warmup);
        let readings = observed.map(|it| it.read_in_thread(clock, measured_from)).transpose()?;
        let collector = Collector {
            interval: SECOND,
            // A worker that comes late has nothing to say of the intervals before.
            first: clock.now().saturating_sub(nanos(settings.warmup)) / SECOND,
            turn: assignment.map_or(Duration::ZERO, Assignment::turn),
            worker: assignment.map_or("local".into(), |assignment| assignment.worker.clone()),
            epoch: assignment.map_or(0, |assignment| assignment.epoch),
            reports,
            spares,
            threads,
            judge: assignment.is_none().then(|| Judge::new(rules, &start)),
            readings,
            builder: ResultBuilder::new(start),
            control,
            aborted: false,
            snapshots: snapshots.teller(),
            progress: progress.teller(),
            observers,
            started_unix_ms,
        };
        #[cfg(test)]
        if assignment.is_some_and(|assignment| assignment.simulated.is_some()) {
            tokio::task::spawn_local(async move {
                let result = collector.collect_here().await;
                send.send_replace(Some(result.map(Arc::new)));
            });
            return Ok(handle);
        }
        std::thread::Builder::new().name("loadcore-collect".into()).spawn(move || {
            // The handle may be gone: then nobody wants the result.
            send.send_replace(Some(collector.collect().map(Arc::new)));
        })?;
        Ok(handle)
    }
}

/// Starts one engine thread; in a simulation a task in its place, and answers none.
fn spawn<P: Profile + Clone, T: Transport>(
    (part, load): (Settings, WholeLoad<P>),
    control: Control,
    transport: &Arc<T>,
    channels: Channels,
) -> io::Result<Option<Thread>> {
    let transport = Arc::clone(transport);
    #[cfg(test)]
    if part.sent.is_some() {
        tokio::task::spawn_local(engine::run_here(part, load, transport, channels));
        return Ok(None);
    }
    let name = format!("loadcore-{}", part.thread);
    let work = move || engine::run_thread(part, load, transport, channels);
    std::thread::Builder::new().name(name).spawn(together(control, work)).map(Some)
}

/// When the measured time begins, in milliseconds since 1970.
fn started_at(settings: &TestSettings, clock: Clock) -> u64 {
    let zero =
        (unix_millis() + clock.until_zero() / 1_000_000).saturating_sub(clock.now() / 1_000_000);
    zero + settings.warmup.as_millis() as u64
}

/// Empty sets for a thread, and where the collector puts them back.
fn spares_of_a_thread() -> (Spares, std::sync::mpsc::Receiver<Box<Interval>>) {
    let (spare, emptied) = sync_channel(SPARES + 1);
    for _ in 0..SPARES {
        let _ = spare.try_send(Box::<Interval>::default());
    }
    (spare, emptied)
}

/// The work of one thread, after which the others stop if it failed: what they would still send is
/// not the load that was asked for.
fn together(
    control: Control,
    work: impl FnOnce() -> io::Result<()>,
) -> impl FnOnce() -> io::Result<()> {
    struct Guard {
        control: Control,
        is_whole: bool,
    }
    impl Drop for Guard {
        fn drop(&mut self) {
            if !self.is_whole {
                self.control.stop();
            }
        }
    }
    move || {
        let mut guard = Guard { control, is_whole: false };
        let ended = work();
        guard.is_whole = ended.is_ok();
        ended
    }
}
