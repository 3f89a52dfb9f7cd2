//! Turns a method and a path with its query into a plan: what is to be answered, and how it goes wrong.
//!
//! [`PATHS`] is the one table of what can be asked for; `/help` shows it, the README repeats it, and
//! tests hold both against the code. A mistake in a path that has a meaning is answered 400 with the
//! reason, so that a test with a mistyped fault does not pass by being answered 200.

use std::borrow::Cow;
use std::time::Duration;

use crate::config::Errors;
use crate::distribution::Distribution;
use crate::parse::{self, ParseError};

/// Kinds of paths, as they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Root,
    Other,
    Status,
    Bytes,
    Chunked,
    UntilClose,
    Slow,
    Delay,
    Echo,
    Close,
    Redirect,
    RedirectTo,
    Interim,
    Fault,
    Help,
    Control,
}

impl Route {
    pub(crate) const COUNT: usize = 16;

    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Root,
        Self::Other,
        Self::Status,
        Self::Bytes,
        Self::Chunked,
        Self::UntilClose,
        Self::Slow,
        Self::Delay,
        Self::Echo,
        Self::Close,
        Self::Redirect,
        Self::RedirectTo,
        Self::Interim,
        Self::Fault,
        Self::Help,
        Self::Control,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Root => "/",
            Self::Other => "other",
            Self::Status => "/status",
            Self::Bytes => "/bytes",
            Self::Chunked => "/chunked",
            Self::UntilClose => "/until-close",
            Self::Slow => "/slow",
            Self::Delay => "/delay",
            Self::Echo => "/echo",
            Self::Close => "/close",
            Self::Redirect => "/redirect",
            Self::RedirectTo => "/redirect-to",
            Self::Interim => "/interim",
            Self::Fault => "/fault",
            Self::Help => "/help",
            Self::Control => "control",
        }
    }
}

/// What can be asked for: an example of each path, and what it does.
pub(crate) const PATHS: &[(&str, &str)] = &[
    (
        "/",
        "200 with `ok`, or with as many bytes as `body` says; so do all paths that are not below",
    ),
    (
        "/status/404",
        "this status, 200 to 599, its number as the body; `?bytes=1000` for a longer one",
    ),
    ("/bytes/1000", "200 with so many bytes, at most 1 TiB; `16KiB` and the like are understood"),
    ("/chunked/1000?chunk=100", "200 with so many bytes in chunks; without `chunk` of 8192"),
    ("/until-close/1000", "200 with so many bytes and no length: the connection's end ends it"),
    ("/slow?bytes=1000&over=1s&pieces=10", "200 with so many bytes, evenly spread over the time"),
    ("/delay/20ms", "200 after a delay; any distribution: `/delay/exp(5ms)`"),
    ("/echo", "200 with the body of the request, at most 16 MiB, else 413"),
    ("/close", "200, and the connection is closed after it"),
    ("/redirect/3?status=302", "so many redirects in a row, at most 1000, to `/` in the end"),
    ("/redirect-to?url=/status/404&status=302", "a redirect to this place"),
    ("/interim/2?status=103", "so many interim answers, at most 1000, then 200"),
    ("/help", "this table"),
    ("/stats", "what was counted, as JSON; not counted itself"),
    ("/reset", "POST: counts, draws, limits and the clock of the stalls begin anew"),
    (
        "/fault/reset-head",
        "a reset in the middle of the head (HTTP/2: of the stream, before the head)",
    ),
    ("/fault/reset-body", "a reset in the middle of the body (HTTP/2: of the stream)"),
    ("/fault/partial-head", "half a head, and then nothing (HTTP/2: nothing)"),
    ("/fault/partial-body", "half the body, and then nothing"),
    (
        "/fault/garbage",
        "something that is not HTTP, and the end (HTTP/2: the connection breaks off)",
    ),
    ("/fault/length-long", "a content length of 100, but 50 bytes and the end"),
    ("/fault/length-short", "a content length of 50, but 100 bytes; the connection stays open"),
    ("/fault/bad-chunk", "a chunk whose size is not a number (HTTP/2: as reset-body)"),
    ("/fault/endless", "a body without end, 16 MB/s"),
    ("/fault/close", "the connection is closed without an answer"),
    ("/fault/hang", "never answered; the connection stays open"),
    ("/fault/big-header?bytes=1048576", "200 with a header of so many bytes, at most 16 MiB"),
];

