//! Plays the worker's side of a distributed run, without the load.
//!
//! It does what `loadcore::cluster::agent` does: beats, takes a task, waits to be admitted, reads
//! the plan, says that it is ready, follows the journal, hands in a snapshot each second from the
//! start on, and the last one until it is durable.

use crate::ElapsedNow;
use crate::snapshots::Snapshots;
use loadcore::cluster::coordinator::{
    PROTOCOL, SnapshotRecord, TaskReport, TaskState, WorkerReport,
};
use loadcore::cluster::journal::{Entry, Line, mailbox};
use loadcore::cluster::signed::{About, Signer, hear};
use loadcore::cluster::{Coordinator, RunId, WorkerId};
use loadcore::schedule::Share;
use loadcore::time::now;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until};

/// From one beat to the next.
const BEAT: Duration = Duration::from_secs(1);
/// How long a call for a task or for the journal waits.
const WAIT: Duration = Duration::from_secs(2);
/// Between two tries.
const AGAIN: Duration = Duration::from_secs(1);
/// How long the last snapshot is offered.
const HAND_IN: Duration = Duration::from_secs(120);
const EPOCH: u64 = 1;

/// One simulated worker.
pub struct Worker {
    id: WorkerId,
    signer: Signer,
    number: usize,
    /// For beats and snapshots: a connection of each that many workers share.
    coordinator: Arc<dyn Coordinator>,
    /// For what waits: a connection of our own, as a worker has.
    own: Arc<dyn Coordinator>,
    snapshots: Arc<Snapshots>,
    report: watch::Sender<WorkerReport>,
    stop: watch::Receiver<bool>,
}

/// What workers have handed in.
#[derive(Default)]
pub struct Done {
    pub sent: u64,
    pub puts: u64,
    pub bytes: u64,
    /// Puts that were not answered and were made again.
    pub again: u64,
    pub slowest: Duration,
}

impl Done {
    pub fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.puts += other.puts;
        self.bytes += other.bytes;
        self.again += other.again;
        self.slowest = self.slowest.max(other.slowest);
    }
}

/// What the journal has said to us so far.
#[derive(Default)]
struct Heard {
    applied: u64,
    admitted: bool,
    part: Option<Share>,
    start_us: Option<u64>,
}

impl Worker {
    pub fn new(
        number: usize,
        [coordinator, own]: [Arc<dyn Coordinator>; 2],
        snapshots: Arc<Snapshots>,
        public_key: String,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let signer = Signer::random().expect("randomness for a key");
        let id = WorkerId::of_key(signer.key());
        let report = WorkerReport {
            worker: id.clone(),
            name: format!("simulated-{number}"),
            version: env!("CARGO_PKG_VERSION").into(),
            protocol: PROTOCOL,
            cores: 1,
            threads: 1,
            slack_ns: 100_000,
            max_rps: None,
            public_key,
            draining: false,
            left: false,
            beat: 0,
            clock_error_us: 80,
            task: None,
        };
        let report = watch::Sender::new(report);
        Self { id, signer, number, coordinator, own, snapshots, report, stop }
    }

