//! Keeps what a platform stores on this machine's disk: one file in one directory, for one process
//! at a time.
//!
//! For a controller that has no MongoDB beside it. The file is a redb database: a copy-on-write
//! tree whose commit is one write of a checksummed header, so a killed process leaves the state of
//! the last commit, and nothing half-done. Every answer waits for its commit to be flushed.

mod calls;
mod fault;
mod held;
mod tables;
mod writer;

use crate::cluster::coordinator::{PATIENCE, SnapshotRecord};
use crate::cluster::store::{
    CallRecord, IntervalRecord, KeptCall, Kind, Page, RunRecord, ScenarioRecord, Store, StoreError,
};
use crate::cluster::{Owner, RunId, ScenarioId};
use async_trait::async_trait;
use fault::Fault;
use held::Held;
use redb::{Database, DatabaseError, ReadTransaction, WriteTransaction};
use serde::Serialize;
use serde_json::Value;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use writer::Writer;

/// The file's name in the store's directory.
const FILE: &str = "store.redb";

/// What is kept in memory of the file, in bytes.
const CACHE: usize = 64 << 20;

/// Reads that go on at once, each on a blocking thread of the runtime.
const READS: usize = 16;

/// How long a call may take. The contract's limit, less what it takes to say so.
const DEADLINE: Duration = PATIENCE.saturating_mul(4);

/// Runs that are deleted in one commit, so that other changes get their turn.
const FORGET_TOGETHER: usize = 16;

/// A [`Store`] in a directory of this machine, which one process at a time may use.
///
/// Dropping it waits for what is being written, some milliseconds, and frees the directory.
#[derive(Debug)]
pub struct DiskStore {
    // Fields are dropped in their order: the writer ends before the file is closed.
    writer: Writer,
    database: Arc<Held>,
    reads: Arc<Semaphore>,
}

/// A store that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is in use.
    #[error(
        "another process uses the store in {dir}: end that process, or choose another directory"
    )]
    InUse {
        /// Of the store.
        dir: PathBuf,
    },
    /// What is there is no store, or is damaged.
    #[error(
        "the store's file {file} cannot be read: {reason}; restore it from a copy, or move it away to begin anew"
    )]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another version of the program wrote it.
    #[error(
        "the store's file {file} has form {found}, and this program reads form 1: use the version that wrote it"
    )]
    Version {
        /// Which file.
        file: PathBuf,
        /// Its form.
        found: u64,
    },
    /// The directory or its file cannot be used.
    #[error("the store cannot use {path}: {source}")]
    Io {
        /// Directory or file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl DiskStore {
    /// Opens the store in a directory, and makes both where they are not there, for their owner
    /// alone. Reads the whole file once, to know that it is undamaged: about a second for each
    /// gigabyte, for which it blocks.
    ///
    /// # Errors
    ///
    /// If another process uses it, or the directory cannot be used, or what is there is damaged.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let file = dir.join(FILE);
        make_private(dir, &file)?;
        let path = file.clone();
        Self::over(dir, file, move || {
            Database::builder()
                .set_cache_size(CACHE)
                .set_check_integrity_on_open(true)
                .create(&path)
        })
    }

    /// The store over what `open` opens, now and after each failure of the disk.
    fn over(
        dir: &Path,
        file: PathBuf,
        open: impl Fn() -> Result<Database, DatabaseError> + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let database = Held::new(open).map_err(|error| opening(error, dir, &file))?;
        prepare(&database, &file)?;
        let database = Arc::new(database);
        let writer = Writer::start(Arc::clone(&database))
            .map_err(|source| OpenError::Io { path: file, source })?;
        Ok(Self { writer, database, reads: Arc::new(Semaphore::new(READS)) })
    }

    /// Why nothing can be written, since the disk is full or fails; `None` while all is well. It changes
    /// with the next change that is to be kept: for a log.
    #[must_use]
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.writer.trouble()
    }

    async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        change: impl FnOnce(&WriteTransaction) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        in_time(self.writer.write(change)).await.map_err(|fault| fault.doing(doing))
    }

    async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        look: impl FnOnce(&ReadTransaction) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (database, reads) = (Arc::clone(&self.database), Arc::clone(&self.reads));
        let reading = async move {
            let closed = |_| Fault::unavailable("it is being closed");
            let permit = reads.acquire_owned().await.map_err(closed)?;
            let thread = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                look(&database.begin_read()?)
            });
            let read =
                thread.await.unwrap_or_else(|error| Err(Fault(Kind::Damaged(error.to_string()))));
            if matches!(read, Err(Fault(Kind::Unavailable(_)))) {
                // Whoever writes opens the database again, if that is what it needs.
                let _ = self.writer.write(|_| Ok(())).await;
            }
            read
        };
        in_time(reading).await.map_err(|fault| fault.doing(doing))
    }
}

