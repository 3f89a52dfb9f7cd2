//! The program `loadcore-worker`: options into a worker that works until it is told to end.

mod health;
mod log;
mod options;
mod signals;
mod work;

use clap::Parser;
use log::log;
use std::io::Write;
use std::process::ExitCode;

/// The exit code of wrong usage.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    // Wrong usage ends here, with exit code 2.
    let options = options::Options::parse();
    if let Err(error) = options.checked().and_then(|()| log()) {
        return fail(&error, USAGE);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match &runtime {
        Ok(runtime) => runtime.block_on(work::work(options)),
        Err(error) => Err(format!("could not start: {error}")),
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
