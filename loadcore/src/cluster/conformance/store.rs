//! Turns the contract of [`Store`] into checks, one or more for each promise.
//!
//! A backend wraps itself in a [`Subject`] and runs each of [`CHECKS`] with a new one, as a test of
//! its own. A check that does not pass panics; its text begins with the promise that was broken
//! and says what was seen.

mod calls;
mod fixtures;
mod notes;
mod records;
mod results;

use crate::cluster::Store;
use async_trait::async_trait;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// A backend with data of its own, which are empty at first.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The store over the subject's data.
    async fn open(&self) -> Arc<dyn Store>;

    /// Ends what keeps the data, as hard as it can be ended: for a server, a kill without warning.
    /// The checks have let go of what [`open`](Subject::open) gave them, and call that again after.
    async fn kill(&self);

    /// Makes the store silent: calls reach nobody, or are not answered. `false` where nothing can
    /// come between a caller and its store.
    async fn silence(&self) -> bool {
        false
    }
}

type Checking<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// One thing to be checked.
#[derive(Clone, Copy)]
pub struct Check {
    /// What holds, in words joined by underscores.
    pub name: &'static str,
    /// The promise's number in the contract.
    pub promise: u8,
    checks: for<'a> fn(&'a dyn Subject) -> Checking<'a>,
}

impl Check {
    /// Checks a subject that nothing was done to yet.
    ///
    /// # Panics
    ///
    /// If the promise does not hold.
    pub async fn run(&self, subject: &dyn Subject) {
        let done = timeout(LONGEST, (self.checks)(subject)).await;
        assert!(done.is_ok(), "9. no call waits for ever: {} took {LONGEST:?}", self.name);
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.promise, self.name)
    }
}

/// What a check may take in all, on a busy machine.
const LONGEST: Duration = Duration::from_secs(180);

macro_rules! checks {
    ($($promise:literal $room:ident::$name:ident)*) => {
        &[$(Check {
            name: stringify!($name),
            promise: $promise,
            checks: |subject| Box::pin($room::$name(subject)),
        }),*]
    };
}

/// Every check.
pub const CHECKS: &[Check] = checks! {
    1 results::what_was_answered_outlasts_a_kill
    1 records::changes_outlast_a_kill
    1 records::records_come_back_exactly
    1 results::results_come_back_exactly
    1 results::what_is_too_large_is_refused_and_nothing_else
    2 records::owners_do_not_see_each_others_records
    2 results::owners_do_not_reach_each_others_results
    3 records::an_id_is_given_once
    3 records::a_replacement_needs_the_revision_that_is_there
    3 records::of_many_with_one_revision_one_succeeds
    3 records::a_deletion_may_need_the_revision_that_is_there
    4 results::snapshots_only_get_newer
    4 results::many_who_keep_snapshots_leave_the_newest
    5 results::intervals_are_written_once
    5 results::intervals_come_in_pages
    5 results::an_analysis_of_an_earlier_term_replaces_no_later_one
    5 results::the_greatest_of_many_terms_at_once_stays
    6 records::lists_are_newest_first_in_pages
    6 records::lists_follow_tags_scenarios_and_deletions
    6 records::pages_are_whole_while_others_write
    6 records::open_runs_are_those_of_all_owners
    7 results::deleting_a_run_deletes_all_of_it
    7 records::deleting_a_scenario_leaves_its_runs
    7 results::runs_that_ended_before_are_forgotten
    8 records::terms_rise
    9 results::a_silent_store_ends_each_call
    10 calls::a_key_is_one_calls_over_a_kill
    10 calls::a_key_is_one_owners
    10 calls::of_many_under_one_key_one_is_new
    10 calls::what_is_older_counts_no_more
    10 calls::an_owner_has_no_more_than_the_limit
    11 notes::a_note_comes_back_after_a_kill
    11 notes::a_note_is_one_owners_under_one_kind
    11 notes::of_many_with_one_revision_one_keeps_a_note
    11 notes::notes_are_listed_in_pages
    11 notes::old_notes_are_forgotten
    12 records::owners_are_those_who_have_something
};
