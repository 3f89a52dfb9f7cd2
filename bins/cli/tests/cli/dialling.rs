//! Tests where connections go, and over what.

use crate::support::{Recorder, command, loadcore, target};
use loadcore_target::{Config, HttpVersions, Target, Tls};
use serde_json::Value;

fn run(words: &[&str]) -> Value {
    loadcore(&[&["run", "-n", "4", "-c", "2", "-o", "json"], words].concat()).reported()
}

#[test]
fn certificates_are_checked_against_those_that_are_trusted() {
    let target = target(Config { tls: Tls::On, ..Config::default() });
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, target.ca_pem().unwrap()).unwrap();
    let url = target.url("/");
    assert_eq!(run(&[&url])["errors"]["tls"], 4, "it is signed by nobody we know");
    assert_eq!(run(&[&url, "--cacert", ca.to_str().unwrap()])["outcomes"]["ok"], 4);
    assert_eq!(run(&[&url, "-k"])["outcomes"]["ok"], 4);
}

/// Files that a scenario names are looked for beside it; an option says more than it.
#[test]
fn a_scenario_names_certificates_beside_itself_and_its_result_has_no_key() {
    let target = target(Config { tls: Tls::On, ..Config::default() });
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    let own = own.self_signed(&key).unwrap().pem();
    write("ca.pem", target.ca_pem().unwrap());
    write("own.pem", &own);
    write("key.pem", &key.serialize_pem());
    let scenario = serde_json::json!({
        "name": "a", "targetUrl": target.url("/"), "durationSeconds": 10, "caCertificate": "ca.pem",
        "clientCertificate": {"certificate": "own.pem", "key": "key.pem"},
    });
    write("scenario.json", &scenario.to_string());
    let file = folder.path().join("scenario.json");
    let file = file.to_str().unwrap();
    let result = run(&[file]);
    assert_eq!(result["outcomes"]["ok"], 4);
    assert_eq!(result["scenario"]["clientCertificate"]["key"], "[redacted]");
    let secret = key.serialize_pem().lines().nth(1).unwrap().to_owned();
    assert!(!result.to_string().contains(&secret));

    let (own, key) = (folder.path().join("own.pem"), folder.path().join("key.pem"));
    let (own, key) = (own.to_str().unwrap(), key.to_str().unwrap());
    let other = run(&[file, "--cacert", own, "--cert", own, "--key", key]);
    assert_eq!(other["errors"]["tls"], 4, "another authority is trusted");
    write("scenario.json", &scenario.to_string().replace("ca.pem", "missing.pem"));
    let refused = loadcore(&["run", file]).ended(104);
    refused
        .says(&["caCertificate: \"missing.pem\" is no PEM text, and as a file it cannot be read"]);
}

#[test]
fn the_version_of_http_that_was_asked_for_is_spoken() {
    let speaks = |http: HttpVersions| target(Config { http, tls: Tls::Also, ..Config::default() });
    let (old, new) = (speaks(HttpVersions::Http1), speaks(HttpVersions::Http2));
    let plain = |target: &Target| format!("http://{}/", target.addr());
    let secure = |target: &Target| format!("https://{}/", target.addr());
    for (url, words, ok) in [
        (plain(&old), &[][..], 4),
        (plain(&new), &["--http2", "--streams", "2"], 4),
        (plain(&old), &["--http2"], 0),
        (secure(&old), &["-k"], 4),
        (secure(&new), &["-k"], 4),
        (secure(&old), &["-k", "--http2"], 0),
        (secure(&new), &["-k", "--http1"], 0),
    ] {
        let outcomes = &run(&[&[url.as_str()], words].concat())["outcomes"];
        assert_eq!(outcomes["ok"], ok, "{url} {words:?}: {outcomes}");
    }
}

#[test]
fn connect_to_dials_elsewhere() {
    let target = target(Config::default());
    let rule = format!("made.up.invalid:80:127.0.0.1:{}", target.addr().port());
    assert_eq!(run(&["made.up.invalid", "--connect-to", &rule])["outcomes"]["ok"], 4);
}

#[test]
fn a_unix_socket_by_option_and_by_url() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listen = format!("unix:{}", socket.display()).parse().unwrap();
    let _target = target(Config { listen, ..Config::default() });
    let socket = socket.to_str().unwrap();
    let option = run(&["http://made.up.invalid/status/201", "--unix-socket", socket]);
    assert_eq!(option["statusCodeDistribution"]["201"], 4);
    let url = run(&[&format!("unix:{socket}:/status/202")]);
    assert_eq!(url["statusCodeDistribution"]["202"], 4);
}

