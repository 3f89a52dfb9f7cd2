//! Turns what each worker did in an interval into bytes and back.

use super::{number, text};
use crate::record::varint::{put, put_slice, take_slice};
use crate::record::{Distribution, MOST_WORKERS, WorkerInterval};

pub(super) fn put_all(out: &mut Vec<u8>, workers: &[WorkerInterval]) {
    for worker in workers {
        put_slice(out, worker.worker.as_bytes());
        let health = &worker.health;
        let under_way = [worker.in_flight, worker.backlog];
        let counts = worker.counts().into_iter().chain(under_way);
        let all = counts.chain(health.sums()).chain([health.peak_cpu_ppm]);
        all.for_each(|number| put(out, number));
        for times in [&worker.response, &worker.lag, &health.pacer_lag] {
            put_slice(out, times.bytes());
        }
    }
}

pub(super) fn take_all(
    payload: &mut &[u8],
    workers: &mut Vec<WorkerInterval>,
) -> Result<(), &'static str> {
    while !payload.is_empty() {
        let worker = take_one(payload)?;
        if workers.last().is_some_and(|last| last.worker >= worker.worker) {
            return Err("has workers out of order");
        }
        if workers.len() == MOST_WORKERS {
            return Err("has more workers than are told apart");
        }
        workers.push(worker);
    }
    Ok(())
}

fn take_one(payload: &mut &[u8]) -> Result<WorkerInterval, &'static str> {
    let name = text(take_slice(payload).ok_or("is cut short")?)?;
    let mut worker = WorkerInterval { worker: name, ..WorkerInterval::default() };
    for place in worker.counts_mut() {
        *place = number(payload)?;
    }
    (worker.in_flight, worker.backlog) = (number(payload)?, number(payload)?);
    for place in worker.health.sums_mut() {
        *place = number(payload)?;
    }
    worker.health.peak_cpu_ppm = number(payload)?;
    let mut times = || Distribution::read(take_slice(payload).ok_or("is cut short")?.to_vec());
    (worker.response, worker.lag) = (times()?, times()?);
    worker.health.pacer_lag = times()?;
    Ok(worker)
}
