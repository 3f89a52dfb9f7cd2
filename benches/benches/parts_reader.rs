//! Measures what reading one reply costs: bytes of replies into time.
//!
//! Run with: cargo bench -p loadcore-benches --bench parts_reader

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loadcore::http::reader::ResponseReader;
use std::hint::black_box;

const NGINX: &str = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\n\
    Content-Type: text/plain\r\nContent-Length: 12\r\nConnection: keep-alive\r\n\r\nhello world\n";

fn read(reader: &mut ResponseReader, bytes: &[u8], piece: usize) {
    reader.start(false, false);
    for piece in bytes.chunks(piece) {
        let fed = reader.feed(black_box(piece)).expect("a reply");
        black_box(fed);
    }
    assert_eq!(reader.status(), 200);
}

fn reader(c: &mut Criterion) {
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1_024));
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(64)
    );
    let mut reader = ResponseReader::default();
    let mut group = c.benchmark_group("reader");
    for (name, bytes, piece) in [
        ("nginx's reply at once", NGINX, usize::MAX),
        ("nginx's reply in pieces of 50", NGINX, 50),
        ("64 KiB in chunks of 1 KiB", chunked.as_str(), usize::MAX),
    ] {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |b| b.iter(|| read(&mut reader, bytes.as_bytes(), piece)));
    }
    group.finish();
}

criterion_group!(benches, reader);
criterion_main!(benches);
