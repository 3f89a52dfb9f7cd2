//! Turns the calls of a [`Coordinator`] into commands and scripts of Redis.
//!
//! Nothing here remembers what stands in Redis, save which results were handed out last: a Redis
//! that comes back empty, or with what it had yesterday, is met by the next call as if it had
//! always been so. A consumer group is made by the first call that misses it, and begins with the
//! oldest entry.

use crate::connect::{Deadline, Dialer};
use crate::error::{CallError, too_late};
use crate::keys::Keys;
use crate::link::{ANSWER, Lines, Link};
use crate::options::{OptionsError, RedisOptions};
use crate::reply::{self, Entry as StreamEntry};
use crate::warned::Warned;
use crate::{records, scripts};
use async_trait::async_trait;
use bytes::Bytes;
use loadcore::cluster::coordinator::{
    Beat, Coordinator, CoordinatorError, Kind, Leader, QUEUED_RESULTS, REMEMBERED, SnapshotRecord,
    Tip,
};
use loadcore::cluster::journal::{Epoch, Line, Task};
use loadcore::cluster::{RunId, WorkerId};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value, cmd};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long what belongs to a run stays after the last write to it, in milliseconds: seven days. A
/// run that nobody closes is gone in the end.
const LIFE_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// How long the end of a run is kept: a day. A worker that was frozen for hours and then puts its
/// last snapshot is told that nobody needs it.
const ENDS_KEPT_MS: u64 = 24 * 60 * 60 * 1_000;

/// How long the last report of a worker is kept: twice what is promised.
const REPORTS_KEPT_MS: u64 = 2 * REMEMBERED.as_secs() * 1_000;

/// How many tasks may wait to be taken, of all runs together; more are not kept.
const QUEUED_TASKS: usize = 10_000;

/// After how long a task that was delivered and not taken goes to another: longer than a call that
/// took it can need.
const LYING_TASK_MS: u64 = 3_000;

/// The longest time for which Redis is asked to block.
const LONGEST_BLOCK: Duration = Duration::from_secs(60 * 60);

/// The one consumer group of a queue, and the one consumer in it. Names of workers and controllers
/// would pile up in Redis; who has what is known without them.
const GROUP: &str = "all";

/// A [`Coordinator`] that keeps everything in Redis or Valkey.
///
/// It has one connection for beats and times, one for snapshots, one for all else, and for each call
/// that waits another. They are made when they are needed, and made again when they break.
pub struct RedisCoordinator {
    keys: Keys,
    dialer: Arc<Dialer>,
    beats: Link,
    puts: Link,
    others: Link,
    waiting: Lines,
    /// What the last call of [`Coordinator::results`] handed out: the next one settles it.
    handed: Mutex<Handed>,
    warned: Warned,
}

#[derive(Default)]
struct Handed {
    term: u64,
    ids: Vec<String>,
}

/// A worker and what stands under it.
type Stored = (Vec<u8>, Vec<u8>);

/// Snapshots that are read with one question.
const AT_ONCE: usize = 64;

impl RedisCoordinator {
    /// A coordinator with the Redis at a URL. Nothing is connected before the first call, so Redis may
    /// come later; [`now_us`](Coordinator::now_us) finds out whether it is there.
    ///
    /// # Errors
    /// When the URL or another option cannot be used.
    pub fn new(options: &RedisOptions) -> Result<Self, OptionsError> {
        let dialer = Arc::new(Dialer::new(options)?);
        Ok(Self {
            keys: Keys::new(&options.prefix),
            beats: Link::new(&dialer),
            puts: Link::new(&dialer),
            others: Link::new(&dialer),
            waiting: Lines::new(&dialer),
            handed: Mutex::default(),
            warned: Warned::default(),
            dialer,
        })
    }

    /// The URL without its password.
    #[must_use]
    pub fn address(&self) -> &str {
        self.dialer.address()
    }
}

