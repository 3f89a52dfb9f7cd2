//! Tests reports of a result that is there already: any format, from a file or standard input; what
//! is no result is refused by its name.

use crate::support::{loadcore, loadcore_reading, target};
use loadcore_target::Config;

#[test]
fn a_result_becomes_what_the_run_would_have_written() {
    let target = target(Config::default());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let result = path("result.json");
    let outputs = ["json", "text", "html", "junit", "markdown", "csv", "hgrm"];
    let of = |name: &str, who: &str| format!("{name}={}", path(&format!("{who}.{name}")));
    let mut words =
        vec!["run".to_owned(), target.url("/"), "-r".into(), "60".into(), "-d".into(), "1s".into()];
    words.extend(["-o".to_owned(), format!("json={result}")]);
    words.extend(outputs[1..].iter().flat_map(|name| ["-o".to_owned(), of(name, "run")]));
    loadcore(&words.iter().map(String::as_str).collect::<Vec<_>>()).ended(0);
    let mut words = vec!["report".to_owned(), result.clone()];
    words.extend(outputs.iter().flat_map(|name| ["-o".to_owned(), of(name, "report")]));
    loadcore(&words.iter().map(String::as_str).collect::<Vec<_>>()).ended(0);

    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    assert_eq!(read("report.json"), read("result.json"));
    for name in &outputs[1..] {
        let (run, report) = (read(&format!("run.{name}")), read(&format!("report.{name}")));
        assert_eq!(run, report, "{name}");
    }
    let shown = loadcore(&["report", &result]).ended(0).out;
    assert_eq!(shown, read("run.text"), "without -o it is the report for people");
    let piped = loadcore_reading(&read("result.json"), &["report", "-", "-o", "junit"]).ended(0);
    assert_eq!(piped.out, read("run.junit"));
}

#[test]
fn what_is_no_result_is_refused_by_its_name_and_nothing_is_touched() {
    let target = target(Config::default());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let run = ["run", &target.url("/"), "-r", "20", "-d", "1s", "-o", "json"];
    let text = loadcore(&run).ended(0).out;
    let newer = text.replacen("\"schemaVersion\": 1", "\"schemaVersion\": 7", 1);
    let bare = {
        let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
        document["histograms"] = serde_json::Value::Null;
        document.to_string()
    };
    let html = format!("html={}", path("page.html"));
    std::fs::write(path("page.html"), "an earlier page").unwrap();
    for (name, content, output, expected) in [
        ("empty", "", &html, "not a result document: EOF"),
        ("cut", &text[..text.len() / 2], &html, "not a result document: "),
        ("other", "[1, 2]", &html, "not a result document: "),
        ("scenario", r#"{"name": "a"}"#, &html, "missing field `schemaVersion`"),
        ("newer", &newer, &html, "schemaVersion 7, and this program reads up to 1"),
        ("whole", &text, &"hlog".to_owned(), "-o hlog: hlog shows each interval"),
        ("bare", &bare, &"hgrm".to_owned(), "-o hgrm: the result carries no histograms"),
    ] {
        std::fs::write(path(name), content).unwrap();
        let refused = loadcore(&["report", &path(name), "-o", output]).ended(2);
        assert!(refused.err.contains(expected), "{name}: {}", refused.err);
        let is_named = refused.err.contains(&path(name)) || refused.err.contains("-o h");
        assert!(is_named, "{name}: {}", refused.err);
    }
    let page = std::fs::read_to_string(path("page.html")).unwrap();
    assert_eq!(page, "an earlier page");
    let missing = loadcore(&["report", &path("missing")]).ended(2);
    assert!(missing.err.contains("missing: No such file"), "{}", missing.err);
    let empty = loadcore_reading("", &["report", "-"]).ended(2);
    assert!(empty.err.contains("standard input: not a result document"), "{}", empty.err);
    loadcore(&["report"]).ended(2);
}