#[test]
fn a_proxy_is_asked_for_the_whole_url() {
    let proxy = Recorder::start();
    let address = proxy.address().to_string();
    let words = ["run", "http://made.up.invalid/a", "-n", "1", "-c", "1", "--proxy", &address];
    loadcore(&words).ended(0);
    assert!(proxy.last().starts_with("GET http://made.up.invalid/a HTTP/1.1\r\n"));
}

/// Who we are to a proxy is told to it alone: in what it passes on, and in what it is asked for a tunnel.
#[test]
fn a_proxy_is_told_who_we_are_by_its_url_or_by_a_header() {
    let proxy = Recorder::start();
    let named = format!("http://u:p@{}", proxy.address());
    let plain = proxy.address().to_string();
    let header = ["-H", "Proxy-Authorization: Basic eDp5"];
    let sent = |url: &str, words: &[&str]| {
        let mut command = command();
        command.args(["run", url, "-n", "1", "-c", "1"]).args(words);
        let output = command.output().unwrap();
        assert!(!String::from_utf8_lossy(&output.stdout).contains("u:p@"));
        proxy.last()
    };
    for (words, expected) in [
        (&["--proxy", &named][..], "Basic dTpw"),
        (&["--proxy", &plain, header[0], header[1]], "Basic eDp5"),
        (&["--proxy", &named, header[0], header[1]], "Basic eDp5"),
    ] {
        for (url, start) in [
            ("http://a.invalid/", "GET http://a.invalid/ "),
            ("https://a.invalid/", "CONNECT a.invalid:443 "),
        ] {
            let request = sent(url, words);
            assert!(request.starts_with(start), "{request}");
            let fields = request.matches("Proxy-Authorization").count();
            let field = format!("\r\nProxy-Authorization: {expected}\r\n");
            assert!(fields == 1 && request.contains(&field), "{request}");
        }
    }
}

#[test]
fn proxies_of_the_environment_count_when_they_are_asked_for() {
    let (proxy, server) = (Recorder::start(), Recorder::start());
    let url = format!("http://{}/", server.address());
    let run = |more: &[&str]| {
        let status = command()
            .args(["run", &url, "-n", "1", "-c", "1", "-o", "json"])
            .args(more)
            .env("HTTP_PROXY", format!("http://{}", proxy.address()))
            .stdout(std::process::Stdio::null())
            .status();
        assert!(status.unwrap().success());
    };
    run(&[]);
    server.last();
    run(&["--proxy", "env"]);
    proxy.last();
}

#[test]
fn redirects_are_followed_as_often_as_allowed() {
    let target = target(Config::default());
    let url = target.url("/redirect/2");
    assert_eq!(run(&[&url])["statusCodeDistribution"]["302"], 4);
    assert_eq!(run(&[&url, "--max-redirects", "2"])["statusCodeDistribution"]["200"], 4);
    assert_eq!(run(&[&url, "--max-redirects", "1"])["errors"]["redirect_limit"], 4);
}

#[test]
fn location_follows_ten_redirects_unless_a_number_is_given() {
    let target = target(Config::default());
    let (ten, eleven) = (target.url("/redirect/10"), target.url("/redirect/11"));
    assert_eq!(run(&[&ten, "-L"])["statusCodeDistribution"]["200"], 4);
    assert_eq!(run(&[&ten, "--location"])["scenario"]["followRedirects"], 10);
    assert_eq!(run(&[&eleven, "-L"])["errors"]["redirect_limit"], 4);
    assert_eq!(run(&[&eleven, "-L", "--max-redirects", "11"])["statusCodeDistribution"]["200"], 4);
    assert_eq!(run(&[&ten, "--max-redirects", "9", "-L"])["errors"]["redirect_limit"], 4);
}

#[test]
fn addresses_of_one_family_alone() {
    let target = target(Config::default());
    let port = target.addr().port();
    let four = format!("127.0.0.1:{port}");
    assert_eq!(run(&[&four, "-4"])["outcomes"]["ok"], 4);
    assert_eq!(run(&[&format!("localhost:{port}"), "-4"])["outcomes"]["ok"], 4);
    let refused = loadcore(&["run", &four, "-6"]).ended(1);
    refused.says(&["127.0.0.1 is no IPv6 address, and only such are dialled"]);
    loadcore(&["run", "[::1]:1", "--ipv4"]).ended(1).says(&["::1 is no IPv4 address"]);
    // What is dialled counts, not what the URL names.
    let rule = format!("::127.0.0.1:{port}");
    assert_eq!(run(&["[::1]:1", "-4", "--connect-to", &rule])["outcomes"]["ok"], 4);
    let page = loadcore(&["validate", "a.test", "-6"]).ended(0).out;
    assert!(page.contains("IPv6 alone"), "{page}");
}