/// What may be added to every path but `/stats` and `/reset`.
pub(crate) const QUERIES: &[(&str, &str)] = &[
    ("latency=exp(5ms)", "the latency of this request, in the place of the server's"),
    ("errors=5%:503,1%:reset", "the errors of this request, in the place of the server's"),
    ("close", "the connection is closed after the answer"),
    ("header=1000", "one more header of so many bytes, at most 16 MiB"),
    (
        "times",
        "one more header, `x-times: read=1000, answered=2000`: when the request had been read and when \
         its answer was written, in nanoseconds of the machine's `CLOCK_MONOTONIC`",
    ),
];

/// The most bytes of a header that is asked for, and of a body that is echoed.
pub(crate) const MAX_HELD: u64 = 16 << 20;

/// What is to be done for a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub(crate) route: Route,
    pub(crate) reply: Reply,
    pub(crate) close: bool,
    /// Bytes of an additional header; 0 for none.
    pub(crate) header: u64,
    /// Whether the answer tells when the request was read and answered.
    pub(crate) times: bool,
    pub(crate) overrides: Option<Box<Overrides>>,
}

/// What a query puts in the place of the server's configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Overrides {
    pub(crate) latency: Option<Distribution>,
    pub(crate) errors: Option<Errors>,
}

/// An answer, however it is framed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// The server's plain answer, prepared once.
    Plain,
    Text {
        status: u16,
        text: Cow<'static, str>,
    },
    Filler {
        status: u16,
        bytes: u64,
    },
    Chunked {
        bytes: u64,
        chunk: u64,
    },
    UntilClose {
        bytes: u64,
    },
    Slow {
        bytes: u64,
        over: Duration,
        pieces: u64,
    },
    Echo {
        body: Vec<u8>,
    },
    Redirect {
        status: u16,
        location: Box<str>,
    },
    Interim {
        count: u64,
        status: u16,
    },
    Stats,
    Reset,
    Fault(Fault),
}

/// How an answer goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    ResetHead,
    ResetBody,
    PartialHead,
    PartialBody,
    Garbage,
    LengthLong,
    LengthShort,
    BadChunk,
    Endless,
    Close,
    Hang,
}

impl Plan {
    pub(crate) const PLAIN: Self = Self {
        route: Route::Root,
        reply: Reply::Plain,
        close: false,
        header: 0,
        times: false,
        overrides: None,
    };

    fn new(route: Route, reply: Reply) -> Self {
        Self { route, reply, ..Self::PLAIN }
    }

    /// Whether nothing but the server's plain answer is asked for.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.reply, Reply::Plain)
            && !self.close
            && self.header == 0
            && !self.times
            && self.overrides.is_none()
    }

    /// Whether the request is about the counts and so not counted itself.
    pub(crate) fn is_control(&self) -> bool {
        self.route == Route::Control
    }
}

/// What is to be done for a request; `target` is the path with its query, or a whole URL.
pub(crate) fn plan(method: &str, target: &str) -> Plan {
    if target == "/" {
        return Plan::PLAIN;
    }
    let target = without_authority(target);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = Query(query);
    let planned = route(method, path, query).and_then(|plan| add_common(plan, query));
    planned.unwrap_or_else(|(route, error)| {
        let text = format!("{error}\nGET /help shows what this target can do.\n");
        Plan::new(route, Reply::Text { status: 400, text: text.into() })
    })
}

/// A proxy's request names the whole URL; what is wanted is the part from the path on.
fn without_authority(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://").filter(|_| !target.starts_with('/')) else {
        return target;
    };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}

type Planned = Result<Plan, (Route, ParseError)>;

fn route(method: &str, path: &str, query: Query<'_>) -> Planned {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (head, rest) = match path.split_once('/') {
        Some((head, rest)) => (head, Some(rest)),
        None => (path, None),
    };
    let plan = |route, reply: Result<Reply, ParseError>| match reply {
        Ok(reply) => Ok(Plan::new(route, reply)),
        Err(error) => Err((route, error)),
    };
    match (head, rest) {
        ("", None) => Ok(Plan::PLAIN),
        ("status", Some(status)) => plan(Route::Status, status_reply(status, query)),
        ("bytes", Some(bytes)) => plan(Route::Bytes, bytes_reply(bytes)),
        ("chunked", Some(bytes)) => plan(Route::Chunked, chunked(bytes, query)),
        ("until-close", Some(bytes)) => plan(
            Route::UntilClose,
            parse::bytes("/until-close", bytes).map(|bytes| Reply::UntilClose { bytes }),
        ),
        ("slow", None) => plan(Route::Slow, slow(query)),
        ("delay", Some(delay)) => delayed(delay),
        ("echo", None) => plan(Route::Echo, Ok(Reply::Echo { body: Vec::new() })),
        ("close", None) => Ok(Plan { close: true, route: Route::Close, ..Plan::PLAIN }),
        ("redirect", Some(count)) => plan(Route::Redirect, redirect(count, query)),
        ("redirect-to", None) => plan(Route::RedirectTo, redirect_to(query)),
        ("interim", Some(count)) => plan(Route::Interim, interim(count, query)),
        ("fault", Some(fault)) => fault_plan(fault, query),
        ("help", None) => plan(Route::Help, Ok(Reply::Text { status: 200, text: help().into() })),
        ("stats", None) => plan(Route::Control, Ok(only("GET", method, Reply::Stats))),
        ("reset", None) => plan(Route::Control, Ok(only("POST", method, Reply::Reset))),
        _ => Ok(Plan { route: Route::Other, ..Plan::PLAIN }),
    }
}

