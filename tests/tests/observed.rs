//! Tests endpoints that are observed and are none: whatever they do, the run goes on, and what happened stands
//! in the result, with what to do.

use loadcore::cluster::Controller;
use loadcore::http::TargetPolicy;
use loadcore::scenario::Scenario;
use loadcore::{LoadTest, RunResult};
use loadcore_target::{Config, Target};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// A server that reads each request and then does this; its URL. It ends with the test's process.
fn server(answer: fn(&mut TcpStream, usize)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/metrics", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for (place, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { break };
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                answer(&mut stream, place);
            });
        }
    });
    url
}

fn say(stream: &mut TcpStream, text: &str) {
    // Who asked may have gone.
    let _ = stream.write_all(text.as_bytes());
}

fn text(stream: &mut TcpStream, body: &str) {
    say(stream, &format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
}

/// A closed port.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}/metrics", listener.local_addr().expect("an address"))
}

async fn observed(endpoints: &[(&str, String)]) -> RunResult {
    let target = Target::start(Config::default()).await.expect("a target");
    let test = LoadTest::get(&target.url("/")).rate(50.0).duration(Duration::from_secs(4));
    let only = TargetPolicy::only("127.0.0.1".parse().expect("an address"));
    let test = test.options(|options| options.policy = only);
    let test = endpoints.iter().fold(test, |test, (name, url)| test.observe(name, url));
    let ran = tokio::time::timeout(Duration::from_secs(60), test.run()).await;
    let result = ran.expect("nobody waits for an endpoint").expect("the run goes on");
    assert_eq!(result.outcomes.ok, 200, "the load is whole");
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_endpoint_does_the_run_goes_on_and_it_is_said() {
    let huge = |stream: &mut TcpStream, _| {
        say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
        let piece = "a_series 1\n".repeat(10_000);
        (0..1_000).for_each(|_| say(stream, &piece));
    };
    let away = |stream: &mut TcpStream, _| {
        say(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n",
        );
    };
    let dies = |stream: &mut TcpStream, place: usize| match place {
        0 | 1 => text(stream, &format!("a {place}\n")),
        _ => say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\na 1\n"),
    };
    let result = observed(&[
        ("hangs", server(|_, _| std::thread::park_timeout(Duration::from_secs(30)))),
        ("huge", server(huge)),
        ("away", server(away)),
        ("page", server(|stream, _| text(stream, "<!doctype html>\n<p>no"))),
        ("refused", "http://127.0.0.2:1/metrics".into()),
        ("nobody", nobody()),
        ("dies", server(dies)),
        ("fails", server(|stream, _| say(stream, "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"))),
        ("well", server(|stream, place| text(stream, &format!("a_total {}\n", place * place)))),
    ])
    .await;
    let wanted = [
        ("hangs", "within 2 s; see whether it is as busy as the target"),
        ("huge", "longer than 2000000 bytes; observe an endpoint with fewer series"),
        ("away", "leads to \"http://10.0.0.1/\", which is not followed; give the URL"),
        ("page", "no Prometheus text: the first line reads \"<!doctype html>\"; give the URL"),
        ("refused", "127.0.0.2 may not be loaded"),
        ("nobody", "connect_refused"),
        ("dies", "see whether its URL is right and it is running"),
        ("fails", "it answers 500; give the URL of its metrics"),
    ];
    for (name, part) in wanted {
        let endpoint = result.observed.iter().find(|it| it.name == name).expect("it is there");
        let texts: Vec<_> = endpoint.faults.iter().map(|it| &it.text).collect();
        assert!(texts.iter().any(|text| text.contains(part)), "{name}: {texts:?}");
        assert!(endpoint.failed_readings > 0 && endpoint.faults.len() <= 20);
    }
    let well = result.observed.last().expect("it is there");
    assert_eq!((well.failed_readings, well.series.len()), (0, 1), "{well:?}");
    let rates: Vec<_> = well.series[0].values.iter().flatten().collect();
    assert!(rates.len() >= 3 && rates.windows(2).all(|pair| pair[1] > pair[0]), "{rates:?}");
}

#[tokio::test]
async fn what_is_no_endpoint_is_refused_before_there_is_any_load() {
    let test =
        LoadTest::get("http://127.0.0.1:1/").observe("a", "ftp://a/").observe("b", "http://b/");
    let error = test.observe("b", "http://c/").check().await.unwrap_err().to_string();
    assert!(error.contains("observe[0].url: scheme \"ftp\" is not supported"), "{error}");
    assert!(error.contains("observe[2].name: \"b\" is the name of another endpoint"), "{error}");
}

/// The final result of a platform is put together from what is stored: so what was read was stored.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_platform_the_controller_reads_and_what_it_read_is_kept() {
    let target = Target::start(Config::default()).await.expect("a target");
    let url = server(|stream, place| text(stream, &format!("a_total {}\n", place * place)));
    let document = json!({
        "name": "observed", "targetUrl": target.url("/"), "durationSeconds": 4, "numWorkers": 2,
        "loadProfile": {"type": "CONSTANT", "initialRps": 50},
        "observe": [{"name": "app", "url": url}, {"name": "gone", "url": nobody()}],
    });
    let platform = Controller::in_process(2).await.expect("a platform");
    let scenario = Scenario::from_value(document).expect("a scenario");
    let result = platform.run(&scenario).await.expect("a run");
    platform.shut_down().await;
    assert_eq!(result.outcomes.ok, 200, "the load is whole");
    let [app, gone] = &result.observed[..] else { panic!("{:?}", result.observed) };
    // Two workers have made the load, and one controller has read: about once a second.
    assert!((3..=6).contains(&app.readings), "{app:?}");
    let rates: Vec<_> = app.series[0].values.iter().flatten().collect();
    assert!(rates.len() >= 2 && rates.windows(2).all(|pair| pair[1] > pair[0]), "{rates:?}");
    assert!(gone.faults[0].text.contains("connect_refused"), "{gone:?}");
}
