//! Turns a prefix and a run into the names of keys. The README's table says what stands under each.

use loadcore::cluster::RunId;

/// The names of all keys.
pub(crate) struct Keys {
    prefix: String,
    pub(crate) term: String,
    pub(crate) leader: String,
    pub(crate) workers: String,
    pub(crate) tasks: String,
    pub(crate) results: String,
}

/// The names of one run's keys. What stands in braces is what Redis shards by: they stay together.
pub(crate) struct RunKeys {
    pub(crate) plan: String,
    pub(crate) journal: String,
    pub(crate) newest: String,
    pub(crate) durable: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        let key = |name: &str| format!("{prefix}:{name}");
        Self {
            term: key("term"),
            leader: key("leader"),
            workers: key("workers"),
            tasks: key("tasks"),
            results: key("results"),
            prefix: prefix.to_owned(),
        }
    }

    pub(crate) fn run(&self, run: &RunId) -> RunKeys {
        let key = |name: &str| format!("{}:{{{run}}}:{name}", self.prefix);
        RunKeys {
            plan: key("plan"),
            journal: key("journal"),
            newest: key("newest"),
            durable: key("durable"),
        }
    }
}
