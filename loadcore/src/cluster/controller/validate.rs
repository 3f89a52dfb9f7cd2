//! Turns a scenario document into a scenario that this platform may run, or into all that is wrong
//! with it.

use crate::http::fetch::Fetcher;
use crate::http::{HttpOptions, HttpTransport, TargetPolicy, TlsOptions};
use crate::run::http_options;
use crate::scenario::{Document, Fault, REDACTED, Scenario, ScenarioError, veiled};
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// How long a target's name may take to resolve, before its requests are left to fail or not.
const RESOLVING: Duration = Duration::from_secs(2);

/// The scenario of a document in the clear.
///
/// # Errors
/// Every fault: those of the document, a secret that it names and nobody keeps, a `[redacted]` in it that
/// nothing was kept for, a target that only a command line reaches, and one that the policy refuses. What is
/// asked beside the load is held to `others`.
pub(super) async fn validate(
    document: Document,
    policy: TargetPolicy,
    others: TargetPolicy,
) -> Result<Scenario, ScenarioError> {
    let mut faults = redacted(&document);
    let names_socket = document.get("unixSocket").is_some_and(|it| !it.is_null());
    let scenario = match document.parse() {
        Ok(scenario) if faults.is_empty() => scenario,
        Ok(_) => return Err(ScenarioError { faults }),
        Err(error) => {
            faults.extend(error.faults);
            return Err(ScenarioError { faults });
        }
    };
    let at = |path: &str, message: String| ScenarioError {
        faults: vec![Fault { path: path.into(), message }],
    };
    if scenario.target.unix_socket().is_some() {
        let path = if names_socket { "unixSocket" } else { "targetUrl" };
        let message = "a Unix socket is on the machine of whoever asks, not on a worker's; give http or https";
        return Err(at(path, message.into()));
    }
    let mut faults = beside(&scenario, others).await;
    if let Err((path, message)) = allowed(&scenario, policy).await {
        faults.insert(0, Fault { path: path.into(), message });
    }
    // Where a secret says whom to ask, nobody is told what it says.
    match veiled(faults, &scenario) {
        faults if faults.is_empty() => Ok(scenario),
        faults => Err(ScenarioError { faults }),
    }
}

/// A fault for each webhook and each observed endpoint that the policy refuses, as far as can be told now:
/// it is asked again whenever one is dialled.
async fn beside(scenario: &Scenario, policy: TargetPolicy) -> Vec<Fault> {
    let fetcher = Fetcher::new(policy, TlsOptions::default());
    let webhooks = scenario.alerts.iter().map(|alert| &alert.url).enumerate();
    let webhooks = webhooks.map(|(place, url)| (format!("alerts[{place}].url"), url));
    let endpoints = scenario.observe.iter().map(|endpoint| &endpoint.url).enumerate();
    let endpoints = endpoints.map(|(place, url)| (format!("observe[{place}].url"), url));
    let mut faults = Vec::new();
    for (path, url) in webhooks.chain(endpoints) {
        if let Ok(Err(refused)) = timeout(RESOLVING, fetcher.check(url)).await {
            faults.push(Fault { path, message: refused.to_string() });
        }
    }
    faults
}

/// Places where a document has `[redacted]` for a secret. Nothing is kept for them, and a caller
/// that sends one back does not mean to have that text sent to the target.
fn redacted(document: &Document) -> Vec<Fault> {
    let mut paths = document.redacted_places();
    let url = document.get("targetUrl").and_then(Value::as_str).unwrap_or_default();
    if url.split_once("://").is_some_and(|(_, rest)| rest.starts_with(&format!("{REDACTED}@"))) {
        paths.push("targetUrl".to_owned());
    }
    let told = |path| Fault { path, message: format!("{REDACTED} has no stored value; give it") };
    paths.into_iter().map(told).collect()
}

