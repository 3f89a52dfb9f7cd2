//! Runs each Rust example as its reader would, and holds it to what it says that it found.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use wait_timeout::ChildExt;

/// What takes this long will never end. Each of them is to end by itself within seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which examples there are, and what each has to say: a test with its name.
macro_rules! examples {
    ($($name:ident says [$($text:literal),+ $(,)?])+) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];

        $(
            #[test]
            fn $name() {
                let said = run(stringify!($name));
                for text in [$($text),+] {
                    assert!(said.contains(text), "it does not say {text:?}:\n{said}");
                }
            }
        )+
    };
}

// Counts follow from rates, times and seeds; of times themselves only what no slow machine changes.
examples! {
    first_test says ["due 1000, sent 1000\n", "ok 1000, failed 0\n"]
    closed_loop says ["on 16 connections; latency is ServiceTime\n", "status 200: 20000\n"]
    test_function says ["350 due, 350 ok\npassed\n", "did not pass:\n", "error_rate<5%: it is "]
    mix_with_checks says ["\nhome          599    599 ", "\nsearch        280      0 ", "check: 280 times, as: "]
    scenario_file says ["planned: Some(12000) arrivals, Some(200.0)/s", "sent 500, ok 500\n", "error_rate{order}<1% holds: it is 0%\n"]
    closure says ["service  ", "response ", "one call in a hundred is slow"]
    axum_router says ["status 200: 800\n", "status 404: 200\n", " bytes of replies\n"]
    redis_ping says ["1000 answered on ", " connections\n"]
    own_protocol says ["495 ok, 5 failed\n", "wrong_line: 5, as \"request ", " bytes sent, "]
    custom_profile says ["planned 785, due 785\n"]
    live_control says ["snapshot 3: ", "second 2: ", " due in "]
    cluster says ["3 workers, complete: true\n", "due 600, ok 600\n", "received 600\n"]
    reading_a_result says ["read 900 requests, 900 of them ok\n", "  97.3%  ", "second 2: "]
    comparing says ["the median is worse\n", "ok_p50<100ms: it is ", "of 800 requests in both, "]
}

/// What it prints, once it has ended well.
fn run(name: &str) -> String {
    let mut command = Command::new(program(name));
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // They say less than a pipe holds, so that nobody has to read meanwhile.
    let ended = child.wait_timeout(PATIENCE).unwrap();
    if ended.is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (mut said, mut complained) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut complained).unwrap();
    let ended = ended.unwrap_or_else(|| panic!("it has not ended within {PATIENCE:?}:\n{said}"));
    assert!(ended.success(), "{ended}:\n{said}\n{complained}");
    said
}

/// Cargo builds examples before it runs a package's tests, into a folder beside that of the tests;
/// where only these tests were asked for, by `--test`, it does not.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples").join(name);
    let built = |path: &Path| path.metadata().and_then(|it| it.modified());
    let is_new = built(&program).is_ok_and(|at| at >= built(&source(name)).unwrap());
    assert!(is_new, "{} is missing or old: cargo build --examples makes it", program.display());
    program
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rust")
}

fn source(name: &str) -> PathBuf {
    folder().join(name).with_extension("rs")
}

#[test]
fn all_files_are_known_here_and_to_cargo() {
    let files = fs::read_dir(folder()).unwrap();
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let there: BTreeSet<_> = files.map(|entry| stem(entry.unwrap().path())).collect();
    assert_eq!(there, NAMES.iter().map(|name| (*name).to_owned()).collect());
    let (manifest, page) = (include_str!("../Cargo.toml"), include_str!("../README.md"));
    for name in NAMES {
        let listed = format!("[[example]]\nname = \"{name}\"\npath = \"rust/{name}.rs\"\n");
        assert!(manifest.contains(&listed), "Cargo.toml has no example {name}");
        let row = format!("| [{name}](rust/{name}.rs) | ");
        assert!(page.contains(&row), "README.md has no row {row:?}");
    }
}

#[test]
fn each_says_first_how_it_is_run() {
    for name in NAMES {
        let text = fs::read_to_string(source(name)).unwrap();
        let wanted = format!("//! Run with: cargo run -p loadcore-examples --example {name}");
        let rest = text.strip_prefix(&wanted);
        assert!(rest.is_some_and(|rest| rest.starts_with([' ', '\n'])), "{name}: not {wanted:?}");
    }
}