#[async_trait]
impl Store for DiskStore {
    async fn next_term(&self) -> Result<u64, StoreError> {
        self.write("count a term", tables::next_term).await
    }

    async fn insert_scenario(&self, scenario: &ScenarioRecord) -> Result<(), StoreError> {
        const DOING: &str = "keep a new scenario";
        let (new, json) = (scenario.clone(), encode(DOING, scenario)?);
        let made = self.write(DOING, move |tx| tables::insert_scenario(tx, &new, &json)).await?;
        new_only(DOING, made)
    }

    async fn replace_scenario(&self, scenario: &ScenarioRecord) -> Result<bool, StoreError> {
        const DOING: &str = "change a scenario";
        let new = scenario.clone();
        let next =
            ScenarioRecord { revision: scenario.revision.saturating_add(1), ..scenario.clone() };
        let json = encode(DOING, &next)?;
        self.write(DOING, move |tx| tables::replace_scenario(tx, &new, &json)).await
    }

    async fn scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
    ) -> Result<Option<ScenarioRecord>, StoreError> {
        let (owner, id) = (owner.clone(), id.clone());
        self.read("read a scenario", move |tx| tables::scenario(tx, owner.as_str(), id.as_str()))
            .await
    }

    async fn scenarios(
        &self,
        owner: &Owner,
        tag: Option<&str>,
        page: &Page,
    ) -> Result<Vec<ScenarioRecord>, StoreError> {
        let (owner, tag, page) = (owner.clone(), tag.map(str::to_owned), page.clone());
        self.read("list scenarios", move |tx| {
            tables::scenarios(tx, owner.as_str(), tag.as_deref(), &page)
        })
        .await
    }

    async fn delete_scenario(
        &self,
        owner: &Owner,
        id: &ScenarioId,
        revision: Option<u64>,
    ) -> Result<bool, StoreError> {
        let (owner, id) = (owner.clone(), id.clone());
        self.write("delete a scenario", move |tx| {
            tables::delete_scenario(tx, owner.as_str(), id.as_str(), revision)
        })
        .await
    }

    async fn insert_run(&self, run: &RunRecord) -> Result<(), StoreError> {
        const DOING: &str = "keep a new run";
        let (new, json) = (run.clone(), encode(DOING, run)?);
        let made = self.write(DOING, move |tx| tables::insert_run(tx, &new, &json)).await?;
        new_only(DOING, made)
    }

    async fn replace_run(&self, run: &RunRecord) -> Result<bool, StoreError> {
        const DOING: &str = "change a run";
        let new = run.clone();
        let next = RunRecord { revision: run.revision.saturating_add(1), ..run.clone() };
        let json = encode(DOING, &next)?;
        self.write(DOING, move |tx| tables::replace_run(tx, &new, &json)).await
    }

    async fn run(&self, owner: &Owner, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        let (owner, id) = (owner.clone(), id.clone());
        self.read("read a run", move |tx| tables::run(tx, owner.as_str(), id.as_str())).await
    }

    async fn runs(
        &self,
        owner: &Owner,
        scenario: Option<&ScenarioId>,
        page: &Page,
    ) -> Result<Vec<RunRecord>, StoreError> {
        let (owner, scenario, page) = (owner.clone(), scenario.cloned(), page.clone());
        self.read("list runs", move |tx| {
            let scenario = scenario.as_ref().map(ScenarioId::as_str);
            tables::runs(tx, owner.as_str(), scenario, &page)
        })
        .await
    }

    async fn delete_run(&self, owner: &Owner, id: &RunId) -> Result<bool, StoreError> {
        let (owner, id) = (owner.clone(), id.clone());
        self.write("delete a run", move |tx| tables::delete_run(tx, owner.as_str(), id.as_str()))
            .await
    }

    async fn open_runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        self.read("list the open runs", tables::open_runs).await
    }

    async fn keep_snapshots(
        &self,
        owner: &Owner,
        snapshots: &[SnapshotRecord],
    ) -> Result<(), StoreError> {
        let (owner, snapshots) = (owner.clone(), snapshots.to_vec());
        self.write("keep snapshots", move |tx| {
            tables::keep_snapshots(tx, owner.as_str(), &snapshots)
        })
        .await
    }

    async fn snapshots(
        &self,
        owner: &Owner,
        run: &RunId,
    ) -> Result<Vec<SnapshotRecord>, StoreError> {
        let (owner, run) = (owner.clone(), run.clone());
        self.read("read snapshots", move |tx| tables::snapshots(tx, owner.as_str(), run.as_str()))
            .await
    }

    async fn keep_intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        intervals: &[IntervalRecord],
    ) -> Result<(), StoreError> {
        let (owner, run, intervals) = (owner.clone(), run.clone(), intervals.to_vec());
        self.write("keep intervals", move |tx| {
            tables::keep_intervals(tx, owner.as_str(), run.as_str(), &intervals)
        })
        .await
    }

    async fn intervals(
        &self,
        owner: &Owner,
        run: &RunId,
        from: u64,
        most: usize,
    ) -> Result<Vec<IntervalRecord>, StoreError> {
        let (owner, run) = (owner.clone(), run.clone());
        self.read("read intervals", move |tx| {
            tables::intervals(tx, owner.as_str(), run.as_str(), from, most)
        })
        .await
    }

    async fn keep_analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
        term: u64,
        document: &Value,
    ) -> Result<bool, StoreError> {
        const DOING: &str = "keep an analysis";
        let (owner, run, name) = (owner.clone(), run.clone(), name.to_owned());
        let json = encode(DOING, document)?;
        self.write(DOING, move |tx| {
            tables::keep_analysis(tx, owner.as_str(), run.as_str(), &name, term, &json)
        })
        .await
    }

    async fn analysis(
        &self,
        owner: &Owner,
        run: &RunId,
        name: &str,
    ) -> Result<Option<Value>, StoreError> {
        let (owner, run, name) = (owner.clone(), run.clone(), name.to_owned());
        self.read("read an analysis", move |tx| {
            tables::analysis(tx, owner.as_str(), run.as_str(), &name)
        })
        .await
    }

    async fn forget(&self, before_unix_ms: u64) -> Result<u64, StoreError> {
        const DOING: &str = "forget old runs";
        let most = FORGET_TOGETHER;
        let all = async {
            let mut all = 0;
            loop {
                let some = move |tx: &WriteTransaction| tables::forget(tx, before_unix_ms, most);
                let deleted = self.writer.write(some).await?;
                all += deleted;
                if deleted < most as u64 {
                    return Ok(all);
                }
            }
        };
        in_time(all).await.map_err(|fault| fault.doing(DOING))
    }

    async fn keep_call(
        &self,
        call: &CallRecord,
        since_unix_ms: u64,
        most: usize,
    ) -> Result<KeptCall, StoreError> {
        const DOING: &str = "keep a call";
        let (new, json) = (call.clone(), encode(DOING, call)?);
        self.write(DOING, move |tx| calls::keep(tx, &new, &json, since_unix_ms, most)).await
    }

    async fn call(&self, owner: &Owner, key: &str) -> Result<Option<CallRecord>, StoreError> {
        let (owner, key) = (owner.clone(), key.to_owned());
        self.read("read a call", move |tx| calls::call(tx, owner.as_str(), &key)).await
    }

    async fn finish_call(&self, owner: &Owner, key: &str) -> Result<(), StoreError> {
        let (owner, key) = (owner.clone(), key.to_owned());
        self.write("finish a call", move |tx| calls::finish(tx, owner.as_str(), &key)).await
    }
}

