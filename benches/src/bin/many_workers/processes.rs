//! Turns programs into processes of this measurement, which end with it, and into what they used.

use std::fmt;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{sleep, timeout};

/// How long a program may take to start.
const TO_START: Duration = Duration::from_secs(30);
/// Ticks of `/proc/PID/stat` in a second: `USER_HZ`, which is 100 wherever Linux runs.
const TICKS: f64 = 100.0;

/// A process of ours. It is killed when this is dropped.
pub struct Process {
    child: Child,
}

impl Process {
    fn start(command: &mut Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn();
        let child = child.map_err(|error| {
            format!("{} does not start: {error}", command.as_std().get_program().display())
        })?;
        Ok(Self { child })
    }

    pub fn used(&self) -> Result<Used, String> {
        let id = self.child.id().ok_or("a process has ended before its time")?;
        Used::of(&id.to_string())
    }
}

/// What a process used so far.
pub struct Used {
    /// Processor time of user and system, in seconds.
    pub cpu_s: f64,
    /// Resident memory now, in MB of 10^6 bytes.
    pub rss_mb: f64,
    /// The most that it ever was.
    pub peak_mb: f64,
}

impl Used {
    /// Of a process by its number, or of `self`.
    pub fn of(process: &str) -> Result<Self, String> {
        let read = |name: &str| {
            let path = format!("/proc/{process}/{name}");
            fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))
        };
        let stat = read("stat")?;
        // The name in parentheses may hold anything; user and system time are the 12th and 13th
        // after it.
        let times = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        let ticks: f64 = times.filter_map(|it| it.parse::<f64>().ok()).sum();
        let status = read("status")?;
        let mb = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
            let kib = line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0f64);
            kib * 1_024.0 / 1e6
        };
        Ok(Self { cpu_s: ticks / TICKS, rss_mb: mb("VmRSS:"), peak_mb: mb("VmHWM:") })
    }
}

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu_s, rss_mb, peak_mb } = self;
        write!(f, "{cpu_s:.1} s of CPU, {rss_mb:.0} MB resident, {peak_mb:.0} MB at most")
    }
}

/// A Redis on a free port, with a folder of its own.
pub struct Redis {
    pub process: Process,
    port: u16,
}

impl Redis {
    pub async fn start(folder: &Path, append_only: bool) -> Result<Self, String> {
        let port = free_port().map_err(|error| format!("no free port: {error}"))?;
        let mut command = Command::new("redis-server");
        let aof = if append_only { "yes" } else { "no" };
        command.args(["--bind", "127.0.0.1", "--save", "", "--maxmemory-policy", "noeviction"]);
        command.args(["--appendonly", aof, "--port", &port.to_string(), "--dir"]).arg(folder);
        let redis = Self { process: Process::start(&mut command)?, port };
        let answers = async {
            while redis.info().await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(TO_START, answers).await.map_err(|_| "redis-server does not answer")?;
        Ok(redis)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Memory and traffic, as Redis itself counts them.
    pub async fn info(&self) -> Result<String, String> {
        let info = self.asked("INFO").await.map_err(|error| error.to_string())?;
        let of = |key: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            line.and_then(|it| it.trim().parse::<f64>().ok()).unwrap_or(0.0)
        };
        let mb = |key: &str| of(key) / 1e6;
        Ok(format!(
            "{:.0} MB used, {:.0} MB at most, {:.0} MB came in, {:.0} MB went out, {:.0} commands, \
             {:.0} MB of append-only file, {} clients",
            mb("used_memory"),
            mb("used_memory_peak"),
            mb("total_net_input_bytes"),
            mb("total_net_output_bytes"),
            of("total_commands_processed"),
            mb("aof_current_size"),
            of("connected_clients"),
        ))
    }

    async fn asked(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

/// A controller on a free port; answers where it listens.
pub async fn controller(bin: &Path, data: &Path, redis: &str) -> Result<(Process, String), String> {
    let mut command = Command::new(bin.join("loadcore-controller"));
    command.args(["--listen", "127.0.0.1:0", "--redis", redis, "--data-dir"]).arg(data);
    let mut process = Process::start(command.env("LOADCORE_LOG", "info").stderr(Stdio::piped()))?;
    let stderr = process.child.stderr.take().ok_or("the controller has no log")?;
    let mut log = BufReader::new(stderr).lines();
    let said = timeout(TO_START, address(&mut log)).await;
    let address = said.map_err(|_| "the controller does not say where it listens")??;
    // A full pipe would halt it; what it complains of is worth seeing.
    tokio::spawn(async move {
        while let Ok(Some(line)) = log.next_line().await {
            if !line.contains(" INFO ") {
                crate::say(&format!("controller: {line}"));
            }
        }
    });
    Ok((process, address))
}

async fn address(log: &mut Lines<BufReader<ChildStderr>>) -> Result<String, String> {
    let mut said = String::new();
    while let Ok(Some(line)) = log.next_line().await {
        if let Some((_, address)) = line.split_once("listens on http://") {
            return Ok(address.trim().to_owned());
        }
        said.push_str(&line);
    }
    Err(format!("the controller has ended: {said}"))
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// What the files of a folder take on disk, in MB.
pub fn size_mb(folder: &Path) -> f64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|it| it.len() as f64 / 1e6).sum()
}