fn add_common(mut plan: Plan, query: Query<'_>) -> Planned {
    if query.0.is_empty() || plan.is_control() {
        return Ok(plan);
    }
    let route = plan.route;
    let fail = |error| (route, error);
    plan.close |= query.get("close").is_some();
    plan.times = query.get("times").is_some();
    if let Some(bytes) = query.get("header") {
        plan.header = held_bytes("header", &bytes).map_err(fail)?;
    }
    if let Some(latency) = query.get("latency") {
        plan.overrides.get_or_insert_default().latency = Some(latency.parse().map_err(fail)?);
    }
    if let Some(errors) = query.get("errors") {
        plan.overrides.get_or_insert_default().errors = Some(errors.parse().map_err(fail)?);
    }
    Ok(plan)
}

/// State is changed by POST alone, and read by GET.
fn only(expected: &str, method: &str, reply: Reply) -> Reply {
    if method == expected || (expected == "GET" && method == "HEAD") {
        return reply;
    }
    let text = format!("use {expected} here, not {method}\n");
    Reply::Text { status: 405, text: text.into() }
}

fn status_reply(status: &str, query: Query<'_>) -> Result<Reply, ParseError> {
    let status = parse::count("/status", status, 200, 599)? as u16;
    Ok(match query.get("bytes") {
        Some(bytes) => Reply::Filler { status, bytes: parse::bytes("bytes", &bytes)? },
        None => Reply::Text { status, text: format!("{status}\n").into() },
    })
}

fn bytes_reply(bytes: &str) -> Result<Reply, ParseError> {
    Ok(Reply::Filler { status: 200, bytes: parse::bytes("/bytes", bytes)? })
}

fn chunked(bytes: &str, query: Query<'_>) -> Result<Reply, ParseError> {
    let chunk = query.get("chunk").unwrap_or("8192".into());
    Ok(Reply::Chunked {
        bytes: parse::bytes("/chunked", bytes)?,
        chunk: parse::count("chunk", &chunk, 1, 65_536)?,
    })
}

fn slow(query: Query<'_>) -> Result<Reply, ParseError> {
    let bytes = parse::bytes("bytes", &query.get("bytes").unwrap_or("1000".into()))?;
    let over = parse::duration("over", &query.get("over").unwrap_or("1s".into()))?;
    let pieces = match query.get("pieces") {
        Some(pieces) => parse::count("pieces", &pieces, 1, 1_000_000)?,
        None => 10,
    };
    Ok(Reply::Slow { bytes, over, pieces: pieces.min(bytes.max(1)) })
}

fn delayed(delay: &str) -> Planned {
    let latency = decode(delay).parse::<Distribution>().map_err(|error| (Route::Delay, error))?;
    let overrides = Overrides { latency: Some(latency), errors: None };
    Ok(Plan { route: Route::Delay, overrides: Some(Box::new(overrides)), ..Plan::PLAIN })
}

fn redirect_status(query: Query<'_>) -> Result<u16, ParseError> {
    let Some(text) = query.get("status") else { return Ok(302) };
    match text.parse() {
        Ok(status @ (301 | 302 | 303 | 307 | 308)) => Ok(status),
        _ => Err(ParseError::new("status", &text, "is not one of 301, 302, 303, 307 and 308")),
    }
}

fn redirect(count: &str, query: Query<'_>) -> Result<Reply, ParseError> {
    let count = parse::count("/redirect", count, 0, 1_000)?;
    let status = redirect_status(query)?;
    let location = match count {
        0 => return Ok(Reply::Plain),
        1 => "/".into(),
        _ => format!("/redirect/{}?status={status}", count - 1).into(),
    };
    Ok(Reply::Redirect { status, location })
}