/// Makes the directory and the empty file, where they are not there, for their owner alone.
///
/// A directory that is there is its owner's business; the file in it is always closed to others.
fn make_private(dir: &Path, file: &Path) -> Result<(), OpenError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::Io { path, source }
    };
    let mut builder = DirBuilder::new();
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    builder.recursive(true).create(dir).map_err(failed(dir))?;
    options.create(true).append(true).open(file).map_err(failed(file))?;
    #[cfg(unix)]
    {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(file, private).map_err(failed(file))?;
        // The file's name is in the directory, and lasts when that is flushed.
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed(dir))?;
    }
    Ok(())
}

fn prepare(database: &Held, file: &Path) -> Result<(), OpenError> {
    let prepared = || -> Result<Option<u64>, Fault> {
        let tx = database.begin_write()?;
        let other = tables::prepare(&tx)?;
        if other.is_none() {
            tx.commit()?;
        }
        Ok(other)
    };
    let file = file.to_owned();
    match prepared() {
        Ok(None) => Ok(()),
        Ok(Some(found)) => Err(OpenError::Version { file, found }),
        Err(Fault(kind)) => Err(OpenError::Damaged { file, reason: kind.to_string() }),
    }
}

fn opening(error: DatabaseError, dir: &Path, file: &Path) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse { dir: dir.to_owned() },
        DatabaseError::Storage(redb::StorageError::Io(source))
            if source.kind() != io::ErrorKind::InvalidData =>
        {
            OpenError::Io { path: file.to_owned(), source }
        }
        other => OpenError::Damaged { file: file.to_owned(), reason: other.to_string() },
    }
}

