//! Starts a Redis server for a test, on a free port and in a directory of its own, that the test
//! may kill, wipe, and rob of the end of its file.

use crate::process::{Process, free_port};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// How long a server may take to answer after its start, on a busy machine.
const START: Duration = Duration::from_secs(30);
const HOST: &str = "127.0.0.1";
const LOG: &str = "log";

/// A `redis-server` of the test's own.
#[derive(Debug)]
pub struct Server {
    /// `None` while it is not there.
    process: Option<Process>,
    port: u16,
    password: Option<String>,
    folder: TempDir,
}

impl Server {
    /// A server that writes down what it acknowledges.
    pub async fn start() -> Self {
        for _ in 0..3 {
            let mut server = Self::not_started(None);
            if server.spawn().await {
                return server;
            }
            // Somebody else took the port in between.
        }
        panic!("redis-server does not start (Debian: apt-get install redis-server)")
    }

    /// A server that is not there yet, and may want a password.
    ///
    /// # Panics
    /// When no directory can be made.
    #[must_use]
    pub fn not_started(password: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a new directory");
        let password = password.map(str::to_owned);
        Self { process: None, port: free_port(), password, folder }
    }

    /// Starts it on what it left, and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub async fn start_again(&mut self) {
        assert!(self.spawn().await, "redis-server does not start:\n{}", self.log());
    }

    async fn spawn(&mut self) -> bool {
        assert!(self.process.is_none(), "it runs already");
        let port = self.port.to_string();
        let mut arguments: Vec<OsString> =
            ["--port", &port, "--bind", HOST, "--save", "", "--appendonly", "yes"]
                .map(OsString::from)
                .into();
        arguments.extend(["--dir".into(), self.folder.path().into()]);
        if let Some(password) = &self.password {
            arguments.extend(["--requirepass".into(), password.into()]);
        }
        let log = self.folder.path().join(LOG);
        let started = Process::start(Path::new("redis-server"), &arguments, &log);
        let mut process = started.unwrap_or_else(|error| {
            panic!("redis-server cannot be started (Debian: apt-get install redis-server): {error}")
        });
        let answers = async {
            while process.runs() {
                if self.connection().is_ok() {
                    return true;
                }
                sleep(Duration::from_millis(20)).await;
            }
            false
        };
        let answers = timeout(START, answers).await.unwrap_or(false);
        self.process = answers.then_some(process);
        answers
    }

    /// Kills it without warning.
    ///
    /// # Panics
    /// When it is not there.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// Cuts bytes off the end of the file to which a killed server appended; answers how many.
    ///
    /// # Panics
    /// When there is no such file, or it is in use.
    pub fn cut(&self, bytes: u64) -> u64 {
        assert!(self.process.is_none(), "a file in use is not cut");
        let path = appended(self.folder.path()).expect("a server with a file");
        let file = File::options().write(true).open(path).expect("a file that can be written");
        let length = file.metadata().expect("a file's length").len();
        file.set_len(length.saturating_sub(bytes)).expect("a file that can be cut");
        bytes.min(length)
    }

    /// Empties it, as somebody does who does not know what it is used for.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn wipe(&self) {
        let mut connection = self.connection().expect("it answers");
        ::redis::cmd("FLUSHALL").exec(&mut connection).expect("it can be emptied");
        ::redis::cmd("SCRIPT").arg("FLUSH").exec(&mut connection).expect("scripts can be removed");
    }

    /// Where it is, with its password.
    #[must_use]
    pub fn url(&self) -> String {
        let password = self.password.as_ref().map(|it| format!(":{it}@")).unwrap_or_default();
        format!("redis://{password}{HOST}:{}/0", self.port)
    }

    /// Where it is, for people.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{HOST}:{}", self.port)
    }

    /// A plain connection, to look and to do damage.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn connection(&self) -> ::redis::RedisResult<::redis::Connection> {
        let mut connection = ::redis::Client::open(self.url())?.get_connection()?;
        ::redis::cmd("PING").exec(&mut connection)?;
        Ok(connection)
    }

    /// Every key with what stands under it, as bytes.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        let mut connection = self.connection().expect("it answers");
        let keys: Vec<String> =
            ::redis::cmd("KEYS").arg("*").query(&mut connection).expect("it answers");
        let mut all = Vec::new();
        for key in keys {
            let kind: String =
                ::redis::cmd("TYPE").arg(&key).query(&mut connection).expect("it answers");
            let (command, rest): (_, &[&str]) = match kind.as_str() {
                "string" => ("GET", &[]),
                "hash" => ("HGETALL", &[]),
                "list" => ("LRANGE", &["0", "-1"]),
                "set" => ("SMEMBERS", &[]),
                "zset" => ("ZRANGE", &["0", "-1"]),
                "stream" => ("XRANGE", &["-", "+"]),
                // It went in between.
                "none" => continue,
                other => panic!("{key} is a {other}, which is not read here"),
            };
            let value: ::redis::Value = ::redis::cmd(command)
                .arg(&key)
                .arg(rest)
                .query(&mut connection)
                .expect("it answers");
            all.extend_from_slice(key.as_bytes());
            flatten(&value, &mut all);
        }
        all
    }

    /// What it writes to a file of all that it has, as bytes in which texts stand as they are.
    ///
    /// # Panics
    /// When it does not answer, or there is no such file.
    #[must_use]
    pub fn saved(&self) -> Vec<u8> {
        let mut connection = self.connection().expect("it answers");
        ::redis::cmd("CONFIG")
            .arg(&["SET", "rdbcompression", "no"])
            .exec(&mut connection)
            .expect("it can be told so");
        ::redis::cmd("SAVE").exec(&mut connection).expect("it saves what it has");
        fs::read(self.folder.path().join("dump.rdb")).expect("the file that it saves to")
    }

    /// Writes down every command that it is given from now on, until it ends.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        let mut stream = TcpStream::connect((HOST, self.port)).expect("it answers");
        if let Some(password) = &self.password {
            write!(stream, "AUTH {password}\r\n").expect("it answers");
        }
        write!(stream, "MONITOR\r\n").expect("it answers");
        let other = stream.try_clone().expect("a second handle");
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            // Until either side closes: what came counts.
            let _ = stream.read_to_end(&mut all);
            all
        });
        Monitor { stream: other, reader }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default()
    }
}