fn redirect_to(query: Query<'_>) -> Result<Reply, ParseError> {
    let url = query.get("url").unwrap_or_default();
    if url.is_empty() || !url.bytes().all(|b| b.is_ascii_graphic()) {
        let problem = "is not the URL to go to; write /redirect-to?url=/status/404";
        return Err(ParseError::new("url", &url, problem));
    }
    Ok(Reply::Redirect { status: redirect_status(query)?, location: (*url).into() })
}

fn interim(count: &str, query: Query<'_>) -> Result<Reply, ParseError> {
    let count = parse::count("/interim", count, 0, 1_000)?;
    let text = query.get("status").unwrap_or("103".into());
    match text.parse() {
        // 101 would be an upgrade: what follows would not be HTTP.
        Ok(status @ (100 | 102..=199)) => Ok(Reply::Interim { count, status }),
        _ => Err(ParseError::new("status", &text, "is not an interim status: 100, or 102 to 199")),
    }
}

/// The faults by the names that their paths and the option `errors` use.
const FAULTS: &[(&str, Fault)] = &[
    ("reset-head", Fault::ResetHead),
    ("reset-body", Fault::ResetBody),
    ("partial-head", Fault::PartialHead),
    ("partial-body", Fault::PartialBody),
    ("garbage", Fault::Garbage),
    ("length-long", Fault::LengthLong),
    ("length-short", Fault::LengthShort),
    ("bad-chunk", Fault::BadChunk),
    ("endless", Fault::Endless),
    ("close", Fault::Close),
    ("hang", Fault::Hang),
];

fn fault_plan(name: &str, query: Query<'_>) -> Planned {
    if name == "big-header" {
        let bytes = query.get("bytes").unwrap_or("1048576".into());
        let header = held_bytes("bytes", &bytes).map_err(|error| (Route::Fault, error))?;
        return Ok(Plan {
            header,
            ..Plan::new(Route::Fault, Reply::Text { status: 200, text: "ok\n".into() })
        });
    }
    match FAULTS.iter().find(|(known, _)| *known == name) {
        Some((_, fault)) => Ok(Plan::new(Route::Fault, Reply::Fault(*fault))),
        None => {
            let names: Vec<_> = FAULTS.iter().map(|(name, _)| *name).collect();
            let problem = format!("is not a fault; there are big-header, {}", names.join(", "));
            Err((Route::Fault, ParseError::new("/fault", name, problem)))
        }
    }
}

fn held_bytes(what: &'static str, text: &str) -> Result<u64, ParseError> {
    let bytes = parse::bytes(what, text)?;
    if bytes > MAX_HELD {
        return Err(ParseError::new(what, text, "is more than the limit of 16 MiB"));
    }
    Ok(bytes)
}

/// The tables of paths and queries as text.
pub(crate) fn help() -> String {
    let line = |(form, does): &(&str, &str)| format!("{form:42} {does}\n");
    let paths: String = PATHS.iter().map(line).collect();
    let queries: String = QUERIES.iter().map(line).collect();
    format!("Paths, by example\n\n{paths}\nQueries for every path\n\n{queries}")
}

/// The query of a URL, as it came.
#[derive(Debug, Clone, Copy)]
struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// The first value of this key, decoded; empty where it stands without one.
    fn get(self, key: &str) -> Option<Cow<'a, str>> {
        self.0.split('&').find_map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name == key).then(|| decode(value))
        })
    }
}

