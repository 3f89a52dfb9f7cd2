//! Turns options and environment into how the worker is to work.

use clap::{Args, Parser};
use loadcore::cluster::signed::PublicKey;
use loadcore::http::{TargetList, TargetPolicy};
use loadcore::run::MAX_SLACK;
use loadcore::scenario::parse_duration;
use loadcore_process::health::{Command, Probe};
use loadcore_redis::{RedisCoordinator, RedisOptions};
use std::net::SocketAddr;
use std::time::Duration;

/// The longest that a draining worker goes on with its share.
const MOST_HANDOVER: Duration = Duration::from_secs(3_600);

/// A worker of a loadcore platform: takes its share of each run's load.
#[derive(Debug, Parser)]
#[command(name = "loadcore-worker", version, after_help = AFTER, subcommand_negates_reqs = true)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

/// How it is to work.
#[derive(Debug, Args)]
pub struct Options {
    /// Where the platform is coordinated: redis://HOST:PORT/DB, rediss:// for TLS
    #[arg(
        long,
        value_name = "URL",
        env = "LOADCORE_REDIS_URL",
        hide_env_values = true,
        required = true
    )]
    redis: Option<String>,

    /// What people call it [default: its id, new for each start]
    #[arg(
        long,
        value_name = "N",
        env = "LOADCORE_NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub name: String,

    /// Engine threads [default: as many as its part of a run needs, at most one for each processor]
    #[arg(long, value_name = "N", env = "LOADCORE_THREADS",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// How long its pacer may let due requests gather (at most 1s): less is more exact, more costs
    /// less processor time [default: 1ms]
    #[arg(long, value_name = "TIME", env = "LOADCORE_SLACK", value_parser = slack)]
    pub slack: Option<Duration>,

    /// The greatest arrival rate that it takes on, in requests per second
    #[arg(long, value_name = "N", env = "LOADCORE_MAX_RPS", value_parser = rate)]
    pub max_rps: Option<f64>,

    /// How long it goes on with its share after SIGTERM while no other worker is there to take that
    /// over: at most 1h [default: 8s]
    #[arg(long, value_name = "TIME", env = "LOADCORE_HANDOVER", value_parser = handover)]
    pub handover: Option<Duration>,

    /// Where its health and metrics are: ADDRESS:PORT [default: nowhere]
    #[arg(long, value_name = "ADDR", env = "LOADCORE_ACTUATOR_LISTEN", global = true)]
    actuator_listen: Option<SocketAddr>,

    /// The same as --actuator-listen: a worker listens for nothing else
    #[arg(
        long,
        value_name = "ADDR",
        env = "LOADCORE_LISTEN",
        global = true,
        conflicts_with = "actuator_listen"
    )]
    listen: Option<SocketAddr>,

    /// The platform's key, as `loadcore-controller key` prints it: it obeys nobody else [default: the
    /// first platform that it hears of, until it ends]
    #[arg(long, value_name = "KEY", env = "LOADCORE_PLATFORM_KEY", value_parser = key)]
    pub platform_key: Option<PublicKey>,

    /// What it loads, and nothing else, such as 10.0.0.0/8,example.com,*.example.com:443,:8080; what the
    /// controller does not allow it does not load either [default: loopback, private and public
    /// addresses; metadata services, link-local addresses and the platform's own servers never]
    #[arg(long, value_name = "TARGET,...", env = "LOADCORE_ALLOW_TARGETS")]
    pub allow_targets: Option<TargetList>,

    /// What it does not load, whatever is allowed: written as for --allow-targets
    #[arg(long, value_name = "TARGET,...", env = "LOADCORE_DENY_TARGETS")]
    pub deny_targets: Option<TargetList>,
}

const AFTER: &str = "\
SIGTERM or Ctrl-C drains: it hands its share to a spare worker or to the others, or gives it up after
--handover, and ends. A second one ends at once.
LOADCORE_LOG filters the log on standard error: error, warn, info (default), debug.";

/// What the program is to do.
#[derive(Debug)]
pub enum Task {
    /// Work.
    Work(Box<Options>),
    /// Ask the one that listens here how it is.
    Ask(SocketAddr, Probe),
}

impl CommandLine {
    /// What was said, and that what the parser cannot judge is right too.
    ///
    /// # Errors
    /// A URL that is none, named without its password: wrong usage.
    pub fn resolve(self) -> Result<Task, String> {
        let options = self.options;
        if let Some(Command::Health { probe }) = self.command {
            let listens = options.actuator().ok_or(
                "health is asked where the worker listens for that: give --actuator-listen ADDR, \
                 or LOADCORE_ACTUATOR_LISTEN, to both",
            )?;
            return Ok(Task::Ask(listens, probe));
        }
        let redis = RedisCoordinator::new(&RedisOptions::new(options.redis()));
        redis.map_err(|error| format!("--redis: {error}"))?;
        Ok(Task::Work(Box::new(options)))
    }
}

