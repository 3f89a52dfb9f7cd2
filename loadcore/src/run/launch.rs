//! A plan into running engine threads and their collector.

use super::RunError;
use super::collect::{Collector, Observer};
use super::handle::{Control, RunHandle};
use super::planned::Planned;
use super::settings::{Duty, TestSettings};
use crate::analysis::Judge;
use crate::analysis::sla::SlaRule;
use crate::engine::{self, Channels};
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
use tokio::sync::{mpsc, oneshot};

/// Sets that go round between a thread and the collector, beside the one that is recorded to.
const SPARES: usize = 2;
/// From the call to the start of the load: time for the threads to be ready.
const LEAD: Duration = Duration::from_millis(10);
/// Snapshots that wait for a slow reader, the last one included.
const SNAPSHOTS: usize = 5;

type Thread = JoinHandle<io::Result<()>>;
type Spares = SyncSender<Box<Interval>>;

impl<P: Profile + Clone> Planned<P> {
    /// Starts all threads. Where one cannot be started, those that were are ended.
    pub(super) fn launch<T: Transport>(
        self,
        settings: &TestSettings,
        transport: &Arc<T>,
        rules: Vec<SlaRule>,
        observers: Vec<Observer>,
    ) -> Result<RunHandle, RunError> {
        let duty = settings.duty.as_ref();
        let clock = duty.map_or_else(|| Clock::starting_in(LEAD), |duty| duty.clock);
        let given = duty.map(|duty| duty.orders.clone()).unwrap_or_default();
        let (control, orders) = Control::new(clock, given);
        let (publish, snapshots) = mpsc::channel(SNAPSHOTS);
        let (send, result) = oneshot::channel();
        // Dropped on the way, it ends the threads that were started.
        let handle = RunHandle {
            control: control.clone(),
            snapshots: Some(snapshots),
            result: Some(result),
        };
        let count = self.threads as usize;
        let (report, reports) = sync_channel(count * (SPARES + 2));
        let mut spares = Vec::with_capacity(count);
        let mut threads = Vec::with_capacity(count);
        for index in 0..count {
            let (spare, emptied) = spares_of_a_thread();
            let channels =
                Channels { orders: orders.clone(), reports: report.clone(), spares: emptied };
            spares.push(spare);
            threads.extend(self.spawn(settings, (&control, clock), index, transport, channels)?);
        }
        drop(report);
        let started_unix_ms = started_at(settings, clock);
        let plan = self.plan(settings, started_unix_ms);
        let collector = Collector {
            interval: SECOND,
            // A worker that comes late has nothing to say of the intervals before.
            first: clock.now().saturating_sub(nanos(settings.warmup)) / SECOND,
            turn: duty.map_or(Duration::ZERO, Duty::turn),
            worker: duty.map_or("local".into(), |duty| duty.worker.clone()),
            epoch: duty.map_or(0, |duty| duty.epoch),
            reports,
            spares,
            threads,
            judge: duty.is_none().then(|| Judge::new(rules, &plan)),
            builder: ResultBuilder::new(plan),
            control,
            aborted: false,
            snapshots: publish,
            observers,
            started_unix_ms,
        };
        #[cfg(test)]
        if duty.is_some_and(|duty| duty.simulated.is_some()) {
            tokio::task::spawn_local(async { drop(send.send(collector.collect_here().await)) });
            return Ok(handle);
        }
        std::thread::Builder::new().name("loadcore-collect".into()).spawn(move || {
            // The handle may be gone: then nobody wants the result.
            let _ = send.send(collector.collect());
        })?;
        Ok(handle)
    }

    /// Starts one engine thread; in a simulation a task in its place, and answers none.
    fn spawn<T: Transport>(
        &self,
        settings: &TestSettings,
        (control, clock): (&Control, Clock),
        index: usize,
        transport: &Arc<T>,
        channels: Channels,
    ) -> io::Result<Option<Thread>> {
        let load = self.load(settings);
        let part = self.part(settings, clock, index);
        let transport = Arc::clone(transport);
        #[cfg(test)]
        if part.sent.is_some() {
            tokio::task::spawn_local(engine::run_here(part, load, transport, channels));
            return Ok(None);
        }
        let work = move || engine::run_thread(part, load, transport, channels);
        std::thread::Builder::new()
            .name(format!("loadcore-{index}"))
            .spawn(together(control.clone(), work))
            .map(Some)
    }
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
