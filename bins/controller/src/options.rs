//! Turns options, environment and file, in this order, into how the controller is to work.

use crate::sign_in::{self, SignIn};
use axum::http::HeaderValue;
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand};
use config::{Config, File};
use directories::ProjectDirs;
use loadcore::cluster::Lease;
use loadcore::cluster::controller::EVIDENCE_WAIT;
use loadcore::cluster::controller::Quota;
use loadcore::http::{TargetList, TargetPolicy};
use loadcore::scenario::parse_duration;
use loadcore_controller::doorstep::certificate::Files;
use loadcore_controller::doorstep::seats::{Bounds, CONNECTIONS};
use loadcore_controller::origin::Hosts;
use loadcore_process::health::Probe;
use loadcore_redis::{RedisCoordinator, RedisOptions};
use serde::Deserialize;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where it listens if nothing is said.
const LISTEN: &str = "127.0.0.1:8080";
/// The most workers inside the controller if nothing is said: as many as a scenario usually asks
/// for, on one machine.
const LOCAL_WORKERS: u32 = 100;
/// For how many days an ended run is kept if nothing is said.
const KEEP_DAYS: u32 = 90;
/// How many connections may be open at most: each takes a descriptor, and up to 256 KiB.
const CONNECTIONS_RANGE: RangeInclusive<usize> = 16..=100_000;
/// For how many days an entry of the audit log is kept if nothing is said.
const KEEP_AUDIT_DAYS: u32 = 365;
/// Characters of a contact.
const MAX_CONTACT: usize = 256;
/// The longest that a run's end waits for a lost worker's evidence.
const MOST_EVIDENCE_WAIT: Duration = Duration::from_secs(600);

/// The controller of a loadcore platform: scenarios in, load on many workers, results out.
#[derive(Debug, Parser)]
#[command(name = "loadcore-controller", version, after_help = AFTER)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    /// A file of these options, YAML or TOML, under their long names
    #[arg(long, value_name = "FILE", env = "LOADCORE_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
}

/// What it can be told to do in the place of its work.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    #[command(flatten)]
    Health(loadcore_process::health::Command),
    /// Print the platform's key, which workers are given with --platform-key: it follows from
    /// LOADCORE_SECRET_KEY, or else from the key file in the data directory
    Key,
}

const AFTER: &str = "\
An option goes before its environment variable, that before the file, that before the default.
LOADCORE_SECRET_KEY seals what is secret in scenarios; without it a file in the data directory does.
LOADCORE_SECRET_KEY_PREVIOUS has the keys of before, with commas between: what they have sealed is sealed anew.
LOADCORE_SUPABASE_JWT_SECRET, of at least 32 bytes, is the secret of a Supabase project that signs its
tokens with one; with it, or --supabase-url, every call needs a token.
LOADCORE_LOG filters the log on standard error: error, warn, info (default), debug.";

