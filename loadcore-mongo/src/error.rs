//! Turns the driver's errors into kinds of a store's errors, by what to do about them.

use loadcore::cluster::StoreError;
use loadcore::cluster::store::Kind;
use mongodb::error::{Error, ErrorKind, WriteFailure};

/// The server's code for an id that is there already.
pub(crate) const DUPLICATE_KEY: i32 = 11_000;

/// What went wrong below a call.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The driver or the server said so.
    Driver(Error),
    /// We do.
    Kind(Kind),
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<Kind> for CallError {
    fn from(kind: Kind) -> Self {
        Self::Kind(kind)
    }
}

impl CallError {
    /// `server` is the address that may be shown.
    pub(crate) fn doing(self, doing: &'static str, server: &str) -> StoreError {
        match self {
            Self::Kind(kind) => StoreError { kind, doing, source: None },
            Self::Driver(error) => {
                let kind = kind(&error, server);
                StoreError { kind, doing, source: Some(Box::new(error)) }
            }
        }
    }
}

fn kind(error: &Error, server: &str) -> Kind {
    match &*error.kind {
        _ if code(error) == Some(DUPLICATE_KEY) => Kind::Exists,
        ErrorKind::Bson(_) | ErrorKind::InvalidResponse { .. } => {
            Kind::Damaged(format!("{server}: {}", reason(error)))
        }
        _ => Kind::Unavailable(format!("{server}: {}", reason(error))),
    }
}

/// The server's code for what it did not do.
pub(crate) fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(command) => Some(command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => Some(concern.code),
        _ => None,
    }
}

/// Whether the connection failed, so that nobody knows whether the server did it.
pub(crate) fn is_lost(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. })
}

/// What happened, without the driver's inner life.
pub(crate) fn reason(error: &Error) -> String {
    let text = match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.message.clone(),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => concern.message.clone(),
        ErrorKind::Command(command) => command.message.clone(),
        other => other.to_string(),
    };
    // A selection of a server that failed lists each with a dump of its last error.
    match text.split_once("Topology: ") {
        None => text,
        Some((said, topology)) => {
            let cause = topology.split_once("Kind: ").map(|(_, cause)| cause);
            let cause = cause.and_then(|cause| cause.split(", labels").next());
            cause.unwrap_or(said.trim()).to_owned()
        }
    }
}