    /// From the first beat to the last.
    pub async fn work(self) -> Result<Done, String> {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            done = self.course() => {
                let done = done.map_err(|why| format!("worker {}: {why}", self.number))?;
                // Beats go on until all is over.
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => {}
                    () = self.beats() => {}
                }
                Ok(done)
            }
            () = self.beats() => Err("beats do not end".into()),
        }
    }

    /// Beats each second, and when there is something new to say.
    async fn beats(&self) {
        // Spread over the second, as workers are that were started at different times.
        sleep(Duration::from_millis(self.number as u64 % 1_000)).await;
        let mut news = self.report.subscribe();
        loop {
            let begun = now();
            self.report.send_if_modified(|report| {
                report.beat += 1;
                false
            });
            let report = news.borrow_and_update().clone();
            // One that is lost is followed by the next.
            let _ = self.coordinator.beat(&report.say(&self.signer)).await;
            if report.beat.is_multiple_of(2) {
                // Whether the controller asks us to drain, as a worker looks every 2 s. It does not.
                let _ = self.own.journal(&mailbox(&self.id), 0, Duration::ZERO).await;
            }
            tokio::select! {
                () = sleep_until((begun + BEAT).into()) => {}
                _ = news.changed() => {}
            }
        }
    }

    fn tell(&self, run: &RunId, applied: u64, state: TaskState) {
        let task = TaskReport { run: run.clone(), epoch: EPOCH, applied, released_ns: 0, state };
        self.report.send_modify(|report| report.task = Some(task));
    }

    async fn course(&self) -> Result<Done, String> {
        let run = self.take().await;
        let mut heard = Heard::default();
        self.tell(&run, 0, TaskState::Taken);
        self.follow(&run, &mut heard, |heard| heard.admitted).await?;
        while !matches!(self.coordinator.plan(&run).await, Ok(Some(_))) {
            sleep(AGAIN).await;
        }
        self.tell(&run, heard.applied, TaskState::Ready);
        self.follow(&run, &mut heard, |heard| heard.start_us.is_some() && heard.part.is_some())
            .await?;
        self.tell(&run, heard.applied, TaskState::Running);
        let start = self.instant_of(heard.start_us.unwrap_or_default()).await?;
        let done = tokio::select! {
            done = self.hand_in(&run, start, heard.part) => done?,
            why = self.watch(&run, heard.applied) => return Err(why),
        };
        self.tell(&run, heard.applied, TaskState::Ended);
        Ok(done)
    }

    async fn take(&self) -> RunId {
        loop {
            match self.own.take(&self.id, WAIT).await {
                Ok(Some(task)) => return task.run,
                Ok(None) => {}
                Err(_) => sleep(AGAIN).await,
            }
        }
    }

    /// Reads the journal until it has said what is wanted.
    async fn follow(
        &self,
        run: &RunId,
        heard: &mut Heard,
        enough: impl Fn(&Heard) -> bool,
    ) -> Result<(), String> {
        while !enough(heard) {
            let Ok(lines) = self.own.journal(run, heard.applied, WAIT).await else {
                continue;
            };
            for line in lines.unwrap_or_default() {
                let entry = said(run, heard.applied, &line)?;
                heard.applied += 1;
                match entry {
                    Entry::Admit { worker, .. } if worker == self.id => heard.admitted = true,
                    Entry::Take { worker, part, .. } if worker == self.id => {
                        heard.part = Some(part);
                    }
                    Entry::Start { at_us } => heard.start_us = Some(at_us),
                    Entry::Close => return Err("the run was closed before its time".into()),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Goes on reading. A run that goes well says nothing more before it is closed.
    async fn watch(&self, run: &RunId, mut applied: u64) -> String {
        loop {
            let Ok(Some(lines)) = self.own.journal(run, applied, WAIT).await else {
                continue;
            };
            for line in lines {
                match said(run, applied, &line) {
                    // What closed it has taken our last snapshot; the answer to a put has said so.
                    Ok(Entry::Close) => sleep(AGAIN).await,
                    said => return format!("the journal says {said:?}"),
                }
                applied += 1;
            }
        }
    }

    /// The instant here at which the coordinator's clock shows `us`.
    async fn instant_of(&self, us: u64) -> Result<Instant, String> {
        let here = now();
        let there = self.coordinator.now_us().await.map_err(|error| error.to_string())?;
        Ok(here + Duration::from_micros(us.saturating_sub(there)))
    }

    async fn hand_in(
        &self,
        run: &RunId,
        start: Instant,
        part: Option<Share>,
    ) -> Result<Done, String> {
        let mut done = Done::default();
        let last = self.snapshots.seconds_of_load + 1;
        for seq in 1..=last {
            let (figures, bytes) = self.snapshots.of(&self.id, seq);
            let at = start + Duration::from_nanos(figures.elapsed_ns);
            sleep_until(at.into()).await;
            let snapshot = SnapshotRecord {
                run: run.clone(),
                worker: self.id.clone(),
                epoch: EPOCH,
                seq,
                elapsed_ns: figures.elapsed_ns,
                is_final: figures.is_final,
                bytes,
            };
            let snapshot = snapshot.say(&self.signer);
            done.sent = figures.total.counters.sent;
            done.puts += 1;
            done.bytes += snapshot.bytes.len() as u64;
            let begun = now();
            while self.coordinator.put(&snapshot).await.is_err() {
                done.again += 1;
                sleep(Duration::from_millis(200)).await;
            }
            done.slowest = done.slowest.max(begun.elapsed_now());
            if seq == last {
                self.until_durable(&snapshot).await?;
            }
        }
        self.is_our_part(part, done.sent)?;
        Ok(done)
    }

    async fn until_durable(&self, last: &SnapshotRecord) -> Result<(), String> {
        let begun = now();
        while begun.elapsed_now() < HAND_IN {
            let about = About::Kept(&last.run, &last.worker, last.epoch);
            let kept = self.coordinator.put(last).await.ok().flatten();
            let kept = kept.and_then(|words| Some(hear(&about, &words).ok()?.1));
            let kept = kept.and_then(|number| str::from_utf8(&number).ok()?.parse::<u64>().ok());
            if kept.is_some_and(|kept| kept >= last.seq) || self.is_closed(&last.run).await {
                return Ok(());
            }
            sleep(AGAIN).await;
        }
        Err(format!("the last snapshot was not durable within {} s", HAND_IN.as_secs()))
    }

    /// A closed run is one of which everything is kept.
    async fn is_closed(&self, run: &RunId) -> bool {
        let tip = self.own.tip(run).await.ok().flatten();
        let last = tip.and_then(|tip| tip.last);
        last.is_some_and(|line| hear(&About::End(run), &line.0).is_ok())
    }

    /// What we handed in must be what our part of the schedule is.
    fn is_our_part(&self, part: Option<Share>, sent: u64) -> Result<(), String> {
        let part = part.ok_or("no part of the schedule")?;
        let whole = (sent as f64 / part.fraction()).round() as u64;
        match part.count(whole) {
            owned if owned == sent => Ok(()),
            owned => Err(format!("{sent} were handed in, and {owned} of {whole} are ours")),
        }
    }
}

/// What a line says in this place of the journal, or that the run is closed.
fn said(run: &RunId, place: u64, line: &Line) -> Result<Entry, String> {
    let heard = hear(&About::Line(run, place), &line.0);
    let heard = heard.or_else(|_| hear(&About::End(run), &line.0));
    let (_, said) = heard.map_err(|why| format!("line {place} of the journal: {why}"))?;
    serde_json::from_slice(&said).map_err(|error| error.to_string())
}