/// Resolves `%41`. A `%` that begins no such thing is itself, so that `errors=5%:503` can be typed.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let hex = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let digits = (bytes[i] == b'%').then(|| hex(bytes.get(i + 1)).zip(hex(bytes.get(i + 2))));
        if let Some(Some((high, low))) = digits {
            decoded.push((high * 16 + low) as u8);
            i += 3;
        } else {
            decoded.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(target: &str) -> Plan {
        plan("GET", target)
    }

    fn text_of(target: &str) -> (u16, String) {
        match get(target).reply {
            Reply::Text { status, text } => (status, text.into_owned()),
            other => panic!("{target}: {other:?}"),
        }
    }

    #[test]
    fn every_path_of_the_table_has_a_meaning_of_its_own() {
        for (path, _) in PATHS {
            let method = if *path == "/reset" { "POST" } else { "GET" };
            let plan = plan(method, path);
            let bad = matches!(plan.reply, Reply::Text { status: 400 | 405, .. });
            assert!(!bad, "{path}: {plan:?}");
            assert_ne!(plan.route, Route::Other, "{path}");
        }
        for (query, _) in QUERIES {
            assert!(!get(&format!("/?{query}")).is_plain(), "{query}");
        }
        for (name, fault) in FAULTS {
            assert_eq!(get(&format!("/fault/{name}")).reply, Reply::Fault(*fault));
            let listed = PATHS.iter().any(|(path, _)| *path == format!("/fault/{name}"));
            assert!(listed, "{name}");
        }
    }

    #[test]
    fn the_readme_has_the_same_tables() {
        let readme = include_str!("../README.md");
        let rows = |table: &[(&str, &str)]| {
            table.iter().map(|(form, does)| format!("| `{form}` | {does} |\n")).collect::<String>()
        };
        for table in [PATHS, QUERIES] {
            assert!(readme.contains(&rows(table)), "the README should have:\n{}", rows(table));
        }
        let mentioned = readme.lines().filter(|line| line.starts_with("| `/")).count();
        assert_eq!(mentioned, PATHS.len());
    }

    #[test]
    fn routes_are_counted_under_their_own_names() {
        for (i, route) in Route::ALL.iter().enumerate() {
            assert_eq!(*route as usize, i);
            let same = Route::ALL.iter().filter(|other| other.name() == route.name()).count();
            assert_eq!(same, 1, "{}", route.name());
        }
    }

    #[test]
    fn paths_without_a_meaning_are_plain_and_their_queries_ignored() {
        for target in [
            "/",
            "/?x=1",
            "/users/17",
            "/status",
            "/slow/5",
            "//",
            "",
            "*",
            "é/x",
            "http://a",
            "http://a:1/",
        ] {
            let plan = get(target);
            assert!(plan.is_plain(), "{target}: {plan:?}");
        }
        assert_eq!(get("http://host:80/status/404").route, Route::Status);
        assert_eq!(get("/x?u=http://a/status/404").route, Route::Other);
    }

    #[test]
    fn a_mistake_is_answered_with_its_reason() {
        for (target, part) in [
            ("/status/99", "/status `99`: is not a whole number from 200 to 599"),
            ("/status/", "/status ``"),
            ("/bytes/x", "/bytes `x`"),
            ("/bytes/2000000000000", "limit of 1 TiB"),
            ("/chunked/10?chunk=0", "chunk `0`"),
            ("/slow?over=1", "over `1`"),
            ("/delay/soon", "latency `soon`"),
            ("/redirect/-1", "/redirect `-1`"),
            ("/redirect/1?status=304", "status `304`"),
            ("/redirect-to", "url ``"),
            ("/redirect-to?url=a%0d%0aX:1", "url `a"),
            ("/interim/1?status=101", "status `101`"),
            ("/fault/none", "/fault `none`: is not a fault; there are"),
            ("/fault/big-header?bytes=1GB", "limit of 16 MiB"),
            ("/?latency=x", "latency `x`"),
            ("/?errors=x", "errors `x`"),
            ("/?header=x", "header `x`"),
        ] {
            let (status, text) = text_of(target);
            assert_eq!(status, 400, "{target}");
            assert!(text.contains(part), "{target}: {text}");
            assert!(text.contains("/help"), "{text}");
        }
        assert_eq!(text_of("/reset").0, 405);
        assert!(matches!(plan("DELETE", "/stats").reply, Reply::Text { status: 405, .. }));
    }

    #[test]
    fn queries_are_decoded() {
        assert_eq!(decode("a%20b%"), "a b%");
        assert_eq!(decode("5%:503"), "5%:503");
        let plan = get("/?latency=exp%285ms%29&close&header=10");
        let latency = plan.overrides.unwrap().latency;
        assert_eq!(latency, Some(Distribution::Exp { mean: Duration::from_millis(5) }));
        assert!(plan.close && plan.header == 10);
    }

    #[test]
    fn redirects_count_down() {
        let location = |target: &str| match get(target).reply {
            Reply::Redirect { location, status } => (status, location.into_string()),
            other => panic!("{other:?}"),
        };
        assert_eq!(location("/redirect/3"), (302, "/redirect/2?status=302".into()));
        assert_eq!(location("/redirect/2?status=308"), (308, "/redirect/1?status=308".into()));
        assert_eq!(location("/redirect/1"), (302, "/".into()));
        assert_eq!(get("/redirect/0").reply, Reply::Plain);
    }
}
