//! Reads the target's own metrics, once a second, beside the load.
//!
//! Each endpoint is asked over a connection of its own at the end of every second of the run, through the
//! target policy and within bounds, on a thread that is not the engine's. Whatever becomes of it the run
//! goes on: what was not told is said as a fault.

use crate::analysis::Reducer;
use crate::http::TargetPolicy;
use crate::http::TlsOptions;
use crate::http::fetch::{Ask, Bounds, FetchError, Fetcher, Reply};
use crate::record::Reading;
use crate::request::{ErrorClass, FieldName};
use crate::scenario::Endpoint;
use crate::time::{Clock, Nanos, SECOND, seconds};
use http::header::{ACCEPT, HeaderValue, LOCATION};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// From the question to the whole answer: a target that is busy is slow here too.
const DEADLINE: Duration = Duration::from_secs(2);
/// Bytes of an answer.
const MOST_BYTES: usize = 2_000_000;
/// Readings that wait for the collector: of ten endpoints more than what comes while an interval is held up.
const MOST_WAITING: usize = 256;
/// Characters of a fault.
const LONGEST_FAULT: usize = 300;

/// Endpoints to be read.
#[derive(Debug)]
pub(crate) struct Watched {
    endpoints: Vec<Endpoint>,
    fetcher: Fetcher,
}

impl Watched {
    /// Those that this policy allows; `None` where there are none.
    pub(crate) fn new(
        endpoints: Vec<Endpoint>,
        policy: TargetPolicy,
        tls: TlsOptions,
    ) -> Option<Self> {
        // Who we are is for the target to know, and for nobody beside it.
        let tls = TlsOptions { client_pem: None, ..tls };
        (!endpoints.is_empty()).then(|| Self { endpoints, fetcher: Fetcher::new(policy, tls) })
    }

    /// The same, asked in the name of somebody.
    #[cfg(feature = "cluster")]
    pub(crate) fn answered_for_by(self, contact: Option<http::HeaderValue>) -> Self {
        Self { fetcher: self.fetcher.answered_for_by(contact), ..self }
    }

    /// Their names and URLs.
    pub(crate) fn names(&self) -> Vec<(String, String)> {
        self.endpoints.iter().map(|it| (it.name.clone(), it.url.uri().to_string())).collect()
    }

    /// Reads them until who takes what came is gone. The measured time begins at `measured_from` of the
    /// run's clock.
    async fn read(self, clock: Clock, measured_from: Nanos, channel: Channel) {
        let Self { endpoints, fetcher } = self;
        let Channel { tell, taken } = channel;
        let (fetcher, count) = (Arc::new(fetcher), endpoints.len());
        let mut all = JoinSet::new();
        for (place, endpoint) in endpoints.into_iter().enumerate() {
            let reader = Reader {
                place,
                ask: ask(endpoint),
                fetcher: Arc::clone(&fetcher),
                reducer: Reducer::new(count),
                clock,
                measured_from,
            };
            all.spawn(reader.read(tell.clone()));
        }
        // Nothing is ever sent there: it ends when the other side is gone, and the readers with the set.
        let _ = taken.await;
    }

    /// Reads them on a thread of its own.
    pub(super) fn read_in_thread(self, clock: Clock, measured_from: Nanos) -> io::Result<Readings> {
        let (channel, readings) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = move || {
            runtime.block_on(self.read(clock, measured_from, channel));
            // A look-up of a name may hang in the system.
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("loadcore-observe".into()).spawn(work)?;
        Ok(readings)
    }

    /// Reads them in the present runtime.
    #[cfg(feature = "cluster")]
    pub(crate) fn read_here(self, clock: Clock, measured_from: Nanos) -> Readings {
        let (channel, readings) = channel();
        tokio::spawn(self.read(clock, measured_from, channel));
        readings
    }
}

/// Where readings go.
struct Channel {
    tell: mpsc::Sender<Reading>,
    taken: oneshot::Receiver<()>,
}

/// What comes of reading, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Readings {
    readings: mpsc::Receiver<Reading>,
    _taken: oneshot::Sender<()>,
}

fn channel() -> (Channel, Readings) {
    let (tell, readings) = mpsc::channel(MOST_WAITING);
    let (taker, taken) = oneshot::channel();
    (Channel { tell, taken }, Readings { readings, _taken: taker })
}

impl Readings {
    /// Those that have come since it was asked last.
    pub(crate) fn new_ones(&mut self) -> impl Iterator<Item = Reading> + '_ {
        std::iter::from_fn(|| self.readings.try_recv().ok())
    }
}

/// The reading of one endpoint.
struct Reader {
    place: usize,
    ask: Ask,
    fetcher: Arc<Fetcher>,
    reducer: Reducer,
    clock: Clock,
    measured_from: Nanos,
}

impl Reader {
    async fn read(mut self, tell: mpsc::Sender<Reading>) {
        // The first reading, at the very beginning, is what the next one is held against.
        let mut next = self.measured_from;
        loop {
            tokio::time::sleep_until(self.clock.instant(next).into()).await;
            let bounds = Bounds { deadline: DEADLINE, most_bytes: MOST_BYTES };
            let reply = self.fetcher.fetch(&self.ask, &bounds).await;
            let passed = self.clock.now().saturating_sub(self.measured_from);
            next = self.measured_from + (passed / SECOND + 1) * SECOND;
            let at = seconds(passed);
            let told = text_of(reply).and_then(|text| self.reducer.reduce(at, &text));
            // What is told at the end of a second is about that second.
            let second = at - 0.5;
            if second < 0.0 && told.is_ok() {
                continue;
            }
            let (told, fault) = match told {
                Ok(told) => (told, None),
                Err(fault) => (Vec::new(), Some(fault.chars().take(LONGEST_FAULT).collect())),
            };
            let second = second.max(0.0) as u64;
            // Where nobody takes it, it is lost, and not waited for.
            let _ = tell.try_send(Reading { endpoint: self.place, second, told, fault });
        }
    }
}

fn ask(endpoint: Endpoint) -> Ask {
    const FORMATS: &str =
        "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1";
    let mut ask = Ask::get(endpoint.url);
    ask.headers.push((FieldName::from(ACCEPT), HeaderValue::from_static(FORMATS)));
    ask
}

/// The text of a reply, or why there is none and what to do.
fn text_of(reply: Result<Reply, FetchError>) -> Result<String, String> {
    let reply = reply.map_err(|error| {
        let advice = match &error {
            FetchError::Failed(failure) if failure.class == ErrorClass::BlockedByPolicy => {
                "allow its address, or do not observe it"
            }
            FetchError::TooLong { .. } => "observe an endpoint with fewer series",
            FetchError::Late { .. } => "see whether it is as busy as the target, or not there",
            _ => "see whether its URL is right and it is running",
        };
        format!("{error}; {advice}")
    })?;
    match reply.status {
        200..=299 => Ok(String::from_utf8_lossy(&reply.body).into_owned()),
        status @ 300..=399 => {
            let to = reply.headers.get(LOCATION).map(|to| String::from_utf8_lossy(to.as_bytes()));
            let to = to.map_or("nowhere".into(), |to| format!("to {to:?}"));
            Err(format!(
                "it answers {status} and leads {to}, which is not followed; give the URL where its metrics are"
            ))
        }
        status => {
            Err(format!("it answers {status}; give the URL of its metrics, such as /metrics"))
        }
    }
}
