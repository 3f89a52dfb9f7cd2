//! Turns a URL or a scenario file, and the options beside it, into the one scenario to be run.
//!
//! Options are put into the document before it is judged: an option is held against the rest of the
//! file like any other field, and the result shows the same document whichever way it came.

use crate::args::{Arrivals, DialArgs, EngineArgs, ScenarioArgs};
use crate::dial;
use crate::exit::Failure;
use crate::sources::{
    STDIN, form_part, is_file, read_bounded, read_document, read_profile, text_or_file,
};
use crate::urls::{self, Line};
use crate::values::FormContent;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use loadcore::report::format::round_time;
use loadcore::request::{has_scheme, with_scheme};
use loadcore::scenario::preview::first_arrival;
use loadcore::scenario::{
    Document, Fault, Scenario, ScenarioError, Target, default_name, field_path, limits,
};
use loadcore::time::nanos;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

/// As many as `-L` follows.
const REDIRECTS: u64 = 10;

/// Headers, and the fields of a scenario that are short for them.
const SHORT_FORMS: [(&str, &str); 3] =
    [("host", "host"), ("accept-encoding", "compressed"), ("cookie", "cookies")];

/// The duration where neither an option nor a file says one.
const DEFAULT_SECONDS: f64 = 10.0;

/// The scenario of a command line, for where it is run.
///
/// # Errors
/// What cannot be read, and every fault of the scenario.
pub(crate) fn of(args: &ScenarioArgs, place: Place) -> Result<Scenario, Failure> {
    refuse_two_readers(args)?;
    let mut draft = Draft::begin(args)?;
    draft.put_load(args)?;
    draft.refuse_without_arrivals(args)?;
    if let Place::Platform(workers) = place {
        draft.put("numWorkers", "--workers", workers);
    }
    draft.put_request(args)?;
    draft.put_request_into_mix()?;
    draft.put_connection(args);
    draft.put_way(&args.dialling)?;
    draft.put_engine(&args.engine);
    draft.add("checks", "--check", args.checks.iter().map(|text| text.as_str().into()));
    draft.add("sla", "--sla", args.sla.iter().map(|text| text.as_str().into()));
    draft.add("observe", "--observe", args.observe.iter().map(|text| endpoint(text)));
    draft.judge(place == Place::Here)
}

/// Where a scenario is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On this machine.
    Here,
    /// On a platform, by so many workers, where that is said.
    Platform(Option<u64>),
}

/// The values of secrets: those that the environment has, as `LOADCORE_SECRETS_NAME`.
fn values_of(names: BTreeSet<String>) -> BTreeMap<String, String> {
    let value = |name: String| {
        let value = std::env::var(format!("LOADCORE_SECRETS_{name}")).ok()?;
        Some((name, value))
    };
    names.into_iter().filter_map(value).collect()
}

/// An endpoint as it is written: its URL, and before it its name, if it has one.
fn endpoint(text: &str) -> Value {
    let named = text.split_once('=').filter(|(name, _)| !name.contains(['/', ':', '?']));
    let whole = |url: &str| with_scheme(url).into_owned();
    match named {
        Some((name, url)) => json!({"name": name, "url": whole(url)}),
        None => json!({"url": whole(text)}),
    }
}

/// What should be known before a run on this machine.
pub(crate) fn notes(scenario: &Scenario) -> impl Iterator<Item = String> {
    [never_due(scenario), done_otherwise(scenario), told_to_nobody(scenario)].into_iter().flatten()
}

/// Alerts outlive a run, and a command does not.
fn told_to_nobody(scenario: &Scenario) -> Option<String> {
    (!scenario.alerts.is_empty()).then(|| {
        let advice = "run it on one by --controller URL";
        format!("note: alerts are sent by a controller, and here nobody is told; {advice}")
    })
}

/// What a scenario asks for and a single machine does otherwise.
fn done_otherwise(scenario: &Scenario) -> Option<String> {
    (scenario.num_workers > 1).then(|| {
        let workers = scenario.num_workers;
        format!("note: numWorkers is {workers}; here this machine alone makes the whole load")
    })
}

