//! Turns rules such as `p99<250ms` into what they came to: whether they hold, and on what figure.
//!
//! A [`Rule`] bounds one statistic. An [`SlaRule`] says over what time it has to hold: the whole
//! run, judged by [`outcomes`] from the result document, or every sliding window, judged by
//! [`Live`] while the run goes on.
//!
//! A rule without a figure has not passed: a run that measured nothing keeps no promise.

mod live;
mod outcome;
mod rule;
mod text;

pub use live::{Event, Live};
pub use outcome::outcomes;
pub use rule::{Bound, Comparison, Metric, Rule, RuleError, SlaRule, Statistic, Times};
