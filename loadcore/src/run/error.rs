//! Turns what keeps a run from being made into one error: its kind, every fault with its path, its
//! cause.

use crate::http::PlanError;
use crate::profile::{Fault, Faults};
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// A run that could not be made. A request that fails is no error: it is part of the result.
///
/// What scripts and bindings ask is [`RunError::kind`], whose names stay, and [`RunError::faults`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RunError {
    /// Settings that cannot be.
    Invalid {
        /// All of them, at least one. Paths are those of the scenario document: `mix[1].name`.
        faults: Vec<Fault>,
        /// What the first of them came of, where that is an error itself.
        cause: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// The request, the proxy or a certificate cannot be used.
    Request(Arc<PlanError>),
    /// The target may not be loaded; the text says why.
    Refused(String),
    /// Too few file descriptors.
    Descriptors {
        /// Asked for.
        connections: u64,
        /// Left for connections.
        available: u64,
        /// The process's limit.
        limit: u64,
    },
    /// A thread of the engine could not start, or ended early.
    Thread(Arc<io::Error>),
}

impl RunError {
    /// Its kind: `invalid`, `request`, `refused`, `descriptors` or `thread`. A later version may have
    /// more of them; none changes its name.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::Request(_) => "request",
            Self::Refused(_) => "refused",
            Self::Descriptors { .. } => "descriptors",
            Self::Thread(_) => "thread",
        }
    }

    /// What is wrong with the settings, each with its path in the scenario document; empty where it is
    /// something else that is wrong.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::Invalid { faults, .. } => faults,
            _ => &[],
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { faults, .. } => match &faults[..] {
                [only] => write!(f, "the load test cannot be run: {only}"),
                _ => {
                    write!(f, "the load test cannot be run, with {} faults:", faults.len())?;
                    faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
                }
            },
            Self::Request(error) => write!(f, "{error}"),
            Self::Refused(why) => write!(f, "the target is refused by policy: {why}"),
            Self::Descriptors { connections, available, limit } => write!(
                f,
                "{connections} connections need {connections} file descriptors, and only \
                 {available} of the limit of {limit} are left: raise it (ulimit -n), or ask for \
                 fewer connections"
            ),
            Self::Thread(error) => write!(f, "an engine thread failed: {error}"),
        }
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Invalid { cause, .. } => Some(&**cause.as_ref()?),
            // It speaks for itself: what is behind it comes next.
            Self::Request(error) => error.source(),
            Self::Thread(error) => Some(&**error),
            Self::Refused(_) | Self::Descriptors { .. } => None,
        }
    }
}

impl From<PlanError> for RunError {
    fn from(error: PlanError) -> Self {
        Self::Request(Arc::new(error))
    }
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::Thread(Arc::new(error))
    }
}

/// What is wrong so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Problems {
    faults: Faults,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problems {
    /// Adds one, in the words of a scenario's faults.
    pub(super) fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.faults.add(path, message);
    }

    /// Adds one that is an error of its own.
    pub(super) fn add_error(
        &mut self,
        path: impl Into<String>,
        error: impl Error + Send + Sync + 'static,
    ) {
        self.add(path, error.to_string());
        self.cause.get_or_insert_with(|| Arc::new(error));
    }

    /// Adds those of something that lies at `path`.
    pub(super) fn add_all(
        &mut self,
        path: &str,
        faults: &[Fault],
        error: impl Error + Send + Sync + 'static,
    ) {
        for fault in faults {
            let path = match fault.path.as_str() {
                "" => path.to_owned(),
                inner => format!("{path}.{inner}"),
            };
            self.add(path, fault.message.clone());
        }
        self.cause.get_or_insert_with(|| Arc::new(error));
    }

    /// An error where there are any.
    pub(super) fn found(self) -> Result<(), RunError> {
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(RunError::Invalid { faults: self.faults.into_vec(), cause: self.cause })
    }
}
