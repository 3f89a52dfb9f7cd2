//! Turns `loadcore target` and its options into a running target, until it is interrupted.
//!
//! Every option is a field of [`loadcore_target::Config`] under the same name; the help teaches by
//! examples, because a distribution is quicker copied than described.

use std::io::{self, Write};
use std::path::PathBuf;
use std::task::Poll;
use std::time::Duration;

use clap::Args;
use loadcore_target::{
    Certificate, Cliff, ColdStart, Config, ConnectionLimit, Distribution, Draws, Errors,
    HttpVersions, Listen, ParseError, RateLimit, Stall, StallClock, StartError, Stats, Target, Tls,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

const ABOUT: &str = "A small fast server with programmable behaviour, to test and to learn with";

const EXAMPLES: &str = "\
Examples:
  loadcore target
      Answers `ok` as fast as it can, on 127.0.0.1:8081.
  loadcore target --latency 'normal(20ms,5ms)'
      Like a service with a latency of 20 ms, more or less.
  loadcore target --latency 'bimodal(0.9:1ms,0.1:50ms)' --draws even
      Nine of ten answers from a cache. Even draws make p50 and p99 exact after seconds.
  loadcore target --stall 'every=10s,for=200ms'
      Stops for 200 ms every 10 seconds, as some garbage collectors do.
  loadcore target --latency 10ms --workers 8
      Takes 800 requests per second, and no more: load it with 1000/s and watch the line grow.
  loadcore target --rate-limit 500/s --errors 1%:503,0.1%:reset
      Turns away what exceeds 500/s; fails now and then.
  loadcore target --tls on --cert-out ca.pem
      Over TLS. Then: loadcore run https://127.0.0.1:8081/ --cacert ca.pem -r 100
  loadcore target --listen unix:/tmp/target.sock

Paths: `/` answers at once; /status/404, /bytes/1000, /chunked/1000, /delay/20ms, /redirect/3,
/fault/reset-body and more do what they say. `curl http://127.0.0.1:8081/help` lists them all.
`/stats` says what was counted; `curl -X POST .../reset` begins anew.

Latencies: none, 20ms, uniform(1ms,10ms), normal(MEAN,DEVIATION), exp(MEAN), lognormal(MEAN,SIGMA),
bimodal(WEIGHT:DELAY,...), table(QUANTILE:DELAY,...).";

/// The options of `loadcore target`.
#[derive(Debug, Clone, Args)]
#[command(about = ABOUT, after_long_help = EXAMPLES, after_help = "See --help for examples.")]
pub(crate) struct TargetArgs {
    /// Where to listen: ADDRESS:PORT (port 0 takes a free one), or unix:PATH
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    listen: Listen,

    /// How many threads serve; connections are handed to them in turn
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,

    /// How long answers are delayed: 20ms, normal(20ms,5ms), exp(5ms) and more, see below
    #[arg(long, value_name = "DISTRIBUTION", default_value = "none")]
    latency: Distribution,

    /// How delays are drawn: `random`, or `even` for samples that are sharp at p99.9 after seconds
    #[arg(long, value_name = "HOW", default_value = "random")]
    draws: Draws,

    /// Where the draws start: the same seed gives the same delays and errors
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// A time in which nothing is answered: at=5s,for=1s or every=10s,for=200ms (repeatable)
    #[arg(long = "stall", value_name = "WHEN")]
    stalls: Vec<Stall>,

    /// What stalls, drift and cold start count from: `first-request` or `start`
    #[arg(long, value_name = "WHAT", default_value = "first-request")]
    stall_clock: StallClock,

    /// By how much answers get slower with every second: 1ms
    #[arg(long, value_name = "TIME", value_parser = drift, default_value = "0")]
    drift: Duration,

    /// What is added to the latency at first: for=3s,latency=100ms
    #[arg(long, value_name = "WHAT")]
    cold_start: Option<ColdStart>,

    /// Shares of the requests that fail, with a status, reset, close or hang: 5%:503,1%:reset
    #[arg(long, value_name = "SHARES")]
    errors: Option<Errors>,

    /// The rate beyond which requests are answered 429: 1000/s or 1000/s,burst=10,status=503
    #[arg(long, value_name = "RATE")]
    rate_limit: Option<RateLimit>,

    /// The rate beyond which everything fails for a time: 800/s,for=5s or 800/s,for=5s,status=502
    #[arg(long, value_name = "RATE")]
    cliff: Option<Cliff>,

    /// How many requests are served at once; others wait in line
    #[arg(long, value_name = "N")]
    workers: Option<u32>,

    /// How many requests are served in each second, one after the other: 500/s
    #[arg(long, value_name = "RATE", value_parser = service_rate)]
    service_rate: Option<f64>,

    /// How many requests may wait in line for these two; others are answered 503
    #[arg(long, value_name = "N")]
    queue: Option<u32>,

    /// The most connections: 100 (others are reset) or 100,wait (others are accepted later)
    #[arg(long, value_name = "N")]
    connections: Option<ConnectionLimit>,

    /// How long a connection waits before its first byte is looked at: a slow handshake
    #[arg(long, value_name = "TIME", value_parser = accept_delay, default_value = "0")]
    accept_delay: Duration,

    /// After how many requests a connection is closed; 1 is no keep-alive
    #[arg(long, value_name = "N")]
    close_after: Option<u64>,

    /// The size of the answer to `/`: 10KiB
    #[arg(long, value_name = "BYTES", value_parser = body)]
    body: Option<u64>,

    /// The size of one more header in every answer
    #[arg(long, value_name = "BYTES", value_parser = header, default_value = "0")]
    header: u64,

    /// How many connections the kernel holds until they are accepted
    #[arg(long, value_name = "N", default_value_t = 4096)]
    backlog: u32,

    /// Whether TLS is spoken: `off`, `on`, or `also` (with plain text on the same port)
    #[arg(long, value_name = "WHETHER", default_value = "off", num_args = 0..=1, default_missing_value = "on")]
    tls: Tls,

    /// The certificate that is shown: `valid`, `expired` or `wrong-name`
    #[arg(long, value_name = "KIND", default_value = "valid")]
    certificate: Certificate,

    /// Where to write the certificate of the authority that clients are to trust, as PEM
    #[arg(long, value_name = "FILE")]
    cert_out: Option<PathBuf>,

    /// Which versions of HTTP are spoken: `both`, `1` or `2`
    #[arg(long, value_name = "VERSION", default_value = "both")]
    http: HttpVersions,

    /// Watch the clock on a thread of its own, and count gaps longer than this: 1ms
    #[arg(long, value_name = "TIME", value_parser = watch)]
    watch: Option<Duration>,
}

/// Why `loadcore target` could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// It could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// An option without the one that it is about.
    #[error("{option} has no effect by itself: {needs}")]
    Alone {
        /// The option.
        option: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// The certificate could not be written.
    #[error("could not write the certificate to {path}: {source}")]
    Certificate {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The runtime, the terminal or the signal handler failed.
    #[error("could not {doing}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl TargetError {
    /// Whether the options were wrong, rather than the system unable: exit code 2 rather than 1.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::Alone { .. } | Self::Start(StartError::Config(_)))
    }
}

impl TargetArgs {
    /// Refuses an option that would do nothing without another one: whoever gives it believes that it
    /// does.
    fn refuse_alone(&self) -> Result<(), TargetError> {
        let has_line = self.workers.is_some() || self.service_rate.is_some();
        let has_clock =
            !self.stalls.is_empty() || !self.drift.is_zero() || self.cold_start.is_some();
        let has_tls = self.tls != Tls::Off;
        let tls = "give --tls on, without which there is no certificate";
        let line = "give --workers or --service-rate, without which nobody waits in line";
        let clock = "give --stall, --drift or --cold-start, whose times it counts";
        let lacking = [
            ("--queue", self.queue.is_some() && !has_line, line),
            ("--certificate", self.certificate != Certificate::Valid && !has_tls, tls),
            ("--cert-out", self.cert_out.is_some() && !has_tls, tls),
            ("--stall-clock", self.stall_clock != StallClock::FirstRequest && !has_clock, clock),
        ];
        match lacking.into_iter().find(|(_, is_alone, _)| *is_alone) {
            Some((option, _, needs)) => Err(TargetError::Alone { option, needs }),
            None => Ok(()),
        }
    }

    fn config(&self) -> Config {
        Config {
            listen: self.listen.clone(),
            threads: self.threads,
            tls: self.tls,
            certificate: self.certificate,
            http: self.http,
            latency: self.latency.clone(),
            draws: self.draws,
            seed: self.seed,
            stalls: self.stalls.clone(),
            stall_clock: self.stall_clock,
            drift: self.drift,
            cold_start: self.cold_start.clone(),
            errors: self.errors.clone().unwrap_or_default(),
            rate_limit: self.rate_limit,
            cliff: self.cliff,
            workers: self.workers,
            service_rate: self.service_rate,
            queue: self.queue,
            connections: self.connections,
            accept_delay: self.accept_delay,
            close_after: self.close_after,
            body: self.body,
            header: self.header,
            backlog: self.backlog,
            watch: self.watch,
            ..Config::default()
        }
    }
}

/// Runs a target until Ctrl-C, and says at the end what it counted.
///
/// # Errors
/// Where it cannot be started, or its certificate cannot be written.
pub(crate) async fn run(args: TargetArgs) -> Result<(), TargetError> {
    args.refuse_alone()?;
    let target = Target::start(args.config()).await?;
    if let (Some(path), Some(pem)) = (&args.cert_out, target.ca_pem()) {
        std::fs::write(path, pem)
            .map_err(|source| TargetError::Certificate { path: path.clone(), source })?;
    }
    let mut end =
        End::new().map_err(|source| TargetError::System { doing: "watch for Ctrl-C", source })?;
    say(&format!("{}\n", greeting(&target, &args)))?;
    end.comes().await;
    say(&format!("\n{}\n", summary(&target.stop())))
}

/// What ends a target: Ctrl-C at a terminal, SIGTERM from a script or a container.
struct End {
    interrupt: Signal,
    terminate: Signal,
}

impl End {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn comes(&mut self) {
        std::future::poll_fn(|context| {
            let interrupted = self.interrupt.poll_recv(context).is_ready();
            let ended = self.terminate.poll_recv(context).is_ready() || interrupted;
            if ended { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

fn greeting(target: &Target, args: &TargetArgs) -> String {
    let place = match target.listen() {
        Listen::Unix(path) => {
            let path = path.display();
            format!("{path} (a Unix socket; curl --unix-socket {path} {})", target.url("/stats"))
        }
        _ => format!("{}  (counts: {})", target.url("/"), target.url("/stats")),
    };
    let latency = match &args.latency {
        Distribution::None => String::new(),
        latency => {
            let at = |q| latency.quantile(q);
            let [p50, p99, p999] = [0.5, 0.99, 0.999].map(at);
            format!("\nlatency {latency}: p50 {p50:.2?}, p99 {p99:.2?}, p99.9 {p999:.2?}")
        }
    };
    format!("target at {place}{latency}\nCtrl-C ends it.")
}

fn summary(stats: &Stats) -> String {
    let mut lines = vec![format!(
        "{}: {} answered, {} broken, {} abandoned",
        counted(stats.requests, "request"),
        stats.answered,
        stats.broken,
        stats.abandoned + stats.in_flight
    )];
    let statuses: Vec<_> =
        stats.answers_by_status.iter().map(|(status, n)| format!("{status}: {n}")).collect();
    if !statuses.is_empty() {
        lines.push(format!("status {}", statuses.join(", ")));
    }
    let connections = stats.connections;
    lines.push(format!(
        "{}, {} at once, {} refused",
        counted(connections.accepted, "connection"),
        connections.peak,
        connections.refused
    ));
    if let (Some(mean), Some(max)) = (stats.lateness.mean_ms, stats.lateness.max_ms) {
        lines.push(format!(
            "delayed answers were late by {mean:.3} ms on average, {max:.3} ms at most"
        ));
    }
    lines.join("\n")
}

/// `1 request`, `2 requests`.
fn counted(n: u64, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

fn say(text: &str) -> Result<(), TargetError> {
    let written = io::stdout().write_all(text.as_bytes());
    match written {
        // Whoever closed the pipe has read enough; the target goes on.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other
            .map_err(|source| TargetError::System { doing: "write to standard output", source }),
    }
}

fn drift(text: &str) -> Result<Duration, ParseError> {
    loadcore_target::duration("drift", text)
}

fn accept_delay(text: &str) -> Result<Duration, ParseError> {
    loadcore_target::duration("accept delay", text)
}

fn watch(text: &str) -> Result<Duration, ParseError> {
    loadcore_target::duration("watch", text)
}

fn service_rate(text: &str) -> Result<f64, ParseError> {
    loadcore_target::rate("service rate", text)
}

fn body(text: &str) -> Result<u64, ParseError> {
    loadcore_target::bytes("body", text)
}

fn header(text: &str) -> Result<u64, ParseError> {
    loadcore_target::bytes("header", text)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Whole {
        #[command(flatten)]
        target: TargetArgs,
    }

    fn parsed(line: &str) -> Result<Config, clap::Error> {
        let words = std::iter::once("target").chain(line.split(' ').filter(|w| !w.is_empty()));
        Whole::try_parse_from(words).map(|whole| whole.target.config())
    }

    #[test]
    fn the_examples_of_the_help_parse() {
        let lines: Vec<_> =
            EXAMPLES.lines().filter_map(|l| l.strip_prefix("  loadcore target")).collect();
        assert!(lines.len() >= 8);
        for line in lines {
            let config = parsed(&line.replace('\'', "")).unwrap_or_else(|e| panic!("{line}: {e}"));
            assert_eq!(config.validate(), Ok(()), "{line}");
        }
    }

    #[test]
    fn without_options_it_is_the_default_on_a_fixed_port() {
        let listen = "127.0.0.1:8081".parse().unwrap();
        assert_eq!(parsed("").unwrap(), Config { listen, ..Config::default() });
        assert_eq!(parsed("--tls").unwrap().tls, Tls::On);
    }

    #[test]
    fn every_option_is_in_the_readme_of_the_target() {
        let readme = include_str!("../../../loadcore-target/README.md");
        for argument in Whole::command().get_arguments() {
            let option = format!("--{} ", argument.get_long().unwrap());
            assert!(readme.contains(&option), "{option}");
        }
    }

    #[test]
    fn a_bad_value_is_named_with_its_option() {
        for (line, parts) in [
            ("--latency fast", ["--latency", "is not a distribution"]),
            ("--stall at=5s", ["--stall", "needs a length"]),
            ("--errors 5%", ["--errors", "write a share and a kind"]),
            ("--listen nowhere", ["--listen", "is not an address"]),
            ("--drift 5", ["--drift", "is not a duration"]),
            ("--body many", ["--body", "is not a size"]),
        ] {
            let error = parsed(line).unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{line}: {error}");
        }
    }

    #[tokio::test]
    async fn an_option_that_would_do_nothing_is_refused() {
        let args = |line: &str| {
            let words = std::iter::once("target").chain(line.split(' '));
            Whole::try_parse_from(words).unwrap().target
        };
        for (line, part) in [
            ("--cert-out /nowhere", "--cert-out has no effect by itself: give --tls on"),
            ("--certificate expired", "--certificate has no effect by itself: give --tls on"),
            ("--queue 5", "--queue has no effect by itself: give --workers or --service-rate"),
            ("--stall-clock start", "--stall-clock has no effect by itself: give --stall"),
        ] {
            let error = run(args(line)).await.unwrap_err();
            assert!(error.is_usage() && error.to_string().starts_with(part), "{error}");
        }
        for line in [
            "--cert-out a --certificate expired --tls also",
            "--queue 5 --workers 2",
            "--queue 5 --service-rate 9",
            "--stall-clock start --drift 1ms",
            "--certificate valid --stall-clock first-request",
        ] {
            assert!(args(line).refuse_alone().is_ok(), "{line}");
        }
    }

    #[tokio::test]
    async fn one_is_not_several() {
        let mut stats = Target::start(Config::default()).await.unwrap().stop();
        stats.requests = 1;
        stats.connections.accepted = 1;
        let said = summary(&stats);
        assert!(said.starts_with("1 request: ") && said.contains("\n1 connection, "), "{said}");
        stats.requests = 2;
        assert!(summary(&stats).starts_with("2 requests: "));
    }
}
