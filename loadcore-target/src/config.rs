//! Turns options into a checked configuration of a target.
//!
//! Every option is a small type that parses from the text a command line or a query gives it, so that
//! the library, `loadcore target` and the paths of the target mean the same by the same words.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::behaviour::MAX_HELD;
use crate::distribution::{Distribution, Draws};
use crate::parse::{self, ParseError};
use crate::time::{Nanos, nanos};

/// How a target is to behave. Everything off by default: `Config::default()` answers as fast as it can
/// on a free port of 127.0.0.1.
///
/// ```
/// use loadcore_target::Config;
///
/// let config = Config {
///     latency: "normal(20ms,5ms)".parse()?,
///     stalls: vec!["at=5s,for=1s".parse()?],
///     ..Config::default()
/// };
/// # Ok::<(), loadcore_target::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where to listen. Port 0 takes a free port.
    pub listen: Listen,
    /// How many threads serve; connections are handed to them in turn. 1 to 256.
    pub threads: usize,
    /// Whether TLS is spoken.
    pub tls: Tls,
    /// The certificate that TLS shows.
    pub certificate: Certificate,
    /// Which versions of HTTP are spoken.
    pub http: HttpVersions,
    /// By how much answers are delayed, from the moment their request was read completely.
    pub latency: Distribution,
    /// How the numbers are chosen that become delays and errors.
    pub draws: Draws,
    /// Where these numbers start.
    pub seed: u64,
    /// Times in which nothing is answered.
    pub stalls: Vec<Stall>,
    /// What the times of `stalls`, `drift` and `cold_start` count from.
    pub stall_clock: StallClock,
    /// By how much answers get slower with every second.
    pub drift: Duration,
    /// What is added to the latency while the target is young.
    pub cold_start: Option<ColdStart>,
    /// Shares of the requests that fail.
    pub errors: Errors,
    /// The rate beyond which requests are turned away.
    pub rate_limit: Option<RateLimit>,
    /// The rate beyond which it falls over for a time.
    pub cliff: Option<Cliff>,
    /// How many requests are served at once; others wait in line. Each is served for the latency.
    pub workers: Option<u32>,
    /// How many requests are served in each second, one after the other, before their latency.
    pub service_rate: Option<f64>,
    /// How many requests may wait in line for `workers` and `service_rate`; others are answered 503.
    pub queue: Option<u32>,
    /// The most connections, and what happens to others.
    pub connections: Option<ConnectionLimit>,
    /// How long each connection waits before its first byte is looked at: a slow accept or handshake.
    pub accept_delay: Duration,
    /// After how many requests a connection is closed. 1 is no keep-alive.
    pub close_after: Option<u64>,
    /// The bytes of the plain answer's body; without it the body is `ok`.
    pub body: Option<u64>,
    /// The bytes of one more header in every answer; 0 for none.
    pub header: u64,
    /// How many connections the kernel holds until they are accepted.
    pub backlog: u32,
    /// How many arrival times are recorded, of the first requests. At most 10 million.
    pub record_arrivals: usize,
    /// Watch the clock on a thread of its own, and count gaps longer than this.
    pub watch: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0))),
            threads: 1,
            tls: Tls::Off,
            certificate: Certificate::Valid,
            http: HttpVersions::Both,
            latency: Distribution::None,
            draws: Draws::Random,
            seed: 0,
            stalls: Vec::new(),
            stall_clock: StallClock::FirstRequest,
            drift: Duration::ZERO,
            cold_start: None,
            errors: Errors::default(),
            rate_limit: None,
            cliff: None,
            workers: None,
            service_rate: None,
            queue: None,
            connections: None,
            accept_delay: Duration::ZERO,
            close_after: None,
            body: None,
            header: 0,
            backlog: 4096,
            record_arrivals: 0,
            watch: None,
        }
    }
}

