//! What was asked to be put under load into its transport.

use super::RunError;
use crate::http::{HttpOptions, HttpTransport};
use crate::transport::Transport;
use serde_json::{Map, Value};
use std::future::Future;

/// What can be put under load: HTTP as asked for, or any [`Transport`].
pub trait IntoTransport: Send + 'static {
    /// The transport it becomes.
    type Transport: Transport;

    /// Prepares it, and checks that it may be loaded.
    fn into_transport(self) -> impl Future<Output = Result<Self::Transport, RunError>> + Send;

    /// What it is, for the result's scenario.
    fn describe(&self, _into: &mut Map<String, Value>) {}
}

impl IntoTransport for HttpOptions {
    type Transport = HttpTransport;

    async fn into_transport(self) -> Result<HttpTransport, RunError> {
        let transport = HttpTransport::new(self)?;
        transport.check_policy().await.map_err(RunError::Refused)?;
        Ok(transport)
    }

    fn describe(&self, into: &mut Map<String, Value>) {
        into.insert("targetUrl".into(), self.uri.to_string().into());
        into.insert("method".into(), self.method.as_str().into());
    }
}

impl<T: Transport> IntoTransport for T {
    type Transport = T;

    async fn into_transport(self) -> Result<T, RunError> {
        Ok(self)
    }
}
