//! Turns a scenario into a run on this machine, or on a platform, watched, reported and judged.

use crate::args::RunArgs;
use crate::attend::attend;
use crate::exit::{self, Failure};
use crate::interrupt::Interrupts;
use crate::outputs::{self, Outputs};
use crate::platform;
use crate::progress::Progress;
use crate::scenario;
use crate::terminal;
use loadcore::LoadTest;

/// Makes the run; answers the exit code of its result.
///
/// # Errors
/// Where there is no result, or it could not be written.
pub(crate) async fn run(args: &RunArgs) -> Result<u8, Failure> {
    match &args.platform.controller {
        Some(url) => platform::run(args, url).await,
        None => here(args).await,
    }
}

async fn here(args: &RunArgs) -> Result<u8, Failure> {
    let wanted = outputs::wanted(&args.output.outputs)?;
    let scenario = scenario::of(&args.scenario, scenario::Place::Here)?;
    let outputs = Outputs::open(&wanted, outputs::When::AsItGoes)?;
    if !args.output.quiet {
        scenario::notes(&scenario).for_each(|note| terminal::tell(&note));
    }

    let mut test = LoadTest::from_scenario(&scenario);
    for observer in outputs.observers() {
        test = test.on_interval(observer);
    }
    let shown = !args.output.quiet && terminal::shows_progress() && !outputs.stream_to_terminal();
    let mut progress = shown.then(|| Progress::new(&scenario));
    if let Some(progress) = &progress {
        test = test.on_interval(progress.observer());
    }

    let mut interrupts = Interrupts::listen().map_err(Failure::system("await signals"))?;
    let handle = tokio::select! {
        handle = test.start() => handle?,
        () = interrupts.first() => return Err(Failure::Interrupted),
    };
    if let Some(progress) = &mut progress {
        progress.begin();
    }
    let control = handle.control();
    let stop = || control.stop();
    let (result, interrupted) = attend(handle.result(), &mut interrupts, progress, stop).await;
    let mut result = result?;
    if args.output.no_distribution {
        result.leave_out_distributions();
    }
    outputs.write(&result)?;
    Ok(exit::of_result(&result, interrupted, args.output.require_valid))
}
