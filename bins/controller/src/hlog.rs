//! Turns a run's stored intervals into HdrHistogram's interval log, page by page: a week of seconds
//! is never held at once.

use crate::problem::Problem;
use crate::views::started_unix_ms;
use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt, stream};
use loadcore::cluster::controller::api::ControllerError;
use loadcore::cluster::store::{IntervalRecord, RunRecord};
use loadcore::cluster::{Owner, RunId, Store};
use loadcore::record::Snapshot;
use loadcore::report::hlog::HlogWriter;
use loadcore::result::Span;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Intervals of one page: 60 of a few KB each as they are stored, decoded one after the other.
const PAGE: usize = 60;

/// The log of a run, as the body of an answer.
///
/// # Errors
/// When its first page cannot be had. A later one that cannot breaks the answer off.
pub async fn body(
    store: Arc<dyn Store>,
    owner: Owner,
    record: &RunRecord,
) -> Result<Body, Problem> {
    let warmup = record.scenario.get("warmupSeconds").and_then(serde_json::Value::as_f64);
    let warmup_ms = (warmup.unwrap_or(0.0) * 1e3) as u64;
    let started = started_unix_ms(record).unwrap_or(record.created_unix_ms) + warmup_ms;
    let mut pages = Box::pin(pages(store, owner, record.id.clone(), started));
    let first = pages.next().await.transpose().map_err(|Broken(problem)| problem)?;
    Ok(Body::from_stream(stream::iter(first.map(Ok)).chain(pages)))
}

/// Why a log goes no further.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.detail)]
struct Broken(Problem);

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        // It is written into memory.
        Self(Problem::internal(&error))
    }
}

fn pages(
    store: Arc<dyn Store>,
    owner: Owner,
    run: RunId,
    started_unix_ms: u64,
) -> impl Stream<Item = Result<Bytes, Broken>> + Send {
    let log = Log::new(started_unix_ms).map(Some).map_err(Broken::from);
    stream::once(async move { log }).flat_map(move |log| {
        let (store, owner, run) = (Arc::clone(&store), owner.clone(), run.clone());
        stream::try_unfold((log.transpose(), 0), move |(log, from)| {
            let (store, owner, run) = (Arc::clone(&store), owner.clone(), run.clone());
            async move {
                let Some(mut log) = log.transpose()? else { return Ok(None) };
                let page = store.intervals(&owner, &run, from, PAGE).await;
                let page = page.map_err(|error| Broken(error.into()))?;
                for record in &page {
                    log.add(&run, record)?;
                }
                let next = page.last().map_or(from, |last| last.number + 1);
                let more = page.len() == PAGE;
                let text = log.taken();
                Ok(Some((text, (more.then_some(Ok(log)), next))))
            }
        })
    })
}

/// A log that is written piece by piece.
struct Log {
    writer: HlogWriter<Piece>,
    piece: Piece,
}

impl Log {
    fn new(started_unix_ms: u64) -> io::Result<Self> {
        let piece = Piece::default();
        Ok(Self { writer: HlogWriter::new(piece.clone(), started_unix_ms)?, piece })
    }

    fn add(&mut self, run: &RunId, record: &IntervalRecord) -> Result<(), Broken> {
        let snapshot = Snapshot::decode(&record.bytes).map_err(|error| {
            let (run, why) = (run.clone(), error.to_string());
            Broken(ControllerError::Damaged { run, what: "an interval", why }.into())
        })?;
        let IntervalRecord { from_ns, to_ns, draining, .. } = *record;
        Ok(self.writer.interval(&snapshot.total, Span { from_ns, to_ns, draining })?)
    }

    fn taken(&self) -> Bytes {
        std::mem::take(&mut *self.piece.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

/// What was written since it was taken last. The writer owns its end, so the text is shared.
#[derive(Clone, Default)]
struct Piece(Arc<Mutex<Vec<u8>>>);

impl Write for Piece {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
