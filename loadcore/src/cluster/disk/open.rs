//! Turns a directory into a store that is ready: its file made or read, and locked.

use super::error::CallError;
use super::held::Held;
use super::tables;
use super::writer::Writer;
use redb::{Database, DatabaseError};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// The file's name in the store's directory.
const FILE: &str = "store.redb";

/// What is kept in memory of the file, in bytes.
const CACHE: usize = 64 << 20;

/// Reads that go on at once, each on a blocking thread of the runtime.
const READS: usize = 16;

/// A [`Store`](crate::cluster::Store) in a directory of this machine, which one process at a time may use.
///
/// Dropping it waits for what is being written, some milliseconds, and frees the directory.
#[derive(Debug)]
pub struct DiskStore {
    // Fields are dropped in their order: the writer ends before the file is closed.
    pub(super) writer: Writer,
    pub(super) database: Arc<Held>,
    pub(super) reads: Arc<Semaphore>,
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
    pub(super) fn over(
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
    let prepared = || -> Result<Option<u64>, CallError> {
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
        Err(CallError(kind)) => Err(OpenError::Damaged { file, reason: kind.to_string() }),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::conformance::a_snapshot;
    use crate::cluster::store::{Kind, RunRecord, RunState, StoreError};
    use crate::cluster::{Owner, Store};
    use redb::StorageBackend;
    use redb::backends::FileBackend;
    use serde_json::Value;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;
    use tokio::time::timeout;

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
            secrets: String::new(),
            warnings: vec![],
            timeline: vec![],
            baseline: false,
            told: Vec::new(),
            summary: None,
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
