//! Turns the words of a command line into typed options, and teaches them by its help.
//!
//! What stands in a scenario document is only carried on from here, for [`crate::scenario`] puts it
//! into one, where it is judged together with the rest. What is no number or no duration at all is
//! refused here already, with the usage.

use crate::capacity::{self, CapacityArgs};
use crate::compare::{self, CompareArgs};
use crate::outputs::{self, Output};
use crate::target::TargetArgs;
use crate::values::{FormField, cookies, form_field, header, time, timeout, user, whole};
use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use loadcore::request::ConnectTo;
use loadcore::scenario::parse_rate;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

const ABOUT: &str =
    "Honest load on HTTP services: latency counts from the moment a request was due";

const EXAMPLES: &str = "\
Examples:
  loadcore target                                        a server to practise on, at 127.0.0.1:8081
  loadcore run http://127.0.0.1:8081/ -r 1000 -d 10s     1000 requests per second, for 10 seconds
  loadcore run scenario.yaml                             what a file describes
  loadcore validate scenario.yaml                        what it would do, or all that is wrong
  loadcore capacity localhost:8081 --slo 'ok_p99<50ms' --max-rate 5k
                                                         how much a service takes
  loadcore compare before.json after.json                what became slower between two results
  loadcore report result.json -o html=report.html        a run's result as a page for a browser

loadcore COMMAND --help explains a command.";

const RUN_EXAMPLES: &str = "\
Examples:
  loadcore run localhost:8081 -r 1000 -d 30s
      Open loop: 1000 requests per second come due, whether or not the target keeps up.
  loadcore run localhost:8081 -c 16
      Closed loop: 16 connections, each of which sends when its last request is answered. Over
      HTTP/2, as https:// servers mostly speak it, --streams N makes it N requests in each.
  loadcore run localhost:8081 -r 500 -n 10000 --sla 'ok_p99<250ms' --sla 'error_rate<1%'
      10,000 requests in 20 seconds; exit code 99 if a rule is violated.
  loadcore run localhost:8081/ localhost:8081/cart localhost:8081/search -r 300
      Three requests at random, in equal parts, with figures for each. With --urls FILE they come
      from a file, each with a method and a weight: 'POST /cart 0.5'.
  loadcore run localhost:8081 -r 500 --check 'status==200' --check 'body~=ok'
      A reply without these is a failed request, of class check.
  loadcore run localhost:8081/orders --json '{\"item\": 1}' -H 'X-Trace: 1' -r 50
  loadcore run localhost:8081 -d 1m --profile \\
      '{\"type\": \"RAMP\", \"initialRps\": 10, \"targetRps\": 2000, \"rampUpSeconds\": 45}'
      Types: CONSTANT, RAMP, BURST, SPIKE, STEPS, SINE, REPLAY.
  loadcore run scenario.yaml -d 1m -o text -o json=result.json -o html=report.html
      A file's scenario, for a minute whatever it says; the report, and two files.
  jq .scenario result.json | loadcore run -
      A scenario from standard input, in JSON or YAML.
  loadcore run scenario.yaml --controller https://load.example --workers 4
      The same on a platform: its workers make the load, here it is watched and reported.
      LOADCORE_TOKEN says who asks.

Exit codes, the first that holds:
    2  wrong usage                               105  interrupted; the report is written
  104  the scenario is invalid                    98  the result is not complete
  109  the target is refused by policy           110  verdict INVALID, with --require-valid
    1  the run could not be made                  99  an SLA rule was violated
                                                  96  not one request was ok";

const VALIDATE_EXAMPLES: &str = "\
Examples:
  loadcore validate scenario.yaml
      The planned rate over time, totals and limits; or every fault with its place, and exit 104.
  loadcore validate scenario.yaml -d 5m
      The same for 5 minutes. Every option that changes the scenario of a run may be given.";

const REPORT_EXAMPLES: &str = "\
Examples:
  loadcore report result.json
      The report that the run would have shown.
  loadcore report result.json -o html=report.html -o csv=series.csv
      A page for a browser that needs no network, and the series as a table.
  curl $API/runs/$RUN/report | loadcore report - -o html=report.html

