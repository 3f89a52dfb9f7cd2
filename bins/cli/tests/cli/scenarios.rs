//! Tests scenario files in JSON and YAML, options that override them, and what `validate` says of
//! both.

use crate::support::{Ran, command, loadcore, loadcore_reading, target};
use loadcore_target::Config;
use serde_json::{Value, json};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: impl AsRef<str>) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text.as_ref()).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn run(file: &str, more: &[&str]) -> Value {
    loadcore(&[&["run", file, "-o", "json"], more].concat()).ended(0).document()
}

#[test]
fn what_may_be_a_file_or_a_host_is_refused() {
    // Tests run in their package's folder.
    let said = loadcore(&["validate", "Cargo.toml"]).ended(2);
    said.says(&["./Cargo.toml", "http://Cargo.toml"]);
}

#[test]
fn a_scenario_comes_from_standard_input() {
    let target = target(Config::default());
    let url = target.url("/");
    let json = format!(r#"{{"name": "a", "targetUrl": "{url}", "durationSeconds": 1}}"#);
    let yaml = format!("name: a\ntargetUrl: {url}\ndurationSeconds: 1\n");
    for text in [&json, &yaml, &format!("\u{feff}{json}"), &format!("\u{feff}{yaml}")] {
        let words = ["run", "-", "-n", "4", "-o", "json"];
        let document = loadcore_reading(text, &words).ended(0).document();
        assert_eq!(
            (&document["scenario"]["name"], &document["outcomes"]["ok"]),
            (&json!("a"), &json!(4))
        );
        assert!(loadcore_reading(text, &["validate", "-"]).ended(0).out.starts_with("a  http"));
    }
    loadcore_reading("name: a\n", &["validate", "-"]).ended(104).says(&["targetUrl: is missing"]);
    let twice = loadcore_reading(&json, &["run", "-", "-b", "@-"]).ended(2);
    twice.says(&["- and --body @- would both read standard input"]);
    let folder = Folder::new();
    let marked = folder.file("a.json", format!("\u{feff}{json}"));
    loadcore(&["validate", &marked]).ended(0);
    let profile = "\u{feff}{\"type\": \"CONSTANT\", \"initialRps\": 5}";
    let profile = format!("@{}", folder.file("profile.json", profile));
    loadcore(&["validate", "a.test", "--profile", &profile]).ended(0);
}

#[test]
fn what_a_result_redacts_is_not_sent() {
    let target = target(Config::default());
    let folder = Folder::new();
    let first = run(&target.url("/"), &["-n", "1", "-u", "me:secret", "-H", "X-A: 1"]);
    let file = folder.file("again.json", first["scenario"].to_string());
    let ran = loadcore(&["run", &file, "-t", "0"]).ended(104);
    ran.says(&[
        "the scenario has 2 faults",
        "headers.Authorization: [redacted] stands in a report for a secret; give the secret itself",
        "timeoutSeconds (-t): 0",
    ]);
    run(&file, &["-u", "me:secret"]);
    let typed = loadcore(&["validate", "a.test", "-H", "X-Other: [redacted]"]).ended(104);
    typed.says(&["headers.X-Other (-H): [redacted] stands"]);
}

#[test]
fn steps_need_no_duration() {
    let target = target(Config::default());
    let profile = r#"{"type": "STEPS", "steps": [{"durationSeconds": 0.1, "rps": 100}, {"durationSeconds": 0.3, "rps": 50}]}"#;
    let words = ["--profile", profile];
    let by_option = run(&target.url("/"), &words);
    assert_eq!(
        (&by_option["scenario"]["durationSeconds"], &by_option["arrivals"]["due"]),
        (&json!(0.4), &json!(25))
    );
    let few = run(&target.url("/"), &["--profile", profile, "-n", "3"]);
    assert_eq!(
        (&few["scenario"]["durationSeconds"], &few["arrivals"]["due"]),
        (&json!(0.4), &json!(3))
    );
    let text =
        format!(r#"{{"name": "a", "targetUrl": "{}", "loadProfile": {profile}}}"#, target.url("/"));
    let folder = Folder::new();
    let file = folder.file("steps.json", text);
    assert_eq!(run(&file, &[])["arrivals"]["due"], 25);
    let longer = loadcore(&["validate", &file, "-d", "1s"]).ended(104);
    longer
        .says(&["loadProfile.steps: the steps last 0.4 s together, the run 1 s; make them equal"]);
}

#[test]
fn streams_that_can_have_no_effect_are_a_fault_that_names_both() {
    for other in ["--http1", "--no-keepalive"] {
        let ran = loadcore(&["run", "127.0.0.1:1", "-r", "5", "--streams", "8", other]).ended(104);
        ran.says(&["streams (--streams): 8 requests side by side", &format!("({other}), which")]);
    }
}

#[test]
fn the_same_document_whichever_way_it_came() {
    let target = target(Config::default());
    let url = target.url("/status/201");
    let folder = Folder::new();
    let json = folder.file(
        "a.json",
        json!({
            "name": url, "targetUrl": url, "method": "POST", "body": "{}", "durationSeconds": 0.2,
            "headers": {"X-A": "1"}, "loadProfile": {"type": "CONSTANT", "initialRps": 100},
            "sla": ["error_rate<1%"]
        })
        .to_string(),
    );
    let yaml = folder.file(
        "a.yaml",
        format!(
            "name: {url}\ntargetUrl: {url}\nmethod: POST\nbody: '{{}}'\ndurationSeconds: 0.2\n\
             headers: {{X-A: '1'}}\nloadProfile: {{type: CONSTANT, initialRps: 100}}\n\
             sla: [error_rate<1%]\n"
        ),
    );
    let words = ["-r", "100", "-d", "200ms", "-b", "{}", "-H", "X-A: 1", "--sla", "error_rate<1%"];
    let documents = [run(&json, &[]), run(&yaml, &[]), run(&url, &words)];
    for document in &documents {
        assert_eq!(document["scenario"], documents[0]["scenario"]);
        assert_eq!(document["statusCodeDistribution"]["201"], 20);
        assert_eq!(document["sla"][0]["passed"], true);
    }
    // The document of a result is a scenario again.
    let again = folder.file("again.json", documents[0]["scenario"].to_string());
    assert_eq!(run(&again, &[])["scenario"], documents[0]["scenario"]);
}

#[test]
fn options_override_the_file() {
    let target = target(Config::default());
    let folder = Folder::new();
    let file = folder.file(
        "a.json",
        json!({
            "name": "a", "targetUrl": target.url("/"), "durationSeconds": 600, "connections": 9,
            "headers": {"X-A": "old", "X-B": "kept"}, "sla": ["error_rate<50%"],
            "loadProfile": {"type": "RAMP", "initialRps": 1, "targetRps": 100},
        })
        .to_string(),
    );
    let words = [
        "-r",
        "100",
        "-d",
        "100ms",
        "-c",
        "3",
        "-H",
        "x-a: new",
        "--sla",
        "p99<10s",
        "-t",
        "3s",
        "-u",
        "me:s3cret",
    ];
    let scenario = &run(&file, &words)["scenario"];
    assert_eq!(scenario["durationSeconds"], 0.1);
    assert_eq!(scenario["loadProfile"], json!({"type": "CONSTANT", "initialRps": 100}));
    assert_eq!((&scenario["connections"], &scenario["timeoutSeconds"]), (&json!(3), &json!(3)));
    let headers = json!({"X-B": "kept", "x-a": "new", "Authorization": "[redacted]"});
    assert_eq!(scenario["headers"], headers, "and no password stands in a report");
    assert_eq!(scenario["sla"], json!(["error_rate<50%", "p99<10s"]));
}

#[test]
fn a_shorter_duration_may_cut_off_fixed_parts_and_that_is_a_fault() {
    let folder = Folder::new();
    let file = folder.file(
        "a.yaml",
        "name: a\ntargetUrl: http://127.0.0.1:1/\ndurationSeconds: 60\n\
         loadProfile: {type: BURST, initialRps: 1, bursts: [{startSecond: 30, durationSeconds: 5, rps: 9}]}\n",
    );
    loadcore(&["validate", &file]).ended(0);
    let ran = loadcore(&["run", &file, "-d", "20s"]).ended(104);
    ran.says(&["the scenario has 1 fault:", "loadProfile.bursts[0]", "past the run's end"]);
}

#[test]
fn every_fault_is_listed_with_its_place() {
    let folder = Folder::new();
    let file = folder.file(
        "bad.yaml",
        "name: ''\ntargetUrl: example.com\ndurationSeconds: -1\nconections: 5\n\
         headers: {Content-Length: '5'}\ntlsVerify: maybe\nsla: [p99<fast]\ntimeoutSeconds: .nan\n\
         numWorkers: 0\nloadProfile: {type: BURST, initialRps: fast, bursts: [{rps: 1}]}\n",
    );
    let places = [
        "name:",
        "targetUrl:",
        "durationSeconds:",
        "conections: unknown field; did you mean `connections`?",
        "headers.Content-Length:",
        "tlsVerify:",
        "sla[0]:",
        "timeoutSeconds:",
        "numWorkers:",
        "loadProfile.initialRps:",
        "loadProfile.bursts[0].startSecond:",
        "loadProfile.bursts[0].durationSeconds:",
    ];
    for command in ["run", "validate"] {
        let ran = loadcore(&[command, &file]).ended(104);
        ran.says(&["the scenario has 12 faults:"]);
        ran.says(&places);
        assert_eq!(ran.out, "");
    }
    let file = folder.file("not.json", "{\"name\": 1,}");
    loadcore(&["run", &file]).ended(104).says(&["not valid JSON", "line 1 column 12"]);
}

#[test]
fn a_hostile_file_does_not_move_the_cursor() {
    let folder = Folder::new();
    let text =
        r#"{"name": "a", "targetUrl": "http://a/", "durationSeconds": 1, "sla": ["\u001b[2J<1"]}"#;
    let ran = loadcore(&["validate", &folder.file("a.json", text)]).ended(104);
    assert!(!ran.err.contains('\u{1b}'), "{ran:#?}");
}

#[test]
fn a_recorded_rate_is_looked_for_beside_the_file_that_names_it() {
    let target = target(Config::default());
    let folder = Folder::new();
    folder.file("rate.csv", "second,rps\n0,100\n0.2,100\n");
    let profile = json!({"type": "REPLAY", "file": "rate.csv"});
    let file = folder.file(
        "replay.json",
        json!({
            "name": "a", "targetUrl": target.url("/"), "durationSeconds": 0.2,
            "loadProfile": profile,
        })
        .to_string(),
    );
    assert_eq!(run(&file, &[])["arrivals"]["due"], 20);
    let profile = folder.file("profile.json", profile.to_string());
    let words = ["--profile", &format!("@{profile}"), "-d", "200ms"];
    assert_eq!(run(&target.url("/"), &words)["arrivals"]["due"], 20);
    let missing = folder.file(
        "missing.json",
        json!({
            "name": "a", "targetUrl": "http://127.0.0.1:1/", "durationSeconds": 1,
            "loadProfile": {"type": "REPLAY", "file": "no.csv"},
        })
        .to_string(),
    );
    let ran = loadcore(&["run", &missing]).ended(104);
    ran.says(&["loadProfile.file: \"no.csv\" cannot be read"]);
}

#[test]
fn what_would_run() {
    let page = loadcore(&["validate", "a.test/x", "-r", "100", "-d", "1m"]).ended(0).out;
    for part in
        ["http://a.test/x", "Open loop, CONSTANT, 1 min", "6,000 arrivals", "│████", "1,000"]
    {
        assert!(page.contains(part), "{part:?} is not in {page}");
    }
}

#[test]
fn a_picture_fits_its_terminal() {
    let words = ["validate", "a.test/x", "-r", "100", "-d", "1m"];
    for (columns, expected) in [("50", 48), ("5", 38), ("many", 78)] {
        let page =
            Ran::of(command().args(words).env("COLUMNS", columns).output().unwrap()).ended(0).out;
        let axis = page.lines().find(|line| line.contains('└')).unwrap();
        assert_eq!(axis.chars().count(), expected, "{page}");
    }
}

#[test]
fn nothing_that_ever_falls_due_is_told() {
    let note = "note: no arrival falls due within 200 ms; the first would come after 2.5 s";
    let words = ["127.0.0.1:1", "-r", "0.2", "-d", "200ms"];
    let ran = loadcore(&[&["run"], &words[..]].concat()).ended(96);
    ran.says(&[note]);
    assert_eq!(loadcore(&[&["run", "-q"], &words[..]].concat()).ended(96).err, "");
    assert!(loadcore(&[&["validate"], &words[..]].concat()).ended(0).out.contains(note));
}

#[test]
fn what_one_machine_does_otherwise_is_told() {
    let folder = Folder::new();
    let file = folder.file(
        "a.yaml",
        "name: a\ntargetUrl: http://127.0.0.1:1/\ndurationSeconds: 0.1\nnumWorkers: 3\n",
    );
    let part = "note: numWorkers is 3; here this machine alone makes the whole load";
    loadcore(&["run", &file, "-n", "1"]).ended(96).says(&[part]);
    assert!(loadcore(&["validate", &file]).ended(0).out.contains(part));
}
