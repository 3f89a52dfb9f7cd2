//! Turns rules such as `p99<250ms` into what they came to: whether they hold, and on what figure.
//!
//! A [`Rule`] bounds one statistic. An [`SlaRule`] says over what time it has to hold: the whole
//! run, judged from the result document, or every sliding window, judged while the run goes on.
//! [`Judge`](super::Judge) does both.
//!
//! What fails is often quick: rules of latency and rate count it, as their formulas say, and say so;
//! those of ok requests alone (`ok_p99<250ms`) do not.
//!
//! A rule without a figure has not passed: a run that measured nothing keeps no promise.

mod note;
mod outcome;
mod rule;
mod share;
mod text;
mod together;
mod watch;
mod windowed;

pub(crate) use note::in_words;
pub(super) use outcome::outcomes;
pub use rule::{Bound, Comparison, Metric, Rule, RuleError, SlaRule, Statistic, Times};
pub use share::StatusOrClass;
pub(crate) use together::contradiction;
pub use windowed::Event;
pub(super) use windowed::{Subject, Windowed};