/// A load that ends before its first arrival: nobody means to send nothing.
pub(crate) fn never_due(scenario: &Scenario) -> Option<String> {
    let first = first_arrival(scenario);
    let in_time = first.is_some_and(|first| first <= nanos(scenario.duration));
    if !scenario.load.is_open() || in_time {
        return None;
    }
    let lasts = round_time(scenario.duration.as_secs_f64() * 1e3);
    let advice = match first {
        Some(first) => {
            let first = round_time(first as f64 / 1e6);
            format!(
                "; the first would come after {first}: raise the rate, or let the run last longer"
            )
        }
        None => ": raise the rate".into(),
    };
    Some(format!("note: no arrival falls due within {lasts}{advice}"))
}

/// A document on its way.
struct Draft {
    document: Document,
    is_file: bool,
    /// It was made of several URLs.
    is_mix: bool,
    /// Where files that the document names are looked for.
    folder: PathBuf,
    /// Which field was set by which option, for the faults.
    options: Vec<(String, &'static str)>,
}

impl Draft {
    fn begin(args: &ScenarioArgs) -> Result<Self, Failure> {
        let lines = urls::lines(&args.subjects, args.urls.as_deref())?;
        let Some(subject) = args.subjects.first() else {
            return Ok(Self::of_urls(None, &lines, args));
        };
        if !lines.is_empty() {
            return Ok(Self::of_urls(Some(&Self::url(subject)?), &lines, args));
        }
        let options = Vec::new();
        if is_file(subject) {
            let path = Path::new(subject);
            let folder = path.parent().unwrap_or(Path::new("")).into();
            let document = read_document(subject)?;
            return Ok(Self { document, is_file: true, is_mix: false, folder, options });
        }
        let url = Self::url(subject)?;
        let mut document = Document::new();
        // As it will be shown, so that name and target are seen to be the same.
        let name = Target::parse(&url).map_or_else(|_| url.clone(), |target| target.to_string());
        document.set("name", default_name(&name)).set("targetUrl", url);
        let folder = PathBuf::new();
        Ok(Self { document, is_file: false, is_mix: false, folder, options })
    }

    /// A scenario of several requests, relative to `base`, if there is one.
    fn of_urls(base: Option<&str>, lines: &[Line], args: &ScenarioArgs) -> Self {
        let mut document = Document::new();
        let first = base.or(lines.first().map(|line| line.url.as_str())).unwrap_or_default();
        let name = match (lines.len(), base) {
            (1, _) => first.to_owned(),
            (many, Some(base)) if args.urls.is_some() => format!("{many} requests of {base}"),
            (many, _) => format!("{first} and {} more", many - 1),
        };
        document.set("name", default_name(&name));
        if let Some(base) = base {
            document.set("targetUrl", base);
        }
        document.set("mix", json!(urls::mix(lines, args.urls.is_none())));
        let option = if args.urls.is_some() { "--urls" } else { "URL" };
        let options = vec![("mix".to_owned(), option)];
        Self { document, is_file: false, is_mix: true, folder: PathBuf::new(), options }
    }

    /// A subject that is no file as a URL.
    fn url(subject: &str) -> Result<String, Failure> {
        if has_scheme(subject) || subject.starts_with("unix:") {
            return Ok(subject.to_owned());
        }
        if Path::new(subject).exists() {
            return Err(Failure::Usage(format!(
                "{subject} may be the file of that name or a host: write ./{subject} or http://{subject}"
            )));
        }
        Ok(with_scheme(subject).into_owned())
    }

    /// Of several URLs each gets the method and the body that options say, unless its line says another.
    fn put_request_into_mix(&mut self) -> Result<(), Failure> {
        if !self.is_mix {
            return Ok(());
        }
        if self.has("form") {
            return Err(Failure::Usage(
                "-F beside several URLs: only one can get a form; write the requests into a scenario file"
                    .into(),
            ));
        }
        let Some(Value::Array(mut mix)) = self.document.get("mix").cloned() else { return Ok(()) };
        for field in ["method", "body", "bodyBase64"] {
            let Some(value) = self.document.get(field).filter(|it| !it.is_null()).cloned() else {
                continue;
            };
            for request in mix.iter_mut().filter_map(Value::as_object_mut) {
                request.entry(field).or_insert_with(|| value.clone());
            }
            self.document.set(field, Value::Null);
        }
        self.document.set("mix", mix);
        Ok(())
    }

    /// Gives a field the value of an option.
    fn set(&mut self, field: &'static str, option: &'static str, value: impl Into<Value>) {
        self.document.set(field, value);
        self.options.push((field.into(), option));
    }

