//! Tests that several URLs, from the command line or from a file, become a mix.

use crate::support::{loadcore, loadcore_reading, target};
use loadcore_target::Config;
use serde_json::{Value, json};

/// Name, arrivals and ok of each request.
fn requests(document: &Value) -> Vec<(String, u64, u64)> {
    let all = document["requests"].as_array().expect("a list").iter();
    let count = |value: &Value| value.as_u64().expect("a count");
    let of = |it: &Value| {
        let name = it["name"].as_str().expect("a name").to_owned();
        (name, count(&it["arrivals"]["due"]), count(&it["outcomes"]["ok"]))
    };
    all.map(of).collect()
}

#[test]
fn several_urls_are_sent_at_random_and_reported_one_by_one() {
    let target = target(Config::default());
    let urls = ["/bytes/1", "/echo", "/echo?x=1"].map(|path| target.url(path));
    let [first, second, third] = &urls;
    let load = ["-n", "300", "-c", "3", "--seed", "5", "-b", "hi", "-q"];
    let words = [&["run", first, second, third][..], &load, &["-o", "json"]].concat();
    let document = loadcore(&words).reported();
    let requests = requests(&document);
    let names: Vec<_> = requests.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(names, ["/bytes/1", "/echo", "/echo 2"]);
    assert_eq!(requests.iter().map(|it| it.1).sum::<u64>(), 300);
    assert!(requests.iter().all(|it| it.1 > 60 && it.1 == it.2), "{requests:?}");
    let counted = target.stats().requests_by_path;
    assert_eq!(counted["/echo"], requests[1].1 + requests[2].1);
    // The body makes each of them a POST, and the seed each of them the same again.
    assert_eq!(document["scenario"]["mix"][0]["method"], "POST");
    assert_eq!(document["scenario"]["mix"][2]["body"], "hi");
    assert_eq!(loadcore(&words).reported()["requests"][0]["arrivals"]["due"], requests[0].1);

    let page = loadcore(&[&["run", first, second, third][..], &load].concat()).ended(0).out;
    assert!(page.contains("By request") && page.contains("\n  /echo 2 "), "{page}");
    let csv = loadcore(&[&["run", first, second, third][..], &load, &["-o", "csv"]].concat());
    let csv = csv.ended(0).out;
    assert!(csv.starts_with("second,due,") && csv.contains(",request\n"), "{csv}");
    assert!(csv.lines().any(|line| line.ends_with(",/echo 2")), "{csv}");
}

#[test]
fn a_file_of_urls_has_methods_and_weights_relative_to_the_url_that_is_given() {
    let target = target(Config::default());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("urls.txt");
    let text = "# what users do\n\n/bytes/5 8\nPOST /echo 1.5\nHEAD /chunked/9\n";
    std::fs::write(&path, text).expect("a file");
    let file = path.to_str().expect("a path");
    let words = ["run", &target.url("/"), "--urls", file, "-n", "500", "-q", "-o", "json"];
    let document = loadcore(&words).reported();
    let found = requests(&document);
    let names: Vec<_> = found.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(names, ["/bytes/5", "/echo", "/chunked/9"]);
    assert!(found[0].1 > found[1].1 && found[0].1 > 300, "{found:?}");
    let counted = target.stats().requests_by_path;
    assert_eq!((counted["/bytes"], counted["/echo"]), (found[0].1, found[1].1));
    assert!(!counted.contains_key("/"), "the URL is no request of its own: {counted:?}");
    let mix = &document["scenario"]["mix"];
    assert_eq!((&mix[0]["weight"], &mix[1]["method"]), (&json!(8), &json!("POST")));

    let whole = format!("{}\nHEAD {} 3\n", target.url("/bytes/1"), target.url("/echo"));
    let words = ["run", "--urls", "-", "-n", "50", "-q", "-o", "json"];
    assert_eq!(requests(&loadcore_reading(&whole, &words).reported()).len(), 2);
}

#[test]
fn what_no_mix_can_be_made_of_is_told_with_its_place() {
    let told = |text: &str, words: &[&str], code: i32| {
        let words = [&["run", "--urls", "-", "-n", "1", "-q"], words].concat();
        loadcore_reading(text, &words).ended(code).err
    };
    let relative = told("/a\n", &[], 104);
    let why =
        "mix[0].url (--urls): \"/a\" is relative, and there is no targetUrl; give a whole URL";
    assert!(relative.contains(why), "{relative}");
    assert!(told("http://a/ x y z\n", &[], 2).contains("line 1: \"http://a/ x y z\" has 4 words"));
    assert!(told("\nhttp://a/ heavy\n", &[], 2).contains("line 2: \"heavy\" is no weight"));
    assert!(told("http://a/ 0\n", &[], 104).contains("mix[0].weight (--urls): 0 is out of range"));
    assert!(told("http://a/ NaN\n", &[], 104).contains("mix[0].weight (--urls)"));
    assert!(told("# none\n", &[], 2).contains("it has no URL"));
    let many: String = (0..101).map(|n| format!("http://127.0.0.1:1/{n}\n")).collect();
    assert!(told(&many, &[], 2).contains("it has 101 URLs; give at most 100"));
    let rule = told("http://127.0.0.1:1/cart\n", &["--sla", "p99{/crat}<1s"], 104);
    assert!(rule.contains("sla[0] (--sla): ") && rule.contains("did you mean /cart?"), "{rule}");
    let form = told("http://127.0.0.1:1/\n", &["-F", "a=b"], 2);
    assert!(form.contains("-F beside several URLs"), "{form}");
    let file = loadcore(&["run", "a.yaml", "http://a/"]).ended(2).err;
    assert!(file.contains("a.yaml is a scenario file"), "{file}");
}
