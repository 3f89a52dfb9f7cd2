//! Turns a scenario into a page that says what it would do.

use loadcore::scenario::Scenario;

pub(crate) fn page(scenario: &Scenario) -> String {
    format!("{}\n", scenario.name)
}