    /// As [`Draft::set`], if the option was given.
    fn put(&mut self, field: &'static str, option: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(field, option, value);
        }
    }

    fn has(&self, field: &str) -> bool {
        self.document.get(field).is_some_and(|value| !value.is_null())
    }

    fn put_load(&mut self, args: &ScenarioArgs) -> Result<(), Failure> {
        if let Some(rate) = args.rate {
            self.set("loadProfile", "-r", json!({"type": "CONSTANT", "initialRps": rate}));
        }
        if let Some(profile) = &args.profile {
            let (mut profile, folder) = read_profile(profile)?;
            match profile.get_mut("file") {
                // What the scenario's file names is looked for beside that.
                Some(Value::String(file)) if self.is_file => {
                    let path = std::path::absolute(folder.join(&*file));
                    *file = path.unwrap_or_default().to_string_lossy().into_owned();
                }
                _ if self.is_file => {}
                _ => self.folder = folder,
            }
            self.set("loadProfile", "--profile", profile);
        }
        self.put("arrivals", "--arrivals", args.arrivals.map(arrivals_word));
        self.put("seed", "--seed", args.seed);
        self.put("maxRequests", "-n", args.requests);
        self.put("connections", "-c", args.connections);
        self.put("maxBacklog", "--max-backlog", args.max_backlog);
        self.put("warmupSeconds", "--warmup", args.warmup.map(|time| time.as_secs_f64()));
        self.put("drainSeconds", "--drain", args.drain.map(|time| time.as_secs_f64()));
        self.put("durationSeconds", "-d", args.duration.map(|time| time.as_secs_f64()));
        if !self.has("durationSeconds") {
            self.put("durationSeconds", "-n", self.default_duration(args.requests));
        }
        Ok(())
    }