A file that is no result, is damaged, or was written by a newer version ends with exit code 2.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "loadcore", version, about = ABOUT, after_help = EXAMPLES)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Puts load on a URL, or as a scenario file describes, and reports
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Says what a scenario would do, or everything that is wrong with it
    #[command(after_help = VALIDATE_EXAMPLES)]
    Validate(Box<ScenarioArgs>),
    /// Searches for the highest rate at which an objective holds
    #[command(after_help = capacity::EXAMPLES)]
    Capacity(Box<CapacityArgs>),
    /// Says what became different between two runs, how sure that is, and whether it is a regression
    #[command(after_help = compare::EXAMPLES)]
    Compare(CompareArgs),
    /// Writes the result of a run that has ended in other forms: a page, a table, a text
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    Target(Box<TargetArgs>),
    /// Writes completions for a shell to standard output
    Completions {
        /// For which shell
        shell: Shell,
    },
}

/// The options of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What becomes part of the scenario.
#[derive(Debug, Default, Args)]
pub(crate) struct ScenarioArgs {
    /// A URL (http:// may be left out), or several, which are sent at random and reported one by one;
    /// or a scenario file in JSON or YAML; - reads the scenario from standard input
    #[arg(value_name = "URL|FILE", value_hint = ValueHint::FilePath)]
    #[arg(required_unless_present = "urls")]
    pub(crate) subjects: Vec<String>,

    /// URLs from a file, one on each line as [METHOD] URL [WEIGHT], relative to the URL that is given,
    /// if one is; lines that begin with # are passed over. Each is sent as often as its weight says
    /// [default: 1], and reported by its path
    #[arg(long, value_name = "FILE", help_heading = "Request", value_hint = ValueHint::FilePath)]
    pub(crate) urls: Option<String>,

    /// Arrivals per second in all, open loop: 500, 1.5k, 0.5, 30k/1m. Without a rate or a profile:
    /// closed loop, as fast as the connections are answered
    #[arg(short, long, value_name = "N[/UNIT]", value_parser = parse_rate)]
    #[arg(conflicts_with = "profile")]
    #[arg(help_heading = "Load", allow_hyphen_values = true)]
    pub(crate) rate: Option<f64>,

    /// How long the load lasts: 10s, 2m, 1h30m [default: what the file says, as long as the steps of
    /// STEPS, or 10s]
    #[arg(short, long, visible_short_alias = 'z', value_name = "TIME", value_parser = time("-d"))]
    #[arg(help_heading = "Load", allow_hyphen_values = true)]
    pub(crate) duration: Option<Duration>,

    /// Stop after N requests: 5000, 10k, 1_000_000. Where neither -d nor a file gives a duration, they alone end the run
    #[arg(short = 'n', long, value_name = "N")]
    #[arg(help_heading = "Load", value_parser = whole::<u64>, allow_negative_numbers = true)]
    pub(crate) requests: Option<u64>,

    /// Most open connections [default: closed loop 64; open loop 1000, opened on demand]. Over HTTP/2
    /// each carries up to --streams requests at once: one in closed loop, unless more are given
    #[arg(short, long, value_name = "N")]
    #[arg(help_heading = "Load", value_parser = whole::<u64>, allow_negative_numbers = true)]
    pub(crate) connections: Option<u64>,

    /// A load profile, such as {"type": "RAMP", "initialRps": 10, "targetRps": 500}
    #[arg(long, value_name = "JSON|@FILE", help_heading = "Load")]
    pub(crate) profile: Option<String>,

    /// How arrivals are spread: evenly, or at random as many independent users' are [default:
    /// uniform]
    #[arg(long, value_name = "HOW", ignore_case = true, help_heading = "Load")]
    pub(crate) arrivals: Option<Arrivals>,

    /// What follows from chance follows from it: Poisson arrivals, and which of several requests each
    /// arrival is [default: 0]
    #[arg(long, value_name = "N")]
    #[arg(help_heading = "Load", value_parser = whole::<u64>, allow_negative_numbers = true)]
    pub(crate) seed: Option<u64>,

    /// Load before the measured time, at the profile's first rate, in no statistic [default: 0s]
    #[arg(long, value_name = "TIME", value_parser = time("--warmup"))]
    #[arg(help_heading = "Load", allow_hyphen_values = true)]
    pub(crate) warmup: Option<Duration>,