impl fmt::Debug for RedisCoordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCoordinator").field("address", &self.address()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Coordinator for RedisCoordinator {
    async fn now_us(&self) -> Result<u64, CoordinatorError> {
        let time = async |mut wire| -> Result<(u64, u64), CallError> {
            Ok(cmd("TIME").query_async(&mut wire).await?)
        };
        let (seconds, micros) = self.beats.ask("read the time", time).await?;
        Ok(seconds * 1_000_000 + micros)
    }

    async fn beat(&self, beat: &Beat) -> Result<u64, CoordinatorError> {
        let mut take_down = scripts::BEAT.key(&self.keys.workers);
        take_down.arg(beat.worker.as_str()).arg(&beat.said[..]);
        take_down.arg(5 * REPORTS_KEPT_MS);
        let take_down = &take_down;
        let send = async move |mut wire| Ok(take_down.invoke_async(&mut wire).await?);
        self.beats.ask("take down a heartbeat", send).await
    }

    async fn take(
        &self,
        _worker: &WorkerId,
        wait: Duration,
    ) -> Result<Option<Task>, CoordinatorError> {
        let waiting = Deadline::within(wait);
        let take = |wire| self.next_task(wire, &waiting);
        let run = self.waiting.ask("take a task", wait, take).await?;
        Ok(run.map(|run| Task { run }))
    }

    async fn journal(
        &self,
        run: &RunId,
        from: u64,
        wait: Duration,
    ) -> Result<Option<Vec<Line>>, CoordinatorError> {
        let waiting = Deadline::within(wait);
        let read = |wire| self.lines(wire, run, from, &waiting);
        self.waiting.ask("read the journal", wait, read).await
    }

    async fn tip(&self, run: &RunId) -> Result<Option<Tip>, CoordinatorError> {
        let keys = self.keys.run(run);
        let mut all = redis::pipe();
        all.cmd("XLEN").arg(&keys.journal).cmd("EXISTS").arg(&keys.plan);
        all.cmd("XREVRANGE").arg(&keys.journal).arg(&["+", "-", "COUNT", "1"]);
        let all = &all;
        let read = async move |mut wire| -> Result<(u64, bool, Value), CallError> {
            Ok(all.query_async(&mut wire).await?)
        };
        let doing = "read how far the journal goes";
        let (lines, is_open, last) = self.others.ask(doing, read).await?;
        let last = reply::range(last).unwrap_or_default().into_iter().next();
        let last = last.map(|it| records::to_line(it.value));
        Ok((lines > 0 || is_open).then_some(Tip { lines, last }))
    }

    async fn plan(&self, run: &RunId) -> Result<Option<Bytes>, CoordinatorError> {
        let key = &self.keys.run(run).plan;
        let read = async move |mut wire| -> Result<Option<Vec<u8>>, CallError> {
            Ok(cmd("GET").arg(key).query_async(&mut wire).await?)
        };
        Ok(self.others.ask("read the plan", read).await?.map(Bytes::from))
    }

    async fn put(&self, snapshot: &SnapshotRecord) -> Result<Option<Bytes>, CoordinatorError> {
        let run = self.keys.run(&snapshot.run);
        let mut put = scripts::PUT.key(&[&run.newest, &self.keys.results][..]);
        put.arg(records::field(&snapshot.worker, snapshot.epoch))
            .arg(records::digits(snapshot.seq));
        put.arg(records::from_snapshot(snapshot)).arg(QUEUED_RESULTS).arg(LIFE_MS);
        put.arg(&run.journal).arg(&run.durable);
        let put = &put;
        let send = async move |mut wire| -> Result<Option<Vec<u8>>, CallError> {
            Ok(put.invoke_async(&mut wire).await?)
        };
        Ok(self.puts.ask("put a snapshot", send).await?.map(Bytes::from))
    }

    async fn lead(&self, claim: &Leader, lease: Duration) -> Result<Leader, CoordinatorError> {
        let mut lead = scripts::LEAD.key(&[&self.keys.term, &self.keys.leader][..]);
        lead.arg(records::digits(claim.term)).arg(&claim.controller).arg(records::json(claim));
        lead.arg(millis(lease)).arg(LIFE_MS);
        let lead = &lead;
        let send = async move |mut wire| {
            let leader: Vec<u8> = lead.invoke_async(&mut wire).await?;
            Ok(records::parsed("who leads", &leader)?)
        };
        self.others.ask("take the lead", send).await
    }

    async fn abdicate(&self, claim: &Leader) -> Result<(), CoordinatorError> {
        let mut abdicate = scripts::ABDICATE.key(&self.keys.leader);
        abdicate.arg(records::digits(claim.term)).arg(&claim.controller);
        let abdicate = &abdicate;
        let send = async move |mut wire| Ok(abdicate.invoke_async(&mut wire).await?);
        self.others.ask("give up the lead", send).await
    }

    async fn workers(&self) -> Result<Vec<(Beat, u64)>, CoordinatorError> {
        self.others.ask("read who works", |wire| self.all_beats(wire)).await
    }

    async fn open(
        &self,
        term: u64,
        run: &RunId,
        plan: Bytes,
        journal: &[Line],
    ) -> Result<(), CoordinatorError> {
        let run = self.keys.run(run);
        let mut open = scripts::OPEN.key(&[&self.keys.term, &run.plan, &run.journal][..]);
        open.arg(records::digits(term)).arg(LIFE_MS).arg(&plan[..]);
        for Line(line) in journal {
            open.arg(&line[..]);
        }
        let open = &open;
        let send = async move |mut wire| Ok(open.invoke_async(&mut wire).await?);
        self.others.ask("open the run", send).await
    }

    async fn append(
        &self,
        term: u64,
        run: &RunId,
        at: u64,
        lines: &[Line],
    ) -> Result<(), CoordinatorError> {
        let run = self.keys.run(run);
        let mut append = scripts::APPEND.key(&[&self.keys.term, &run.plan, &run.journal][..]);
        append.arg(records::digits(term)).arg(LIFE_MS).arg(at);
        for Line(line) in lines {
            append.arg(&line[..]);
        }
        let append = &append;
        let send = async move |mut wire| Ok(append.invoke_async(&mut wire).await?);
        self.others.ask("append to the journal", send).await
    }

    async fn offer(&self, term: u64, run: &RunId, count: u32) -> Result<(), CoordinatorError> {
        let keys = [&self.keys.term, &self.keys.run(run).journal, &self.keys.tasks];
        let mut offer = scripts::OFFER.key(&keys[..]);
        offer
            .arg(records::digits(term))
            .arg(LIFE_MS)
            .arg(run.as_str())
            .arg(count)
            .arg(QUEUED_TASKS);
        let offer = &offer;
        let send = async move |mut wire| Ok(offer.invoke_async(&mut wire).await?);
        self.others.ask("offer tasks", send).await
    }

    async fn withdraw(&self, term: u64, run: &RunId) -> Result<(), CoordinatorError> {
        let mut withdraw = scripts::WITHDRAW.key(&[&self.keys.term, &self.keys.tasks][..]);
        withdraw.arg(records::digits(term)).arg(GROUP).arg(run.as_str());
        let withdraw = &withdraw;
        let send = async move |mut wire| Ok(withdraw.invoke_async(&mut wire).await?);
        self.others.ask("withdraw tasks", send).await
    }

    async fn results(
        &self,
        term: u64,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<SnapshotRecord>, CoordinatorError> {
        const DOING: &str = "fetch results";
        let waiting = Deadline::within(wait);
        let handed = tokio::time::timeout(wait.saturating_add(ANSWER), self.handed.lock()).await;
        let Ok(mut handed) = handed else {
            return Err(too_late(DOING, "another call fetches results".into()));
        };
        let (handed, waiting) = (&mut *handed, &waiting);
        let most = most.max(1);
        self.waiting
            .ask(DOING, waiting.left(), |wire| self.next_results(wire, handed, term, most, waiting))
            .await
    }

    async fn newest(&self, run: &RunId) -> Result<Vec<SnapshotRecord>, CoordinatorError> {
        let key = &self.keys.run(run).newest;
        let doing = "read the newest snapshots";
        let fields = async move |mut wire| -> Result<Vec<Vec<u8>>, CallError> {
            Ok(cmd("HKEYS").arg(key).query_async(&mut wire).await?)
        };
        let fields = self.others.ask(doing, fields).await?;
        let mut newest = Vec::with_capacity(fields.len());
        // Those of a thousand workers are too much for one answer in time.
        for fields in fields.chunks(AT_ONCE) {
            let read = async move |mut wire| -> Result<Vec<Option<Vec<u8>>>, CallError> {
                Ok(cmd("HMGET").arg(key).arg(fields).query_async(&mut wire).await?)
            };
            let records = self.others.ask(doing, read).await?;
            // One that cannot be read must not hide the others; its worker puts another over it.
            let readable = |(field, record): (&Vec<u8>, Option<Vec<u8>>)| {
                records::to_snapshot(record?)
                    .inspect_err(|why| {
                        self.warned.once(&format!("in {key} the snapshot"), field, why);
                    })
                    .ok()
            };
            newest.extend(fields.iter().zip(records).filter_map(readable));
        }
        Ok(newest)
    }

    async fn discard(
        &self,
        term: u64,
        run: &RunId,
        worker: &WorkerId,
        epoch: Epoch,
        seq: u64,
    ) -> Result<(), CoordinatorError> {
        let run = self.keys.run(run);
        let mut discard = scripts::DISCARD.key(&[&self.keys.term, &run.newest][..]);
        discard
            .arg(records::digits(term))
            .arg(records::field(worker, epoch))
            .arg(records::digits(seq));
        let discard = &discard;
        let send = async move |mut wire| Ok(discard.invoke_async(&mut wire).await?);
        self.others.ask("discard a snapshot", send).await
    }

    async fn confirm(
        &self,
        term: u64,
        run: &RunId,
        durable: &[(WorkerId, Epoch, Bytes)],
    ) -> Result<(), CoordinatorError> {
        let run = self.keys.run(run);
        let keys = [&self.keys.term, &run.journal, &run.durable, &run.plan];
        let mut confirm = scripts::CONFIRM.key(&keys[..]);
        confirm.arg(records::digits(term)).arg(LIFE_MS);
        for (worker, epoch, said) in durable {
            confirm.arg(records::field(worker, *epoch)).arg(&said[..]);
        }
        let confirm = &confirm;
        let send = async move |mut wire| Ok(confirm.invoke_async(&mut wire).await?);
        self.others.ask("confirm snapshots", send).await
    }

    async fn close(&self, term: u64, run: &RunId, end: &Line) -> Result<(), CoordinatorError> {
        let of = self.keys.run(run);
        let keys =
            [&self.keys.term, &of.plan, &of.journal, &of.newest, &of.durable, &self.keys.tasks];
        let mut close = scripts::CLOSE.key(&keys[..]);
        close.arg(records::digits(term)).arg(GROUP).arg(run.as_str());
        close.arg(&end.0[..]).arg(ENDS_KEPT_MS);
        let close = &close;
        let send = async move |mut wire| Ok(close.invoke_async(&mut wire).await?);
        self.others.ask("close the run", send).await
    }
}