/// What may be said on the command line, in the environment and in a file.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Given {
    /// Where to listen: ADDRESS:PORT (port 0 takes a free one) [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", env = "LOADCORE_LISTEN", global = true)]
    listen: Option<String>,

    /// A listener for health and metrics alone, which probes and Prometheus reach without a token
    /// [default: they are at --listen alone]
    #[arg(long, value_name = "ADDR", env = "LOADCORE_ACTUATOR_LISTEN", global = true)]
    actuator_listen: Option<String>,

    /// The embedded database and the key of its secrets [default: your user data directory]
    #[arg(long, value_name = "DIR", env = "LOADCORE_DATA_DIR", global = true)]
    data_dir: Option<PathBuf>,

    /// Coordinate over Redis: workers are processes `loadcore-worker --redis URL`
    #[arg(long, value_name = "URL", env = "LOADCORE_REDIS_URL", hide_env_values = true)]
    redis: Option<String>,

    /// Keep everything in MongoDB; the database is the URL's path, else `loadcore`
    #[arg(long, value_name = "URL", env = "LOADCORE_MONGO_URL", hide_env_values = true)]
    mongo: Option<String>,

    /// The most workers inside the controller, where there is no Redis [default: 100]
    #[arg(long, value_name = "N", env = "LOADCORE_LOCAL_WORKERS")]
    local_workers: Option<u32>,

    /// How long a worker may be silent before its share is given to others: 2s to 60s [default: 5s]
    #[arg(long, value_name = "TIME", env = "LOADCORE_LEASE")]
    lease: Option<String>,

    /// How long beyond the load's end a lost worker's last figures are awaited, counted from its loss:
    /// at most 10m [default: 10s]
    #[arg(long, value_name = "TIME", env = "LOADCORE_EVIDENCE_WAIT")]
    evidence_wait: Option<String>,

    /// Say ready while another controller leads, too
    #[arg(long, env = "LOADCORE_STANDBY_READY", value_name = "BOOL", num_args = 0..=1,
          require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    standby_ready: Option<bool>,

    /// Delete a run so many days after its end, with all that belongs to it; 0 keeps all [default: 90]
    #[arg(long, value_name = "N", env = "LOADCORE_KEEP_DAYS")]
    keep_days: Option<u32>,

    /// What may be loaded, and nothing else: networks, hosts and ports, such as
    /// 10.0.0.0/8,example.com,*.example.com:443,:8080 [default: loopback, private and public addresses,
    /// where users sign in public ones alone; metadata services, link-local addresses and the
    /// platform's own servers never]
    #[arg(long, value_name = "TARGET,...", env = "LOADCORE_ALLOW_TARGETS")]
    allow_targets: Option<String>,

    /// What may not be loaded, whatever is allowed: written as for --allow-targets
    #[arg(long, value_name = "TARGET,...", env = "LOADCORE_DENY_TARGETS")]
    deny_targets: Option<String>,

    /// Let users load only domains that they have proved to be theirs (PUT /domains/DOMAIN), and what
    /// --allow-targets names
    #[arg(long, env = "LOADCORE_REQUIRE_DOMAIN_PROOF", value_name = "BOOL", num_args = 0..=1,
          require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    require_domain_proof: Option<bool>,

    /// What each user may use of whom nothing else is said, such as
    /// max-rate=10000,max-duration=1h,max-connections=500,max-runs=2,max-body=65536 [default: no limits]
    #[arg(long, value_name = "LIMIT,...", env = "LOADCORE_QUOTA")]
    quota: Option<String>,

    /// Whom to ask about the load, such as mailto:ops@example.com: sent as From with its requests, with
    /// alerts and to observed endpoints [default: nobody]
    #[arg(long, value_name = "TEXT", env = "LOADCORE_CONTACT")]
    contact: Option<String>,

    /// Delete entries of the audit log after so many days; 0 keeps all [default: 365]
    #[arg(long, value_name = "N", env = "LOADCORE_KEEP_AUDIT_DAYS")]
    keep_audit_days: Option<u32>,

    /// The Supabase project whose users may sign in, such as https://PROJECT.supabase.co: its keys are
    /// fetched there
    #[arg(long, value_name = "URL", env = "LOADCORE_SUPABASE_URL")]
    supabase_url: Option<String>,

    /// That project's publishable (or `anon`) key, which is public: with it the dashboard offers to sign in
    #[arg(long, value_name = "KEY", env = "LOADCORE_SUPABASE_PUBLISHABLE_KEY")]
    supabase_publishable_key: Option<String>,

    /// Listen beyond loopback, although nobody is authenticated
    #[arg(long, env = "LOADCORE_ALLOW_UNAUTHENTICATED", value_name = "BOOL", num_args = 0..=1,
          require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    allow_unauthenticated: Option<bool>,

    /// Names by which it may be asked, such as load.example, beside localhost: that of a proxy before
    /// it [default: on loopback none, elsewhere any]
    #[arg(long, value_name = "NAME,...", env = "LOADCORE_ALLOW_HOSTS")]
    allow_hosts: Option<String>,

    /// Speak TLS at --listen, with the certificate in this file and those that issued it (PEM); it is
    /// read again when it changes
    #[arg(long, value_name = "FILE", env = "LOADCORE_TLS_CERT", global = true)]
    tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert (PEM, without a passphrase)
    #[arg(long, value_name = "FILE", env = "LOADCORE_TLS_KEY", global = true)]
    tls_key: Option<PathBuf>,

    /// The most connections at once: with more, those that ask for nothing are closed [default: 2048]
    #[arg(long, value_name = "N", env = "LOADCORE_MAX_CONNECTIONS")]
    max_connections: Option<usize>,

    /// The most connections at once from one address that is not this machine's [default: as many as
    /// in all]
    #[arg(long, value_name = "N", env = "LOADCORE_MAX_CONNECTIONS_PER_ADDRESS")]
    max_connections_per_address: Option<usize>,

    /// Also start the built-in target, and a scenario against it
    #[arg(long, env = "LOADCORE_DEMO", value_name = "BOOL", num_args = 0..=1,
          require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    demo: Option<bool>,
}