    /// How long requests that are due or in flight at the end are awaited [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = time("--drain"))]
    #[arg(help_heading = "Load", allow_hyphen_values = true)]
    pub(crate) drain: Option<Duration>,

    /// Most arrivals that may wait for a connection; the oldest beyond are dropped, and counted
    /// [default: 10 seconds' worth]
    #[arg(long, value_name = "N")]
    #[arg(help_heading = "Load", value_parser = whole::<u64>, allow_negative_numbers = true)]
    pub(crate) max_backlog: Option<u64>,

    /// The method [default: GET; POST with a body]
    #[arg(short, long, visible_short_alias = 'X', value_name = "METHOD", help_heading = "Request")]
    pub(crate) method: Option<String>,

    /// A header (repeatable); takes the place of the file's headers of that name
    #[arg(short = 'H', long = "header", value_name = "'NAME: VALUE'", value_parser = header)]
    #[arg(help_heading = "Request")]
    pub(crate) headers: Vec<(String, String)>,

    /// A cookie (repeatable), or several as 'a=b; c=d'; reports do not show them
    #[arg(long = "cookie", value_name = "'NAME=VALUE'", value_parser = cookies)]
    #[arg(help_heading = "Request")]
    pub(crate) cookies: Vec<Vec<(String, String)>>,

    /// Send this Host (over HTTP/2 :authority) in the place of the URL's. Where to connect, and which
    /// name a certificate must have, the URL still says
    #[arg(long, value_name = "NAME[:PORT]", help_heading = "Request")]
    pub(crate) host: Option<String>,

    /// Ask for compressed replies: gzip, br or zstd. They are counted as they come, and not unpacked
    #[arg(long, help_heading = "Request")]
    pub(crate) compressed: bool,

    /// The body: a text, a file, or standard input (@-). Makes the method POST unless -m says
    /// otherwise
    #[arg(short, long, value_name = "TEXT|@FILE", conflicts_with = "json")]
    #[arg(help_heading = "Request", allow_hyphen_values = true)]
    pub(crate) body: Option<String>,

    /// A body of JSON: as --body, with Content-Type and Accept set to application/json
    #[arg(long, value_name = "TEXT|@FILE", help_heading = "Request", allow_hyphen_values = true)]
    pub(crate) json: Option<String>,

    /// A field of a form (repeatable), sent as multipart/form-data: a text, a file (@FILE) or a file's
    /// content as text (<FILE), after which may stand ;type=TYPE and ;filename=NAME. Makes the method
    /// POST unless -m says otherwise
    #[arg(short = 'F', long = "form", value_name = "NAME=VALUE|@FILE", value_parser = form_field)]
    #[arg(help_heading = "Request", conflicts_with_all = ["body", "json"])]
    pub(crate) form: Vec<FormField>,

    /// Basic authentication; reports do not show it
    #[arg(short, long, value_name = "NAME:PASSWORD", value_parser = user)]
    #[arg(help_heading = "Request")]
    pub(crate) user: Option<String>,

    /// Most time for a request, from its actual start, connecting included [default: 10s]
    #[arg(short, long, value_name = "TIME", value_parser = timeout)]
    #[arg(help_heading = "Request", allow_hyphen_values = true)]
    pub(crate) timeout: Option<Duration>,

    /// Follow up to 10 redirects within a request
    #[arg(short = 'L', long, help_heading = "Request")]
    pub(crate) location: bool,

    /// Redirects to follow within a request, also beside -L [default: 0, a redirect is an answer]
    #[arg(long, value_name = "N")]
    #[arg(help_heading = "Request", value_parser = whole::<u64>, allow_negative_numbers = true)]
    pub(crate) max_redirects: Option<u64>,

    /// Accept any TLS certificate
    #[arg(short = 'k', long, help_heading = "Connection")]
    pub(crate) insecure: bool,

    /// Speak HTTP/1.1 only [default: HTTP/2 where TLS agrees on it]
    #[arg(long, conflicts_with = "http2", help_heading = "Connection")]
    pub(crate) http1: bool,