impl RedisCoordinator {
    /// The next task that is really ours, once there is one.
    async fn next_task(
        &self,
        mut wire: MultiplexedConnection,
        waiting: &Deadline,
    ) -> Result<Option<RunId>, CallError> {
        let tasks = &self.keys.tasks;
        loop {
            let mut adopt = scripts::ADOPT_TASK.key(tasks);
            adopt.arg(GROUP).arg(LYING_TASK_MS);
            let adopted = match adopt.invoke_async(&mut wire).await.map_err(CallError::from) {
                Err(trouble) if trouble.is_missing_group() => {
                    make_group(&mut wire, tasks).await?;
                    continue;
                }
                answer => reply::range(answer?)?,
            };
            if let Some(task) = adopted.into_iter().next() {
                return Ok(Some(records::to_run(task.value)?));
            }
            let is_last = waiting.left().is_zero();
            let delivered = match read_group(&mut wire, tasks, 1, waiting).await {
                // Wiped while we waited.
                Err(trouble) if trouble.is_missing_group() => continue,
                answer => answer?,
            };
            for StreamEntry { id, value } in delivered {
                let mut accept = scripts::ACCEPT_TASK.key(tasks);
                let is_ours: bool = accept.arg(GROUP).arg(id).invoke_async(&mut wire).await?;
                if is_ours {
                    return Ok(Some(records::to_run(value)?));
                }
            }
            if is_last {
                return Ok(None);
            }
        }
    }

