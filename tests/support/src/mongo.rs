//! Gives a test a MongoDB server: the one that is named, or one that is started.
//!
//! - `LOADCORE_TEST_MONGO_URL`, where set, is used by [`Server::any`]; each test has a database of
//!   its own on it, which it drops.
//! - Else a `mongod` on the path is started in a directory of its own.
//! - Else SecantusDB is, which speaks MongoDB's protocol: `pip install secantusdb`.

use crate::process::{Process, find, free_port};
use futures_util::TryStreamExt;
use mongodb::bson::{RawDocumentBuf, doc};
use mongodb::{Client, options::ClientOptions};
use rustix::process::Signal;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// How long a server may take to answer after its start, on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A server, and a database of the test's own on it.
#[derive(Debug)]
pub struct Server {
    /// `None` for a server that the test did not start.
    own: Option<Own>,
    url: String,
}

#[derive(Debug)]
struct Own {
    process: Process,
    program: Program,
    port: u16,
    folder: TempDir,
}

/// What can be started.
#[derive(Debug, Clone)]
enum Program {
    Mongod(PathBuf),
    Secantus(PathBuf),
}

impl Server {
    /// The server that the environment names, or else one of the test's own.
    pub async fn any() -> Self {
        match env::var("LOADCORE_TEST_MONGO_URL") {
            Ok(url) if !url.is_empty() => Self { own: None, url: with_database(&url, &name()) },
            _ => Self::start().await,
        }
    }

    /// A server of the test's own, that it may kill.
    ///
    /// # Panics
    ///
    /// If none can be started: the text tells what to install.
    pub async fn start() -> Self {
        let program = Program::find();
        let mut folder = tempfile::tempdir().expect("a new directory");
        for _ in 0..3 {
            let port = free_port();
            let process = program.start(folder.path(), port);
            let mut own = Own { process, program: program.clone(), port, folder };
            if own.answers().await {
                let url = with_database(&format!("mongodb://127.0.0.1:{port}"), &name());
                return Self { own: Some(own), url };
            }
            // Somebody else took the port in between.
            Own { folder, .. } = own.killed();
        }
        panic!("{program:?} does not start:\n{}", log(folder.path()));
    }

    /// Where the test's database is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that stands in the test's database, as the bytes of the documents.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub async fn dump(&self) -> Vec<u8> {
        let client = Client::with_uri_str(self.url()).await.expect("the server's own address");
        let database = client.default_database().expect("the address names a database");
        let mut all = Vec::new();
        for name in database.list_collection_names().await.expect("the server answers") {
            let documents = database.collection::<RawDocumentBuf>(&name).find(doc! {}).await;
            let mut documents = documents.expect("the server answers");
            while let Some(document) = documents.try_next().await.expect("a document") {
                all.extend_from_slice(document.as_bytes());
            }
        }
        client.shutdown().await;
        all
    }

    /// Whether the test may kill it.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Kills the server without warning.
    pub fn kill(&mut self) {
        self.own().process.kill();
    }

    /// Starts it again on what it left, and waits until it answers.
    pub async fn start_again(&mut self) {
        let own = self.own();
        own.process = own.program.start(own.folder.path(), own.port);
        assert!(own.answers().await, "it does not start again:\n{}", log(own.folder.path()));
    }

    /// Stops the server in the middle of what it does: connections stay, and nobody answers.
    pub fn freeze(&mut self) {
        self.own().process.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&mut self) {
        self.own().process.signal(Signal::CONT);
    }

    fn own(&mut self) -> &mut Own {
        self.own.as_mut().expect("a server of the test's own: Server::start")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.own.is_some() {
            return;
        }
        // Not our server: our database on it must go. A drop cannot wait on the test's runtime.
        let url = self.url.clone();
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async { timeout(START, drop_database(&url)).await })
        });
        // At worst the database stays; the test's own outcome counts.
        let _ = dropping.join();
    }
}

