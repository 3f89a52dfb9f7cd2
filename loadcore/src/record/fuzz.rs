//! Throws broken snapshots at what reads them.
//!
//! As `tests/tests/fuzz.rs` does for what is public: a bounded number of inputs in a test run, ten
//! million with `LOADCORE_LONG=1`, without end under a fuzzer.

use super::codec::SnapshotReader;
use super::{Recorder, Sample, Snapshot, WorkerInterval};
use crate::request::{DropReason, ErrorClass, Failure};
use crate::time::MILLISECOND;
use bolero::check;
use std::cell::{Cell, RefCell};
use std::env;

/// One of so many that can be read is written and read again, with a megabyte of histograms: that takes
/// a thousand times as long as to examine it, which is what a controller does with each.
const WRITTEN: usize = 500;

thread_local! {
    static READER: RefCell<SnapshotReader> = RefCell::default();
    static READABLE: Cell<usize> = const { Cell::new(0) };
}

#[test]
fn snapshot_decoder() {
    let inputs = if env::var_os("LOADCORE_LONG").is_some() { 10_000_000 } else { 20_000 };
    let real = recorded().encode();
    let edits = bolero::produce::<(Vec<(u16, u8)>, u16, Vec<u8>)>();
    check!().with_iterations(inputs).with_generator(edits).for_each(|(edits, keep, appended)| {
        let mut input = real.clone();
        for (at, value) in edits {
            let at = usize::from(*at) % input.len();
            input[at] ^= value;
        }
        // Half of the inputs keep their length; the others are cut short or run on.
        if keep % 2 == 1 {
            input.truncate(usize::from(*keep) % real.len());
            input.extend(appended);
        }
        examine(&input);
    });
    check!().with_iterations(inputs).for_each(examine);
}

/// Total: an answer for any bytes. What it accepts it writes so that it can be read again.
fn examine(input: &[u8]) {
    if READER.with_borrow_mut(|reader| reader.check(input).is_err()) {
        return;
    }
    let readable = READABLE.replace(READABLE.get() + 1);
    if readable.is_multiple_of(WRITTEN) {
        let snapshot = Snapshot::decode(input).expect("what was examined is readable");
        let again = Snapshot::decode(&snapshot.encode()).expect("its own bytes are readable");
        assert_eq!(again.encode(), snapshot.encode());
    }
}

/// A snapshot in which nothing is empty.
fn recorded() -> Snapshot {
    let mut recorder = Recorder::new();
    let failure = Failure::new(ErrorClass::Reset, "the connection was reset");
    for number in 0..1_000_u64 {
        let intended = number * MILLISECOND;
        let (start, end) = (intended + number * 50, intended + number * 7_919);
        recorder.due(1);
        recorder.started(0, Some(intended), start);
        recorder.connected(number * 300, Some(number * 500));
        recorder.pacer_lag(number * 40);
        recorder.sample(&Sample {
            request: 0,
            intended: Some(intended),
            start,
            end: end.max(start),
            first_byte: Some(start),
            status: Some(200 + (number % 4) as u16 * 100),
            failure: (number % 10 == 0).then_some(&failure),
            bytes_sent: 60,
            bytes_received: 170,
        });
    }
    recorder.dropped(DropReason::BacklogFull, 3);
    let total = *recorder.exchange(Box::default());
    Snapshot {
        observed: Vec::new(),
        worker: "worker-1".into(),
        epoch: 1,
        seq: 7,
        elapsed_ns: 1_000 * MILLISECOND,
        is_final: false,
        in_flight: 2,
        backlog: 1,
        workers: vec![WorkerInterval::of("worker-1".into(), &total, 2, 1)],
        total,
    }
}
