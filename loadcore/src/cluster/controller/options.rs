//! Holds how a controller works.

use super::{LocalWorkers, Quota};
use crate::cluster::Lease;
use crate::cluster::secrets::Secrets;
use crate::http::TargetPolicy;
use http::HeaderValue;
use std::time::Duration;

/// How long a lost worker's last snapshot is awaited if nothing is said: a worker that was cut off
/// finds back within some seconds, or not for long.
pub const EVIDENCE_WAIT: Duration = Duration::from_secs(10);

/// How a controller works.
#[derive(Debug, Clone)]
pub struct ControllerOptions {
    /// Where its API is, for people and for controllers that stand by.
    pub address: String,
    /// Which targets may be loaded: checked before a run is accepted, and by its workers whenever they
    /// dial. Those may have a policy of their own as well; the stricter binds.
    pub policy: TargetPolicy,
    /// Whether users load only hosts of which they have proved that they are theirs, and those that the
    /// policy lists.
    pub requires_proof: bool,
    /// With what secrets are sealed at rest.
    pub secrets: Secrets,
    /// Workers in this process, started when a scenario asks for them.
    pub local_workers: Option<LocalWorkers>,
    /// How long a worker may be silent before its parts are given to others.
    pub lease: Lease,
    /// How long beyond the load's end the last snapshot of a worker that was lost is awaited, counted
    /// from its loss.
    pub evidence_wait: Duration,
    /// Sent as `From` with the load's requests, with alerts and to observed endpoints: whom to ask about
    /// them. A scenario's own goes before it.
    pub contact: Option<HeaderValue>,
    /// What each user may use of whom nothing else is said.
    pub quota: Quota,
    /// How long entries of the audit log are kept; `None` for ever.
    pub keep_audit: Option<Duration>,
    /// How long after its end a run is kept, with all that belongs to it; `None` for until it is
    /// deleted. The leader deletes what is older once a day, first a minute after its start.
    pub retention: Option<Duration>,
}

impl Default for ControllerOptions {
    fn default() -> Self {
        Self {
            address: "in this process".into(),
            policy: TargetPolicy::default(),
            requires_proof: false,
            secrets: Secrets::ephemeral(),
            local_workers: None,
            lease: Lease::default(),
            evidence_wait: EVIDENCE_WAIT,
            contact: None,
            quota: Quota::default(),
            keep_audit: None,
            retention: None,
        }
    }
}
