//! Turns the controller's REST API into JSON values. Each call has a connection of its own, which
//! is enough here.

use crate::ElapsedNow;
use loadcore::time::now;
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// The longest that one call takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a controller may take to be ready.
const TO_BE_READY: Duration = Duration::from_secs(30);
/// Between two looks.
const AGAIN: Duration = Duration::from_millis(100);

/// Where the API is.
pub struct Api {
    address: String,
}

impl Api {
    pub fn new(address: String) -> Self {
        Self { address }
    }

    pub async fn until_ready(&self) -> Result<(), String> {
        let begun = now();
        while self.call("GET", "/actuator/health/readiness", "").await?.0 != 200 {
            if begun.elapsed_now() > TO_BE_READY {
                return Err("the controller does not get ready".into());
            }
            sleep(AGAIN).await;
        }
        Ok(())
    }

    pub async fn post(&self, scenario: &Value) -> Result<Value, String> {
        let (status, body) = self.call("POST", "/api/v1/scenarios", &scenario.to_string()).await?;
        if status == 201 { Ok(body) } else { Err(format!("the scenario was refused: {body}")) }
    }

    pub async fn realtime(&self, run: &str) -> Result<Value, String> {
        let path = format!("/api/v1/runs/{run}/stats/realtime?lastNSeconds=1");
        Ok(self.call("GET", &path, "").await?.1)
    }

    pub async fn until_state(
        &self,
        run: &str,
        state: &str,
        wait: Duration,
    ) -> Result<Value, String> {
        self.until(run, wait, |it| it["state"] == state).await
    }

    pub async fn until_ended(&self, run: &str, wait: Duration) -> Result<Value, String> {
        self.until(run, wait, |it| {
            ["COMPLETED", "ABORTED", "FAILED"].contains(&it["state"].as_str().unwrap_or_default())
        })
        .await
    }

    async fn until(
        &self,
        run: &str,
        wait: Duration,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        let (begun, path) = (now(), format!("/api/v1/runs/{run}"));
        loop {
            let record = self.call("GET", &path, "").await?.1;
            if is_it(&record) {
                return Ok(record);
            }
            if begun.elapsed_now() > wait || record["state"] == "FAILED" {
                let (state, why) = (&record["state"], &record["warnings"]);
                return Err(format!("the run stays {state} for {} s: {why}", wait.as_secs()));
            }
            sleep(AGAIN).await;
        }
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> Result<(u16, Value), String> {
        let called = timeout(PATIENCE, self.exchange(method, path, body)).await;
        let reply = called.map_err(|_| format!("{method} {path} was not answered in 30 s"))?;
        let reply = reply.map_err(|error| format!("{method} {path}: {error}"))?;
        let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        Ok((status, serde_json::from_str(body).unwrap_or_default()))
    }

    async fn exchange(&self, method: &str, path: &str, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address).await?;
        // HTTP/1.0, so that the body is not chunked.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await?;
        Ok(reply)
    }
}