impl Config {
    /// Checks every limit that the types do not hold by themselves.
    ///
    /// # Errors
    /// Names the field, its value and the limit.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let within = |field, value: u64, low: u64, high: u64| match value {
            value if (low..=high).contains(&value) => Ok(()),
            value => Err(ConfigError { field, value: value.to_string(), low, high }),
        };
        within("threads", self.threads as u64, 1, 256)?;
        within("backlog", u64::from(self.backlog), 1, 65_535)?;
        within("record_arrivals", self.record_arrivals as u64, 0, 10_000_000)?;
        within("header", self.header, 0, MAX_HELD)?;
        within("body", self.body.unwrap_or(0), 0, MAX_HELD)?;
        within("close_after", self.close_after.unwrap_or(1), 1, u64::MAX)?;
        within("workers", u64::from(self.workers.unwrap_or(1)), 1, 1_000_000)?;
        within("queue", u64::from(self.queue.unwrap_or(0)), 0, 10_000_000)?;
        within("stalls", self.stalls.len() as u64, 0, 1_000)?;
        match self.service_rate {
            Some(rate) if !(rate > 0.0 && rate <= 1e7) => {
                let (low, high) = (0, 10_000_000);
                Err(ConfigError { field: "service_rate", value: rate.to_string(), low, high })
            }
            _ => Ok(()),
        }
    }
}

/// A field of [`Config`] beyond its limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}, but must be from {low} to {high}")]
pub struct ConfigError {
    field: &'static str,
    value: String,
    low: u64,
    high: u64,
}

/// Where a target listens: `127.0.0.1:8081`, `[::1]:0`, `unix:/tmp/target.sock`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listen {
    /// An address and a port; 0 takes a free port.
    Tcp(SocketAddr),
    /// A Unix socket. The file must not exist; it is removed when the target stops.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        let text_of_address = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        text_of_address.parse().map(Self::Tcp).map_err(|_| {
            let problem =
                "is not an address; write 127.0.0.1:8081, [::1]:8081 or unix:/path/to/socket";
            ParseError::new("listen", text, problem)
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Parses one of a few words.
macro_rules! words {
    ($type:ident, $what:literal, $($word:literal => $value:ident),+) => {
        impl FromStr for $type {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                match text {
                    $($word => Ok(Self::$value),)+
                    _ => {
                        let problem = concat!("is not one of", $(" `", $word, "`"),+);
                        Err(ParseError::new($what, text, problem))
                    }
                }
            }
        }
    };
}

/// Whether a target speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Tls {
    /// Never.
    #[default]
    Off,
    /// Always.
    On,
    /// Both on one port: the first byte tells.
    Also,
}

words!(Tls, "tls", "off" => Off, "on" => On, "also" => Also);

/// Which certificate a target shows. All are signed by [`crate::Target::ca_pem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Certificate {
    /// For `localhost`, the loopback addresses and the address listened on; valid for a year.
    #[default]
    Valid,
    /// Ran out long ago.
    Expired,
    /// For `wrong.invalid` alone.
    WrongName,
}

words!(Certificate, "certificate", "valid" => Valid, "expired" => Expired, "wrong-name" => WrongName);

/// Which versions of HTTP a target speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/1 and HTTP/2 on one port: the first bytes or ALPN tell.
    #[default]
    Both,
    /// HTTP/1 alone.
    Http1,
    /// HTTP/2 alone.
    Http2,
}

words!(HttpVersions, "http", "both" => Both, "1" => Http1, "2" => Http2);

/// What the times of stalls count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StallClock {
    /// The first request since the start or the last reset.
    #[default]
    FirstRequest,
    /// The start of the target.
    Start,
}

words!(StallClock, "stall clock", "first-request" => FirstRequest, "start" => Start);

/// A time in which nothing is answered: `at=5s,for=1s`, `every=10s,for=200ms`, or with all three.
///
/// Requests are read and their delays run on; what falls due during the stall is answered at its end,
/// in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// When it begins, the first time.
    pub at: Duration,
    /// How long it lasts.
    pub length: Duration,
    /// After what time it begins again.
    pub every: Option<Duration>,
}

impl Stall {
    /// The end of the stall that covers the moment `at`, both in nanoseconds on the stall's clock.
    pub(crate) fn end(&self, at: Nanos) -> Option<Nanos> {
        let since = at.checked_sub(nanos(self.at))?;
        let into = self.every.map_or(since, |every| since % nanos(every).max(1));
        (into < nanos(self.length)).then(|| at - into + nanos(self.length))
    }
}

