//! Turns a scenario and an objective into the highest rate at which it holds, told trial by trial, and an
//! exit code.

use crate::args::ScenarioArgs;
use crate::attend::attend;
use crate::exit::{self, Failure};
use crate::interrupt::Interrupts;
use crate::outputs::{self, Output, Pages};
use crate::{scenario, terminal};
use clap::Args;
use loadcore::analysis::capacity::Wanted;
use loadcore::report::capacity as report;
use loadcore::scenario::parse_rate;
use loadcore::{LoadTest, RunError};

pub(crate) const EXAMPLES: &str = "\
Examples:
  loadcore capacity localhost:8081 --slo 'ok_p99<50ms' --max-rate 5k
      Up to which rate are 99% of the ok requests answered within 50 ms? Trial after trial at one rate
      after the other, none above 5,000/s, for 4 minutes at most:
      'ok_p99<50ms holds up to 1893/s (95% interval 1850/s to 1930/s, 31 trials)'.
  loadcore capacity localhost:8081 --slo 'error_rate<0.1%' --max-rate 20k -d 10m
      The longer it may take, the longer are the trials and the narrower is the interval.
  loadcore capacity scenario.yaml --slo 'p95{checkout}<200ms' --max-rate 2k --arrivals poisson
      The requests of a file, whatever load it describes; arrivals at random, as independent users'.
      A target that queues takes less of these than of even ones.
  loadcore capacity localhost:8081 --slo 'ok_p99<50ms' --max-rate 5k -o text -o json=capacity.json

How it searches: the rate doubles while the objective holds, then goes to where the edge is likeliest.
After a trial that failed the target rests until its queue is empty. Besides the objective a trial needs
that as many requests end as fall due, to 2%, and, where the objective does not bound failures, that at
most 1% fail. Where the generator is the limit, and not the target, that is said.

Exit codes, the first that holds:
    2  wrong usage                               105  interrupted; what is known is written
  104  the scenario is invalid                    99  the objective holds at no rate that was tried
  109  the target is refused by policy             0  a capacity was found, or the search's own limit
    1  the load could not be made";

/// The options of `run` that a search sets itself.
const OWN: [&str; 5] = ["rate", "profile", "requests", "warmup", "sla"];

/// The options of `capacity`.
#[derive(Debug, Args)]
#[command(mut_arg("duration", |arg| arg
    .help("How long the whole search may last: 20s to 30m. A trial takes a sixtieth of it, beside its warm-up \
           [default: 4m]")))]
#[command(mut_args(|arg| match OWN.contains(&arg.get_id().as_str()) {
    true => arg.hide(true),
    false => arg,
}))]
pub(crate) struct CapacityArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,

    /// The objective, as a rule that load makes harder to keep: ok_p99<50ms, mean<20ms, error_rate<0.1%,
    /// share{503}<1%, or of one request p99{checkout}<1s
    #[arg(long, value_name = "RULE", help_heading = "Search")]
    slo: String,

    /// No higher rate is tried: 5000, 1.5k, 30k/1m. The first is a thirty-second of it
    #[arg(long, value_name = "N[/UNIT]", value_parser = parse_rate)]
    #[arg(help_heading = "Search", allow_hyphen_values = true)]
    max_rate: f64,

    /// What to write (repeatable): text or json, to a file or to standard output [default: text]
    #[arg(short, long = "output", value_name = "FORMAT[=PATH]", help_heading = "Output")]
    outputs: Vec<Output>,

    /// No progress, which is otherwise shown where standard error is a terminal
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
}

/// Searches; answers the exit code.
///
/// # Errors
/// Where there was no search, or what came of it could not be written.
pub(crate) async fn run(mut args: CapacityArgs) -> Result<u8, Failure> {
    let duration = args.scenario.duration.unwrap_or(Wanted::USUAL_DURATION);
    let wanted = outputs::wanted(&args.outputs)?;
    let test =
        LoadTest::from_scenario(&scenario::of(&args.take_requests()?, scenario::Place::Here)?);
    let pages = Pages::open(&wanted)?;

    let shown = !args.quiet && terminal::shows_progress();
    let search =
        test.capacity(&args.slo, args.max_rate).duration(duration).on_trial(move |trial| {
            if shown {
                terminal::tell(&report::line(trial));
            }
        });
    let mut interrupts = Interrupts::listen().map_err(Failure::system("await signals"))?;
    let handle = tokio::select! {
        handle = search.start() => handle.map_err(as_options)?,
        () = interrupts.first() => return Err(Failure::Interrupted),
    };
    let stop = || handle.stop();
    let (found, interrupted) = attend(handle.result(), &mut interrupts, None, stop).await;
    let found = found?;
    pages.write(|options| report::text(&found, options), || report::json(&found))?;
    Ok(exit::of_capacity(&found, interrupted))
}

impl CapacityArgs {
    /// The requests that it makes, under a load that the search replaces.
    fn take_requests(&mut self) -> Result<ScenarioArgs, Failure> {
        let args = std::mem::take(&mut self.scenario);
        let given = [
            ("--rate", args.rate.is_some()),
            ("--profile", args.profile.is_some()),
            ("--requests", args.requests.is_some()),
            ("--warmup", args.warmup.is_some()),
            ("--sla", !args.sla.is_empty()),
        ];
        if let Some((option, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
            return Err(Failure::Usage(format!(
                "{option}: a search sets its load itself; leave it out, and say --slo, --max-rate and -d"
            )));
        }
        Ok(ScenarioArgs { rate: Some(1.0), duration: Some(Wanted::USUAL_DURATION), ..args })
    }
}

/// What is wrong with the search itself is wrong with an option.
fn as_options(error: RunError) -> Failure {
    let option = |path: &str| match path {
        "slo" => Some("--slo"),
        "maxRate" => Some("--max-rate"),
        "durationSeconds" => Some("-d"),
        _ => None,
    };
    let faults = error.faults().iter();
    let told: Option<Vec<_>> =
        faults.map(|fault| Some(format!("{}: {}", option(&fault.path)?, fault.message))).collect();
    match told {
        Some(told) if !told.is_empty() => Failure::Usage(told.join("\n")),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadcore::profile::Fault;

    #[test]
    fn faults_of_the_search_are_those_of_options() {
        let invalid = |paths: &[&str]| {
            let fault = |path: &&str| Fault { path: (*path).into(), message: "no".into() };
            as_options(RunError::Invalid { faults: paths.iter().map(fault).collect(), cause: None })
        };
        let both = invalid(&["slo", "maxRate"]);
        assert_eq!((both.to_string().as_str(), both.code()), ("--slo: no\n--max-rate: no", 2));
        assert_eq!(invalid(&["slo", "targetUrl"]).code(), 104);
    }
}