/// All bytes of an answer, one after another.
fn flatten(value: &::redis::Value, all: &mut Vec<u8>) {
    match value {
        ::redis::Value::BulkString(bytes) => {
            all.push(b'\n');
            all.extend_from_slice(bytes);
        }
        ::redis::Value::Array(items) | ::redis::Value::Set(items) => {
            items.iter().for_each(|item| flatten(item, all));
        }
        ::redis::Value::Map(items) => items.iter().for_each(|(key, value)| {
            flatten(key, all);
            flatten(value, all);
        }),
        other => all.extend_from_slice(format!("\n{other:?}").as_bytes()),
    }
}

/// What a server is told, being written down.
#[derive(Debug)]
pub struct Monitor {
    stream: TcpStream,
    reader: std::thread::JoinHandle<Vec<u8>>,
}

impl Monitor {
    /// Ends it, and answers every command so far.
    ///
    /// # Panics
    /// When the connection cannot be closed.
    #[must_use]
    pub fn end(self) -> Vec<u8> {
        self.stream.shutdown(std::net::Shutdown::Both).expect("a connection that can be closed");
        self.reader.join().expect("a reader that does not panic")
    }
}

/// The file that is appended to: the newest of Redis 7, or the only one of Redis 6.
fn appended(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder.join("appendonlydir")).into_iter().flatten().flatten();
    let growing = files.map(|file| file.path()).filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".incr.aof"))
    });
    let newest = growing.max_by_key(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.split('.').filter_map(|part| part.parse::<u64>().ok()).next_back()
    });
    newest.or_else(|| Some(folder.join("appendonly.aof")).filter(|path| path.is_file()))
}