impl FromStr for Stall {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fail = |problem: &str| Err(ParseError::new("stall", text, problem));
        let (mut at, mut length, mut every) = (None, None, None);
        for (key, value) in parse::pairs(text) {
            let field = match key {
                "at" => &mut at,
                "for" => &mut length,
                "every" => &mut every,
                _ => return fail("write at=5s,for=1s or every=10s,for=200ms"),
            };
            if field.replace(parse::duration("stall", value)?).is_some() {
                return fail("says the same thing twice");
            }
        }
        let (Some(length), Some(at)) = (length, at.or(every)) else {
            return fail("needs a length and a time: at=5s,for=1s or every=10s,for=200ms");
        };
        if length.is_zero() || every.is_some_and(|every| every <= length) {
            return fail("must last longer than 0 and less than its period");
        }
        Ok(Self { at, length, every })
    }
}

/// What is added to the latency at first: `for=3s,latency=const(100ms)`.
#[derive(Debug, Clone, PartialEq)]
pub struct ColdStart {
    /// For how long.
    pub length: Duration,
    /// What is added, drawn with the same number as the latency itself.
    pub latency: Distribution,
}

impl FromStr for ColdStart {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fail = || {
            let problem = "write for=3s,latency=100ms";
            Err(ParseError::new("cold start", text, problem))
        };
        // The latency comes last because it may hold commas itself.
        let Some((length, latency)) = text.split_once(",latency=") else { return fail() };
        let Some(length) = length.trim().strip_prefix("for=") else { return fail() };
        Ok(Self { length: parse::duration("cold start", length)?, latency: latency.parse()? })
    }
}

/// How a request can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// Answered with this status, 400 to 599.
    Status(u16),
    /// The connection is reset in the middle of the head.
    Reset,
    /// The connection is closed without an answer.
    Close,
    /// Never answered.
    Hang,
}

/// Shares of the requests that fail: `5%:503`, `5%:503,1%:reset`. Kinds: a status, `reset`, `close`, `hang`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Errors {
    /// Each with the sum of the shares up to it, so that one draw picks.
    up_to: Vec<(f64, Failure)>,
}

impl Errors {
    /// The failure that belongs to a number from 0 to 1.
    pub(crate) fn pick(&self, unit: f64) -> Option<Failure> {
        self.up_to.iter().find(|(sum, _)| unit < *sum).map(|(_, failure)| *failure)
    }

    /// Whether nothing fails.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.up_to.is_empty()
    }
}

impl FromStr for Errors {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fail = |problem: &str| Err(ParseError::new("errors", text, problem));
        let mut up_to = Vec::new();
        let mut sum = 0.0;
        for part in text.split(',') {
            let Some((share, kind)) = part.trim().split_once(':') else {
                return fail("write a share and a kind: 5%:503 or 1%:reset");
            };
            sum += parse::share("errors", share)?;
            let failure = match kind {
                "reset" => Failure::Reset,
                "close" => Failure::Close,
                "hang" => Failure::Hang,
                status => Failure::Status(parse::count("errors", status, 400, 599)? as u16),
            };
            up_to.push((sum, failure));
        }
        if sum > 1.0 + 1e-9 {
            return fail("the shares add up to more than 100%");
        }
        Ok(Self { up_to })
    }
}

/// A token bucket: `1000/s`, `1000/s,burst=10,status=503`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Requests in each second that are let through.
    pub rate_per_sec: f64,
    /// How many may come at once after a pause; without it a tenth of a second's worth, at least 1.
    pub burst: u64,
    /// What the others are answered.
    pub status: u16,
}

impl FromStr for RateLimit {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        const WHAT: &str = "rate limit";
        let (rate, rest) = text.split_once(',').unwrap_or((text, ""));
        let rate_per_sec = parse::rate(WHAT, rate)?;
        let mut limit =
            Self { rate_per_sec, burst: (rate_per_sec / 10.0).max(1.0) as u64, status: 429 };
        for (key, value) in parse::pairs(rest) {
            match key {
                "burst" => limit.burst = parse::count("burst", value, 1, 10_000_000)?,
                "status" => limit.status = parse::count("status", value, 400, 599)? as u16,
                _ => return Err(ParseError::new(WHAT, text, "write 1000/s,burst=10,status=503")),
            }
        }
        Ok(limit)
    }
}

