//! Turns what was asked to be put under load into its transport, whatever that is.

use super::RunError;
use super::error::Problems;
use super::http::Request;
use super::load::AnyProfile;
use super::observe::Watched;
use super::planned::Planned;
use super::{Observer, RunHandle, TestSettings};
use crate::analysis::sla::SlaRule;
use crate::http::{HttpOptions, HttpTransport};
use crate::scenario::Endpoint;
use crate::transport::Transport;
use std::any::type_name;
use std::fmt;
use std::sync::Arc;

/// What is put under load.
#[derive(Clone)]
pub(super) enum Subject {
    /// HTTP, still to be made of its options and of the mix's requests.
    Http(Box<HttpOptions>, Vec<Request>),
    /// Any transport.
    Made(Box<dyn Made>),
}

impl Subject {
    pub(super) fn http(options: HttpOptions) -> Self {
        Self::Http(Box::new(options), Vec::new())
    }

    /// Endpoints to be read beside it, by the policy and the trust that hold for it.
    pub(super) fn observed(&self, endpoints: Vec<Endpoint>) -> Option<Watched> {
        let (policy, tls) = match self {
            Self::Http(options, _) => (options.policy.clone(), options.tls.clone()),
            Self::Made(_) => Default::default(),
        };
        Watched::new(endpoints, policy, tls)
    }

    /// Its transport, once it may be loaded.
    pub(super) async fn made(self) -> Result<Box<dyn Made>, RunError> {
        let (mut options, mix) = match self {
            Self::Http(options, mix) => (options, mix),
            Self::Made(made) => return Ok(made),
        };
        if !mix.is_empty() {
            let mut problems = Problems::default();
            options.mix = Request::all(&mix, &options, &mut problems);
            problems.found()?;
        }
        let transport = HttpTransport::new(*options)?;
        let refused = |failure: crate::request::Failure| RunError::Refused(failure.to_string());
        transport.check_policy().await.map_err(refused)?;
        Ok(Box::new(transport))
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Neither headers nor body, which may hold what nobody is to see.
            Self::Http(options, mix) if mix.is_empty() => {
                write!(f, "{} {}", options.method, crate::request::shown(&options.uri))
            }
            Self::Http(options, mix) => f
                .debug_struct("Http")
                .field("target", &crate::request::shown(&options.uri))
                .field("mix", mix)
                .finish(),
            Self::Made(made) => f.write_str(made.name()),
        }
    }
}

/// All that a transport is started with.
pub(super) struct Start {
    pub(super) plan: Planned,
    pub(super) profile: Option<AnyProfile>,
    pub(super) settings: TestSettings,
    pub(super) rules: Vec<SlaRule>,
    /// What is read beside the load.
    pub(super) observed: Option<Watched>,
    pub(super) observers: Vec<Observer>,
}

/// A transport whose type is forgotten. It is called by its type again from [`Made::start`] on, so that
/// no request goes through a `dyn`.
pub(super) trait Made: Send + Sync {
    fn start(self: Box<Self>, start: Start) -> Result<RunHandle, RunError>;

    /// [`Transport::requests`].
    fn requests(&self) -> Option<usize>;

    fn copy(&self) -> Box<dyn Made>;

    fn name(&self) -> &'static str;
}

impl<T: Transport + Clone> Made for T {
    fn start(mut self: Box<Self>, mut start: Start) -> Result<RunHandle, RunError> {
        self.for_loop(start.profile.is_some());
        start.plan.fit(&start.settings, self.descriptors_per_lane())?;
        let transport = Arc::new(*self);
        match start.profile.take() {
            Some(AnyProfile::Own(profile)) => start.launch(Some(profile), &transport),
            Some(AnyProfile::Ours(profile)) => start.launch(Some(profile), &transport),
            None => start.launch(None::<crate::profile::LoadProfile>, &transport),
        }
    }

    fn requests(&self) -> Option<usize> {
        Transport::requests(self)
    }

    fn copy(&self) -> Box<dyn Made> {
        Box::new(self.clone())
    }

    fn name(&self) -> &'static str {
        type_name::<T>()
    }
}

impl Clone for Box<dyn Made> {
    fn clone(&self) -> Self {
        (**self).copy()
    }
}
