//! Run with: cargo run -p loadcore-examples --example axum_router
//!
//! An axum `Router` under load without a socket: it is a `tower::Service`, and the feature `tower` calls
//! it directly. What is measured is the service alone, with routing, extractors and body.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use loadcore::transport::ServiceTransport;
use loadcore::{Call, LoadTest};
use std::error::Error;
use std::time::Duration;

/// Articles have the numbers 0 to 99.
async fn article(Path(number): Path<u64>) -> (StatusCode, String) {
    if number < 100 {
        (StatusCode::OK, format!("article {number}"))
    } else {
        (StatusCode::NOT_FOUND, String::new())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let router = Router::new().route("/articles/{number}", get(article));

    // Each arrival has a number, which makes its request: of 0 to 124 in turn, one in five is unknown.
    let service = ServiceTransport::new(router, |call: Call| {
        let path = format!("/articles/{}", call.number % 125);
        Request::get(path).body(Body::empty()).expect("the path is one")
    });
    let result = LoadTest::transport(service)
        .rate(1_000.0)
        .duration(Duration::from_secs(1))
        .sla("share{404}<=20%")
        .run()
        .await?;

    for (status, count) in &result.status_code_distribution {
        println!("status {status}: {count}");
    }
    println!("{} bytes of replies", result.bytes_received);
    result.passed()?;
    Ok(())
}
