//! Turns what a search for a capacity wants into changes of its run.

use super::super::api::Command;
use super::Driver;
use crate::analysis::capacity::Step;
use crate::cluster::store::RunState;
use crate::record::Interval;
use crate::result::Span;

impl Driver {
    /// Tells the search, where the run is one, of an interval as it is stored.
    pub(super) fn tell_search(&mut self, interval: &Interval, span: Span) {
        if let Some(seeking) = &mut self.seeking {
            seeking.hear(&self.record.journal);
            seeking.interval(interval, span);
        }
    }

    /// Does what the search wants.
    pub(super) fn obey_search(&mut self) {
        let Some(seeking) = &mut self.seeking else { return };
        seeking.hear(&self.record.journal);
        if self.record.state != RunState::Running {
            return;
        }
        match seeking.search.wants() {
            Step::GoOn => {}
            Step::End => {
                let text = seeking.search.capacity().conclusion;
                self.stop(RunState::Completed, "capacity_found", &text);
            }
            Step::Offer(target_rps) => {
                let change = Command::Rate { target_rps, over_seconds: 0.0 };
                if let Err(why) = self.command(change) {
                    let text = format!("the search cannot go on: {why}");
                    self.stop(RunState::Completed, "capacity_search_ended", &text);
                }
            }
        }
    }
}
