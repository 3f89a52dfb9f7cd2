//! Gathers everything that is wrong with a document, so that it can be put right in one go.

use std::fmt;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where in the document: `loadProfile.bursts[2].rps`; empty for the document as a whole.
    pub path: String,
    /// What is wrong and what to do, in lower case.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

/// The faults found so far.
///
/// Each place is named once, and nothing inside a place that is wrong as a whole: after a text where
/// a list belongs, that its first element is wrong too is no news. At most [`Faults::MAX`] are kept, so a bad file of a million lines gives an error that a
/// person can read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    list: Vec<Fault>,
    more: usize,
}

impl Faults {
    /// The most faults that are kept; past that they are counted.
    pub(crate) const MAX: usize = 100;

    /// Adds a fault, unless its place, or one that holds it, has one already.
    pub(crate) fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        let path = path.into();
        if self.has(&path) {
            return;
        }
        if self.list.len() < Self::MAX {
            self.list.push(Fault { path, message: message.into() });
        } else {
            self.more += 1;
        }
    }

    /// Whether this place, or one that holds it, has a fault already.
    pub(crate) fn has(&self, path: &str) -> bool {
        let holds = |outer: &str| match path.strip_prefix(outer) {
            Some(inner) => inner.is_empty() || (!outer.is_empty() && inner.starts_with(['.', '['])),
            None => false,
        };
        self.list.iter().any(|fault| holds(&fault.path))
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The faults in the order found; past the bound the last says how many more there are.
    pub(crate) fn into_vec(mut self) -> Vec<Fault> {
        if self.more > 0 {
            let message = format!("and {} more faults, which are not listed", self.more);
            self.list.push(Fault { path: String::new(), message });
        }
        self.list
    }
}

/// A number as people write it: `5`, `0.25`, and `1e300` rather than three hundred zeros.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 || (1e-6..1e15).contains(&value.abs()) || !value.is_finite() {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}