/// How the controller is to work.
#[derive(Clone)]
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where health and metrics are as well, and nothing else.
    pub actuator_listen: Option<SocketAddr>,
    /// Of the embedded database, and of the key file.
    pub data_dir: PathBuf,
    /// Coordination over Redis.
    pub redis: Option<String>,
    /// Storage in MongoDB.
    pub mongo: Option<String>,
    /// The most workers inside.
    pub local_workers: u32,
    /// How long a worker may be silent.
    pub lease: Lease,
    /// How long a lost worker's evidence is awaited.
    pub evidence_wait: Duration,
    /// Whether it is ready while it stands by.
    pub standby_ready: bool,
    /// How long after its end a run is kept; `None` for ever.
    pub retention: Option<Duration>,
    /// Which targets may be loaded.
    pub policy: TargetPolicy,
    /// Whether users load only what they have proved to be theirs, and what is allowed by its name.
    pub requires_proof: bool,
    /// What each user may use.
    pub quota: Quota,
    /// Whom to ask about the load.
    pub contact: Option<HeaderValue>,
    /// How long entries of the audit log are kept; `None` for ever.
    pub keep_audit: Option<Duration>,
    /// By which names it may be asked.
    pub hosts: Hosts,
    /// What makes TLS of its connections; without it they are plain.
    pub tls: Option<Files>,
    /// How many connections may be open.
    pub bounds: Bounds,
    /// Whose tokens are taken; `None` where nobody is authenticated.
    pub sign_in: Option<SignIn>,
    /// The target and the scenario for a first look.
    pub demo: bool,
}

/// What the program is to do.
pub enum Task {
    /// Serve.
    Serve(Box<Options>),
    /// Ask the one that listens here how it is, over TLS or not.
    Ask(SocketAddr, bool, Probe),
    /// Print the platform's key.
    Key(Box<Options>),
}

impl CommandLine {
    /// The options, all said or by default.
    ///
    /// # Errors
    /// What is wrong, naming the option: wrong usage.
    pub fn resolve(self) -> Result<Task, String> {
        let file = self.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let given = self.given;
        let listen = given.listen.clone().or(file.listen.clone());
        let listen = address("--listen", listen.as_deref().unwrap_or(LISTEN))?;
        let actuator = given.actuator_listen.clone().or(file.actuator_listen.clone());
        let actuator = actuator.map(|text| address("--actuator-listen", &text)).transpose()?;
        let certificate = given.tls_cert.as_ref().or(file.tls_cert.as_ref());
        match self.command {
            Some(Command::Health(loadcore_process::health::Command::Health { probe })) => {
                let over_tls = actuator.is_none() && certificate.is_some();
                Ok(Task::Ask(actuator.unwrap_or(listen), over_tls, probe))
            }
            Some(Command::Key) => {
                Ok(Task::Key(Box::new(Options::of(given, file, listen, actuator)?)))
            }
            None => Ok(Task::Serve(Box::new(Options::of(given, file, listen, actuator)?))),
        }
    }
}

