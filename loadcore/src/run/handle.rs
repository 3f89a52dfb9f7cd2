//! Turns a running test into live snapshots, live control and a result.

use super::RunError;
use super::feed::{Feed, Following, Snapshots};
use super::progress::Progress;
use crate::engine::{Order, Orders};
use crate::record::Snapshot;
use crate::request::DropReason;
use crate::result::RunResult;
use crate::time::{Clock, MILLISECOND, Nanos};
use std::sync::Arc;
use tokio::sync::watch;

/// How far in the future an order takes effect: long enough for every thread to have heard of it.
const NOTICE: Nanos = 20 * MILLISECOND;
/// Most orders of a run.
const MAX_ORDERS: usize = 10_000;

/// A running test. Dropping it ends the load.
#[derive(Debug)]
#[must_use = "dropping the handle ends the load"]
pub struct RunHandle {
    pub(super) control: Control,
    pub(super) snapshots: Feed<Arc<Snapshot>>,
    pub(super) progress: Feed<Progress>,
    pub(super) result: watch::Receiver<Option<Ended>>,
}

/// What became of the run.
pub(super) type Ended = Result<Arc<RunResult>, RunError>;

/// An order that could not be given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// It came too late.
    #[error("the run has ended, or was stopped: nothing can be changed any more")]
    Ended,
    /// Not a rate.
    #[error("a rate of {0} requests per second: give one from 0 to 1000000000")]
    Rate(f64),
    /// Not a time.
    #[error("{0} seconds to change the rate: give a time from 0 to 604800")]
    Over(f64),
    /// Too many.
    #[error("a run takes at most {MAX_ORDERS} orders")]
    TooMany,
}

/// Gives orders; may be cloned and kept apart from the handle.
#[derive(Debug, Clone)]
pub struct Control {
    clock: Clock,
    orders: Arc<watch::Sender<Orders>>,
}

impl Control {
    pub(super) fn new(clock: Clock, given: Vec<(Nanos, Order)>) -> (Self, watch::Receiver<Orders>) {
        let (orders, receiver) = watch::channel(Orders::new(given));
        (Self { clock, orders: Arc::new(orders) }, receiver)
    }

    /// Stops the profile's clock: nothing more falls due until [`Control::resume`].
    ///
    /// # Errors
    /// When the run has ended, or there were too many orders.
    pub fn pause(&self) -> Result<(), ControlError> {
        self.order(Order::Pause).map(drop)
    }

    /// Lets the profile's clock go on.
    ///
    /// # Errors
    /// When the run has ended, or there were too many orders.
    pub fn resume(&self) -> Result<(), ControlError> {
        self.order(Order::Resume).map(drop)
    }

    /// Replaces what is left of the profile by a line from the present rate to `target_rps`,
    /// `over_seconds` long, and that rate after it. In closed loop it changes nothing.
    ///
    /// # Errors
    /// When a number is out of range, the run has ended, or there were too many orders.
    pub fn change_rate(&self, target_rps: f64, over_seconds: f64) -> Result<(), ControlError> {
        self.offer(target_rps, over_seconds).map(drop)
    }

    /// The same, and the moment of the run's clock from which on it is so.
    pub(super) fn offer(&self, target: f64, over: f64) -> Result<Nanos, ControlError> {
        if !(0.0..=1e9).contains(&target) {
            return Err(ControlError::Rate(target));
        }
        if !(0.0..=604_800.0).contains(&over) {
            return Err(ControlError::Over(over));
        }
        self.order(Order::Rate { target, over })
    }

    /// Ends the load: what waits is dropped as `stopped`, what is in flight is unfinished.
    pub fn stop(&self) {
        // The one order that is always taken.
        self.push(Order::Stop(DropReason::Stopped));
    }

    /// Gives an order that takes effect at a moment of the run's clock, or as soon after as it can
    /// be carried out. Each is of the moment of the one before, or later.
    #[cfg(feature = "cluster")]
    pub(crate) fn order_at(&self, at: Nanos, order: Order) {
        self.orders.send_modify(|orders| {
            let at = orders.last().map_or(at, |(last, _)| at.max(*last));
            Arc::make_mut(orders).push((at, order));
        });
    }

    fn order(&self, order: Order) -> Result<Nanos, ControlError> {
        let given = self.orders.borrow();
        // With the last thread the last who would hear of it has gone.
        let stopped = matches!(given.last(), Some((_, Order::Stop(_))));
        if stopped || self.orders.is_closed() {
            return Err(ControlError::Ended);
        }
        if given.len() >= MAX_ORDERS {
            return Err(ControlError::TooMany);
        }
        drop(given);
        Ok(self.push(order))
    }

    /// Answers when it takes effect.
    fn push(&self, order: Order) -> Nanos {
        let mut at = self.clock.now() + NOTICE;
        self.orders.send_modify(|orders| {
            // In order of time: a later order never takes effect before an earlier one.
            at = orders.last().map_or(at, |(last, _)| at.max(*last));
            Arc::make_mut(orders).push((at, order));
        });
        at
    }
}

impl RunHandle {
    /// To give orders from elsewhere.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// See [`Control::pause`].
    ///
    /// # Errors
    /// When the run has ended, or there were too many orders.
    pub fn pause(&self) -> Result<(), ControlError> {
        self.control.pause()
    }

    /// See [`Control::resume`].
    ///
    /// # Errors
    /// When the run has ended, or there were too many orders.
    pub fn resume(&self) -> Result<(), ControlError> {
        self.control.resume()
    }

    /// See [`Control::change_rate`].
    ///
    /// # Errors
    /// When a number is out of range, the run has ended, or there were too many orders.
    pub fn change_rate(&self, target_rps: f64, over_seconds: f64) -> Result<(), ControlError> {
        self.control.change_rate(target_rps, over_seconds)
    }

    /// See [`Control::stop`]; the result is still to be awaited.
    pub fn stop(&self) {
        self.control.stop();
    }

    /// The cumulative snapshots as they are made, one each second, for each reader that asks; one that
    /// comes late begins with the newest.
    #[must_use]
    pub fn snapshots(&self) -> Snapshots {
        self.snapshots.follow()
    }

    /// How the run goes, each second, in the few numbers that people look at; for each reader that asks.
    #[must_use]
    pub fn progress(&self) -> Following<Progress> {
        self.progress.follow()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When an engine thread failed.
    pub async fn wait(self) -> Result<RunResult, RunError> {
        self.result().await
    }

    /// Waits for the end and keeps the handle, so that orders can be given meanwhile. It may be asked
    /// again, and by several at once: each has a copy.
    ///
    /// # Errors
    /// When an engine thread failed.
    pub async fn result(&self) -> Result<RunResult, RunError> {
        let mut result = self.result.clone();
        let gone = || RunError::from(std::io::Error::other("the collector ended early"));
        let ended = result.wait_for(Option::is_some).await.map_err(|_| gone())?;
        ended
            .as_ref()
            .ok_or_else(gone)?
            .as_ref()
            .map(|result| (**result).clone())
            .map_err(Clone::clone)
    }
}

impl Drop for RunHandle {
    fn drop(&mut self) {
        self.control.stop();
    }
}
