//! Turns a scenario into a run on a platform, watched, reported and judged as one on this machine.
//!
//! The platform's result is the same document, so that every report and every exit code comes of it
//! in the same way. A socket, which only this machine has, is refused before anything is started.

mod client;
mod follow;
mod problem;
mod submit;
mod view;

use crate::args::{PlatformArgs, RunArgs};
use crate::exit::{self, Failure};
use crate::interrupt::Interrupts;
use crate::outputs::{self, Outputs};
use crate::progress::{self, Progress};
use crate::{scenario, terminal};
use client::Client;
use follow::{Followed, Follower};
use loadcore::RunResult;
use loadcore::scenario::Scenario;
use submit::submit;
use tokio::sync::watch;
use view::View;

/// Makes the run on the platform at `url`; answers the exit code of its result.
///
/// # Errors
/// Where there is no result, or it could not be written.
pub(crate) async fn run(args: &RunArgs, url: &str) -> Result<u8, Failure> {
    if args.scenario.dialling.unix_socket.is_some() {
        return Err(Failure::Usage(
            "--unix-socket: it is on this machine, and with --controller workers make the load; leave it out".into(),
        ));
    }
    let PlatformArgs { token, workers, .. } = &args.platform;
    let client = Client::new(url, token.as_deref().filter(|token| !token.is_empty()))?;
    let wanted = outputs::wanted(&args.output.outputs)?;
    let scenario = scenario::of(&args.scenario, scenario::Place::Platform(*workers))?;
    let mut outputs = Outputs::open(&wanted, outputs::When::AtTheEnd)?;
    let mut interrupts = Interrupts::listen().map_err(Failure::system("await signals"))?;

    let run = submit(&client, &scenario, args.output.quiet, &mut interrupts).await?;
    if !args.output.quiet {
        terminal::tell(&format!("run {run} on {}", client.shown()));
        scenario::never_due(&scenario).iter().for_each(|note| terminal::tell(note));
    }
    let shown = !args.output.quiet && terminal::shows_progress();
    let progress = shown.then(|| Progress::new(&scenario));
    let told = Told { progress, tells_waiting: !args.output.quiet };
    let (followed, interrupted) = attend(&client, &run, &scenario, &mut interrupts, told).await;
    let (view, interrupted) = match followed? {
        Followed::Ended(view) => (view, interrupted),
        Followed::GivenUp(view) => {
            let text = format!(
                "run {run} was stopped and has not ended; the report is what was known last"
            );
            terminal::tell_error(&text);
            (view, true)
        }
    };
    let mut result = view.result()?.ok_or_else(|| without_result(&run, &view, interrupted))?;
    if args.output.no_distribution {
        result.leave_out_distributions();
    }
    let logs = outputs.take_logs();
    let mut written = outputs.write(&result);
    for mut log in logs {
        let path = format!("/runs/{run}/stats/series?format=hlog");
        let doing = format!("write to {}", log.place());
        let copied = client.copy(&path, &mut log).await;
        written = written.and(copied.map_err(|why| why.into_failure(client.shown(), &doing)));
    }
    written?;
    if view.state() == "FAILED" {
        return Err(without_result(&run, &view, interrupted));
    }
    let interrupted = interrupted || stopped_elsewhere(&view, &result);
    Ok(exit::of_result(&result, interrupted, args.output.require_valid))
}

/// What the user is told meanwhile.
struct Told {
    /// A line that is written over; `None` where there is no terminal for it.
    progress: Option<Progress>,
    /// What the run waits for, in lines of its own.
    tells_waiting: bool,
}

/// Stays with the run until its end; answers whether it was interrupted as well.
async fn attend(
    client: &Client,
    run: &str,
    scenario: &Scenario,
    interrupts: &mut Interrupts,
    Told { progress, tells_waiting }: Told,
) -> (Result<Followed, Failure>, bool) {
    let (wish, stop) = watch::channel(false);
    let teller = progress.as_ref().map(Progress::teller);
    let say = |text: &str| match &teller {
        Some(teller) => teller.tell(text),
        None => terminal::tell(text),
    };
    let show = progress.as_ref().map(Progress::setter);
    let show = show.as_ref().map(|show| show as &dyn Fn(progress::Latest));
    let drain = scenario.drain;
    let tells_waiting = tells_waiting && show.is_none();
    let following = Follower { client, run, drain, stop, say: &say, show, tells_waiting }.follow();
    let stop = || {
        let _ = wish.send(true);
    };
    crate::attend::attend(following, interrupts, progress, stop).await
}

/// Why a run has no result, or none that counts.
fn without_result(run: &str, view: &View, interrupted: bool) -> Failure {
    if interrupted {
        return Failure::Interrupted;
    }
    let why = view.warnings().last().unwrap_or("the platform says no more about it");
    Failure::Platform(format!("run {run} ended as {}: {why}", view.state()))
}

/// Whether somebody else ended the run before its time, and no rule did.
fn stopped_elsewhere(view: &View, result: &RunResult) -> bool {
    let elsewhere = view.state() == "ABORTED" && !result.sla.iter().any(|rule| rule.aborted);
    if elsewhere {
        terminal::tell("note: the run was stopped on the platform");
    }
    elsewhere
}