impl Options {
    /// What is given, before what the file says, before the defaults.
    fn of(
        given: Given,
        file: Given,
        listen: SocketAddr,
        actuator_listen: Option<SocketAddr>,
    ) -> Result<Self, String> {
        let open = given.allow_unauthenticated.or(file.allow_unauthenticated).unwrap_or(false);
        let secret = std::env::var(sign_in::SECRET).ok();
        let sign_in = SignIn::of(
            given.supabase_url.or(file.supabase_url),
            secret,
            given.supabase_publishable_key.or(file.supabase_publishable_key),
        )?;
        refuse_open_door(listen, open || sign_in.is_some())?;
        let allowed = given.allow_targets.or(file.allow_targets);
        let denied = given.deny_targets.or(file.deny_targets);
        let data_dir = given.data_dir.or(file.data_dir);
        let redis = given.redis.or(file.redis);
        redis.as_deref().map_or(Ok(()), redis_url)?;
        let mongo = given.mongo.or(file.mongo);
        mongo.as_deref().map_or(Ok(()), mongo_url)?;
        Ok(Self {
            listen,
            actuator_listen,
            data_dir: data_dir.map_or_else(user_data_dir, Ok)?,
            redis,
            mongo,
            local_workers: given.local_workers.or(file.local_workers).unwrap_or(LOCAL_WORKERS),
            lease: lease(given.lease.or(file.lease).as_deref())?,
            evidence_wait: evidence_wait(given.evidence_wait.or(file.evidence_wait).as_deref())?,
            standby_ready: given.standby_ready.or(file.standby_ready).unwrap_or(false),
            retention: retention(given.keep_days.or(file.keep_days).unwrap_or(KEEP_DAYS)),
            policy: policy((allowed, denied), sign_in.is_some())?,
            requires_proof: given
                .require_domain_proof
                .or(file.require_domain_proof)
                .unwrap_or(false),
            quota: quota(given.quota.or(file.quota).as_deref())?,
            contact: contact(given.contact.or(file.contact).as_deref())?,
            keep_audit: retention(
                given.keep_audit_days.or(file.keep_audit_days).unwrap_or(KEEP_AUDIT_DAYS),
            ),
            hosts: hosts(listen, given.allow_hosts.or(file.allow_hosts).as_deref())?,
            tls: tls(given.tls_cert.or(file.tls_cert), given.tls_key.or(file.tls_key))?,
            bounds: bounds(
                given.max_connections.or(file.max_connections),
                given.max_connections_per_address.or(file.max_connections_per_address),
            )?,
            demo: demo(given.demo.or(file.demo).unwrap_or(false), sign_in.is_some())?,
            sign_in,
        })
    }
}

fn read(path: &Path) -> Result<Given, String> {
    let text = Config::builder().add_source(File::from(path)).build();
    text.and_then(Config::try_deserialize)
        .map_err(|error| format!("the file {} cannot be used: {error}", path.display()))
}

fn address(option: &str, text: &str) -> Result<SocketAddr, String> {
    let numbers = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numbers.as_deref().unwrap_or(text).parse().map_err(|_| {
        format!("{option} {text}: no address; write 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080")
    })
}

/// Whoever reaches the controller can make load in its name, so strangers must not.
fn refuse_open_door(listen: SocketAddr, allowed: bool) -> Result<(), String> {
    if listen.ip().is_loopback() || allowed {
        return Ok(());
    }
    Err(format!(
        "--listen {listen}: whoever reaches this address could load any target from here, for nobody is \
         authenticated. Name your sign-in (--supabase-url, or LOADCORE_SUPABASE_JWT_SECRET), listen on \
         127.0.0.1, or give --allow-unauthenticated where nobody else can reach it"
    ))
}

fn redis_url(url: &str) -> Result<(), String> {
    let redis = RedisCoordinator::new(&RedisOptions::new(url));
    redis.map(drop).map_err(|error| format!("--redis: {error}"))
}

/// What is wrong further on is told when it is dialled: an address of `mongodb+srv` is asked for.
fn mongo_url(url: &str) -> Result<(), String> {
    if ["mongodb://", "mongodb+srv://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(());
    }
    let shown = loadcore_mongo::redact(url);
    Err(format!("--mongo {shown}: it does not begin like mongodb://host or mongodb+srv://host"))
}

fn hosts(listen: SocketAddr, names: Option<&str>) -> Result<Hosts, String> {
    let names = names.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    let names: Vec<_> = names.map(str::to_owned).collect();
    if let Some(wrong) = names.iter().find(|name| name.contains([':', '/', '*', ' '])) {
        return Err(format!("--allow-hosts {wrong}: give names without scheme, port or *"));
    }
    Ok(Hosts::new(listen.ip().is_loopback(), names))
}

fn tls(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<Files>, String> {
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(Files { certificate, key })),
        (Some(_), None) => Err("--tls-cert stands without its key: give --tls-key FILE".into()),
        (None, Some(_)) => {
            Err("--tls-key stands without its certificate: give --tls-cert FILE".into())
        }
    }
}

