//! Tests alerts through sockets: a webhook that is away while the program is killed is told by the next
//! one, each alert once or more often, signed.

use super::{Controller, until};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

const SECRET: &str = "a secret of sixteen or more";

/// A request that was taken: its fields, and its body.
type Taken = (BTreeMap<String, String>, Vec<u8>);

/// A webhook that takes what it is told, once it is back.
struct Webhook {
    address: SocketAddr,
    back: Arc<AtomicBool>,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Webhook {
    fn away() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (back, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::default()));
        let (is_back, into): (_, Arc<Mutex<Vec<Taken>>>) = (Arc::clone(&back), Arc::clone(&taken));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(asked) = read(&stream) {
                    let is_back = is_back.load(Ordering::SeqCst);
                    if is_back {
                        into.lock().unwrap().push(asked);
                    }
                    let status = if is_back { "204 No Content" } else { "503 Away" };
                    let _ = write!(&stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                }
            }
        });
        Self { address, back, taken }
    }

    /// The bodies that it was told.
    fn told(&self) -> Vec<Value> {
        let taken = self.taken.lock().unwrap();
        taken.iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }
}

fn read(mut stream: &TcpStream) -> Option<Taken> {
    let (mut read, mut piece) = (Vec::new(), [0; 4_096]);
    loop {
        let head = read.windows(4).position(|it| it == b"\r\n\r\n");
        if let Some(end) = head {
            let text = String::from_utf8(read[..end].to_vec()).unwrap();
            let fields = text.lines().skip(1).filter_map(|line| line.split_once(": "));
            let fields: BTreeMap<_, _> =
                fields.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
            let length: usize = fields["content-length"].parse().unwrap();
            if read.len() == end + 4 + length {
                return Some((fields, read.split_off(end + 4)));
            }
        }
        match stream.read(&mut piece).ok()? {
            0 => return None,
            count => read.extend_from_slice(&piece[..count]),
        }
    }
}

fn is_signed((fields, body): &Taken) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signed = format!("{}.{}.", fields["webhook-id"], fields["webhook-timestamp"]);
    let signature = fields["webhook-signature"].strip_prefix("v1,").unwrap();
    let signature = STANDARD.decode(signature).unwrap();
    hmac::verify(&key, &[signed.as_bytes(), body].concat(), &signature).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_program_could_not_tell_is_told_by_the_next_one() {
    let target = loadcore_target::Target::start(loadcore_target::Config::default()).await.unwrap();
    let webhook = Webhook::away();
    let data = tempfile::tempdir().unwrap();
    let mut first = Controller::start(data.path(), &[]);
    first.says("the platform is ready");
    let scenario = json!({
        "name": "<alerts>", "targetUrl": target.url("/"), "durationSeconds": 8,
        "loadProfile": {"type": "CONSTANT", "initialRps": 50},
        "sla": [{"rule": "p50<1ns", "windowSeconds": 2}, "rps>=1000"],
        "alerts": [{"type": "webhook", "url": format!("http://{}/hook", webhook.address), "secret": SECRET}],
    });
    let (status, body) = first.asked("POST", "/api/v1/scenarios", &scenario.to_string());
    assert_eq!(status, 201, "{body}");
    let made: Value = serde_json::from_str(&body).unwrap();
    let [run, id] = ["runId", "id"].map(|field| made[field].as_str().unwrap().to_owned());
    let (_, shown) = first.asked("GET", &format!("/api/v1/scenarios/{id}"), "");
    assert!(shown.contains("[redacted]") && !shown.contains(SECRET), "{shown}");

    let timeline = |it: &Controller| -> Vec<Value> {
        let (status, body) = it.asked("GET", &format!("/api/v1/runs/{run}/timeline"), "");
        assert_eq!(status, 200, "{body}");
        let list: Value = serde_json::from_str(&body).unwrap();
        list["items"].as_array().cloned().unwrap_or_default()
    };
    let of_kind = |it: &Controller, kind: &str| {
        timeline(it).into_iter().filter(|event| event["kind"] == kind).collect::<Vec<_>>()
    };
    until(|| !of_kind(&first, "alert_failed").is_empty()).await;
    first.child.kill().unwrap();
    drop(first);
    assert_eq!(webhook.told(), [json!(null); 0]);

    let mut second = Controller::start(data.path(), &[]);
    second.says("the platform is ready");
    // Also what is decided after the end, and while the webhook is still away.
    until(|| of_kind(&second, "ended").len() == 1).await;
    assert_eq!(webhook.told(), [json!(null); 0]);
    webhook.back.store(true, Ordering::SeqCst);
    until(|| webhook.told().len() >= 2 && !of_kind(&second, "alert_late").is_empty()).await;

    let decided = of_kind(&second, "sla_violated");
    let ids: Vec<_> = decided.iter().map(|event| event["data"]["alert"].clone()).collect();
    let told = webhook.told();
    assert_eq!(told.iter().map(|it| it["id"].clone()).collect::<Vec<_>>(), ids, "{decided:?}");
    assert_eq!(told[0]["scenario"], json!({"id": id, "name": "<alerts>"}));
    let rules: Vec<_> = told.iter().map(|it| (&it["type"], &it["rule"], &it["runId"])).collect();
    let (kind, run) = (json!("sla_violated"), json!(run));
    assert_eq!(rules, [(&kind, &json!("p50<1ns"), &run), (&kind, &json!("rps>=1000"), &run)]);
    assert!(webhook.taken.lock().unwrap().iter().all(is_signed));
    // The webhook knows of it before the answer has come back.
    until(|| {
        let (_, metrics) = second.asked("GET", "/actuator/prometheus", "");
        metrics.contains("loadtest_alerts_delivered_total 2")
    })
    .await;
}
