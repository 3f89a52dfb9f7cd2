//! Throws broken and random input at what reads input: it must answer within bounds, and never
//! panic.
//!
//! Under `cargo test` each target runs a bounded number of inputs, mutated from real ones; the same
//! targets run without end under a coverage-guided fuzzer (`cargo bolero test -p loadcore-tests
//! --test fuzz reply_reader`). `LOADCORE_LONG=1` runs a hundred times as many.

use bolero::check;
use loadcore::cluster::signed::{About, Signer, hear};
use loadcore::http::TargetList;
use loadcore::http::reader::{MAX_HEAD_BYTES, ResponseReader};
use loadcore::request::ErrorClass;
use loadcore::scenario::Scenario;
use serde_json::{Map, Value, json};
use std::env;

/// Inputs for a target: seconds of work in a test run.
fn inputs() -> usize {
    if env::var_os("LOADCORE_LONG").is_some() { 10_000_000 } else { 100_000 }
}

/// How a reply ended, whatever the pieces in which it came.
#[derive(Debug, PartialEq)]
enum Ended {
    /// Whole: status, bytes of it, whether the connection may be kept.
    Whole(u16, usize, bool),
    Refused(ErrorClass),
}

/// Reads one reply that comes in pieces of the given lengths, and then ends.
fn read(reply: &[u8], to_head: bool, pieces: impl Iterator<Item = usize>) -> Ended {
    let mut reader = ResponseReader::default();
    reader.start(to_head, true);
    let mut at = 0;
    for length in pieces {
        let piece = &reply[at..(at + length).min(reply.len())];
        match reader.feed(piece) {
            Ok(fed) => {
                assert!(fed.consumed <= piece.len(), "it takes no more than it was given");
                at += fed.consumed;
                if fed.done {
                    return Ended::Whole(reader.status(), at, reader.keep_alive());
                }
                assert_eq!(fed.consumed, piece.len(), "it leaves bytes only when it is done");
            }
            Err(failure) => return Ended::Refused(failure.class),
        }
        if at == reply.len() {
            break;
        }
    }
    match reader.end_of_stream() {
        Ok(()) => Ended::Whole(reader.status(), at, reader.keep_alive()),
        Err(failure) => Ended::Refused(failure.class),
    }
}

#[test]
fn reply_reader() {
    check!().with_iterations(inputs()).with_type::<(bool, u8, Vec<Part>)>().for_each(
        |(to_head, step, parts)| {
            let reply: Vec<u8> = parts.iter().flat_map(Part::bytes).collect();
            let whole = read(&reply, *to_head, std::iter::once(reply.len().max(1)));
            let step = usize::from(*step).max(1);
            let pieces = read(&reply, *to_head, std::iter::repeat(step));
            assert_eq!(whole, pieces, "the same bytes in pieces of {step}: {reply:?}");
            if let Ended::Whole(_, length, _) = whole {
                assert!(length <= reply.len() && reply.len() < MAX_HEAD_BYTES * 64);
            }
        },
    );
}

/// A piece of a reply: something that stands in real ones, or any bytes.
#[derive(Debug, Clone, bolero::TypeGenerator)]
enum Part {
    Known(u8),
    Length(u16),
    Chunk(Vec<u8>),
    Raw(Vec<u8>),
}

const KNOWN: [&str; 24] = [
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.1 304 Not Modified\r\n",
    "HTTP/1.1 503 Busy\r\n",
    "HTTP/1.1 301 Moved\r\nlocation: /x\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n",
    "transfer-encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "transfer-encoding: chunked, gzip\r\n",
    "content-length: 5\r\n",
    "content-length: 18446744073709551616\r\n",
    "content-length: +5\r\n",
    "connection: close\r\n",
    "connection: keep-alive\r\n",
    "x: y\r\n",
    "\r\n",
    "hello",
    "0\r\n\r\n",
    "5\r\nhello\r\n",
    "ffffffffffffffff\r\n",
    "5;name=\"value\"\r\nhello\r\n",
    "\n",
];

impl Part {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Part::Known(number) => KNOWN[usize::from(*number) % KNOWN.len()].into(),
            Part::Length(length) => format!("content-length: {length}\r\n").into(),
            Part::Chunk(data) => {
                [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
            }
            Part::Raw(bytes) => bytes.clone(),
        }
    }
}

#[test]
fn signed_words() {
    let (signer, run) = (Signer::random().expect("randomness"), "a-run".into());
    let real = signer.say(&About::Plan(&run), b"{\"name\": \"a\"}");
    let edits = bolero::produce::<(Vec<(u8, u8)>, Vec<u8>, bool)>();
    check!().with_iterations(inputs() / 10).with_generator(edits).for_each(
        |(edits, appended, raw)| {
            let mut words = if *raw { appended.clone() } else { real.to_vec() };
            for (at, value) in edits {
                let places = words.len().max(1);
                if let Some(byte) = words.get_mut(usize::from(*at) % places) {
                    *byte ^= value;
                }
            }
            let is_real = words == real;
            let heard = hear(&About::Plan(&run), &words.into());
            assert_eq!(heard.is_ok(), is_real, "only what was said holds: {edits:?}");
        },
    );
}

