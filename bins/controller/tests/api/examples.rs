//! Tests that the scenarios people begin with, one of each kind, can be posted as they are.

use crate::support::Api;
use serde_json::{Value, json};

const EXAMPLES: [(&str, u64, u64); 3] = [
    // The area below each profile, by hand: 60 s of 1,000; a ramp of 180 s at 2,550 on average and
    // 120 s of 5,000; 100 s of 500 and 10 s each of 5,000 and 8,000.
    (include_str!("../fixtures/constant.json"), 60_000, 3),
    (include_str!("../fixtures/ramp.json"), 1_059_000, 10),
    (include_str!("../fixtures/burst.json"), 180_000, 5),
];

#[tokio::test]
async fn they_are_valid_and_their_plans_add_up() {
    let api = Api::new().await;
    for (text, arrivals, workers) in EXAMPLES {
        let document: Value = serde_json::from_str(text).unwrap();
        let answer = api.post("/api/v1/scenarios/validate", &document).await;
        let found = answer.json();
        assert_eq!((answer.status, &found["valid"]), (200, &json!(true)), "{found}");
        assert_eq!(found["faults"], json!([]));
        let plan = &found["plan"];
        assert_eq!(plan["arrivals"], arrivals, "{}", document["name"]);
        let parts = plan["workers"].as_array().unwrap();
        assert_eq!(parts.len() as u64, workers);
        let split: u64 = parts.iter().map(|part| part["arrivals"].as_u64().unwrap()).sum();
        assert_eq!(split, arrivals, "the parts are the whole");
        let rows = plan["rate"].as_array().unwrap();
        let area: f64 = rows.iter().map(|row| row["meanRps"].as_f64().unwrap()).sum();
        assert!((area * plan["rateSeconds"].as_f64().unwrap() - arrivals as f64).abs() < 1.0);
    }
}

#[tokio::test]
async fn they_are_kept_and_shown_as_they_were_given() {
    let api = Api::new().await;
    for (text, ..) in EXAMPLES {
        let mut document: Value = serde_json::from_str(text).unwrap();
        // Nobody is to be loaded by a test.
        document["autoStart"] = json!(false);
        let answer = api.post("/api/v1/scenarios", &document).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let created = answer.json();
        let id = created["id"].as_str().unwrap();
        assert_eq!(answer.header("location"), format!("/api/v1/scenarios/{id}"));
        assert_eq!((&created["runId"], &created["state"]), (&Value::Null, &Value::Null));
        let shown = api.get(answer.header("location")).await.json();
        for field in ["name", "targetUrl", "method", "durationSeconds", "numWorkers", "loadProfile"]
        {
            assert_eq!(shown["scenario"][field], document[field]);
        }
    }
}
