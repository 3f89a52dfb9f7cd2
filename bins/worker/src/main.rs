//! The program `loadcore-worker`: options into a worker that works until it is told to end.

mod health;
mod options;
mod signals;
mod work;

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // Wrong usage ends here, with exit code 2.
    let options = options::Options::parse();
    log();
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
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "loadcore-worker: {error}");
            ExitCode::FAILURE
        }
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
