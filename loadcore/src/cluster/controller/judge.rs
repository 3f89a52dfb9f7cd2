//! A scenario document into a scenario that this platform may run, or into all that is wrong with it.

use crate::http::{HttpOptions, HttpTransport, TargetPolicy, TlsOptions};
use crate::scenario::{Fault, REDACTED, Scenario, ScenarioError, redacted_places};
use serde_json::Value;
use std::time::Duration;

/// How long a target's name may take to resolve, before its requests are left to fail or not.
const RESOLVING: Duration = Duration::from_secs(2);

/// The scenario of a document in the clear.
///
/// # Errors
/// Every fault: those of the document, a `[redacted]` in it that nothing was kept for, a target that
/// only a command line reaches, and one that the policy refuses.
pub(super) async fn judge(
    document: Value,
    policy: TargetPolicy,
) -> Result<Scenario, ScenarioError> {
    let mut faults = redacted(&document);
    let scenario = match Scenario::from_value(document) {
        Ok(scenario) if faults.is_empty() => scenario,
        Ok(_) => return Err(ScenarioError { faults }),
        Err(error) => {
            faults.extend(error.faults);
            return Err(ScenarioError { faults });
        }
    };
    let at_target = |message: String| ScenarioError {
        faults: vec![Fault { path: "targetUrl".into(), message }],
    };
    if scenario.target.unix_socket().is_some() {
        let message = "a Unix socket is on the machine of whoever asks, not on a worker's; give http or https";
        return Err(at_target(message.into()));
    }
    allowed(&scenario, policy).await.map_err(at_target)?;
    Ok(scenario)
}

/// Values that a shown document has in the place of secrets: whoever sends them back where nothing
/// is kept does not mean to have them sent.
fn redacted(document: &Value) -> Vec<Fault> {
    let mut paths = document.as_object().map_or_else(Vec::new, redacted_places);
    let url = document.get("targetUrl").and_then(Value::as_str).unwrap_or_default();
    if url.split_once("://").is_some_and(|(_, rest)| rest.starts_with(&format!("{REDACTED}@"))) {
        paths.push("targetUrl".to_owned());
    }
    let told = |path| Fault { path, message: format!("{REDACTED} has no stored value; give it") };
    paths.into_iter().map(told).collect()
}

/// Whether the policy lets the target be loaded, as far as can be told now: workers ask again
/// whenever they dial. A name that does not resolve is not refused; its requests will fail.
async fn allowed(scenario: &Scenario, policy: TargetPolicy) -> Result<(), String> {
    let options = HttpOptions {
        policy,
        address_family: scenario.address_family,
        // Nothing is dialled here, so no certificate needs to be loaded.
        tls: TlsOptions { insecure: true, ..TlsOptions::default() },
        ..HttpOptions::get(scenario.target.uri().clone())
    };
    let transport = HttpTransport::new(options).map_err(|error| error.to_string())?;
    match tokio::time::timeout(RESOLVING, transport.check_policy()).await {
        Ok(Err(refused)) => Err(refused.to_string()),
        Ok(Ok(())) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn faults(url: &str, policy: TargetPolicy) -> Vec<Fault> {
        let document = json!({"name": "a", "targetUrl": url, "durationSeconds": 1});
        judge(document, policy).await.err().map_or_else(Vec::new, |error| error.faults)
    }

    #[tokio::test]
    async fn what_the_policy_refuses_is_a_fault_of_the_target() {
        let metadata = faults("http://169.254.169.254/latest", TargetPolicy::default()).await;
        assert_eq!(metadata[0].path, "targetUrl");
        assert!(metadata[0].message.contains("169.254.169.254 may not be loaded"), "{metadata:?}");
        assert_eq!(faults("http://127.0.0.1:1/", TargetPolicy::default()).await, []);
        assert_eq!(faults("http://127.0.0.1:1/", TargetPolicy::PublicOnly).await.len(), 1);
    }

    #[tokio::test]
    async fn a_unix_socket_is_for_the_command_line() {
        let faults = faults("unix:/run/app.sock:/", TargetPolicy::default()).await;
        assert_eq!(faults[0].path, "targetUrl");
    }

    #[tokio::test]
    async fn what_was_redacted_and_is_not_kept_is_a_fault_beside_the_others() {
        let document = json!({
            "name": "a", "targetUrl": "http://[redacted]@127.0.0.1:1/", "durationSeconds": -1,
            "headers": {"Authorization": "[redacted]", "Cookie": ["a=b", "[redacted]"], "A": "b"},
            "cookies": {"id": "[redacted]", "b": "c"},
        });
        let faults = judge(document, TargetPolicy::default()).await.unwrap_err().faults;
        let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        for path in [
            "targetUrl",
            "headers.Authorization",
            "headers.Cookie[1]",
            "cookies.id",
            "durationSeconds",
        ] {
            assert!(paths.contains(&path), "{path} is not in {paths:?}");
        }
        assert!(!paths.contains(&"headers.A"));
        assert!(
            faults.iter().any(|fault| fault.message == "[redacted] has no stored value; give it")
        );
    }
}