    /// The journal from line `from` on, once there is such a line. Ids after `0-from` are those of
    /// the lines from number `from` on, and that of the run's end.
    async fn lines(
        &self,
        mut wire: MultiplexedConnection,
        run: &RunId,
        from: u64,
        waiting: &Deadline,
    ) -> Result<Option<Vec<Line>>, CallError> {
        let keys = self.keys.run(run);
        let mut read = cmd("XREAD");
        block(&mut read, waiting);
        read.arg("STREAMS").arg(&keys.journal).arg(format!("0-{from}"));
        let entries = reply::read(read.query_async(&mut wire).await?)?;
        if entries.is_empty() {
            let is_open: bool = cmd("EXISTS").arg(&keys.plan).query_async(&mut wire).await?;
            return Ok(is_open.then(Vec::new));
        }
        Ok(Some(entries.into_iter().map(|entry| records::to_line(entry.value)).collect()))
    }

    /// All beats that can be read: one that cannot must not hide the others, or nobody is seen and all are
    /// lost. What is no beat, or is of a time that is over or has not come yet, is removed; a worker that
    /// lives beats again within a second.
    async fn all_beats(
        &self,
        mut wire: MultiplexedConnection,
    ) -> Result<Vec<(Beat, u64)>, CallError> {
        let workers = &self.keys.workers;
        let mut both = redis::pipe();
        both.cmd("HGETALL").arg(workers).cmd("TIME");
        let (stored, (seconds, micros)): (Vec<Stored>, (u64, u64)) =
            both.query_async(&mut wire).await?;
        let now_us = seconds * 1_000_000 + micros;
        let kept_us = 1_000 * REPORTS_KEPT_MS;
        let (mut beats, mut rubbish) = (Vec::with_capacity(stored.len()), Vec::new());
        for (worker, beat) in stored {
            match records::to_beat(&worker, beat) {
                Ok(beat) if beat.1.abs_diff(now_us) <= kept_us => beats.push(beat),
                Ok(_) => rubbish.push(worker),
                Err(why) => {
                    self.warned.once("the beat of worker", &worker, &why);
                    rubbish.push(worker);
                }
            }
        }
        if !rubbish.is_empty() {
            // The beats are read; what stays is removed the next time.
            let _ = cmd("HDEL").arg(workers).arg(rubbish).exec_async(&mut wire).await;
        }
        Ok(beats)
    }

