//! Starts a `redis-server` of a test's own, on a socket in a folder of its own, that ends with the
//! test.
#![allow(dead_code, reason = "each test file uses some of it")]

use loadcore::cluster::coordinator::CoordinatorError;
use loadcore_redis::{RedisCoordinator, RedisOptions};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Passwords of the users that the README has, as in the file and in a URL.
pub const CONTROLLER: [&str; 2] = ["s3cr@t/c:th?all", "s3cr%40t%2Fc%3Ath%3Fall"];
pub const WORKER: [&str; 2] = ["s3cr@t/w:th?all", "s3cr%40t%2Fw%3Ath%3Fall"];

/// The `users.acl` that the README shows; the test's own user stays.
pub fn users() -> String {
    let readme = include_str!("../../README.md");
    let from = readme.find("user default off").expect("the README shows the users");
    let users = readme[from..].split("```").next().expect("the end of the block");
    users
        .replace("user default off\n", "")
        .replace("CONTROLLER-PASSWORD", CONTROLLER[0])
        .replace("WORKER-PASSWORD", WORKER[0])
}

/// How long tests wait for what should come at once.
pub const SOON: Duration = Duration::from_secs(10);

pub struct Server {
    child: Option<Child>,
    arguments: Vec<String>,
    folder: TempDir,
}

impl Server {
    /// A server that keeps nothing on disk.
    pub async fn start() -> Self {
        Self::start_with(&["--appendonly", "no"]).await
    }

    /// A server that has written down what it has acknowledged.
    pub async fn start_durable() -> Self {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await
    }

    /// A server with the users that the README shows.
    pub async fn start_with_users() -> Self {
        let mut server = Self::not_started(&[]);
        let file = server.folder.path().join("users.acl");
        fs::write(&file, users()).expect("a file can be written");
        // What Redis forbids to everybody could not be seen to be forbidden to a user.
        let arguments = ["--enable-debug-command", "yes", "--aclfile"];
        server.arguments = arguments.map(str::to_owned).to_vec();
        server.arguments.push(file.display().to_string());
        server.spawn().await;
        server
    }

    /// The URL of a user whose password, as in a URL, this is.
    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!("{}?user={user}&pass={password}", self.url())
    }

    pub async fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::not_started(arguments);
        server.spawn().await;
        server
    }

    /// A server that is not there yet.
    pub fn not_started(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let folder = tempfile::tempdir().expect("a folder can be made");
        fs::create_dir(folder.path().join("data")).expect("a folder can be made");
        Self { child: None, arguments, folder }
    }

    pub async fn spawn(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(self.socket())
            .arg("--dir")
            .arg(self.data())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server can be started (Debian: apt-get install redis-server)");
        self.child = Some(child);
        let ready = async {
            while self.try_raw().is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, ready).await.expect("redis-server answers");
    }

    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        let _ = fs::remove_file(self.socket());
    }

    /// Halts it, so that it neither answers nor closes anything.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).expect("it takes signals");
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub fn coordinator(&self) -> RedisCoordinator {
        RedisCoordinator::new(&RedisOptions::new(self.url())).expect("the options can be used")
    }

    /// A plain connection, to look and to do damage.
    pub fn raw(&self) -> redis::Connection {
        self.try_raw().expect("it answers")
    }

    fn try_raw(&self) -> redis::RedisResult<redis::Connection> {
        let mut connection = redis::Client::open(self.url())?.get_connection()?;
        redis::cmd("PING").exec(&mut connection)?;
        Ok(connection)
    }

    /// Empties it, as somebody does who does not know what it is used for.
    pub fn wipe(&self) {
        let mut raw = self.raw();
        redis::cmd("FLUSHALL").exec(&mut raw).expect("it can be emptied");
        redis::cmd("SCRIPT").arg("FLUSH").exec(&mut raw).expect("scripts can be removed");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A copy of a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a file can be copied");
        }
    }
}

/// Repeats a call until it is answered, as workers and controllers do while Redis is away.
pub async fn in_the_end<T>(mut call: impl AsyncFnMut() -> Result<T, CoordinatorError>) -> T {
    let repeats = async {
        loop {
            match call().await {
                Ok(answer) => return answer,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::time::timeout(SOON, repeats).await.expect("the call succeeds in the end")
}
