//! Measures what recording costs: a request, an interval, a merge, an encoding.
//!
//! Run with: `cargo bench -p loadcore-benches --bench parts_record`

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use loadcore::record::{Interval, Merge, Recorder, Sample, Snapshot};
use loadcore::time::{MICROSECOND, MILLISECOND};
use std::hint::black_box;

/// Service times that differ from request to request, so that they fall into different buckets:
/// 200 us and up, in steps of a prime modulo a power of two.
fn service(n: u64) -> u64 {
    200 * MICROSECOND + (n * 7_919 % 4_096) * MICROSECOND
}

fn request(recorder: &mut Recorder, n: u64) {
    let intended = n * 20 * MICROSECOND;
    let start = intended + 15 * MICROSECOND;
    recorder.due(1);
    recorder.started(0, Some(intended), start);
    recorder.sample(&Sample {
        request: 0,
        intended: Some(intended),
        start,
        end: start + service(n),
        first_byte: Some(start + service(n) - 10 * MICROSECOND),
        status: Some(200),
        failure: None,
        bytes_sent: 74,
        bytes_received: 850,
    });
}

/// A second at 50,000/s.
fn second() -> Box<Interval> {
    let mut recorder = Recorder::new();
    (0..50_000).for_each(|n| request(&mut recorder, n));
    recorder.connected(MILLISECOND, None);
    recorder.exchange(Box::default())
}

fn recorder(c: &mut Criterion) {
    let mut group = c.benchmark_group("recorder");
    group.throughput(Throughput::Elements(1));
    let mut recorder = Recorder::new();
    let mut n = 0;
    group.bench_function("started_and_sample", |b| {
        b.iter(|| {
            n += 1;
            request(black_box(&mut recorder), black_box(n));
        });
    });
    group.finish();
}

fn intervals(c: &mut Criterion) {
    let mut group = c.benchmark_group("interval");
    let mut recorder = Recorder::new();
    let mut spare = Some(Box::<Interval>::default());
    group.bench_function("exchange", |b| {
        b.iter(|| {
            let empty = spare.take().expect("it comes back each time");
            spare = Some(black_box(recorder.exchange(empty)));
        });
    });
    let full = second();
    let mut total = full.clone();
    group.bench_function("merge", |b| b.iter(|| total.merge(black_box(&full))));
    group.bench_function("reset", |b| {
        b.iter_batched_ref(|| full.clone(), |interval| interval.reset(), BatchSize::LargeInput);
    });
    group.finish();
}

fn codec(c: &mut Criterion) {
    let mut group = c.benchmark_group("snapshot");
    let snapshot = Snapshot { total: *second(), ..Snapshot::default() };
    let bytes = snapshot.encode();
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode", |b| b.iter(|| black_box(&snapshot).encode()));
    group.bench_function("decode", |b| b.iter(|| Snapshot::decode(black_box(&bytes))));
    group.finish();
}

criterion_group!(benches, recorder, intervals, codec);
criterion_main!(benches);
