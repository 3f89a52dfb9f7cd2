//! Throws broken and random text at what reads headers, and gives the fuzz targets of this crate's rooms
//! their inputs.
//!
//! A target stands in the room whose decoder it is for. Under `cargo test` each has a bounded number of
//! inputs, with `LOADCORE_LONG=1` ten million; they run without end
//! under a coverage-guided fuzzer (`cargo bolero test -p loadcore-controller access::fuzz::key_sets`).

use crate::conditions::Conditions;
use crate::media::{Accept, Written};
use crate::origin::Hosts;
use axum::extract::FromRequestParts;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Request, header};
use bolero::check;
use futures_util::FutureExt;
use std::env;
use std::net::IpAddr;

/// Inputs for a target: seconds of work in a test run, of which one that takes longer has a part.
pub(crate) fn inputs(part: usize) -> usize {
    if env::var_os("LOADCORE_LONG").is_some() { 10_000_000 } else { 100_000 / part }
}

/// Turns bytes into a text of these pieces.
pub(crate) fn pieces<'a>(pieces: &'a [&str]) -> impl Fn(&[u8]) -> Vec<u8> + use<'a> {
    let pieces: Vec<_> = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
    move |choices| {
        let chosen = choices.iter().map(|choice| &pieces[usize::from(*choice) % pieces.len()]);
        chosen.flatten().copied().collect()
    }
}

#[test]
fn names_of_this_machine() {
    let here = Hosts::new(true, Vec::new());
    let pieces = pieces(&[
        "localhost",
        "127.0.0.1",
        "::1",
        "[",
        "]",
        ":",
        "80",
        "@",
        ".",
        "evil.test",
        "0",
        "%",
        "[::1]",
        "x",
    ]);
    check!().with_iterations(inputs(1)).with_generator(bolero::produce()).for_each(
        |choices: &Vec<u8>| {
            let text = String::from_utf8(pieces(choices)).expect("a text of such pieces");
            if text.is_empty() || !here.answer_to(&text) {
                return;
            }
            let asked: Authority = text.parse().unwrap_or_else(|_| panic!("{text} is none"));
            let host = asked.host().trim_matches(['[', ']']);
            let is_loopback = host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
            assert!(is_loopback || host == "localhost", "{text} asks for {host}");
            assert!(!text.contains('@'), "{text} has a user");
        },
    );
}

#[test]
fn conditions_and_types() {
    let pieces = pieces(&[
        "\"3\"",
        "W/",
        "\"",
        "*",
        ",",
        " ",
        "3",
        "\"a,b\"",
        "application/json",
        "text/*",
        "*/*",
        ";q=",
        "0.5",
        ";",
        "charset=",
        "utf-8",
        "-1",
        "NaN",
        "\u{e9}",
    ]);
    let choices = bolero::produce::<(bool, Vec<u8>)>();
    check!().with_iterations(inputs(2)).with_generator(choices).for_each(|(raw, choices)| {
        let text = if *raw { choices.clone() } else { pieces(choices) };
        let Ok(value) = HeaderValue::from_bytes(&text) else { return };
        let mut request = Request::new(());
        for name in [header::IF_MATCH, header::ACCEPT, header::CONTENT_TYPE] {
            request.headers_mut().insert(name, value.clone());
        }
        let (mut parts, ()) = request.into_parts();
        assert!(Accept::of(&parts.headers).wants("application/json") <= 1_000);
        let _ = Written::of(&parts.headers, true);
        let conditions = Conditions::from_request_parts(&mut parts, &()).now_or_never();
        let holds = conditions.expect("nothing is waited for").is_ok_and(|it| it.check(3).is_ok());
        let has = |wanted: &[u8]| text.windows(wanted.len()).any(|it| it == wanted);
        assert!(!holds || has(b"\"3\"") || text.trim_ascii() == b"*", "{value:?}");
    });
}