    /// Speak HTTP/2; without TLS by prior knowledge
    #[arg(long, help_heading = "Connection")]
    pub(crate) http2: bool,

    /// HTTP/2 requests at once in each connection, so that -c times as many may be under way in all
    /// [default: closed loop 1; open loop 100]
    #[arg(long, value_name = "N")]
    #[arg(help_heading = "Connection", value_parser = whole::<u64>, allow_negative_numbers = true)]
    pub(crate) streams: Option<u64>,

    /// A connection for each request
    #[arg(long, help_heading = "Connection")]
    pub(crate) no_keepalive: bool,

    /// Connect to IPv4 addresses alone
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = "Connection")]
    pub(crate) ipv4: bool,

    /// Connect to IPv6 addresses alone
    #[arg(short = '6', long, help_heading = "Connection")]
    pub(crate) ipv6: bool,

    /// What a reply must have, beyond its status being 2xx or 3xx, to be ok (repeatable), beside the
    /// checks of the file: status==200, status==2xx, header:x-a==b, header:x-a~=b (has it in it),
    /// header:x-a (is there), body~=ok, bytes<=9000, bytes>=1, bytes==5
    #[arg(long = "check", value_name = "CHECK", help_heading = "Judgement")]
    pub(crate) checks: Vec<String>,

    /// A rule (repeatable), beside those of the file: of the ok requests alone ok_p99<250ms,
    /// ok_p99.9<1s, ok_mean<40ms, ok_rps>=1000; of all, failed ones too, p99<250ms, rps>=1000;
    /// error_rate<1%, achieved_rate>=99%, share{503}<0.1%, share{connect_refused}<1%
    #[arg(long, value_name = "RULE", help_heading = "Judgement")]
    pub(crate) sla: Vec<String>,

    /// Where the target tells its own metrics in Prometheus's text format (repeatable), beside those of the
    /// file: read once a second, beside the load. It goes by its host and port, or by the name before =
    #[arg(long, value_name = "[NAME=]URL", help_heading = "Judgement")]
    pub(crate) observe: Vec<String>,

    #[command(flatten)]
    pub(crate) dialling: DialArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// Which way connections go, and who we are on them.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct DialArgs {
    /// Certificates to trust in the place of the system's, as PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) cacert: Option<PathBuf>,

    /// Our own certificate and its chain, as PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "key")]
    pub(crate) cert: Option<PathBuf>,

    /// The key of our own certificate, as PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "cert")]
    pub(crate) key: Option<PathBuf>,

    /// Dial host H2, port P2 for what would go to host H1, port P1; an empty part stands for any,
    /// or for the same (repeatable)
    #[arg(long, value_name = "H1:P1:H2:P2", value_parser = ConnectTo::from_str)]
    pub(crate) connect_to: Vec<ConnectTo>,

    /// Connect to this Unix socket in the place of the URL's host
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["proxy", "connect_to", "ipv4", "ipv6"])]
    pub(crate) unix_socket: Option<PathBuf>,

    /// An HTTP proxy, http://[NAME:PASSWORD@]HOST:PORT, which passes on requests for http:// and tunnels
    /// (CONNECT) for https://; name and password, or a Proxy-Authorization given by -H, are for the proxy
    /// alone. Not supported: SOCKS, and proxies over TLS.
    /// `env` takes it from HTTP_PROXY, HTTPS_PROXY and NO_PROXY, which count for nothing otherwise
    #[arg(long, value_name = "URL|env")]
    pub(crate) proxy: Option<String>,
}

/// How the load is made, on each machine that makes it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Engine")]
pub(crate) struct EngineArgs {
    /// Engine threads [default: one for each core; on a platform as many as a worker's part needs, which
    /// then uses no more than this]
    #[arg(long, value_name = "N", value_parser = whole::<usize>, allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,

    /// How long due requests may gather before they are sent: 0 is exact and costs the most
    /// processor time, 25us precise [default: 100us; on a platform what its workers were told]
    #[arg(long, value_name = "TIME", value_parser = time("--slack"), allow_hyphen_values = true)]
    pub(crate) slack: Option<Duration>,
}