/// A rate that the target does not survive: `800/s,for=5s`, `800/s,for=5s,status=502`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cliff {
    /// With more requests than that in one second it falls over.
    pub rate_per_sec: f64,
    /// For how long it then fails everything.
    pub length: Duration,
    /// What is answered meanwhile.
    pub status: u16,
}

impl FromStr for Cliff {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        const WHAT: &str = "cliff";
        let wrong = || ParseError::new(WHAT, text, "write 800/s,for=5s or 800/s,for=5s,status=502");
        let (rate, rest) = text.split_once(',').ok_or_else(wrong)?;
        let mut length = None;
        let mut status = 500;
        for (key, value) in parse::pairs(rest) {
            match key {
                "for" => length = Some(parse::duration("for", value)?),
                "status" => status = parse::count("status", value, 400, 599)? as u16,
                _ => return Err(wrong()),
            }
        }
        let length = length.filter(|length| !length.is_zero()).ok_or_else(wrong)?;
        Ok(Self { rate_per_sec: parse::rate(WHAT, rate)?, length, status })
    }
}

/// The most connections: `100` (others are reset), `100,wait` (others are accepted once there is room).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimit {
    /// The most that are open at once.
    pub most: u64,
    /// Whether others wait in the kernel's backlog, in the place of being reset.
    pub wait: bool,
}