    /// Results that were handed out and have not arrived, else the next ones, once there are any.
    async fn next_results(
        &self,
        mut wire: MultiplexedConnection,
        handed: &mut Handed,
        term: u64,
        most: usize,
        waiting: &Deadline,
    ) -> Result<Vec<SnapshotRecord>, CallError> {
        let results = &self.keys.results;
        if handed.term != term {
            *handed = Handed { term, ids: Vec::new() };
        }
        loop {
            let mut settle = scripts::SETTLE.key(&[&self.keys.term, results][..]);
            settle.arg(records::digits(term)).arg(GROUP).arg(most).arg(&handed.ids);
            let mut found = match settle.invoke_async(&mut wire).await.map_err(CallError::from) {
                Err(trouble) if trouble.is_missing_group() => {
                    make_group(&mut wire, results).await?;
                    continue;
                }
                answer => reply::range(answer?)?,
            };
            handed.ids.clear();
            if found.is_empty() {
                found = match read_group(&mut wire, results, most, waiting).await {
                    Err(trouble) if trouble.is_missing_group() => continue,
                    answer => answer?,
                };
            }
            return Ok(self.hand_out(found, &mut handed.ids));
        }
    }

    /// Snapshots out of entries, whose ids are noted as handed out: also that of one that cannot be read,
    /// which gets out of the way so.
    fn hand_out(&self, entries: Vec<StreamEntry>, handed: &mut Vec<String>) -> Vec<SnapshotRecord> {
        let mut snapshots = Vec::with_capacity(entries.len());
        for StreamEntry { id, value } in entries {
            let missing = || Kind::Damaged("a snapshot: it has no bytes".into());
            match value.ok_or_else(missing).and_then(records::to_snapshot) {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(why) => {
                    self.warned.once("in the results a snapshot", b"", &why);
                }
            }
            handed.push(id);
        }
        snapshots
    }
}

/// Entries of a queue that nobody was given yet.
async fn read_group(
    wire: &mut MultiplexedConnection,
    queue: &str,
    most: usize,
    waiting: &Deadline,
) -> Result<Vec<StreamEntry>, CallError> {
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg(GROUP).arg(GROUP).arg("COUNT").arg(most);
    block(&mut read, waiting);
    read.arg("STREAMS").arg(queue).arg(">");
    reply::read(read.query_async(wire).await?)
}

/// Lets a command wait for what is left of a time. No wait must not be said as 0, which is for ever.
fn block(command: &mut Cmd, waiting: &Deadline) {
    let left = waiting.left().min(LONGEST_BLOCK);
    if !left.is_zero() {
        command.arg("BLOCK").arg(millis(left));
    }
}

/// Makes the group of a queue that was wiped or never there. Others may be making it too.
async fn make_group(wire: &mut MultiplexedConnection, queue: &str) -> Result<(), CallError> {
    let mut create = cmd("XGROUP");
    create.arg("CREATE").arg(queue).arg(GROUP).arg("0").arg("MKSTREAM");
    match create.query_async::<Value>(wire).await {
        Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(cmd("PEXPIRE").arg(queue).arg(LIFE_MS).query_async(wire).await?),
    }
}

/// Whole milliseconds, at least one.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).clamp(1, LIFE_MS)
}
