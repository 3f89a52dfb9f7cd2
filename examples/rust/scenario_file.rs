//! Run with: cargo run -p loadcore-examples --example scenario_file [FILE [URL]]
//!
//! A scenario from a file, JSON or YAML alike: what it would do, and then what came of its first 500
//! requests. All that is wrong with a file is told at once, each fault with its path.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use loadcore::LoadTest;
use loadcore::scenario::Document;
use loadcore::scenario::preview::{Rows, preview};
use loadcore_target::{Config, Target};
use std::error::Error;
use std::{env, fs};

const MIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/mix.yaml");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let target = Target::start(Config::default()).await?;
    let file = env::args().nth(1).unwrap_or_else(|| MIX.to_owned());
    let url = env::args().nth(2).unwrap_or_else(|| target.url("/"));

    // YAML reads JSON as well.
    let mut document = Document::from_yaml(&fs::read_to_string(file)?)?;
    let planned = preview(&document.parse()?, Rows::WholeSeconds);
    println!("planned: {:?} arrivals, {:?}/s at most", planned.arrivals, planned.peak_rps);

    // A document may be changed before it is judged: here to what is at hand, and to be short.
    document.set("targetUrl", url).set("maxRequests", 500);
    let result = LoadTest::from_scenario(&document.parse()?).run().await?;

    println!("sent {}, ok {}", result.arrivals.sent, result.outcomes.ok);
    for rule in &result.sla {
        let word = if rule.passed { "holds" } else { "does not hold" };
        println!("{} {word}: {}", rule.rule, rule.figure());
    }
    Ok(())
}
