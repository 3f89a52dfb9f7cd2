//! Tests `loadcore compare`: what is said of two files and two groups, its exit codes, and bad
//! files.

use crate::support::{Ran, loadcore};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A result that the library keeps to be read for ever: 30/s for 3 s.
const RESULT: &str = include_str!("../../../../loadcore/src/result/golden_v1.json");

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut document: Value = serde_json::from_str(RESULT).unwrap();
        change(&mut document);
        self.write(name, &document.to_string())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn compared(words: &[&str]) -> Ran {
    loadcore(&[&["compare"][..], words].concat())
}

/// Repeats of a median: what they say is sure without looking at their seconds.
fn repeats(files: &Files, name: &str, medians: [f64; 3]) -> Vec<String> {
    let each = medians.into_iter().enumerate().map(|(n, ms)| {
        files.put(&format!("{name}{n}.json"), |it| {
            it["latency"]["p50Ms"] = json!(ms);
            (it["histograms"], it["series"]) = (Value::Null, json!([]));
        })
    });
    each.collect()
}

#[test]
fn a_result_is_no_different_from_itself() {
    let files = Files::new();
    let (a, b) = (files.put("a", |_| ()), files.put("b", |_| ()));
    let ran = compared(&[&a, &b]).ended(0);
    assert!(ran.out.contains("\n  p50: ") && ran.out.contains("no difference shown"), "{ran:#?}");
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{ran:#?}");
    assert_eq!((ran.err.as_str(), ran.out.contains('\u{1b}')), ("", false));
    let same = compared(&[&a, "--with", &b]).ended(0);
    assert_eq!(same.out, ran.out);
}

#[test]
fn a_regression_ends_with_99_and_a_wider_tolerance_with_0() {
    let files = Files::new();
    let base = repeats(&files, "base", [10.0, 10.01, 9.99]);
    let slow = repeats(&files, "slow", [12.0, 12.01, 11.99]);
    let mut words: Vec<&str> = base.iter().map(String::as_str).collect();
    words.push("--with");
    words.extend(slow.iter().map(String::as_str));
    let ran = compared(&words).ended(99);
    assert!(ran.out.contains("p50 rose from 10 ms to 12 ms (+20%, 95% interval +"), "{ran:#?}");
    assert!(ran.out.ends_with("\nRegression beyond the tolerance of 5%: p50\n"), "{ran:#?}");
    let wide = compared(&[&["--tolerance", "25%"][..], &words].concat()).ended(0);
    assert!(wide.out.contains("Worse, within the tolerance of 25%: p50"), "{wide:#?}");
    let document = compared(&[&["-o", "json"][..], &words].concat()).ended(99).document();
    assert_eq!(document["judgement"], "regression");
    assert_eq!(document["tolerancePercent"], 5.0);
    assert_eq!(document["candidate"].as_array().unwrap().len(), 3);
}

#[test]
fn what_may_not_be_trusted_ends_with_110_and_what_was_never_ok_with_96() {
    let files = Files::new();
    let (good, invalid) = (
        files.put("good", |_| ()),
        files.put("invalid", |it| it["validity"]["verdict"] = json!("INVALID")),
    );
    for words in [[&good, &invalid], [&invalid, &good]] {
        let ran = compared(&words.map(String::as_str)).ended(110);
        assert!(ran.out.contains("! the ") && ran.out.contains("has the verdict INVALID"));
    }
    let failed = files.put("failed", |it| {
        it["outcomes"] = json!({"ok": 0, "failed": 90, "unfinished": 0, "late": 0});
    });
    let ran = compared(&[&failed, &failed]).ended(96);
    assert!(ran.out.contains("has no request that was ok"), "{ran:#?}");
}

#[test]
fn other_scenarios_are_compared_with_a_warning_and_foreign_text_moves_no_cursor() {
    let files = Files::new();
    let other = files.put("b", |it| {
        it["scenario"]["targetUrl"] = json!("http://other.test/\u{1b}[2J");
        it["scenario"]["name"] = json!("<script>\u{1b}]0;x\u{7}");
    });
    let ran = compared(&[&files.put("a", |_| ()), &other]).ended(0);
    assert!(ran.out.contains("! the scenarios differ in targetUrl: "), "{ran:#?}");
    assert!(ran.out.contains("<script>") && !ran.out.contains(['\u{1b}', '\u{7}']), "{ran:#?}");
}

#[test]
fn a_file_that_is_no_result_is_named_and_ends_with_2() {
    let files = Files::new();
    let good = files.put("good", |_| ());
    for (name, text, said) in [
        ("cut", &RESULT[..900], "not a result document: EOF"),
        ("empty", "", "not a result document"),
        ("text", "p99 was fine", "not a result document"),
        ("other", "{\"schemaVersion\": 1}", "missing field"),
        (
            "newer",
            "{\"schemaVersion\": 99}",
            "has schemaVersion 99, and this program reads up to 1",
        ),
    ] {
        let bad = files.write(name, text);
        for words in [[&good, &bad], [&bad, &good]] {
            let ran = compared(&words.map(String::as_str)).ended(2);
            assert!(ran.err.contains(&bad) && ran.err.contains(said), "{ran:#?}");
            assert_eq!(ran.out, "");
        }
    }
    let damaged = files.put("damaged", |it| it["series"][0]["distribution"] = json!("?"));
    let ran = compared(&[&good, &damaged]).ended(2);
    assert!(ran.err.contains("the distribution is not Base64"), "{ran:#?}");
    let ran = compared(&[&good, "/nowhere/at/all.json"]).ended(2);
    assert!(ran.err.contains("/nowhere/at/all.json: "), "{ran:#?}");
}

#[test]
fn wrong_usage_ends_with_2() {
    let files = Files::new();
    let good = files.put("good", |_| ());
    for (words, said) in [
        (&[&*good][..], "one file without --with: give two files"),
        (&[&*good, &good, &good], "3 files without --with"),
        (&[], "BASE"),
        (&[&*good, &good, "--tolerance", "-3"], "from 0 to 10000"),
        (&[&*good, &good, "--tolerance", "much"], "from 0 to 10000"),
        (&[&*good, &good, "-o", "csv"], "-o csv: it is written as text or json only"),
        (&[&*good, &good, "-o", "text", "-o", "json"], "both go to standard output"),
    ] {
        let ran = compared(words).ended(2);
        assert!(ran.err.contains(said), "{ran:#?}");
    }
}

#[test]
fn it_is_written_to_files() {
    let files = Files::new();
    let (a, b) = (files.put("a", |_| ()), files.put("b", |_| ()));
    let path = files.0.path().join("comparison.json");
    let output = format!("json={}", path.display());
    let ran = compared(&[&a, &b, "-o", "text", "-o", &output]).ended(0);
    assert!(ran.out.contains("No difference shown"), "{ran:#?}");
    assert_eq!(read(&path)["judgement"], "no_difference");
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}
