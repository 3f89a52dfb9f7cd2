//! Tests that wrong usage gives exit code 2 and a message that helps.

use crate::support::loadcore;

#[test]
fn wrong_usage_ends_with_2() {
    let cases: &[(&[&str], &str)] = &[
        (&["run"], "<URL|FILE>"),
        (&["fly"], "unrecognized subcommand"),
        (&["run", "a", "-r", "fast"], "write it like 500, 100/s or 30000/1m"),
        (&["run", "a", "-r", "NaN"], "is not a rate"),
        (&["run", "a", "-r", "-5"], "is not a rate"),
        (&["run", "a", "-r", "-5/s"], "is not a rate: its number is negative"),
        (&["run", "a", "-d", "-1s"], "\"-1s\" is not a duration: it is negative"),
        (&["run", "a", "--warmup", "-1s"], "it is negative"),
        (&["run", "a", "-n", "-1"], "\"-1\" is negative; give a whole number"),
        (&["run", "a", "--threads", "-1"], "\"-1\" is negative; give a whole number"),
        (&["run", "a", "-c", "99999999999999999999"], "\"99999999999999999999\" is too large"),
        (&["run", "a", "-r", "100rps"], "write it like 100 or 100/s"),
        (&["run", "a", "-r", "1,000"], "write it like 1000 or 1_000"),
        (&["run", "a", "-r", "5/sec"], "write it like 5/s"),
        (&["run", "a", "-n", "10,000"], "write 10000 or 10_000"),
        (&["run", "a", "-c", "1.5"], "\"1.5\" is not a whole number"),
        (&["run", "a", "-t", "4"], "write -t 4s; for threads, --threads 4"),
        (&["run", "a", "--timeout", "1.5"], "\"1.5\" has no unit; for seconds write -t 1.5s"),
        (&["run", "a", "-d", "10"], "\"10\" has no unit; for seconds write -d 10s"),
        (&["run", "a", "-z", "10"], "write -d 10s"),
        (&["run", "a", "--warmup", "1"], "write --warmup 1s"),
        (&["run", "a", "--drain", "2"], "write --drain 2s"),
        (&["run", "a", "--slack", "1"], "write --slack 1s"),
        (&["run", "a", "-d", "10sec"], "write it like 10s"),
        (&["run", "a", "-d", "10x"], "write it like 10s, 500ms or 1h30m"),
        (&["run", "a", "-n", "many"], "\"many\" is not a whole number"),
        (&["run", "a", "-r", "5", "--profile", "{}"], "cannot be used with"),
        (&["run", "a", "--profile", "{"], "--profile is not valid JSON"),
        (&["run", "a", "--http1", "--http2"], "cannot be used with"),
        (&["run", "a", "-b", "x", "--json", "{}"], "cannot be used with"),
        (&["run", "a", "-b", "@/nonexistent"], "--body /nonexistent: No such file"),
        (&["run", "a", "--cacert", "/nonexistent"], "--cacert /nonexistent: No such file"),
        (&["run", "a", "--cacert", "/dev/null"], "--cacert /dev/null: there is no PEM block"),
        (&["run", "a", "--cert", "a.pem"], "--key"),
        (&["run", "a", "--connect-to", "a:1"], "HOST1:PORT1:HOST2:PORT2"),
        (&["run", "a", "--connect-to", "a:1:b:0"], "port \"0\" is out of range"),
        (&["run", "a", "--proxy", "https://p"], "only http:// proxies are supported"),
        (&["run", "a", "--proxy", "p:1", "--http2"], "leave out --http2, or the proxy"),
        (&["run", "a", "-H", "no colon"], "there is no colon"),
        (&["run", "a", "-u", "me"], "there is no colon before a password"),
        (&["run", "a", "--arrivals", "RANDOM"], "possible values: uniform, poisson"),
        (&["run", "a", "--threads", "0"], "threads (--threads): 0 is out of range"),
        (&["run", "a", "--slack", "5s"], "slackSeconds (--slack): 5 is out of range"),
        (&["run", "a", "-o", "pdf"], "there are text, "),
        (&["run", "a", "-o", "xlsx=b"], "there are text, "),
        (&["run", "a", "-o", "text", "-o", "json"], "both go to standard output"),
        (&["run", "missing.json"], "cannot read the scenario missing.json"),
        (&["run", "a", "--sla"], "a value is required"),
        (&["run", "a", "--arrivals", "poisson"], "--arrivals: only for arrivals"),
        (&["run", "a", "--seed", "5", "--max-backlog", "9"], "--seed, --max-backlog: only for"),
        (&["validate", "a", "--max-backlog", "9"], "give -r or --profile as well"),
        (&["validate", "missing.yaml"], "No such file"),
    ];
    for (words, part) in cases {
        let ran = loadcore(words).ended(2);
        ran.says(&[part]);
        assert_eq!(ran.out, "", "{words:?}");
    }
}

#[test]
fn what_may_be_a_secret_is_not_repeated() {
    let cases: &[(&[&str], &str)] = &[
        (&["-H", "Authorization s3cret"], "'(not shown)' for '--header"),
        (&["-H=s3cret"], "there is no colon; write"),
        (&["--cookie", "s3cret"], "there is no =; write"),
        (&["-u", "s3cret"], "there is no colon before a password"),
        (&["-F", "s3cret"], "there is no =; write NAME=VALUE"),
        (&["--proxy", "socks5://me:s3cret@p:1"], "--proxy"),
        (&["--controller", "http://me:s3cret@p:1"], "is not supported; give --token"),
    ];
    for (words, part) in cases {
        let ran = loadcore(&[&["run", "http://127.0.0.1:1/"], *words].concat()).ended(2);
        ran.says(&[part]);
        assert!(!ran.err.contains("s3cret"), "{words:?}: {}", ran.err);
    }
}

#[test]
fn without_a_word_it_explains_itself() {
    loadcore(&[]).ended(2).says(&["Usage: loadcore <COMMAND>", "Examples:", "loadcore run"]);
}

#[test]
fn help_and_version_go_to_standard_output() {
    let version = loadcore(&["--version"]).ended(0).out;
    assert_eq!(version, format!("loadcore {}\n", env!("CARGO_PKG_VERSION")));
    let help = loadcore(&["run", "--help"]).ended(0).out;
    for part in
        ["Load:", "Request:", "Connection:", "Judgement:", "Engine:", "Output:", "Examples:"]
    {
        assert!(help.contains(part), "{part} is missing: {help}");
    }
    for option in [
        "-L, --location",
        "--host <",
        "--compressed",
        "--cookie <",
        "-F, --form <",
        "-4, --ipv4",
        "-6, --ipv6",
    ] {
        assert!(help.contains(option), "{option} is missing: {help}");
    }
    for command in ["validate", "report", "target", "completions"] {
        assert!(loadcore(&[command, "--help"]).ended(0).out.contains("Usage: loadcore"));
    }
}

#[test]
fn completions_for_a_shell() {
    let script = loadcore(&["completions", "bash"]).ended(0).out;
    for option in
        ["--max-backlog", "--location", "--host", "--compressed", "--cookie", "--form", "--ipv6"]
    {
        assert!(script.contains(option), "{option} of run is not in it");
    }
}