fn bounds(most: Option<usize>, from_one: Option<usize>) -> Result<Bounds, String> {
    let most = most.unwrap_or(CONNECTIONS);
    if !CONNECTIONS_RANGE.contains(&most) {
        let (least, highest) = (CONNECTIONS_RANGE.start(), CONNECTIONS_RANGE.end());
        return Err(format!("--max-connections {most}: give {least} to {highest}"));
    }
    if let Some(wrong) = from_one.filter(|from_one| !(1..=most).contains(from_one)) {
        return Err(format!("--max-connections-per-address {wrong}: give 1 to {most}"));
    }
    Ok(Bounds { most, from_one })
}

/// The demo loads this machine, in nobody's name.
fn demo(wanted: bool, authenticated: bool) -> Result<bool, String> {
    if wanted && authenticated {
        return Err(
            "--demo is a first look, where nobody signs in: start it without the sign-in".into()
        );
    }
    Ok(wanted)
}

/// Where users are told apart they are not the ones whose machine and network this is.
fn policy(
    (allowed, denied): (Option<String>, Option<String>),
    authenticated: bool,
) -> Result<TargetPolicy, String> {
    let usual = if authenticated { TargetPolicy::public_only() } else { TargetPolicy::default() };
    let list = |option: &str, text: Option<String>| {
        let text = text.filter(|text| !text.trim().is_empty());
        let list = text.map(|text| text.parse::<TargetList>()).transpose();
        list.map_err(|why| format!("{option}: {why}"))
    };
    let allowed = match list("--allow-targets", allowed)? {
        Some(list) => usual.allowing(list),
        None => usual,
    };
    Ok(allowed.denying(&list("--deny-targets", denied)?.unwrap_or_default()))
}

fn quota(text: Option<&str>) -> Result<Quota, String> {
    let text = text.filter(|text| !text.trim().is_empty());
    let quota =
        text.map(str::parse::<Quota>).transpose().map_err(|why| format!("--quota: {why}"))?;
    Ok(quota.unwrap_or_default())
}

fn contact(text: Option<&str>) -> Result<Option<HeaderValue>, String> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let is_shown = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let value = HeaderValue::from_str(text).ok();
    let value = value.filter(|_| text.len() <= MAX_CONTACT && text.bytes().all(is_shown));
    let why = || {
        format!(
            "--contact {text:?}: it is sent as a header: give 1 to {MAX_CONTACT} visible ASCII characters"
        )
    };
    value.map(Some).ok_or_else(why)
}

fn lease(text: Option<&str>) -> Result<Lease, String> {
    let Some(text) = text else { return Ok(Lease::default()) };
    let length = parse_duration(text).map_err(|error| format!("--lease {text}: {error}"))?;
    Lease::new(length).map_err(|error| format!("--lease {text}: {error}"))
}

fn evidence_wait(text: Option<&str>) -> Result<Duration, String> {
    let Some(text) = text else { return Ok(EVIDENCE_WAIT) };
    let wait = parse_duration(text).map_err(|error| format!("--evidence-wait {text}: {error}"))?;
    if wait > MOST_EVIDENCE_WAIT {
        let most = MOST_EVIDENCE_WAIT.as_secs();
        return Err(format!("--evidence-wait {text}: give at most {most}s"));
    }
    Ok(wait)
}

fn retention(days: u32) -> Option<Duration> {
    (days > 0).then(|| Duration::from_secs(u64::from(days) * 24 * 60 * 60))
}