/// Where else the load is made.
#[derive(Debug, Args)]
#[command(next_help_heading = "Platform")]
pub(crate) struct PlatformArgs {
    /// Run on the platform of the controller at this URL (http:// may be left out), and report as of
    /// a run on this machine. Its workers have to reach the target
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) controller: Option<String>,

    /// Who asks the controller: a bearer token
    #[arg(long, value_name = "TOKEN", env = "LOADCORE_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,

    /// How many workers share the load [default: 1, or what the file says]
    #[arg(long, value_name = "N", requires = "controller")]
    #[arg(value_parser = whole::<u64>, allow_negative_numbers = true)]
    pub(crate) workers: Option<u64>,
}

/// What is said about the run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    // What there is says the list of formats.
    #[arg(short, long = "output", value_name = "FORMAT[=PATH]", help = outputs::help())]
    pub(crate) outputs: Vec<Output>,

    /// Leave the distributions of single seconds out of json: its rows keep their percentiles
    #[arg(long)]
    pub(crate) no_distribution: bool,

    /// No progress, which is otherwise shown where standard error is a terminal
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Exit with 110 if the verdict on the measurement is INVALID
    #[arg(long, help_heading = "Judgement", action = ArgAction::SetTrue)]
    pub(crate) require_valid: bool,
}

/// The options of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The result document, as -o json of a run writes it; - reads it from standard input
    #[arg(value_name = "RESULT.json", value_hint = ValueHint::FilePath)]
    pub(crate) result: String,

    #[arg(short, long = "output", value_name = "FORMAT[=PATH]", help = outputs::help_of_a_result())]
    pub(crate) outputs: Vec<Output>,
}

/// Options whose value may be a secret, as their usage begins.
const SECRET: [&str; 6] = ["--header ", "--cookie ", "--user ", "--form ", "--proxy ", "--token "];

/// The same error where the value of an option that takes secrets is not repeated: what is printed
/// ends in logs.
pub(crate) fn without_secrets(mut error: clap::Error) -> clap::Error {
    let is_secret = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => SECRET.iter().any(|it| option.starts_with(it)),
        _ => false,
    };
    if is_secret && error.get(ContextKind::InvalidValue).is_some() {
        let hidden = ContextValue::String("(not shown)".into());
        error.insert(ContextKind::InvalidValue, hidden);
    }
    error
}

/// How arrivals are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arrivals {
    Uniform,
    Poisson,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_examples_of_the_help_and_of_the_readme_parse() {
        let help = [
            EXAMPLES,
            RUN_EXAMPLES,
            VALIDATE_EXAMPLES,
            capacity::EXAMPLES,
            compare::EXAMPLES,
            include_str!("../README.md"),
        ];
        let lines = help.join("\n").replace("\\\n      ", "");
        let examples = lines.lines().map(str::trim_start).filter(|line| {
            let mut words = line.split(' ');
            // In prose a line may begin with the name as well.
            let command = |name: &str| Cli::command().find_subcommand(name).is_some();
            words.next() == Some("loadcore") && words.next().is_some_and(command)
        });
        let mut count = 0;
        for line in examples {
            // Remarks stand after a hash, or some spaces to the right.
            let line = line.split(" #").next().and_then(|line| line.split("   ").next());
            let words = shell_words(line.unwrap_or_default());
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{words:?}: {error}");
            }
            count += 1;
        }
        assert!(count >= 15, "{count} examples");
    }

    #[test]
    fn options_that_take_secrets_are_those_that_are_there() {
        let run = Cli::command();
        let run = run.find_subcommand("run").expect("it is there");
        for option in SECRET {
            let name = option.trim().trim_start_matches("--");
            assert!(run.get_arguments().any(|it| it.get_long() == Some(name)), "{name}");
        }
    }

    /// Words as a shell would see them, with single quotes only.
    fn shell_words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        for (i, part) in line.split('\'').enumerate() {
            for (j, word) in part.split(if i % 2 == 0 { ' ' } else { '\'' }).enumerate() {
                if j > 0 {
                    words.push(String::new());
                }
                words.last_mut().unwrap().push_str(word);
            }
        }
        words.retain(|word| !word.is_empty() && word != "&");
        words
    }
}
