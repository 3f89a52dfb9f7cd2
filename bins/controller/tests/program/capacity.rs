//! Tests a search for a capacity through sockets: the program that makes it is killed, and the next one
//! goes on where it was.

use super::{Controller, until};
use loadcore_target::{Config, Target};
use serde_json::{Value, json};

// It offers a rate and sees what comes: nothing else runs beside it.
mod alone {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_search_outlives_the_program() {
        let known = Config { service_rate: Some(200.0), ..Config::default() };
        let target = Target::start(known).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let mut first = Controller::start(data.path(), &[]);
        first.says("the platform is ready");
        let order = json!({
            "scenario": {"name": "edge", "targetUrl": target.url("/"), "durationSeconds": 1},
            "slo": "ok_p99<100ms", "maxRate": 2_000, "durationSeconds": 24,
        });
        let (status, body) = first.asked("POST", "/api/v1/capacity-searches", &order.to_string());
        assert_eq!(status, 201, "{body}");
        let made: Value = serde_json::from_str(&body).unwrap();
        let path = format!("/api/v1/capacity-searches/{}", made["runId"].as_str().unwrap());
        let search = |it: &Controller| -> Value {
            let (status, body) = it.asked("GET", &path, "");
            assert_eq!(status, 200, "{body}");
            serde_json::from_str(&body).unwrap()
        };
        let trials = |it: &Value| it["capacity"]["trials"].as_array().unwrap().clone();
        until(|| trials(&search(&first)).len() >= 2).await;
        let before = trials(&search(&first));
        first.child.kill().unwrap();
        drop(first);

        let mut second = Controller::start(data.path(), &[]);
        second.says("the platform is ready");
        assert_eq!(trials(&search(&second))[..before.len()], before, "they are played again");
        until(|| search(&second)["state"] == "COMPLETED").await;
        let found = search(&second);
        assert!(trials(&found).len() > before.len(), "{found}");
        assert_eq!(trials(&found)[..before.len()], before);
        let capacity = &found["capacity"];
        assert_eq!((&capacity["slo"], &found["id"]), (&json!("ok_p99<100ms"), &made["runId"]));
        // The workers that were inside the first program are lost with it, and the load is another one then:
        // what is found is not judged here, but that it is found and told.
        assert!(capacity["conclusion"].as_str().is_some_and(|it| !it.is_empty()), "{capacity}");
        let (status, body) =
            second.asked("GET", &format!("/api/v1/runs/{}", found["id"].as_str().unwrap()), "");
        assert_eq!(status, 200, "{body}");
    }
}