fn user_data_dir() -> Result<PathBuf, String> {
    ProjectDirs::from("", "", "loadcore")
        .map(|dirs| dirs.data_dir().join("controller"))
        .ok_or_else(|| "there is no home directory for the data: give --data-dir DIR".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::io::Write;

    fn resolved(line: &str) -> Result<Options, String> {
        let words = ["loadcore-controller", "--data-dir", "/data"]
            .into_iter()
            .chain(line.split_whitespace());
        match CommandLine::try_parse_from(words).map_err(|error| error.to_string())?.resolve()? {
            Task::Serve(options) => Ok(*options),
            Task::Ask(address, over_tls, probe) => {
                let how = if over_tls { " over TLS" } else { "" };
                Err(format!("{address} is asked{how} for {probe:?}"))
            }
            Task::Key(options) => Err(format!("the key in {}", options.data_dir.display())),
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn without_options_it_is_a_platform_on_this_machine() {
        let options = resolved("").unwrap();
        assert_eq!(options.listen, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(options.policy, TargetPolicy::default());
        assert_eq!((options.quota, options.contact), (Quota::default(), None));
        assert!(options.redis.is_none() && options.mongo.is_none() && !options.demo);
    }

    #[test]
    fn an_open_door_needs_a_word() {
        let refused = resolved("--listen 0.0.0.0:8080").err().unwrap();
        assert!(refused.contains("--allow-unauthenticated"), "{refused}");
        assert!(resolved("--listen [::]:8080").is_err());
        assert!(resolved("--listen 0.0.0.0:8080 --allow-unauthenticated").is_ok());
        assert!(resolved("--listen 0.0.0.0:8080 --allow-unauthenticated=false").is_err());
        assert!(resolved("--listen localhost:0").is_ok() && resolved("--listen [::1]:0").is_ok());
    }

    #[test]
    fn health_is_asked_where_it_is_served() {
        let asked = |line| resolved(line).err().unwrap();
        assert_eq!(asked("health"), "127.0.0.1:8080 is asked for Works");
        assert_eq!(asked("--listen [::]:81 health readiness"), "[::]:81 is asked for Readiness");
        assert_eq!(
            asked("health liveness --listen [::]:81 --actuator-listen 0.0.0.0:9100"),
            "0.0.0.0:9100 is asked for Liveness"
        );
        let file = write(".toml", "actuator-listen = \"localhost:9100\"\n");
        let line = format!("health --config {}", file.path().display());
        assert_eq!(asked(&line), "127.0.0.1:9100 is asked for Works");
        assert!(asked("health soon").contains("readiness"));
    }

    #[test]
    fn probes_may_have_a_listener_of_their_own_anywhere() {
        let options = resolved("--actuator-listen 0.0.0.0:9100").unwrap();
        assert_eq!(options.actuator_listen, Some("0.0.0.0:9100".parse().unwrap()));
        assert_eq!(options.listen, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(resolved("").unwrap().actuator_listen, None);
        let error = resolved("--actuator-listen here").err().unwrap();
        assert!(error.contains("--actuator-listen here: no address"), "{error}");
    }

    #[test]
    fn tls_needs_a_certificate_and_its_key() {
        let tls = resolved("--tls-cert a.pem --tls-key a.key").unwrap().tls.unwrap();
        assert_eq!((tls.certificate, tls.key), ("a.pem".into(), "a.key".into()));
        assert!(resolved("").unwrap().tls.is_none());
        assert!(resolved("--tls-cert a.pem").err().unwrap().contains("give --tls-key"));
        assert!(resolved("--tls-key a.key").err().unwrap().contains("give --tls-cert"));
        let told = |line: &str| resolved(line).err().unwrap();
        let tls = "--tls-cert a.pem --tls-key a.key health";
        assert!(told(tls).contains("127.0.0.1:8080 is asked over TLS"));
        // The listener for probes speaks none.
        let own = told(&format!("--actuator-listen 127.0.0.1:1 {tls}"));
        assert!(own.contains("127.0.0.1:1 is asked for"), "{own}");
    }

    #[test]
    fn connections_are_bounded() {
        let of = |line| resolved(line).map(|options| options.bounds);
        assert_eq!(of("").unwrap(), Bounds::default());
        let some = of("--max-connections 100 --max-connections-per-address 9").unwrap();
        assert_eq!(some, Bounds { most: 100, from_one: Some(9) });
        for (line, told) in [
            ("--max-connections 15", "give 16 to 100000"),
            ("--max-connections 100001", "--max-connections 100001"),
            ("--max-connections 20 --max-connections-per-address 21", "give 1 to 20"),
            ("--max-connections-per-address 0", "give 1 to 2048"),
        ] {
            assert!(of(line).unwrap_err().contains(told), "{line}");
        }
    }

    #[test]
    fn runs_are_kept_for_some_days_or_for_ever() {
        let days = |line| resolved(line).unwrap().retention.map(|it| it.as_secs() / 86_400);
        assert_eq!(days(""), Some(90));
        assert_eq!(days("--keep-days 7"), Some(7));
        assert_eq!(days("--keep-days 0"), None);
        assert!(resolved("--keep-days -1").is_err());
    }

    #[test]
    fn what_is_denied_goes_before_what_is_allowed() {
        let line = "--allow-targets 10.0.0.0/8,*.a.test:80 --deny-targets 10.1.0.0/16 --contact mailto:a@b \
                    --quota max-runs=1 --keep-audit-days 1 --require-domain-proof";
        let options = resolved(line).unwrap();
        let may =
            |host, address: &str| options.policy.check(host, address.parse().unwrap()).is_ok();
        assert!(may("x", "10.0.0.1:1") && !may("x", "10.1.0.1:1") && !may("x", "1.1.1.1:80"));
        assert!(may("x.a.test", "1.1.1.1:80") && !may("x.a.test", "1.1.1.1:81"));
        assert!(options.requires_proof && !resolved("").unwrap().requires_proof);
        assert_eq!(options.contact.unwrap(), "mailto:a@b");
        assert_eq!(options.quota.max_concurrent_runs, Some(1));
        assert_eq!(options.keep_audit, Some(Duration::from_secs(86_400)));
        assert_eq!(resolved("").unwrap().keep_audit, Some(Duration::from_secs(365 * 86_400)));
    }

    #[test]
    fn a_worker_may_be_silent_for_as_long_as_is_said() {
        let of = |line| {
            let Options { lease, evidence_wait, standby_ready, .. } = resolved(line).unwrap();
            (lease.length().as_secs(), evidence_wait.as_secs(), standby_ready)
        };
        assert_eq!(of(""), (5, 10, false));
        assert_eq!(of("--lease 2s --evidence-wait 0s --standby-ready"), (2, 0, true));
        assert_eq!(of("--lease 1m --evidence-wait 10m --standby-ready=false"), (60, 600, false));
        for (line, told) in [
            ("--lease 1s", "--lease 1s: 1 s is no lease; give 2s to 60s"),
            ("--lease 61s", "give 2s to 60s"),
            ("--lease soon", "--lease soon"),
            ("--evidence-wait 11m", "--evidence-wait 11m: give at most 600s"),
            ("--evidence-wait x", "--evidence-wait x"),
        ] {
            let error = resolved(line).err().unwrap();
            assert!(error.contains(told), "{line}: {error}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(resolved("--listen here").err().unwrap().contains("--listen here"));
        assert!(resolved("--allow-targets 10/8").err().unwrap().contains("--allow-targets"));
        let told = resolved("--deny-targets 10.0.0.0/33").err().unwrap();
        assert!(told.starts_with("--deny-targets: \"10.0.0.0/33\""), "{told}");
        assert!(resolved("--quota max-rate=x").err().unwrap().contains("--quota: "));
        assert!(resolved("--contact \u{e9}").err().unwrap().contains("--contact"));
        assert!(
            resolved("--allow-hosts http://a").err().unwrap().contains("--allow-hosts http://a")
        );
        for url in ["--redis http://ann:geheim@h", "--mongo nonsense://ann:geheim@h"] {
            let error = resolved(url).err().unwrap();
            assert!(error.contains("://ann:***@h") && !error.contains("geheim"), "{error}");
        }
        assert!(resolved("--redis redis://h --mongo mongodb+srv://h --allow-hosts a,b").is_ok());
    }

    #[test]
    fn a_file_says_what_the_command_line_does_not() {
        for (ending, text) in [
            (".yaml", "listen: 127.0.0.1:1\nlocal-workers: 3\ndemo: true\n"),
            (".toml", "listen = \"127.0.0.1:1\"\nlocal-workers = 3\ndemo = true\n"),
        ] {
            let file = write(ending, text);
            let path = file.path().display();
            let options = resolved(&format!("--config {path} --local-workers 5")).unwrap();
            assert_eq!((options.listen.port(), options.local_workers, options.demo), (1, 5, true));
        }
        let file = write(".yaml", "lisden: 127.0.0.1:1\n");
        let error = resolved(&format!("--config {}", file.path().display())).err().unwrap();
        assert!(error.contains("lisden"), "{error}");
    }

    fn write(ending: &str, text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::Builder::new().suffix(ending).tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }
}
