//! Turns the programs of this workspace into processes whose logs can be read.

use loadcore_test_support::process::Process;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::platform::{SOON, until};

const PROGRAMS: [&str; 2] = ["loadcore-controller", "loadcore-worker"];

/// A program that was started, and what it has said since.
pub struct Program {
    process: Process,
    log: PathBuf,
}

impl Program {
    /// Starts a program of this workspace with nothing of the tests' own environment.
    pub fn start(name: &str, arguments: &[&str], log: PathBuf) -> Self {
        Self::start_in(name, arguments, &[], log)
    }

    /// The same with this environment.
    pub fn start_in(
        name: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        log: PathBuf,
    ) -> Self {
        let mut command = Command::new(folder().join(name));
        command.args(arguments).env_clear().envs(environment.iter().copied());
        let process = Process::spawn(command, &log);
        let process = process.unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Self { process, log }
    }

    /// The long names of a program's options, as its help has them.
    pub fn options_of(name: &str) -> Vec<String> {
        let help = Command::new(folder().join(name)).arg("--help").output().expect("it starts");
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        let names = lines.filter_map(|line| line.split("--").nth(1));
        let end = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
        let names = names.filter_map(|rest| rest.split(end).next().map(str::to_owned));
        let names = names.filter(|name| !matches!(name.as_str(), "help" | "version"));
        // A line of text may begin with another option's name.
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Its process's number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// All that it has said.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for a whole line with this text, and answers what follows the text in it.
    pub fn says(&mut self, text: &str) -> String {
        let mut found = None;
        until(SOON, || {
            let ended = !self.process.runs();
            let said = self.said();
            // The last line may be half written.
            let whole = &said[..said.rfind('\n').map_or(0, |end| end + 1)];
            let line = whole.lines().find_map(|line| line.split_once(text));
            found = line.map(|(_, rest)| rest.to_owned());
            found.is_some() || ended
        });
        found.unwrap_or_else(|| panic!("{text:?} was not said, but\n{}", self.said()))
    }

    pub fn kill(&mut self) {
        self.process.kill();
    }

    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        self.process.signal(Signal::TERM);
    }

    pub fn runs(&mut self) -> bool {
        self.process.runs()
    }

    /// Waits for its end, and answers its exit code.
    pub fn exit_code(&mut self, patience: Duration) -> Option<i32> {
        let ended = until(patience, || !self.process.runs());
        assert!(ended.is_some(), "it did not end within {patience:?}:\n{}", self.said());
        self.process.exit_code()
    }
}

/// Where cargo has put the programs. A test of one package does not make it build another's: where
/// they are not there, they are built here, once. Whoever changes them and runs this test alone
/// builds them first: `cargo build -p loadcore-controller -p loadcore-worker`.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let own = env::current_exe().expect("a test has a file");
        let folder = own.ancestors().nth(2).expect("target/PROFILE/deps/test").to_owned();
        if !PROGRAMS.iter().all(|name| folder.join(name).is_file()) {
            build(&folder);
        }
        folder
    })
}

fn build(folder: &Path) {
    let profile = folder.file_name().unwrap_or_default();
    // The profile `dev` has a folder of another name; tests use what it builds.
    let profile = if profile == "debug" { "dev".as_ref() } else { profile };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = folder.parent().expect("target/PROFILE has a parent");
    let output = Command::new(cargo)
        .args(["build", "--locked", "--bins", "-p", "loadcore-controller", "-p", "loadcore-worker"])
        .arg("--profile")
        .arg(profile)
        .arg("--target-dir")
        .arg(target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output();
    let output = output.expect("cargo can be started, to build the programs under test");
    assert!(
        output.status.success(),
        "the programs under test could not be built:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
