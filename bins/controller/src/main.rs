//! Runs the program `loadcore-controller`: turns options into a controller that serves until it is
//! told to end.

mod backends;
mod demo;
mod options;
mod serve;
mod sign_in;
mod terminal;

use loadcore_controller::doorstep::certificate;
use loadcore_process::{command, health, limits, log::log};
use options::{CommandLine, Options, Task};
use serve::ServeError;
use std::io::Write;
use std::process::ExitCode;

/// The exit code of wrong usage.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    // Wrong usage that the parser sees ends here, with 2.
    let task = match command::parse::<CommandLine>().resolve() {
        Ok(task) => task,
        Err(error) => return fail(&error, USAGE),
    };
    if let Err(error) = log() {
        return fail(&error, USAGE);
    }
    limits::raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match (&runtime, task) {
        (_, Task::Key(options)) => key(&options),
        (Ok(runtime), Task::Serve(options)) => runtime.block_on(serve::serve(*options)),
        (Ok(runtime), Task::Ask(address, over_tls, probe)) => {
            let asked = async {
                match over_tls {
                    true => health::ask_over(address, probe, certificate::unverified).await,
                    false => health::ask(address, probe).await,
                }
            };
            runtime.block_on(asked).map_err(ServeError::Broken)
        }
        (Err(error), _) => Err(ServeError::Broken(format!("could not start: {error}"))),
    };
    // What does not end by itself does not hold the process up.
    if let Ok(runtime) = runtime {
        runtime.shutdown_background();
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(ServeError::Usage(error)) => fail(&error, USAGE),
        Err(ServeError::Broken(error)) => fail(&error, 1),
    }
}

/// Prints the platform's key.
fn key(options: &Options) -> Result<(), ServeError> {
    let key = backends::secrets(options)?.signer().key();
    writeln!(std::io::stdout(), "{key}").map_err(|error| ServeError::Broken(error.to_string()))
}

fn fail(error: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "loadcore-controller: {error}");
    code.into()
}
