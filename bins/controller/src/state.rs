//! Gives every handler the platform once it is there, or the reason why it is not.
//!
//! The HTTP server is up before the store and the coordinator are, so that health checks have an
//! answer from the first moment. Until then handlers that need the platform answer 503.

use crate::about::About;
use crate::access::Access;
use crate::metrics::Metrics;
use crate::origin::Hosts;
use crate::problem::{Kind, Problem};
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use loadcore::cluster::controller::Controller;
use loadcore::cluster::{Coordinator, Store};
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// The most streams that are open at once; each holds a task and a few frames.
pub const MAX_STREAMS: usize = 1_000;

/// A controller with all that belongs to it.
#[derive(Clone)]
pub struct Platform {
    /// Keeps what must last.
    pub store: Arc<dyn Store>,
    /// Carries what is in flight.
    pub coordinator: Arc<dyn Coordinator>,
    /// Decides what becomes of scenarios, and makes the runs.
    pub controller: Controller,
}

/// How far the platform is: there, or why not.
#[derive(Clone)]
pub enum Status {
    /// It cannot work yet.
    Waiting(String),
    /// It works.
    Ready(Platform),
}

/// What the routes share. Clones are the same one.
#[derive(Clone)]
pub struct AppState {
    /// How far the platform is.
    pub status: watch::Receiver<Status>,
    /// Becomes true when the process ends: streams are closed then.
    pub ending: watch::Receiver<bool>,
    /// What is counted about the API.
    pub metrics: Arc<Metrics>,
    /// Bounds the streams.
    pub streams: Arc<Semaphore>,
    /// By which names it may be asked.
    pub hosts: Arc<Hosts>,
    /// Who may ask for what.
    pub access: Arc<Access>,
    /// What everybody may know of it.
    pub about: Arc<About>,
    /// Whether it is ready while another controller leads.
    pub standby_ready: bool,
}

impl AppState {
    /// For a platform that comes, and may end.
    #[must_use]
    pub fn new(status: watch::Receiver<Status>, ending: watch::Receiver<bool>) -> Self {
        let streams = Arc::new(Semaphore::new(MAX_STREAMS));
        let (metrics, hosts, access) = (Arc::new(Metrics::new()), Arc::default(), Arc::default());
        let about = Arc::default();
        Self { status, ending, metrics, streams, hosts, access, about, standby_ready: false }
    }

    /// The same, asked by these names alone.
    #[must_use]
    pub fn called(self, hosts: Hosts) -> Self {
        Self { hosts: Arc::new(hosts), ..self }
    }

    /// The same, for those alone whom `access` lets in.
    #[must_use]
    pub fn guarded(self, access: Access) -> Self {
        Self { access: Arc::new(access), ..self }
    }

    /// The same, that says this of itself.
    #[must_use]
    pub fn told(self, about: About) -> Self {
        Self { about: Arc::new(about), ..self }
    }

    /// The platform.
    ///
    /// # Errors
    /// While it is not there, with the reason.
    pub fn platform(&self) -> Result<Platform, Problem> {
        match &*self.status.borrow() {
            Status::Ready(platform) => Ok(platform.clone()),
            Status::Waiting(why) => Err(Problem::new(Kind::NotReady, why.clone())),
        }
    }
}

impl<S> FromRequestParts<S> for Platform
where
    AppState: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, Problem> {
        AppState::from_ref(state).platform()
    }
}

/// The platform for a call that changes something: its controller leads.
pub struct Leading(pub Platform);

impl<S> FromRequestParts<S> for Leading
where
    AppState: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, Problem> {
        let platform = AppState::from_ref(state).platform()?;
        platform.controller.must_lead()?;
        Ok(Self(platform))
    }
}
