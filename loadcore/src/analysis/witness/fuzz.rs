//! Throws broken and random text at what reads the metrics of a target.
//!
//! As `tests/tests/fuzz.rs` does for what is public: a bounded number of inputs in a test run, ten
//! million with `LOADCORE_LONG=1`, without end under a fuzzer.

use super::reduce::{MOST_SERIES, Reducer};
use bolero::check;
use std::env;

const PIECES: [&str; 44] = [
    "b_total 1e308\n",
    "b_total -1e308\n",
    "a_sum 1.5\n",
    "a_count 2\n",
    "# TYPE a counter\n",
    "# TYPE a gauge\n",
    "# TYPE a histogram\n",
    "# TYPE a summary\n",
    "# HELP a b\n",
    "# TYPE node_cpu_seconds_total counter\n",
    "# TYPE",
    "#",
    "a",
    "b_total",
    "a_sum",
    "a_count",
    "a_bucket",
    "node_cpu_seconds_total",
    "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}",
    "db_pool_in_use",
    "{",
    "}",
    "{le=\"1\"}",
    "{mode=\"",
    "\"",
    "\\",
    "=",
    ",",
    " ",
    "\n",
    "\r\n",
    "0",
    "1",
    "-1",
    "1.5",
    "1e308",
    "-1e308",
    "5e-324",
    "NaN",
    "+Inf",
    "a 1\n",
    "a 2\n",
    "\u{e9}",
    "x",
];

#[test]
fn metrics() {
    let inputs = if env::var_os("LOADCORE_LONG").is_some() { 10_000_000 } else { 50_000 };
    let readings = bolero::produce::<(bool, Vec<u8>, Vec<u8>)>();
    check!().with_iterations(inputs).with_generator(readings).for_each(|(raw, first, second)| {
        let mut reducer = Reducer::new(1);
        for (at, choices) in [(1.0, first), (2.0, second), (2.5, first), (3.5, second)] {
            let text = match raw {
                true => String::from_utf8_lossy(choices).into_owned(),
                false => choices.iter().map(|it| PIECES[usize::from(*it) % PIECES.len()]).collect(),
            };
            match reducer.reduce(at, &text) {
                Ok(told) => {
                    assert!(told.len() <= MOST_SERIES, "{text:?}");
                    for it in told {
                        let values = [it.value, it.before];
                        let are_numbers = values.iter().flatten().all(|value| value.is_finite());
                        assert!(are_numbers && it.series.len() <= 600, "{it:?} of {text:?}");
                    }
                }
                Err(why) => assert!(why.contains("no Prometheus text"), "{why}"),
            }
        }
    });
}
