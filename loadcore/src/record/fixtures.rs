//! Turns lists of deeds into snapshots, for tests: what a recorder makes of them is consistent.

use super::{Recorder, Sample, Snapshot};
use crate::request::{DropReason, ErrorClass, Failure};
use crate::time::{Nanos, SECOND};
use proptest::prelude::*;

/// Something that an engine thread records. Times are microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    Answered {
        lag_us: u64,
        service_us: u64,
        status: u16,
    },
    Failed {
        service_us: u64,
        class: ErrorClass,
    },
    Connected {
        connect_us: u64,
        tls_us: Option<u64>,
    },
    /// As which request of the mix, and with what status.
    Named {
        request: usize,
        service_us: u64,
        status: u16,
    },
    /// Of a class that the thing under load has named.
    Own {
        class: u8,
        request: usize,
    },
    Dropped {
        count: u64,
    },
    Woke {
        lag_us: u64,
    },
}

/// What a recorder makes of `deeds`, as the snapshot of a nameless worker.
pub(crate) fn play(deeds: &[Deed]) -> Snapshot {
    let named = deeds.iter().map(|deed| match deed {
        Deed::Named { request, .. } | Deed::Own { request, .. } => request + 1,
        _ => 0,
    });
    let mut recorder = Recorder::of_mix(named.max().unwrap_or(0));
    deeds.iter().for_each(|deed| deed.record(&mut recorder));
    let total = *recorder.exchange(Box::default());
    let elapsed_ns = deeds.len() as u64 * SECOND;
    Snapshot { elapsed_ns, total, ..Snapshot::default() }
}

impl Deed {
    fn record(self, recorder: &mut Recorder) {
        match self {
            Self::Answered { lag_us, service_us, status } => {
                request(recorder, NONE, lag_us, service_us, Some(status), None);
            }
            Self::Failed { service_us, class } => {
                let failure = Failure::text(class, format_args!("failed after {service_us} us"));
                request(recorder, NONE, 0, service_us, None, Some(&failure));
            }
            Self::Named { request: place, service_us, status } => {
                recorder.due_of(place, 1);
                request(recorder, place, 3, service_us, Some(status), None);
            }
            Self::Own { class, request: place } => {
                let failure = Failure::named(format!("c{class}"), format_args!("why {class}"));
                recorder.due_of(place, 1);
                request(recorder, place, 3, 700, None, Some(&failure));
            }
            Self::Connected { connect_us, tls_us } => {
                recorder.connected(us(connect_us), tls_us.map(us));
            }
            Self::Dropped { count } => {
                recorder.due(count);
                recorder.dropped(DropReason::BacklogFull, count);
            }
            Self::Woke { lag_us } => recorder.pacer_lag(us(lag_us)),
        }
    }
}

/// No request of a mix.
const NONE: usize = usize::MAX;

fn request(
    recorder: &mut Recorder,
    place: usize,
    lag_us: u64,
    service_us: u64,
    status: Option<u16>,
    failure: Option<&Failure>,
) {
    let (intended, start) = (SECOND, SECOND + us(lag_us));
    recorder.due(1);
    recorder.started(place, Some(intended), start);
    recorder.sample(&Sample {
        request: place,
        intended: Some(intended),
        start,
        end: start + us(service_us),
        first_byte: status.map(|_| start + us(service_us / 2)),
        status,
        failure,
        bytes_sent: 70,
        bytes_received: if status.is_some() { 850 } else { 0 },
    });
}

fn us(count: u64) -> Nanos {
    count * crate::time::MICROSECOND
}

/// Up to `most` deeds of every kind, now and then beyond the histograms' range.
pub(crate) fn deeds(most: usize) -> impl Strategy<Value = Vec<Deed>> {
    let time = prop_oneof![9 => 0..2_000_000u64, 1 => 0..9_000_000_000u64];
    let class = prop::sample::select(ErrorClass::ALL.as_slice());
    let deed = prop_oneof![
        6 => (0..5_000u64, time.clone(), 100..600u16).prop_map(|(lag_us, service_us, status)| {
            Deed::Answered { lag_us, service_us, status }
        }),
        2 => (0..4usize, time.clone(), 100..600u16).prop_map(|(request, service_us, status)| {
            Deed::Named { request, service_us, status }
        }),
        1 => (0..60u8, 0..4usize).prop_map(|(class, request)| Deed::Own { class, request }),
        2 => (time, class).prop_map(|(service_us, class)| Deed::Failed { service_us, class }),
        1 => (0..9_000u64, prop::option::of(0..90_000u64))
            .prop_map(|(connect_us, tls_us)| Deed::Connected { connect_us, tls_us }),
        1 => (0..1_000u64).prop_map(|count| Deed::Dropped { count }),
        1 => (0..3_000u64).prop_map(|lag_us| Deed::Woke { lag_us }),
    ];
    prop::collection::vec(deed, 0..most)
}

/// Snapshots of some worker.
pub(crate) fn snapshots() -> impl Strategy<Value = Snapshot> {
    (deeds(30), "\\PC{0,12}", any::<[u64; 4]>(), any::<bool>()).prop_map(
        |(deeds, worker, [epoch, seq, in_flight, backlog], is_final)| Snapshot {
            worker,
            epoch,
            seq,
            in_flight,
            backlog,
            is_final,
            ..play(&deeds)
        },
    )
}
