//! Turns a program into a process of its own on a free port, that is surely ended.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::hash_map::RandomState;
use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::hash::BuildHasher as _;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a program whose output goes to a file.
    ///
    /// # Errors
    /// When the program or the file cannot be opened.
    pub fn start(program: &Path, arguments: &[OsString], log: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments);
        Self::spawn(command, log)
    }

    /// The same for a command whose environment is the caller's business.
    ///
    /// # Errors
    /// When the program or the file cannot be opened.
    pub fn spawn(mut command: Command, log: &Path) -> io::Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Self(child))
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Its number among the system's processes.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Its exit code once it has ended by itself; `None` while it runs, and after a signal.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.0.try_wait().ok().flatten().and_then(|status| status.code())
    }

    /// Ends it without warning, and waits until it is gone.
    pub fn kill(&mut self) {
        // It is gone already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the system does not deliver it.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        let sent = pid.map(|pid| kill_process(pid, signal));
        assert!(matches!(sent, Some(Ok(()))), "the process takes signal {signal:?}: {sent:?}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where a program is: on the path, or where pip puts those of a single user.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let own = env::var_os("HOME").map(|home| Path::new(&home).join(".local/bin"));
    let folders = env::split_paths(&path).chain(own);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A port that nobody has now, of those that the system gives to nobody who asks for any: neither a
/// test beside this one nor a connection of somebody's takes it before it is used, or between two
/// uses. Another test that asks here may, once in ten thousand times.
///
/// # Panics
/// When a hundred tries found none.
#[must_use]
pub fn free_port() -> u16 {
    /// Linux gives away those from 32768 on.
    const FIRST: u64 = 20_000;
    const COUNT: u64 = 12_000;
    let mut tries = (0..100).map(|_| RandomState::new().hash_one(()));
    let free = tries.find_map(|random| {
        let port = u16::try_from(FIRST + random % COUNT).ok()?;
        TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
    });
    free.expect("a free port")
}
