//! The program `loadcore-controller`: options into a controller that serves until it is told to end.

mod backends;
mod demo;
mod options;
mod serve;
mod signals;

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// The exit code of wrong usage.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    // Wrong usage that the parser sees ends here, with 2.
    let options = match options::CommandLine::parse().resolve() {
        Ok(options) => options,
        Err(error) => return fail(&error, USAGE),
    };
    log();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match &runtime {
        Ok(runtime) => runtime.block_on(serve::serve(options)),
        Err(error) => Err(format!("could not start: {error}")),
    };
    // What does not end by itself does not hold the process up.
    if let Ok(runtime) = runtime {
        runtime.shutdown_background();
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

/// One line each on standard error, filtered by `LOADCORE_LOG`.
fn log() {
    let filter = EnvFilter::try_from_env("LOADCORE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}

fn fail(error: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "loadcore-controller: {error}");
    code.into()
}
