//! Runs the command `loadcore`: turns a command line into load, a report and an exit code.

mod args;
mod attend;
mod capacity;
mod compare;
mod dial;
mod exit;
mod interrupt;
mod outputs;
mod platform;
mod progress;
mod report;
mod run;
mod scenario;
mod sources;
mod target;
mod terminal;
mod urls;
mod validate;
mod values;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use exit::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Wrong usage ends here, with exit code 2.
    let cli = Cli::try_parse().unwrap_or_else(|error| args::without_secrets(error).exit());
    loadcore_process::limits::raise_descriptors();
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::system("start"))
        .and_then(|runtime| runtime.block_on(execute(cli.command)));
    match done {
        Ok(code) => code.into(),
        Err(failure) => {
            terminal::tell_error(&failure.to_string());
            failure.code().into()
        }
    }
}

async fn execute(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Run(args) => return run::run(&args).await,
        Command::Validate(args) => {
            say(&validate::page(&scenario::of(&args, scenario::Place::Here)?, terminal::width()))?;
        }
        Command::Capacity(args) => return capacity::run(*args).await,
        Command::Compare(args) => return compare::run(&args),
        Command::Report(args) => report::run(&args)?,
        Command::Target(args) => target::run(*args).await?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "loadcore", &mut script);
            say(&String::from_utf8_lossy(&script))?;
        }
    }
    Ok(exit::code::SUCCESS)
}

fn say(text: &str) -> Result<(), Failure> {
    terminal::say(text).map_err(Failure::system("write to standard output"))
}