impl Own {
    /// Waits until it answers; `false` if it ended instead.
    async fn answers(&mut self) -> bool {
        let waiting = async {
            loop {
                if !self.process.runs() {
                    return false;
                }
                if ping(self.port).await {
                    return true;
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(START, waiting).await.unwrap_or(false)
    }

    fn killed(mut self) -> Self {
        self.process.kill();
        self
    }
}

impl Program {
    fn find() -> Self {
        let mongod = find("mongod").map(Self::Mongod);
        mongod.or_else(|| find("secantusd-py").map(Self::Secantus)).unwrap_or_else(|| {
            panic!(
                "this test needs a MongoDB server, and neither `mongod` nor `secantusd-py` is on \
                 the PATH or in ~/.local/bin: install MongoDB, or `pip install secantusdb`, or \
                 name a running one in LOADCORE_TEST_MONGO_URL (tests that kill their server \
                 need one of the first two)"
            )
        })
    }

    fn start(&self, folder: &Path, port: u16) -> Process {
        let data = folder.join("data");
        fs::create_dir_all(&data).expect("a directory for the data");
        let (program, flags): (_, Vec<OsString>) = match self {
            Self::Mongod(program) => {
                (program, vec!["--dbpath".into(), data.into(), "--bind_ip".into(), HOST.into()])
            }
            // What it answers must outlast it; that is not its default.
            Self::Secantus(program) => (
                program,
                vec![
                    "--storage-path".into(),
                    data.into(),
                    "--host".into(),
                    HOST.into(),
                    "--sync-on-commit".into(),
                    "--cache-size".into(),
                    "64M".into(),
                ],
            ),
        };
        let port = ["--port".into(), port.to_string().into()];
        let arguments: Vec<OsString> = flags.into_iter().chain(port).collect();
        let started = Process::start(program, &arguments, &folder.join(LOG));
        started.unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()))
    }
}

const HOST: &str = "127.0.0.1";
const LOG: &str = "log";

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join(LOG)).unwrap_or_default()
}

/// A database's name that no other test has.
fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("loadcore_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The address with this database in the place of its own.
fn with_database(url: &str, database: &str) -> String {
    let (address, options) = url.split_once('?').map_or((url, None), |(a, o)| (a, Some(o)));
    let hosts_from = address.find("://").map_or(0, |at| at + 3);
    let hosts_to = address[hosts_from..].find('/').map_or(address.len(), |at| hosts_from + at);
    let options = options.map(|options| format!("?{options}")).unwrap_or_default();
    format!("{}/{database}{options}", &address[..hosts_to])
}

async fn ping(port: u16) -> bool {
    let pinged = async {
        let url = format!("mongodb://{HOST}:{port}/?directConnection=true");
        let mut options = ClientOptions::parse(&url).await?;
        options.server_selection_timeout = Some(Duration::from_millis(500));
        let client = Client::with_options(options)?;
        let answer = client.database("admin").run_command(doc! { "ping": 1 }).await;
        client.shutdown().await;
        answer
    };
    matches!(timeout(Duration::from_secs(2), pinged).await, Ok(Ok(_)))
}

async fn drop_database(url: &str) -> mongodb::error::Result<()> {
    let client = Client::with_uri_str(url).await?;
    match client.default_database() {
        Some(database) => database.drop().await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_ones_own_takes_the_place_of_the_named_one() {
        for (url, expected) in [
            ("mongodb://h:1", "mongodb://h:1/d"),
            ("mongodb://h:1/", "mongodb://h:1/d"),
            ("mongodb://u:p@h:1,i:2/old?w=1", "mongodb://u:p@h:1,i:2/d?w=1"),
            ("mongodb+srv://h/?a=b/c", "mongodb+srv://h/d?a=b/c"),
        ] {
            assert_eq!(with_database(url, "d"), expected);
        }
    }
    #[tokio::test]
    async fn a_database_on_anothers_server_is_dropped() {
        let server = Server::start().await;
        let client = Client::with_uri_str(server.url()).await.unwrap();
        let there = async || {
            let names = client.list_database_names().await.unwrap();
            names.iter().any(|name| name == "theirs")
        };
        let borrowed = Server { own: None, url: with_database(server.url(), "theirs") };
        let kept = client.database("theirs").collection("c").insert_one(doc! { "a": 1 }).await;
        kept.unwrap();
        assert!(there().await);
        drop(borrowed);
        assert!(!there().await);
    }
}