    /// Options that say how arrivals come are for a load that has some.
    fn refuse_without_arrivals(&self, args: &ScenarioArgs) -> Result<(), Failure> {
        let given = named(&[
            ("--arrivals", args.arrivals.is_some()),
            ("--seed", args.seed.is_some() && !self.has("mix")),
            ("--max-backlog", args.max_backlog.is_some()),
        ]);
        if given.is_empty() || self.has("loadProfile") {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "{}: only for arrivals, of which there are none without a rate or a profile; give -r or --profile as well, or leave it out",
            given.join(", ")
        )))
    }

    /// The duration where nobody says one. A number of requests has the time that it takes at a
    /// constant rate, or all the time there is.
    fn default_duration(&self, requests: Option<u64>) -> Option<f64> {
        let profile_type = self.document.get("loadProfile").and_then(|profile| profile.get("type"));
        if profile_type == Some(&json!("STEPS")) {
            // The steps themselves say it.
            return None;
        }
        let Some(requests) = requests else {
            // A file has to say it, for it is to mean the same everywhere.
            return (!self.is_file).then_some(DEFAULT_SECONDS);
        };
        if !self.has("loadProfile") {
            return Some(limits::MAX_DURATION_SECONDS);
        }
        let profile = self.document.get("loadProfile")?;
        if profile_type != Some(&json!("CONSTANT")) {
            // It has a course, and a course has a length.
            return Some(DEFAULT_SECONDS);
        }
        // At random times the last of them comes sooner or later than that.
        let is_random = self.document.get("arrivals") == Some(&json!("POISSON"));
        let rate = profile.get("initialRps").and_then(Value::as_f64).filter(|_| !is_random);
        let seconds = rate.map_or(f64::INFINITY, |rate| requests as f64 / rate);
        Some(seconds.min(limits::MAX_DURATION_SECONDS))
    }

    fn put_request(&mut self, args: &ScenarioArgs) -> Result<(), Failure> {
        let mut headers = args.headers.clone();
        let mut default = |name: &str, value: String| {
            if !args.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
                headers.push((name.into(), value));
            }
        };
        if args.json.is_some() {
            default("Content-Type", "application/json".into());
            default("Accept", "application/json".into());
        }
        if let Some(user) = &args.user {
            default("Authorization", format!("Basic {}", STANDARD.encode(user)));
        }
        self.put_headers(&headers);
        self.put_short_forms(args);
        for (option, body) in [("--body", &args.body), ("--json", &args.json)] {
            let Some(body) = body else { continue };
            self.document.set_body(&text_or_file(option, body)?);
            self.options.extend(["body", "bodyBase64"].map(|field| (field.into(), option)));
            if !self.has("method") {
                self.set("method", option, "POST");
            }
        }
        if !args.form.is_empty() {
            self.document.set_body(&[]).set("body", Value::Null);
            self.remove_header("content-type", &headers);
            let parts = args.form.iter().map(form_part).collect::<Result<Vec<_>, _>>()?;
            self.set("form", "-F", parts);
        }
        self.put("method", "-m", args.method.as_deref());
        self.put("timeoutSeconds", "-t", args.timeout.map(|time| time.as_secs_f64()));
        let redirects = args.location.then_some(REDIRECTS);
        self.put("followRedirects", "-L", redirects.filter(|_| args.max_redirects.is_none()));
        self.put("followRedirects", "--max-redirects", args.max_redirects);
        Ok(())
    }

    /// Headers in the place of those of the same names that the file has, and of what is short for one.
    fn put_headers(&mut self, headers: &[(String, String)]) {
        for (name, _) in headers {
            self.remove_header(name, &[]);
            let short = SHORT_FORMS.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
            if let Some((_, field)) = short {
                self.document.set(field, Value::Null);
            }
        }
        for (name, value) in headers {
            self.document.add_header(name, value);
            self.options.push((field_path("headers", name), "-H"));
        }
    }

    /// Options that are short for a header, in the place of the file's: what is given beside them is
    /// left for the scenario to refuse.
    fn put_short_forms(&mut self, args: &ScenarioArgs) {
        let given = [args.host.is_some(), args.compressed, !args.cookies.is_empty()];
        for ((header, _), _) in SHORT_FORMS.iter().zip(given).filter(|(_, is_given)| *is_given) {
            self.remove_header(header, &args.headers);
        }
        self.put("host", "--host", args.host.as_deref());
        self.put("compressed", "--compressed", args.compressed.then_some(true));
        let cookies: Vec<_> = args.cookies.iter().flatten().collect();
        if let Some(Value::Object(mut old)) = self.document.get("cookies").cloned() {
            old.retain(|name, _| cookies.iter().all(|(new, _)| new != name));
            self.document.set("cookies", old);
        }
        for (name, value) in cookies {
            self.document.add_cookie(name, value);
            self.options.push(("cookies".into(), "--cookie"));
        }
    }

    /// Takes away the file's headers of a name, but for one that is among `given`.
    fn remove_header(&mut self, name: &str, given: &[(String, String)]) {
        if given.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
            return;
        }
        if let Some(Value::Object(mut headers)) = self.document.get("headers").cloned() {
            headers.retain(|other, _| !other.eq_ignore_ascii_case(name));
            self.document.set("headers", headers);
        }
    }

    fn put_connection(&mut self, args: &ScenarioArgs) {
        self.put("tlsVerify", "-k", args.insecure.then_some(false));
        self.put("httpVersion", "--http1", args.http1.then_some("http1"));
        self.put("httpVersion", "--http2", args.http2.then_some("http2"));
        self.put("streams", "--streams", args.streams);
        self.put("keepAlive", "--no-keepalive", args.no_keepalive.then_some(false));
        self.put("addressFamily", "-4", args.ipv4.then_some("ipv4"));
        self.put("addressFamily", "-6", args.ipv6.then_some("ipv6"));
    }

    fn put_way(&mut self, args: &DialArgs) -> Result<(), Failure> {
        let DialArgs { cacert, cert, key, connect_to, unix_socket, proxy } = args;
        if let Some(path) = cacert {
            let pem = dial::certificates("--cacert", path)?;
            self.set("caCertificate", "--cacert", pem);
        }
        if let (Some(cert), Some(key)) = (cert, key) {
            let certificate = dial::certificates("--cert", cert)?;
            let key = dial::private_key("--key", key)?;
            let identity = json!({"certificate": certificate, "key": key});
            self.set("clientCertificate", "--cert, --key", identity);
        }
        if !connect_to.is_empty() {
            let rules: Vec<_> = connect_to.iter().map(ToString::to_string).collect();
            self.set("connectTo", "--connect-to", rules);
        }
        if let Some(socket) = unix_socket {
            // In the place of the one that the URL names.
            if let Some(target) = self.target().filter(|target| target.unix_socket().is_some()) {
                self.document.set("targetUrl", target.uri().to_string());
            }
            self.set("unixSocket", "--unix-socket", socket.to_string_lossy());
        }
        let Some(proxy) = proxy else { return Ok(()) };
        let proxy = dial::proxy(proxy, self.target().as_ref())?;
        if proxy.is_none() {
            // It is for a proxy alone, and here there is none: the environment has none for this host.
            self.remove_header("proxy-authorization", &[]);
        }
        self.set("proxy", "--proxy", proxy);
        Ok(())
    }

    fn put_engine(&mut self, args: &EngineArgs) {
        self.put("threads", "--threads", args.threads);
        self.put("slackSeconds", "--slack", args.slack.map(|time| time.as_secs_f64()));
    }

    /// Where the first request goes, if that is known and right.
    fn target(&self) -> Option<Target> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let of_mix = || self.document.get("mix")?.get(0)?.get("url").and_then(text);
        Target::parse(&self.document.get("targetUrl").and_then(text).or_else(of_mix)?).ok()
    }

    /// Texts of an option after those of the file's list, which still count.
    fn add(
        &mut self,
        field: &'static str,
        option: &'static str,
        values: impl Iterator<Item = Value>,
    ) {
        let old = self.document.get(field).filter(|list| !list.is_null()).cloned();
        // What is no list is a fault of the file, and is left to be found.
        if let Value::Array(mut all) = old.unwrap_or_else(|| json!([])) {
            for value in values {
                self.options.push((format!("{field}[{}]", all.len()), option));
                all.push(value);
            }
            self.document.set(field, all);
        }
    }

    /// `runs_here`: this machine makes the load, and has the values of the secrets that are named.
    fn judge(self, runs_here: bool) -> Result<Scenario, Failure> {
        let Self { document, folder, options, .. } = self;
        let document = match runs_here {
            true => {
                let values = values_of(document.secret_names());
                document.with_secrets(values)
            }
            false => document.with_secrets_elsewhere(),
        };
        let mut read = |name: &str| read_bounded(File::open(folder.join(name))?);
        let mut faults = document.redacted();
        match document.parse_with(&mut read) {
            Ok(scenario) if faults.is_empty() => return Ok(scenario),
            Ok(_) => {}
            Err(error) => faults.extend(error.faults),
        }
        for fault in &mut faults {
            name_option(fault, &options);
        }
        Err(ScenarioError { faults }.into())
    }
}

