//! Tests what only a store on disk can do wrong: lose what it answered when it is killed, be shared
//! by two processes, be read by others, trust a damaged file.

use loadcore::cluster::Store;
use loadcore::cluster::coordinator::SnapshotRecord;
use loadcore::cluster::disk::{DiskStore, OpenError};
use loadcore::cluster::store::{RunRecord, RunState};
use serde_json::json;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Tells the child where to write. Its tests do nothing without it.
const DIR: &str = "LOADCORE_TEST_STORE_DIR";

/// A process that is killed when the test ends, however it ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Killed {
    /// This program again, running one test alone with the directory.
    fn running(test: &str, dir: &Path) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args([test, "--exact", "--ignored", "--nocapture"])
            .env(DIR, dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// The numbers that it says after `answered`.
    fn answers(&mut self) -> impl Iterator<Item = u64> + use<> {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        lines.map_while(Result::ok).filter_map(|line| {
            let (_, number) = line.split_once("answered ")?;
            number.parse().ok()
        })
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = 0;
    // What the one before left is what the next goes on with.
    for round in 1..=3 {
        let mut child = Killed::running("child_that_writes", dir.path());
        let mut answers = child.answers();
        for _ in 0..25 {
            last = answers.next().expect("the child writes until it is killed");
        }
        child.0.kill().unwrap();
        last = answers.last().unwrap_or(last);
        child.0.wait().unwrap();

        let store = DiskStore::open(dir.path()).unwrap();
        let found = store.snapshots(&"ann".into(), &"r".into()).await.unwrap();
        let newest = found.iter().map(|one| one.seq).max();
        assert!(newest >= Some(last), "round {round}: {last} was answered, {newest:?} is there");
        for one in found {
            assert_eq!(one, snapshot(&one.worker.0, one.seq), "round {round}: whole");
        }
        let run = store.run(&"ann".into(), &"r".into()).await.unwrap();
        assert!(run.is_some_and(|run| run.revision >= last - 1), "round {round}: and the run too");
    }
}

#[tokio::test]
#[ignore = "is a child of the test above"]
async fn child_that_writes() {
    let Some(dir) = env::var_os(DIR) else { return };
    let store = Arc::new(DiskStore::open(Path::new(&dir)).unwrap());
    let mut run = match store.run(&"ann".into(), &"r".into()).await.unwrap() {
        Some(run) => run,
        None => {
            store.insert_run(&new_run("r")).await.unwrap();
            new_run("r")
        }
    };
    loop {
        let seq = run.revision + 1;
        let mut workers = JoinSet::new();
        for worker in ["a", "b", "c"] {
            let store = Arc::clone(&store);
            let new = [snapshot(worker, seq)];
            workers.spawn(async move { store.keep_snapshots(&"ann".into(), &new).await.unwrap() });
        }
        workers.join_all().await;
        assert!(store.replace_run(&run).await.unwrap());
        run.revision += 1;
        let mut out = std::io::stdout().lock();
        writeln!(out, "answered {seq}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn two_do_not_share_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Killed::running("child_that_writes", dir.path());
    child.answers().next().expect("the child has the store");
    let error = DiskStore::open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    let expected = format!("another process uses the store in {}: ", dir.path().display());
    assert!(error.to_string().starts_with(&expected), "{error}");
    drop(child);
    let store = DiskStore::open(dir.path()).unwrap();
    assert!(matches!(DiskStore::open(dir.path()), Err(OpenError::InUse { .. })), "nor one process");
    drop(store);
    DiskStore::open(dir.path()).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/b");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files = || fs::read_dir(&dir).unwrap().map(|file| file.unwrap().path());
    let store = DiskStore::open(&dir).unwrap();
    store.insert_run(&new_run("r")).await.unwrap();
    assert_eq!((mode(&dir), mode(dir.parent().unwrap())), (0o700, 0o700));
    assert!(files().count() > 0);
    for file in files() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    drop(store);
    for file in files() {
        fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    }
    drop(DiskStore::open(&dir).unwrap());
    for file in files() {
        assert_eq!(mode(&file), 0o600, "a file that others could read: {}", file.display());
    }
}

#[tokio::test]
async fn a_damaged_file_is_named_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = DiskStore::open(dir.path()).unwrap();
    for n in 0..50 {
        let mut run = new_run(&format!("{n}"));
        run.warnings = vec!["x".repeat(2_000)];
        store.insert_run(&run).await.unwrap();
    }
    drop(store);
    let file = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();

    let overwritten = |at: usize, with: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let text = whole.windows(64).position(|part| part == [b'x'; 64]).expect("a record's text");
    for (what, bytes) in [
        ("another file", b"this is no store, but a letter".repeat(500)),
        ("its head", overwritten(0, &[0; 64])),
        ("a bit of a record", overwritten(text, b"y")),
        ("cut off", whole[..whole.len() / 3].to_vec()),
    ] {
        fs::write(&file, &bytes).unwrap();
        let Err(error) = DiskStore::open(dir.path()) else {
            panic!("{what}: a damaged file is opened")
        };
        assert!(matches!(error, OpenError::Damaged { .. }), "{what}: {error:?}");
        assert!(error.to_string().contains(&file.display().to_string()), "{what}: {error}");
    }
    fs::write(&file, &whole).unwrap();
    let store = DiskStore::open(dir.path()).unwrap();
    assert_eq!(store.open_runs().await.unwrap().len(), 50, "the copy is whole");
}

#[test]
fn a_directory_that_cannot_be_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = DiskStore::open(&file.join("store")).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

fn new_run(id: &str) -> RunRecord {
    RunRecord {
        id: id.into(),
        owner: "ann".into(),
        scenario_id: "shop".into(),
        revision: 0,
        created_unix_ms: 1,
        ended_unix_ms: None,
        state: RunState::Running,
        since: Default::default(),
        ends_as: None,
        scenario: json!({}),
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

fn snapshot(worker: &str, seq: u64) -> SnapshotRecord {
    SnapshotRecord {
        run: "r".into(),
        worker: worker.into(),
        epoch: 1,
        seq,
        elapsed_ns: seq,
        is_final: false,
        bytes: vec![seq as u8; 20_000].into(),
    }
}