/// Whether the policy lets the target be loaded, and the proxy be asked, as far as can be told now:
/// workers ask again whenever they dial. A name that does not resolve is not refused; its requests will
/// fail. What is refused is told with its place.
async fn allowed(scenario: &Scenario, policy: TargetPolicy) -> Result<(), (&'static str, String)> {
    let options = HttpOptions {
        policy,
        judges_names: true,
        // Nothing is dialled here, so no certificate needs to be loaded.
        tls: TlsOptions { insecure: true, ..TlsOptions::default() },
        ..http_options(scenario)
    };
    let target = if scenario.connect_to.is_empty() { "targetUrl" } else { "connectTo" };
    let transport = HttpTransport::new(options).map_err(|error| (target, error.to_string()))?;
    for (path, asked) in [
        ("proxy", timeout(RESOLVING, transport.check_proxy()).await),
        (target, timeout(RESOLVING, transport.check_policy()).await),
    ] {
        if let Ok(Err(refused)) = asked {
            return Err((path, refused.to_string()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn faults(url: &str, policy: TargetPolicy) -> Vec<Fault> {
        let document = json!({"name": "a", "targetUrl": url, "durationSeconds": 1});
        validate(Document::from_value(document).unwrap(), policy.clone(), policy)
            .await
            .err()
            .map_or_else(Vec::new, |error| error.faults)
    }

    #[tokio::test]
    async fn what_the_policy_refuses_is_a_fault_of_the_target() {
        let metadata = faults("http://169.254.169.254/latest", TargetPolicy::default()).await;
        assert_eq!(metadata[0].path, "targetUrl");
        assert!(metadata[0].message.contains("169.254.169.254 may not be loaded"), "{metadata:?}");
        assert_eq!(faults("http://127.0.0.1:1/", TargetPolicy::default()).await, []);
        assert_eq!(faults("http://127.0.0.1:1/", TargetPolicy::public_only()).await.len(), 1);
    }

    async fn refused(fields: serde_json::Value, policy: TargetPolicy) -> Vec<(String, String)> {
        let mut document =
            json!({"name": "a", "targetUrl": "http://a.invalid/", "durationSeconds": 1});
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let faults = validate(Document::from_value(document).unwrap(), policy.clone(), policy)
            .await
            .err()
            .map_or_else(Vec::new, |it| it.faults);
        faults.into_iter().map(|fault| (fault.path, fault.message)).collect()
    }

    #[tokio::test]
    async fn every_webhook_and_endpoint_that_the_policy_refuses_is_a_fault() {
        let hook = |url: &str| json!({"type": "webhook", "url": url});
        let alerts = ["http://127.0.0.1:1/", "http://1.1.1.1/", "http://10.0.0.1/"].map(hook);
        let found = refused(json!({"alerts": alerts}), TargetPolicy::public_only()).await;
        let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["alerts[0].url", "alerts[2].url"]);
        assert!(found[0].1.contains("127.0.0.1"), "{found:?}");
        let observe = ["http://127.0.0.1:1/", "http://1.1.1.1/"].map(|url| json!({"url": url}));
        let found_too = refused(json!({"observe": observe}), TargetPolicy::public_only()).await;
        assert_eq!(found_too.len(), 1, "{found_too:?}");
        assert_eq!(found_too[0].0, "observe[0].url");
        let found = refused(json!({"alerts": [hook(REDACTED)]}), TargetPolicy::default()).await;
        assert!(found.iter().any(|(path, _)| path == "alerts[0].url"), "{found:?}");
    }

    #[tokio::test]
    async fn neither_a_proxy_nor_another_way_leads_round_the_policy() {
        let metadata = "http://169.254.169.254/";
        let by_proxy = json!({"proxy": "http://127.0.0.1:3128"});
        let found = async |fields, policy| refused(fields, policy).await;
        let path = |faults: Vec<(String, String)>| faults.first().map(|(path, _)| path.clone());
        let private = || TargetPolicy::default();
        for (fields, policy, expected) in [
            (by_proxy.clone(), private(), None),
            (by_proxy.clone(), TargetPolicy::public_only(), Some("proxy")),
            (json!({"proxy": metadata}), private(), Some("proxy")),
            (json!({"connectTo": ["::169.254.169.254:80"]}), private(), Some("connectTo")),
            (
                json!({"connectTo": ["::127.0.0.1:80"]}),
                TargetPolicy::public_only(),
                Some("connectTo"),
            ),
            (json!({"connectTo": ["::127.0.0.1:80"]}), private(), None),
            // What the proxy is asked for.
            (
                json!({"proxy": "http://127.0.0.1:1", "targetUrl": metadata}),
                private(),
                Some("targetUrl"),
            ),
            (
                json!({"proxy": "http://127.0.0.1:1", "connectTo": ["::169.254.169.254:"]}),
                private(),
                Some("connectTo"),
            ),
            // A name that means an address which is refused.
            (
                json!({"proxy": "http://127.0.0.2:1", "targetUrl": "http://localhost/"}),
                TargetPolicy::only("127.0.0.2".parse().unwrap()),
                Some("targetUrl"),
            ),
            (json!({"mix": [{"name": "a", "url": metadata}]}), private(), Some("targetUrl")),
        ] {
            let faults = found(fields.clone(), policy).await;
            assert_eq!(path(faults.clone()).as_deref(), expected, "{fields}: {faults:?}");
        }
    }

    #[tokio::test]
    async fn a_file_of_whoever_asks_is_not_read_and_no_secret_is_repeated() {
        for (fields, path) in [
            (json!({"caCertificate": "/etc/ssl/ca.pem"}), "caCertificate"),
            (
                json!({"clientCertificate": {"certificate": "c.pem", "key": "s3cret"}}),
                "clientCertificate.certificate",
            ),
            (json!({"proxy": "http://u:s3cret/@h"}), "proxy"),
            (json!({"proxy": "http://[redacted]@h/"}), "proxy"),
            (json!({"unixSocket": "/run/app.sock"}), "unixSocket"),
        ] {
            let faults = refused(fields.clone(), TargetPolicy::default()).await;
            assert_eq!(faults[0].0, path, "{fields}: {faults:?}");
            assert!(!format!("{faults:?}").contains("s3cret"), "{faults:?}");
        }
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
        let private = TargetPolicy::default;
        let document = Document::from_value(document).unwrap();
        let faults = validate(document, private(), private()).await.unwrap_err().faults;
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
