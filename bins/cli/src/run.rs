//! Turns a scenario into a run on this machine, or on a platform, watched, reported and judged.

use crate::args::RunArgs;
use crate::exit::{self, Failure};
use crate::interrupt::Interrupts;
use crate::outputs::{self, Outputs};
use crate::platform;
use crate::progress::{self, Progress};
use crate::scenario;
use crate::terminal;
use loadcore::run::RunHandle;
use loadcore::{LoadTest, RunError, RunResult};

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
    let scenario = scenario::of(&args.scenario, None)?;
    let outputs = Outputs::open(&wanted, outputs::When::AsItGoes)?;
    if !args.output.quiet {
        scenario::notes(&scenario).for_each(|note| terminal::tell(&note));
    }

    let mut test = LoadTest::from_scenario(&scenario);
    for observer in outputs.observers() {
        test = test.on_interval(observer);
    }
    let shown = !args.output.quiet && terminal::shows_progress() && !outputs.stream_to_terminal();
    let progress = shown.then(|| Progress::new(&scenario));
    if let Some(progress) = &progress {
        test = test.on_interval(progress.observer());
    }

    let mut interrupts = Interrupts::listen().map_err(Failure::system("await signals"))?;
    let handle = tokio::select! {
        handle = test.start() => handle?,
        () = interrupts.first() => return Err(Failure::Interrupted),
    };
    let (result, interrupted) = attend(handle, &mut interrupts, progress).await;
    let mut result = result?;
    if args.output.no_distribution {
        result.leave_out_distributions();
    }
    outputs.write(&result)?;
    Ok(exit::of_result(&result, interrupted, args.output.require_valid))
}

/// Stays with the run until its end; answers whether it was interrupted as well.
async fn attend(
    handle: RunHandle,
    interrupts: &mut Interrupts,
    mut progress: Option<Progress>,
) -> (Result<RunResult, RunError>, bool) {
    let control = handle.control();
    let mut interrupted = false;
    if let Some(progress) = &mut progress {
        progress.begin();
    }
    let mut refresh = tokio::time::interval(progress::REFRESH);
    let result = loop {
        tokio::select! {
            result = handle.result() => break result,
            () = interrupts.first() => {
                interrupted = true;
                control.stop();
                if let Some(progress) = progress.take() {
                    progress.leave();
                }
            }
            _ = refresh.tick(), if progress.is_some() => {
                if let Some(progress) = &progress {
                    progress.draw();
                }
            }
        }
    };
    if let Some(progress) = progress {
        progress.clear();
    }
    (result, interrupted)
}