impl Options {
    /// Where the platform is coordinated: the parser asks for it wherever there is work to do.
    #[must_use]
    pub fn redis(&self) -> &str {
        self.redis.as_deref().unwrap_or_default()
    }

    /// Where its health and metrics are.
    #[must_use]
    pub fn actuator(&self) -> Option<SocketAddr> {
        self.actuator_listen.or(self.listen)
    }

    /// Which targets it dials.
    #[must_use]
    pub fn policy(&self) -> TargetPolicy {
        let allowed = self.allow_targets.clone();
        let policy = allowed.map_or_else(TargetPolicy::default, TargetPolicy::only);
        policy.denying(&self.deny_targets.clone().unwrap_or_default())
    }
}

fn key(text: &str) -> Result<PublicKey, String> {
    text.parse()
}

fn slack(text: &str) -> Result<Duration, String> {
    let slack = parse_duration(text).map_err(|error| error.to_string())?;
    if slack > MAX_SLACK {
        return Err(format!("give at most {} s", MAX_SLACK.as_secs()));
    }
    Ok(slack)
}

fn handover(text: &str) -> Result<Duration, String> {
    let handover = parse_duration(text).map_err(|error| error.to_string())?;
    if handover > MOST_HANDOVER {
        return Err(format!("give at most {}s", MOST_HANDOVER.as_secs()));
    }
    Ok(handover)
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= 1e9 => Ok(rate),
        _ => Err("give requests per second, above 0 and at most 10^9".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parsed(line: &str) -> Result<Options, String> {
        match task(line)? {
            Task::Work(options) => Ok(*options),
            other => Err(format!("{other:?}")),
        }
    }

    fn task(line: &str) -> Result<Task, String> {
        let words = ["loadcore-worker"].into_iter().chain(line.split_whitespace());
        CommandLine::try_parse_from(words).map_err(|error| error.to_string())?.resolve()
    }

    #[test]
    fn health_is_asked_where_it_is_served_and_needs_nothing_else() {
        for (line, asked) in [
            ("health --actuator-listen 0.0.0.0:9101", "Ask(0.0.0.0:9101, Works)"),
            ("--redis redis://h --listen [::1]:1 health liveness", "Ask([::1]:1, Liveness)"),
        ] {
            assert_eq!(format!("{:?}", task(line).unwrap()), asked, "{line}");
        }
        let told = task("health").unwrap_err();
        assert!(told.contains("--actuator-listen ADDR"), "{told}");
    }

    #[test]
    fn its_one_listener_has_two_names() {
        let listens = |line| parsed(line).unwrap().actuator().map(|it| it.port());
        assert_eq!(listens("--redis redis://h"), None);
        assert_eq!(listens("--redis redis://h --listen 127.0.0.1:1"), Some(1));
        assert_eq!(listens("--redis redis://h --actuator-listen 127.0.0.1:2"), Some(2));
        let both = "--redis redis://h --listen 127.0.0.1:1 --actuator-listen 127.0.0.1:1";
        assert!(parsed(both).unwrap_err().contains("cannot be used with"));
    }

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn what_is_said_arrives() {
        let options = parsed(
            "--redis redis://h --name a --threads 2 --slack 5ms --max-rps 5000 --listen 127.0.0.1:0 \
             --handover 3s --allow-targets 10.0.0.0/8,127.0.0.1 --deny-targets 10.2.0.0/16 \
             --platform-key W16t-DGndQRx6Db8k1JoBD55DqKdT6KcM-sqIxpT-iM",
        );
        let options = options.unwrap();
        assert_eq!(
            (options.name.as_str(), options.threads, options.slack, options.max_rps),
            ("a", Some(2), Some(Duration::from_millis(5)), Some(5e3))
        );
        let key = options.platform_key.map(|key| key.to_string());
        assert_eq!(key.as_deref(), Some("W16t-DGndQRx6Db8k1JoBD55DqKdT6KcM-sqIxpT-iM"));
        assert_eq!(options.handover, Some(Duration::from_secs(3)));
        let may = |address: &str| options.policy().check("a", address.parse().unwrap()).is_ok();
        assert!(may("10.1.1.1:1") && !may("10.2.1.1:1") && !may("1.1.1.1:1"));
        assert_eq!(parsed("--redis redis://h").unwrap().policy(), TargetPolicy::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, told) in [
            ("--redis redis://h --threads 0", "--threads"),
            ("--redis redis://h --slack 2s", "--slack"),
            ("--redis redis://h --slack soon", "--slack"),
            ("--redis redis://h --max-rps 0", "--max-rps"),
            ("--redis redis://h --handover 61m", "give at most 3600s"),
            ("--redis redis://h --handover soon", "--handover"),
            ("--redis redis://h --allow-targets 10/8", "is no network of addresses"),
            ("--redis redis://h --deny-targets a..b", "is no network of addresses"),
            ("--redis redis://h --listen x", "--listen"),
            ("--redis redis://h --platform-key short", "is no public key: it has 43 letters"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(told), "{line}: {error}");
        }
    }
}