/// Says which option a fault comes from; of several that set its field, the last is the one that
/// counts.
fn name_option(fault: &mut Fault, options: &[(String, &'static str)]) {
    let holds = |field: &str| {
        let inner = fault.path.strip_prefix(field);
        inner.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    if let Some((_, option)) = options.iter().rfind(|(field, _)| holds(field)) {
        fault.path.push_str(&format!(" ({option})"));
    }
}

/// The names of what is given.
fn named(options: &[(&'static str, bool)]) -> Vec<&'static str> {
    options.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name).collect()
}

/// Standard input can be read once: a second reader would find it empty.
fn refuse_two_readers(args: &ScenarioArgs) -> Result<(), Failure> {
    let reads = |option: &Option<String>| option.as_deref() == Some("@-");
    let forms = args.form.iter().filter(|field| match &field.content {
        FormContent::Text(_) => false,
        FormContent::File(path) | FormContent::TextOf(path) => path == "-",
    });
    let mut readers = named(&[
        (STDIN, args.subjects.iter().any(|subject| subject == STDIN)),
        ("--urls -", args.urls.as_deref() == Some(STDIN)),
        ("--profile @-", reads(&args.profile)),
        ("--body @-", reads(&args.body)),
        ("--json @-", reads(&args.json)),
    ]);
    readers.extend(forms.map(|_| "-F NAME=@-"));
    match readers[..] {
        [one, other, ..] => Err(Failure::Usage(format!(
            "{one} and {other} would both read standard input; give one of them a file"
        ))),
        _ => Ok(()),
    }
}

fn arrivals_word(arrivals: Arrivals) -> &'static str {
    match arrivals {
        Arrivals::Uniform => "UNIFORM",
        Arrivals::Poisson => "POISSON",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_or_a_name_and_one() {
        let all =
            ["db=localhost:9100/metrics", "localhost:9100/m?a=b", "http://a/?a=b"].map(endpoint);
        let wanted = [
            json!({"name": "db", "url": "http://localhost:9100/metrics"}),
            json!({"url": "http://localhost:9100/m?a=b"}),
            json!({"url": "http://a/?a=b"}),
        ];
        assert_eq!(all, wanted);
    }
}