impl FromStr for ConnectionLimit {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        const WHAT: &str = "connections";
        let (most, beyond) = text.split_once(',').unwrap_or((text, "reset"));
        let wait = match beyond.trim() {
            "reset" => false,
            "wait" => true,
            _ => return Err(ParseError::new(WHAT, text, "write 100, 100,reset or 100,wait")),
        };
        Ok(Self { most: parse::count(WHAT, most, 1, 1_000_000)?, wait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    fn error<T: FromStr<Err = ParseError> + fmt::Debug>(text: &str) -> String {
        text.parse::<T>().unwrap_err().to_string()
    }

    #[test]
    fn every_field_is_in_the_readme() {
        let readme = include_str!("../README.md");
        let shown = format!("{:#?}", Config::default());
        let fields = shown.lines().filter_map(|line| {
            let field = line.strip_prefix("    ")?.split_once(':')?.0;
            (!field.starts_with([' ', ')', ']', '}'])).then_some(field)
        });
        let fields: Vec<_> = fields.collect();
        assert!(fields.len() > 20, "{fields:?}");
        for field in &fields {
            assert!(readme.contains(&format!("| `{field}` |")), "{field}");
        }
        let rows = readme.split("| field |").nth(1).unwrap().lines();
        let rows = rows.take_while(|line| line.starts_with('|') || line.starts_with(" option"));
        assert_eq!(rows.filter(|line| line.starts_with("| `")).count(), fields.len());
    }

    #[test]
    fn addresses() {
        assert_eq!("localhost:80".parse(), Ok(Listen::Tcp(([127, 0, 0, 1], 80).into())));
        assert_eq!("[::1]:0".parse::<Listen>().unwrap().to_string(), "[::1]:0");
        assert_eq!("unix:/a".parse(), Ok(Listen::Unix("/a".into())));
        for text in ["", "80", "host:80", "unix:", "127.0.0.1:99999"] {
            assert!(error::<Listen>(text).starts_with("listen `"), "{text}");
        }
    }

    #[test]
    fn words() {
        assert_eq!("also".parse(), Ok(Tls::Also));
        assert_eq!("wrong-name".parse(), Ok(Certificate::WrongName));
        assert_eq!("2".parse(), Ok(HttpVersions::Http2));
        assert_eq!("start".parse(), Ok(StallClock::Start));
        assert_eq!(error::<Tls>("yes"), "tls `yes`: is not one of `off` `on` `also`");
    }

    #[test]
    fn stalls_cover_their_time_and_no_more() {
        let once: Stall = "at=5s,for=1s".parse().unwrap();
        let end =
            |stall: &Stall, millis: u64| stall.end(millis * 1_000_000).map(|ns| ns / 1_000_000);
        let ends = [4_999, 5_000, 5_999, 6_000, 15_500].map(|at| end(&once, at));
        assert_eq!(ends, [None, Some(6_000), Some(6_000), None, None]);
        let often: Stall = "every=10s,for=200ms".parse().unwrap();
        let ends = [0, 9_999, 10_000, 10_199, 10_200, 20_100].map(|at| end(&often, at));
        assert_eq!(ends, [None, None, Some(10_200), Some(10_200), None, Some(20_200)]);
        let both: Stall = "at=1s,every=10s,for=1s".parse().unwrap();
        assert_eq!(both.end(11 * SECOND), Some(12 * SECOND));
        for text in [
            "",
            "at=5s",
            "for=1s",
            "at=5s,for=0",
            "every=1s,for=1s",
            "at=5,for=1s",
            "x=1s",
            "at=1s,at=1s,for=1s",
        ] {
            assert!(error::<Stall>(text).starts_with("stall `"), "{text}");
        }
    }

    #[test]
    fn errors_pick_by_share() {
        let errors: Errors = "5%:503,1%:reset,0.5%:hang,0.5%:close".parse().unwrap();
        let picked = [0.0, 0.049, 0.051, 0.0601, 0.066, 0.08].map(|unit| errors.pick(unit));
        let expected = [
            Some(Failure::Status(503)),
            Some(Failure::Status(503)),
            Some(Failure::Reset),
            Some(Failure::Hang),
            Some(Failure::Close),
            None,
        ];
        assert_eq!(picked, expected);
        for text in ["", "5%", "5%:200", "5%:explode", "60%:500,60%:503", "x:500"] {
            assert!(error::<Errors>(text).starts_with("errors `"), "{text}");
        }
    }

    #[test]
    fn limits() {
        let limit = |rate_per_sec, burst, status| Ok(RateLimit { rate_per_sec, burst, status });
        assert_eq!("1000/s".parse(), limit(1000.0, 100, 429));
        assert_eq!("5".parse(), limit(5.0, 1, 429));
        assert_eq!("5,burst=3,status=503".parse(), limit(5.0, 3, 503));
        for text in ["", "0", "5,burst=0", "5,x=1", "5,status=200"] {
            assert!(text.parse::<RateLimit>().is_err(), "{text}");
        }
        let cliff = |rate_per_sec, seconds, status| {
            Ok(Cliff { rate_per_sec, length: Duration::from_secs(seconds), status })
        };
        assert_eq!("800/s,for=5s".parse(), cliff(800.0, 5, 500));
        assert_eq!("8,status=502,for=1s".parse(), cliff(8.0, 1, 502));
        for text in ["", "800/s", "0,for=1s", "8,for=0s", "8,for=1s,status=200", "8,x=1"] {
            assert!(text.parse::<Cliff>().is_err(), "{text}");
        }
        assert_eq!("7".parse(), Ok(ConnectionLimit { most: 7, wait: false }));
        assert_eq!("7,wait".parse(), Ok(ConnectionLimit { most: 7, wait: true }));
        for text in ["", "0", "7,drop", "-1"] {
            assert!(error::<ConnectionLimit>(text).starts_with("connections `"), "{text}");
        }
        let cold: ColdStart = "for=3s,latency=uniform(1ms,2ms)".parse().unwrap();
        assert_eq!(cold.latency, "uniform(1ms,2ms)".parse().unwrap());
        for text in ["", "for=3s", "for=x,latency=1ms", "for=1s,latency=x", "at=1s,latency=1ms"] {
            assert!(text.parse::<ColdStart>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_configuration_beyond_its_limits_is_named() {
        let error = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert_eq!(Config::default().validate(), Ok(()));
        assert_eq!(error(|c| c.threads = 0), "threads is 0, but must be from 1 to 256");
        assert_eq!(
            error(|c| c.body = Some(1 << 30)),
            "body is 1073741824, but must be from 0 to 16777216"
        );
        for change in [
            (|c: &mut Config| c.close_after = Some(0)) as fn(&mut Config),
            |c| c.workers = Some(0),
            |c| c.service_rate = Some(0.0),
            |c| c.service_rate = Some(f64::INFINITY),
            |c| c.record_arrivals = usize::MAX,
            |c| c.backlog = 0,
        ] {
            assert!(error(change).contains("must be from"));
        }
    }
}