fn encode(doing: &'static str, record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(|error| {
        Fault(Kind::Damaged(format!("it cannot be written as JSON: {error}"))).doing(doing)
    })
}

fn new_only(doing: &'static str, made: bool) -> Result<(), StoreError> {
    if made { Ok(()) } else { Err(Fault(Kind::Exists).doing(doing)) }
}

async fn in_time<T>(call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = |_| Fault::unavailable(format!("not within {} s", DEADLINE.as_secs()));
    timeout(DEADLINE, call).await.map_err(late)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::conformance::a_snapshot;
    use crate::cluster::store::RunState;
    use redb::StorageBackend;
    use redb::backends::FileBackend;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// What a disk does badly while the test wants it to.
    #[derive(Debug, Default)]
    struct Trouble {
        full: AtomicBool,
        unreadable: AtomicBool,
        /// How often the file was opened.
        opened: std::sync::atomic::AtomicU32,
    }

    #[derive(Debug)]
    struct Disk {
        file: FileBackend,
        trouble: Arc<Trouble>,
    }

    impl Disk {
        fn room(&self) -> io::Result<()> {
            let full = self.trouble.full.load(Ordering::SeqCst);
            if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }

    impl StorageBackend for Disk {
        fn len(&self) -> io::Result<u64> {
            self.file.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            if self.trouble.unreadable.load(Ordering::SeqCst) {
                return Err(io::Error::other("a bad sector"));
            }
            self.file.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.room()?;
            self.file.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            self.room()?;
            self.file.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.room()?;
            self.file.write(offset, data)
        }

        fn close(&self) -> io::Result<()> {
            self.file.close()
        }
    }

    fn store(dir: &Path, trouble: &Arc<Trouble>) -> DiskStore {
        let (file, trouble) = (dir.join(FILE), Arc::clone(trouble));
        make_private(dir, &file).unwrap();
        let path = file.clone();
        let open = move || {
            trouble.opened.fetch_add(1, Ordering::SeqCst);
            let file = OpenOptions::new().read(true).write(true).open(&path)?;
            let disk = Disk { file: FileBackend::new(file)?, trouble: Arc::clone(&trouble) };
            // Nothing is remembered, so that each read reads.
            Database::builder().set_cache_size(0).create_with_backend(disk)
        };
        DiskStore::over(dir, file, open).unwrap()
    }

    fn run() -> RunRecord {
        RunRecord {
            id: "run".into(),
            owner: "ann".into(),
            scenario_id: "shop".into(),
            revision: 0,
            created_unix_ms: 1,
            ended_unix_ms: None,
            state: RunState::Running,
            since: Default::default(),
            ends_as: None,
            scenario: Value::Null,
            journal: vec![],
            reached: 0,
            plan_key: String::new(),
            warnings: vec![],
            timeline: vec![],
            baseline: false,
        }
    }

    /// Repeats a call until it is answered, as the keeper does.
    async fn in_the_end<T>(mut call: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
        let repeats = async {
            loop {
                match call().await {
                    Ok(answer) => return answer,
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        timeout(Duration::from_secs(30), repeats).await.expect("it succeeds in the end")
    }

    #[track_caller]
    fn unavailable<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
        let kind = answer.expect_err("the disk is in trouble").kind;
        assert!(matches!(kind, Kind::Unavailable(_)), "{kind}");
    }

    #[tokio::test]
    async fn a_disk_that_has_room_again_is_written_to_again() {
        let (dir, trouble) = (tempfile::tempdir().unwrap(), Arc::default());
        let store = store(dir.path(), &trouble);
        let ann = Owner::from("ann");
        store.insert_run(&run()).await.unwrap();
        store.keep_snapshots(&ann, &[a_snapshot("w", 1, 1)]).await.unwrap();
        let (opened, began) = (trouble.opened.load(Ordering::SeqCst), crate::time::now());

        let told = store.trouble();
        assert_eq!(*told.borrow(), None);
        trouble.full.store(true, Ordering::SeqCst);
        let newer = a_snapshot("w", 1, 2);
        for _ in 0..20 {
            unavailable(store.keep_snapshots(&ann, std::slice::from_ref(&newer)).await);
        }
        let why = told.borrow().clone().expect("the disk's trouble is told");
        assert!(why.contains("no storage space"), "the cause, and not what follows: {why}");
        trouble.full.store(false, Ordering::SeqCst);
        let opens = trouble.opened.load(Ordering::SeqCst) - opened;
        let seconds = crate::time::now().duration_since(began).as_secs() as u32;
        assert!(opens <= 2 + seconds, "read whole {opens} times in {seconds} s");

        in_the_end(async || store.keep_snapshots(&ann, std::slice::from_ref(&newer)).await).await;
        assert_eq!(store.snapshots(&ann, &"run".into()).await.unwrap(), [newer]);
        assert_eq!(*told.borrow(), None, "and its end is told");
        assert_eq!(store.run(&ann, &"run".into()).await.unwrap(), Some(run()), "and all else");
        store.next_term().await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_can_be_read_again_is_read_again_though_nobody_writes() {
        let (dir, trouble) = (tempfile::tempdir().unwrap(), Arc::default());
        let store = store(dir.path(), &trouble);
        let ann = Owner::from("ann");
        store.insert_run(&run()).await.unwrap();
        trouble.unreadable.store(true, Ordering::SeqCst);
        unavailable(store.run(&ann, &"run".into()).await);
        trouble.unreadable.store(false, Ordering::SeqCst);
        let found = in_the_end(async || store.run(&ann, &"run".into()).await).await;
        assert_eq!(found, Some(run()));
    }
}
