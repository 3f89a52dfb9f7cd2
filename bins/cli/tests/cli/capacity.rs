//! Tests `loadcore capacity`: what it refuses, what it says, and that Ctrl-C leaves what is known.

use crate::support::loadcore;

fn searched(words: &[&str]) -> crate::support::Ran {
    loadcore(&[&["capacity", "127.0.0.1:9"][..], words].concat())
}

#[test]
fn what_cannot_be_searched_for_is_wrong_usage() {
    for (words, said) in [
        (&["--slo", "p99<5", "--max-rate", "100"][..], "--slo: \"p99<5\" is not an SLA rule"),
        (&["--slo", "rps>=5", "--max-rate", "100"], "--slo: \"rps>=5\" cannot be searched for"),
        (&["--slo", "p99>5ms", "--max-rate", "100"], "turn the comparison round"),
        (&["--slo", "p99<5ms", "--max-rate", "0"], "--max-rate: is 0; give 2.5 to 1000000000"),
        (&["--slo", "p99<5ms", "--max-rate", "nan"], "is not a rate"),
        (&["--slo", "p99<5ms", "--max-rate", "inf"], "is not a rate"),
        (&["--slo", "p99<5ms", "--max-rate", "100", "-d", "3s"], "-d: is 3; give 20 to 1800"),
        (
            &["--slo", "p99<5ms", "--max-rate", "100", "-r", "5"],
            "--rate: a search sets its load itself",
        ),
        (&["--slo", "p99<5ms", "--max-rate", "100", "--sla", "p99<1s"], "--sla: a search"),
        (&["--slo", "p99<5ms", "--max-rate", "100", "-o", "csv"], "text or json only"),
        (&["--max-rate", "100"], "--slo"),
    ] {
        let ran = searched(words).ended(2);
        assert!(ran.err.contains(said) && ran.out.is_empty(), "{words:?}: {ran:#?}");
    }
}

#[test]
fn a_target_that_is_not_there_is_said_so() {
    let words =
        ["--slo", "p99<50ms", "--max-rate", "100", "-d", "20s", "-o", "text", "--threads", "1"];
    let ran = searched(&words).ended(99);
    assert!(ran.out.contains("does not hold: not one request was ok"), "{ran:#?}");
    assert!(ran.out.contains("connect_refused"), "{ran:#?}");
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{ran:#?}");
}
