//! Run with: cargo run -p loadcore-examples --example custom_profile
//!
//! A load profile of your own: the rate doubles each second, from 50 requests per second up to a
//! limit. A profile says how many arrivals are due by a time, and when a number of them is; the
//! engine needs nothing else, so any formula with an integral and an inverse will do.
//!
//! What is loaded is a closure, so the example needs no server.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::{LoadTest, Profile};
use std::error::Error;
use std::f64::consts::LN_2;
use std::time::Duration;

/// `rate(t) = first · 2^t` until it comes to `limit`, and `limit` from then on.
#[derive(Debug, Clone, Copy)]
struct Doubling {
    first: f64,
    limit: f64,
}

impl Doubling {
    /// When the limit is reached, in seconds.
    fn turn(&self) -> f64 {
        (self.limit / self.first).log2()
    }

    /// The integral of `first · 2^t` over [0, t]: `first / ln 2 · (2^t − 1)`.
    fn growing(&self, seconds: f64) -> f64 {
        self.first / LN_2 * (seconds * LN_2).exp_m1()
    }
}

impl Profile for Doubling {
    fn rate(&self, seconds: f64) -> f64 {
        if seconds < self.turn() { self.first * seconds.exp2() } else { self.limit }
    }

    fn demand(&self, seconds: f64) -> f64 {
        let turn = self.turn();
        self.growing(seconds.min(turn)) + self.limit * (seconds - turn).max(0.0)
    }

    fn inverse(&self, arrivals: f64) -> f64 {
        let turn = self.turn();
        let past = arrivals - self.growing(turn);
        if past > 0.0 {
            turn + past / self.limit
        } else {
            (arrivals.max(0.0) * LN_2 / self.first).ln_1p() / LN_2
        }
    }

    fn peak_rate(&self) -> f64 {
        self.limit
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let profile = Doubling { first: 50.0, limit: 300.0 };
    let seconds = 4.0;

    let result = LoadTest::call(async |_| Ok(200))
        .profile(profile)
        .duration(Duration::from_secs_f64(seconds))
        .run()
        .await?;

    let planned = (profile.demand(seconds) + 0.5).floor();
    println!("planned {planned}, due {}", result.arrivals.due);
    for row in &result.series {
        println!("second {}: {} due", row.second, row.due);
    }
    if result.arrivals.due as f64 != planned {
        return Err("the count by t is floor(demand(t) + 1/2), exactly".into());
    }
    Ok(())
}