#[test]
fn target_lists() {
    const PIECES: [&str; 16] = [
        "10.0.0.0/8",
        ",",
        ":",
        "*.",
        "a.test",
        "[fd00::]",
        "443",
        "/",
        " ",
        "::",
        "[",
        "]",
        "-",
        "\u{e9}",
        "99999",
        ".",
    ];
    let pieces = bolero::produce::<Vec<u8>>();
    check!().with_iterations(inputs()).with_generator(pieces).for_each(|pieces| {
        let text: String =
            pieces.iter().map(|piece| PIECES[usize::from(*piece) % PIECES.len()]).collect();
        match text.parse::<TargetList>() {
            Ok(list) => assert_eq!(list.to_string().parse(), Ok(list), "{text:?}"),
            Err(error) => assert!(!error.is_empty(), "{text:?}"),
        }
    });
}

#[test]
fn scenario_parser() {
    let (fields, values) = (fields(), values());
    check!().with_iterations(inputs() / 4).with_type::<Vec<(u8, u8, bool)>>().for_each(|choices| {
        let mut document = Map::new();
        document.insert("targetUrl".into(), json!("http://127.0.0.1:8081/"));
        document.insert("durationSeconds".into(), json!(10));
        let mut profile = Map::new();
        for (field, value, inside) in choices {
            let field = fields[usize::from(*field) % fields.len()];
            let value = values[usize::from(*value) % values.len()].clone();
            let into = if *inside { &mut profile } else { &mut document };
            into.insert(field.into(), value);
        }
        if !profile.is_empty() {
            document.insert("loadProfile".into(), profile.into());
        }
        match Scenario::from_value(Value::Object(document)) {
            Ok(scenario) => {
                let written = scenario.to_value();
                let again = Scenario::from_value(written.clone()).expect("its own document");
                assert_eq!(again.to_value(), written);
            }
            Err(error) => assert!(!error.faults.is_empty()),
        }
    });
    check!().with_iterations(inputs() / 4).for_each(|input: &[u8]| {
        let text = String::from_utf8_lossy(input);
        let _ = Scenario::from_json(&text).map(|scenario| scenario.to_value());
        let _ = Scenario::from_yaml(&text).map(|scenario| scenario.to_value());
    });
}

/// Names that have a meaning somewhere in a scenario, and some that have none.
fn fields() -> Vec<&'static str> {
    "name targetUrl method headers body durationSeconds warmupSeconds numWorkers workerWaitSeconds queueSeconds \
     onWorkerLoss loadProfile arrivals seed connections streams maxBacklog timeoutSeconds \
     drainSeconds followRedirects tlsVerify httpVersion keepAlive proxy connectTo \
     caCertificate clientCertificate certificate key unixSocket slackSeconds threads checks status header is contains \
     bodyContains bodyBytes atLeast atMost sla tags notes autoStart type \
     initialRps targetRps rampUpSeconds bursts spikeStartSecond spikeDurationSeconds steps \
     amplitudeRps periodSeconds points file nonsense"
        .split_whitespace()
        .collect()
}

/// Values that are right somewhere, and values that are right nowhere.
fn values() -> Vec<Value> {
    let numbers = [0.0, -0.0, 1.0, 2.5, 10.0, 1e12, -1.0, 1e-9, 1e300, 604_801.0];
    let texts = "CONSTANT RAMP BURST SPIKE STEPS SINE REPLAY UNIFORM POISSON GET rebalance auto \
                 http1 http2 https://[::1]:1/ http:// ftp://x p99<250ms p99< \
                 ok_p99<1s share{5xx}<1% status==200 2xx header:x-a~=b body~= bytes<=9";
    let lists = [
        json!([]),
        json!({}),
        json!(null),
        json!(true),
        json!(""),
        json!("\u{0}\r\n"),
        json!(u64::MAX),
        json!({"Content-Length": "5"}),
        json!({"accept": "*/*", "x": 5}),
        json!(["p99<250ms", {"rule": "error_rate<1%", "windowSeconds": 10, "abort": true}]),
        json!([{"header": "x-a", "is": "b"}, {"bodyBytes": {"atLeast": 1}}, {"status": 99}, "body~=ok"]),
        json!([{"startSecond": 1, "durationSeconds": 2, "rps": 30}, {"rps": -1}]),
        json!([{"durationSeconds": 4, "rps": 30}, {"durationSeconds": 6, "rps": 0}]),
        json!([{"second": 0, "rps": 1}, {"second": 10, "rps": 5}, {"second": 3}]),
    ];
    let numbers = numbers.into_iter().map(Value::from);
    numbers.chain(texts.split_whitespace().map(Value::from)).chain(lists).collect()
}
