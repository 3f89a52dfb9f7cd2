//! Tests that every option of `run` changes something: a list of all of them, each with what is
//! different when it is given. An option that is missing from the list fails the test, so whoever
//! adds an option says here what it does.

use crate::support::{Ran, Recorder, loadcore, target};
use loadcore_target::{Config, Target, Tls};
use serde_json::Value;
use std::collections::BTreeSet;

/// Where the difference is seen.
enum Seen {
    /// In the result document, at this place.
    At(&'static str),
    /// In the request that a server gets.
    InTheRequest,
    /// In how many requests the target counts.
    Counted,
    /// In the exit code.
    Code,
    /// On standard output.
    Out,
    /// By a test of its own, in this file, with this word.
    By(&'static str, &'static str),
}

use Seen::{At, By, Code, Counted, InTheRequest, Out};

/// An option, the words of a run with it, those of one without, and where the difference is seen.
/// `T` stands for the address of a plain target, `S` for that of one with TLS.
type Effect = (&'static str, &'static str, &'static str, Seen);

const ALL: &[Effect] = &[
    ("rate", "T -n 2 -r 50", "T -n 2", At("/loop")),
    ("duration", "T -r 50 -d 300ms", "T -r 50 -d 100ms", At("/arrivals/due")),
    ("requests", "T -n 3", "T -n 2", At("/outcomes/ok")),
    ("connections", "T/?latency=50ms -n 6 -c 3", "T/?latency=50ms -n 6 -c 1", At("/connects")),
    (
        "profile",
        r#"T -d 100ms --profile {"type":"CONSTANT","initialRps":50}"#,
        "T -d 100ms -r 100",
        At("/arrivals/due"),
    ),
    (
        "arrivals",
        "T -r 400 -d 500ms --seed 1 --arrivals poisson",
        "T -r 400 -d 500ms",
        At("/arrivals/due"),
    ),
    (
        "seed",
        "T -r 400 -d 500ms --arrivals poisson --seed 1",
        "T -r 400 -d 500ms --arrivals poisson --seed 2",
        At("/arrivals/due"),
    ),
    ("warmup", "T -r 50 -d 100ms --warmup 200ms", "T -r 50 -d 100ms", Counted),
    (
        "drain",
        "T/?latency=1s -r 20 -d 100ms --drain 100ms",
        "T/?latency=1s -r 20 -d 100ms",
        At("/outcomes/unfinished"),
    ),
    (
        "max-backlog",
        "T/?latency=5s -r 50 -d 200ms -c 1 --drain 100ms --max-backlog 0",
        "T/?latency=5s -r 50 -d 200ms -c 1 --drain 100ms",
        At("/arrivals/droppedByReason"),
    ),
    ("method", "-m PUT", "", InTheRequest),
    ("header", "-H X-A:1", "", InTheRequest),
    ("body", "-m PUT -b one", "-m PUT", InTheRequest),
    ("json", "-m PUT --json {}", "-m PUT", InTheRequest),
    ("user", "-u me:too", "", InTheRequest),
    ("host", "--host other.test", "", InTheRequest),
    ("cookie", "--cookie a=b", "", InTheRequest),
    ("compressed", "--compressed", "", InTheRequest),
    ("form", "-m PUT -F a=b", "-m PUT", InTheRequest),
    ("urls", "", "", By("urls.rs", "--urls")),
    ("timeout", "T/?latency=1s -n 1 -t 100ms", "T/?latency=1s -n 1", At("/errors")),
    (
        "max-redirects",
        "T/redirect/1 -n 1 --max-redirects 1",
        "T/redirect/1 -n 1",
        At("/statusCodeDistribution"),
    ),
    ("location", "T/redirect/1 -n 1 -L", "T/redirect/1 -n 1", At("/statusCodeDistribution")),
    ("insecure", "S -n 1 -k", "S -n 1", At("/outcomes/ok")),
    ("http1", "S -n 1 -k --http1", "S -n 1 -k", At("/bytesSent")),
    ("http2", "T -n 1 --http2", "T -n 1", At("/bytesSent")),
    (
        "streams",
        "T/?latency=5s -r 50 -d 200ms -c 1 --drain 100ms --http2 --streams 2",
        "T/?latency=5s -r 50 -d 200ms -c 1 --drain 100ms --http2 --streams 3",
        At("/arrivals/sent"),
    ),
    ("no-keepalive", "T -n 3 -c 1 --no-keepalive", "T -n 3 -c 1", At("/connects")),
    ("check", "T -n 1 --check status==201", "T -n 1", At("/errors")),
    ("sla", "T -n 1 --sla rps>=100000000", "T -n 1", Code),
    ("cacert", "", "", By("dialling.rs", "--cacert")),
    ("cert", "", "", By("dialling.rs", "--cert")),
    ("key", "", "", By("dialling.rs", "--key")),
    ("connect-to", "", "", By("dialling.rs", "--connect-to")),
    ("unix-socket", "", "", By("dialling.rs", "--unix-socket")),
    ("ipv4", "", "", By("dialling.rs", "-4")),
    ("ipv6", "", "", By("dialling.rs", "-6")),
    ("proxy", "", "", By("dialling.rs", "--proxy")),
    (
        "threads",
        "T -r 50 -d 100ms --threads 2",
        "T -r 50 -d 100ms --threads 1",
        At("/environment/threads"),
    ),
    ("slack", "T -r 50 -d 100ms --slack 5ms", "T -r 50 -d 100ms", At("/generator/slackMs")),
    ("observe", "T -n 1 --observe http://localhost:1/", "T -n 1", At("/observed")),
    ("controller", "", "", By("platform.rs", "--controller")),
    ("token", "", "", By("platform.rs", "--token")),
    ("workers", "", "", By("platform.rs", "--workers")),
    ("output", "T -n 1 -o csv", "T -n 1 -o markdown", Out),
    ("no-distribution", "T -n 1 --no-distribution", "T -n 1", At("/series/0/distribution")),
    ("quiet", "", "", By("scenarios.rs", "\"-q\"")),
    ("require-valid", "", "", By("exit_codes.rs", "--require-valid")),
];

/// The long names of `run`'s options, as its help has them.
fn options() -> BTreeSet<String> {
    let help = loadcore(&["run", "--help"]).ended(0).out;
    let names = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let names = names.filter_map(|line| line.split("--").nth(1));
    let end = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    let names = names.filter_map(|rest| rest.split(end).next().map(str::to_owned));
    names.filter(|name| name != "help").collect()
}

struct Servers {
    plain: Target,
    tls: Target,
    recorder: Recorder,
}

impl Servers {
    fn run(&self, words: &str) -> Ran {
        let mut words = words.replacen(
            'T',
            &self.plain.addr().to_string(),
            usize::from(words.starts_with('T')),
        );
        if let Some(rest) = words.strip_prefix('S') {
            words = format!("https://localhost:{}{rest}", self.tls.addr().port());
        }
        let words: Vec<_> = ["run"].into_iter().chain(words.split(' ')).collect();
        let json = if words.contains(&"-o") { &[][..] } else { &["-q", "-o", "json"] };
        loadcore(&[&words[..], json].concat())
    }

    /// What can be seen of a run.
    fn seen(&self, words: &str, seen: &Seen) -> String {
        match seen {
            At(pointer) => {
                let document: Value = self.run(words).document();
                let value = document.pointer(pointer);
                value.unwrap_or_else(|| panic!("{pointer} is not in {document}")).to_string()
            }
            InTheRequest => self.recorder.request_of(&words.split_whitespace().collect::<Vec<_>>()),
            Counted => {
                self.plain.reset();
                self.run(words);
                self.plain.stats().requests.to_string()
            }
            Code => self.run(words).code.to_string(),
            Out => self.run(words).out,
            By(..) => String::new(),
        }
    }
}

#[test]
fn every_option_of_run_changes_something() {
    let listed: BTreeSet<_> = ALL.iter().map(|(option, ..)| (*option).to_owned()).collect();
    assert_eq!(options(), listed, "each option of `run --help` has its effect in the list");
    let tls = Config { tls: Tls::On, ..Config::default() };
    let servers =
        Servers { plain: target(Config::default()), tls: target(tls), recorder: Recorder::start() };
    let mut idle = Vec::new();
    for (option, with, without, seen) in ALL {
        if let By(file, word) = seen {
            let path = format!("{}/tests/cli/{file}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).unwrap();
            assert!(text.contains(word), "{file} does not try --{option}");
            continue;
        }
        let (with, without) = (servers.seen(with, seen), servers.seen(without, seen));
        if with == without {
            idle.push(format!("--{option}: {with} with and without it"));
        }
    }
    assert!(idle.is_empty(), "{}", idle.join("\n"));
}
