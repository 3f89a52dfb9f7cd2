//! Turns a scenario into a load test on this machine: the one way from a document to a run, for
//! every front end.

use super::LoadTest;
use super::http::Request;
use super::subject::Subject;
use crate::http::{HttpOptions, HttpRequest, TlsOptions};
use crate::request::{Certificates, Identity, ProxyUrl};
use crate::scenario::{Load, NamedRequest, Scenario};

impl LoadTest {
    /// The load test that `scenario` describes. This machine makes all of its load, whatever its
    /// `numWorkers`; what only a platform can do (`autoStart`, `tags`) is not looked at.
    ///
    /// The result shows the scenario's document, complete with every default and with what is changed
    /// by further calls, and without secrets (see [`Scenario::public_value`]).
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use loadcore::{LoadTest, scenario::Scenario};
    ///
    /// let scenario = Scenario::from_json(&std::fs::read_to_string("smoke.json")?)?;
    /// LoadTest::from_scenario(&scenario).run().await?.assert_passed();
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_scenario(scenario: &Scenario) -> Self {
        let requests = scenario.mix.iter().map(Request::of).collect();
        let mut test = Self::of(Subject::Http(Box::new(http_options(scenario)), requests))
            .arrivals(scenario.arrivals)
            .seed(scenario.seed)
            .name(scenario.name.clone())
            .names(scenario.mix.iter().map(|request| (request.name.clone(), request.weight)))
            .warmup(scenario.warmup)
            .timeout(scenario.timeout)
            .drain(scenario.drain);
        test.settings.origin = Some(Box::new(scenario.clone()));
        // Where nobody asked for more than the default, fewer descriptors make fewer connections
        // (and the verdict says so); what was asked for is had, or the run is not made.
        if scenario.connections != scenario.load.default_connections() {
            test = test.connections(scenario.connections.into());
        }
        if let Some(duration) = scenario.end().duration() {
            test = test.duration(duration);
        }
        if let Some(requests) = scenario.max_requests {
            test = test.requests(requests);
        }
        if let Some(most) = scenario.max_backlog {
            test = test.max_backlog(most);
        }
        if let Some(slack) = scenario.slack {
            test = test.slack(slack);
        }
        if let Some(threads) = scenario.threads {
            test = test.threads(threads as usize);
        }
        if let Load::Open(profile) = &scenario.load {
            test = test.profile(profile.clone());
        }
        let endpoints = scenario.observe.iter();
        test = endpoints.fold(test, |test, it| test.observe(&it.name, &it.url.uri().to_string()));
        scenario.sla.iter().fold(test, Self::sla)
    }
}

/// HTTP as the scenario asks for it, its mix included.
pub(crate) fn http_options(scenario: &Scenario) -> HttpOptions {
    HttpOptions {
        method: scenario.method.clone(),
        headers: scenario.headers.clone(),
        body: scenario.body.clone(),
        mix: scenario.mix.iter().map(|request| http_request(scenario, request)).collect(),
        checks: scenario.checks.iter().cloned().collect(),
        version: scenario.http_version,
        streams: Some(scenario.streams as usize),
        keep_alive: scenario.keep_alive,
        max_redirects: scenario.follow_redirects,
        tls: tls_options(scenario),
        address_family: scenario.address_family,
        proxy: scenario.proxy.as_ref().map(ProxyUrl::uri),
        connect_to: scenario.connect_to.clone(),
        unix_socket: scenario.target.unix_socket().map(Into::into),
        ..HttpOptions::get(scenario.target.uri().clone())
    }
}

fn tls_options(scenario: &Scenario) -> TlsOptions {
    let pem = |certificates: &Certificates| certificates.pem().as_bytes().to_vec();
    let identity = |it: &Identity| (pem(it.certificate()), it.secret_key().as_bytes().to_vec());
    TlsOptions {
        insecure: !scenario.tls_verify,
        ca_pem: scenario.ca_certificate.as_ref().map(pem),
        client_pem: scenario.client_certificate.as_ref().map(identity),
    }
}

fn http_request(scenario: &Scenario, request: &NamedRequest) -> HttpRequest {
    HttpRequest {
        uri: request.url.uri().clone(),
        method: request.method.clone(),
        headers: request.all_headers(&scenario.headers),
        body: request.body.clone(),
        checks: scenario.checks.iter().chain(&request.checks).cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpOptions;

    fn options(fields: &str) -> HttpOptions {
        let text = format!(r#"{{"name": "a", "durationSeconds": 1, {fields}}}"#);
        http_options(&Scenario::from_json(&text).unwrap())
    }

    #[test]
    fn every_field_of_http_arrives() {
        let given = options(
            r#""targetUrl": "https://a.test/x?y", "method": "PUT", "headers": {"X-A": "1"},
               "body": "b", "httpVersion": "http2", "streams": 7,
               "followRedirects": 3, "tlsVerify": false, "timeoutSeconds": 2,
               "addressFamily": "ipv6", "checks": [{"status": 200}]"#,
        );
        assert_eq!(given.uri, "https://a.test/x?y");
        assert_eq!((given.method.as_str(), &given.body[..]), ("PUT", &b"b"[..]));
        assert_eq!(
            (given.headers[0].0.written(), given.headers[0].1.as_bytes()),
            ("X-A", &b"1"[..])
        );
        assert_eq!((given.version, given.streams), (crate::http::HttpVersion::Http2, Some(7)));
        assert_eq!(given.max_redirects, 3);
        assert!(given.tls.insecure);
        assert_eq!(given.address_family, crate::http::AddressFamily::Ipv6);
        assert_eq!(given.checks.all()[0].to_string(), "status==200");
        let given = options(r#""targetUrl": "https://a.test/", "keepAlive": false"#);
        assert!(!given.keep_alive);
    }

    #[test]
    fn what_is_left_out_is_as_without_a_scenario() {
        let given = options(r#""targetUrl": "http://a.test/""#);
        let without = HttpOptions::get("http://a.test/".parse().unwrap());
        let without = HttpOptions { streams: Some(1), ..without };
        assert_eq!(format!("{given:?}"), format!("{without:?}"));
        let unix = options(r#""targetUrl": "unix:/run/s:/x""#);
        assert_eq!(unix.unix_socket.as_deref(), Some(std::path::Path::new("/run/s")));
        assert_eq!(unix.uri.path(), "/x");
    }
}
