//! Runs the program `loadcore-worker`: turns options into a worker that works until it is told to
//! end.

mod health;
mod options;
mod work;

use loadcore_process::{command, health::ask, limits, log::log};
use options::{CommandLine, Task};
use std::io::Write;
use std::process::ExitCode;

/// The exit code of wrong usage.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    // Wrong usage ends here, with exit code 2.
    let task = command::parse::<CommandLine>().resolve();
    let task = match task.and_then(|task| log().map(|()| task)) {
        Ok(task) => task,
        Err(error) => return fail(&error, USAGE),
    };
    limits::raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match (&runtime, task) {
        (Ok(runtime), Task::Work(options)) => runtime.block_on(work::work(*options)),
        (Ok(runtime), Task::Ask(address, probe)) => runtime.block_on(ask(address, probe)),
        (Err(error), _) => Err(format!("could not start: {error}")),
    };
    if let Ok(runtime) = runtime {
        runtime.shutdown_background();
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

fn fail(error: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "loadcore-worker: {error}");
    code.into()
}
