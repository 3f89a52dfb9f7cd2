//! Turns what went wrong with Redis into the errors of a coordinator, by what to do about them.

use loadcore::cluster::CoordinatorError;
use loadcore::cluster::coordinator::Kind;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why a call was not carried out.
#[derive(Debug)]
pub(crate) enum CallError {
    /// Redis, or the way to it.
    Redis(RedisError),
    /// What we found there.
    Found(Kind),
}

impl From<RedisError> for CallError {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl From<redis::ParsingError> for CallError {
    fn from(error: redis::ParsingError) -> Self {
        Self::Redis(error.into())
    }
}

impl From<Kind> for CallError {
    fn from(kind: Kind) -> Self {
        Self::Found(kind)
    }
}

impl CallError {
    /// The connection cannot be relied on any more, or leads to the wrong server.
    pub(crate) fn spoils_the_connection(&self) -> bool {
        match self {
            Self::Found(_) => false,
            Self::Redis(error) => match error.kind() {
                // A replica now: the name may lead to its new primary.
                ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown) => true,
                ErrorKind::Server(_) => false,
                ErrorKind::Extension => error.code() == Some("NOAUTH"),
                _ => true,
            },
        }
    }

    /// The stream was wiped, and with it its consumer group.
    pub(crate) fn is_missing_group(&self) -> bool {
        self.says("NOGROUP") || self.says("UNBLOCKED")
    }

    /// Whether the server's answer has a code. Before Redis 7 an error in a script came wrapped in
    /// another.
    fn says(&self, code: &str) -> bool {
        matches!(self, Self::Redis(error)
            if error.code() == Some(code)
                || error.detail().is_some_and(|detail| detail.contains(code)))
    }

    /// The error of the call that was `doing` something with the Redis at `address`.
    pub(crate) fn into_error(self, doing: &'static str, address: &str) -> CoordinatorError {
        let kind = self.kind(address);
        let source = match self {
            Self::Found(_) => None,
            Self::Redis(error) => Some(error.into()),
        };
        CoordinatorError { kind, doing, source }
    }

    fn kind(&self, address: &str) -> Kind {
        let error = match self {
            Self::Found(kind) => return kind.clone(),
            Self::Redis(error) => error,
        };
        let is_type = matches!(error.kind(), ErrorKind::UnexpectedReturnType | ErrorKind::Parse);
        match (error.code(), error.detail().map(str::parse)) {
            (Some("SUPERSEDED"), Some(Ok(term))) => Kind::Superseded(term),
            (Some("CONFLICT"), _) => Kind::Conflict,
            _ if is_type || self.says("WRONGTYPE") => Kind::Damaged(error.to_string()),
            _ => Kind::Unavailable(format!("{address}: {error}")),
        }
    }
}

/// The error of a call that took too long.
pub(crate) fn too_late(doing: &'static str, why: String) -> CoordinatorError {
    CoordinatorError { kind: Kind::Unavailable(why), doing, source: None }
}
