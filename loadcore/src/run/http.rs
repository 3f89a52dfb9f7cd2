//! Turns what only HTTP has into a request, or into the named requests of a mix.

use super::LoadTest;
use super::error::Problems;
use super::subject::Subject;
use crate::http::{HttpOptions, HttpRequest};
use crate::request::{
    AddressFamily, Authority, Check, ENCODINGS, FieldName, Form, Url, quoted, quoted_url,
};
use crate::scenario::NamedRequest;
use bytes::Bytes;
use http::Method;
use http::header::{COOKIE, HeaderValue};
use std::fmt;

/// One request of a mix over HTTP: see [`LoadTest::mix`].
#[derive(Clone)]
#[must_use = "a request is sent by nobody until it is given to a mix"]
pub struct Request {
    name: String,
    weight: f64,
    method: Method,
    /// As given: what a relative one means is known only beside the test's own.
    url: String,
    headers: Vec<(FieldName, HeaderValue)>,
    body: Bytes,
    checks: Vec<Check>,
    /// What is wrong with it, by paths within it.
    problems: Vec<(String, String)>,
}

impl Request {
    /// A GET, with a name that no other request of the mix has. The URL is a whole one, or relative to
    /// the test's.
    pub fn get(name: &str, url: &str) -> Self {
        Self::new(Method::GET, name, url)
    }

    /// A POST.
    pub fn post(name: &str, url: &str) -> Self {
        Self::new(Method::POST, name, url)
    }

    /// Of any method.
    pub fn new(method: Method, name: &str, url: &str) -> Self {
        Self {
            name: name.into(),
            weight: 1.0,
            method,
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            checks: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// How often it is sent, in proportion to the others' weights; 1.
    pub fn weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// Adds a header field, beside the test's; it is sent in the place of one of the same name there.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match field(name, value) {
            Ok(field) => self.headers.push(field),
            Err((path, why)) => self.problems.push((path, why)),
        }
        self
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Fails each reply without this, beside what the test checks: [`LoadTest::check_reply`].
    pub fn check(mut self, check: &str) -> Self {
        match check.parse() {
            Ok(check) => self.checks.push(check),
            Err(why) => {
                self.problems.push((format!("checks[{}]", self.checks.len()), format!("{why}")));
            }
        }
        self
    }

    /// One of a scenario.
    pub(super) fn of(request: &NamedRequest) -> Self {
        Self {
            name: request.name.clone(),
            weight: request.weight,
            method: request.method.clone(),
            url: request.url.uri().to_string(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            checks: request.checks.clone(),
            problems: Vec::new(),
        }
    }

    /// As a scenario has it; `None` where its URL is wrong, which keeps the run from being made.
    pub(super) fn named_request(&self, options: &HttpOptions) -> Option<NamedRequest> {
        Some(NamedRequest {
            name: self.name.clone(),
            weight: self.weight,
            url: self.whole_url(options).ok()?,
            method: self.method.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            checks: self.checks.clone(),
        })
    }

    pub(super) fn named(&self) -> (String, f64) {
        (self.name.clone(), self.weight)
    }

    /// Notes what is wrong with these.
    pub(super) fn note(all: &[Self], problems: &mut Problems) {
        for (place, request) in all.iter().enumerate() {
            for (path, why) in &request.problems {
                problems.add(format!("mix[{place}].{path}"), why);
            }
        }
    }

    /// As they are sent beside what `options` says of all of them.
    pub(super) fn all(
        all: &[Self],
        options: &HttpOptions,
        problems: &mut Problems,
    ) -> Vec<HttpRequest> {
        let one = |(place, request): (usize, &Self)| {
            let url = request.whole_url(options);
            let noted = url.map_err(|why| problems.add(format!("mix[{place}].url"), why));
            Some(request.over(options, &noted.ok()?))
        };
        all.iter().enumerate().filter_map(one).collect()
    }

    fn whole_url(&self, options: &HttpOptions) -> Result<Url, String> {
        if crate::request::has_scheme(&self.url) {
            return Url::parse(&self.url);
        }
        Url::of(&options.uri)?.join(&self.url)
    }

    fn over(&self, options: &HttpOptions, url: &Url) -> HttpRequest {
        let replaced = |name: &FieldName| self.headers.iter().any(|(own, _)| own == name);
        let kept = options.headers.iter().filter(|(name, _)| !replaced(name));
        HttpRequest {
            uri: url.uri().clone(),
            method: self.method.clone(),
            headers: kept.chain(&self.headers).cloned().collect(),
            body: self.body.clone(),
            checks: options.checks.all().iter().chain(&self.checks).cloned().collect(),
        }
    }
}

/// Neither headers nor body: they may hold what nobody is to see.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, weight, method, url, .. } = self;
        write!(f, "{name:?} ({weight}): {method} {}", quoted_url(url))
    }
}

/// A header field; else where it is wrong, and why. A value is not shown, as it may be secret.
fn field(name: &str, value: &str) -> Result<(FieldName, HeaderValue), (String, String)> {
    let known = FieldName::try_from(name);
    let known = known.map_err(|why| ("headers".to_owned(), format!("{}: {why}", quoted(name))))?;
    let value = HeaderValue::try_from(value);
    let value = value.map_err(|_| {
        let advice = "has a value that no header can have: leave out what is not printable";
        (format!("headers.{}", known.written()), advice.to_owned())
    })?;
    Ok((known, value))
}

/// Loads over HTTP.
impl LoadTest {
    /// GET requests to `url`.
    pub fn get(url: &str) -> Self {
        Self::request(Method::GET, url)
    }

    /// POST requests to `url`, with a body from [`LoadTest::body`].
    pub fn post(url: &str) -> Self {
        Self::request(Method::POST, url)
    }

    /// Requests of any method to `url`.
    pub fn request(method: Method, url: &str) -> Self {
        match Url::parse(url) {
            Ok(url) => Self::http(HttpOptions { method, ..HttpOptions::get(url.uri().clone()) }),
            Err(why) => {
                let nowhere = HttpOptions { method, ..HttpOptions::get(http::Uri::default()) };
                let mut test = Self::http(nowhere);
                test.problems.add("targetUrl", format!("{} is not a URL: {why}", quoted_url(url)));
                test
            }
        }
    }

    /// HTTP requests with all their options.
    pub fn http(options: HttpOptions) -> Self {
        Self::of(Subject::http(options))
    }
}

/// What only HTTP has: for anything else under load it is a fault, told when the test is run.
impl LoadTest {
    /// Several requests in the place of one, each by its name and with statistics of its own. Which of
    /// them an arrival is follows from the [seed](LoadTest::seed) and its number.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), loadcore::RunError> {
    /// use loadcore::{LoadTest, Request};
    ///
    /// let result = LoadTest::get("http://127.0.0.1:8081/")
    ///     .mix([
    ///         Request::get("list", "/items").weight(9.0),
    ///         Request::post("buy", "/cart").body("item=3").check("status==201"),
    ///     ])
    ///     .rate(100.0)
    ///     .sla("p99{buy}<250ms")
    ///     .run()
    ///     .await?;
    /// println!("{} bought", result.requests[1].outcomes.ok);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Header fields and checks of the test are those of each of them as well; its method and body
    /// are used by none of them. At most 100.
    pub fn mix(mut self, requests: impl IntoIterator<Item = Request>) -> Self {
        let requests: Vec<_> = requests.into_iter().collect();
        Request::note(&requests, &mut self.problems);
        self.settings.mix = requests.iter().map(Request::named).collect();
        if requests.is_empty() {
            self.problems.add("mix", "is empty; give 1 to 100 requests, or leave it out");
        }
        match &mut self.subject {
            Subject::Http(_, mix) => *mix = requests,
            Subject::Made(_) => self.problems.add("mix", not_http("mix")),
        }
        self
    }

    /// Adds a header field.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match field(name, value) {
            Ok(field) => self.over_http("header", "headers", |http| http.headers.push(field)),
            Err((path, why)) => {
                self.problems.add(path, why);
                self
            }
        }
    }

    /// The Host of HTTP/1.1 and the `:authority` of HTTP/2, in the place of the URL's. Where connections
    /// lead, and which name a certificate must have, the URL still says.
    pub fn host(mut self, host: &str) -> Self {
        match Authority::parse(host) {
            Ok(authority) => self.header("Host", &authority.to_string()),
            Err(why) => {
                self.problems.add("host", format!("{} is no host: {why}", quoted_url(host)));
                self
            }
        }
    }

    /// Sends a cookie, beside those that were given before.
    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        let wrong = |text: &str| text.contains(|c: char| c == ';' || c.is_control());
        if name.is_empty() || name.contains('=') || wrong(name) || wrong(value) {
            let advice = "give name and value without a semicolon or a control character";
            self.problems.add("cookies", format!("{}: {advice}", quoted(name)));
            return self;
        }
        // All in one field (RFC 6265 section 5.4).
        let mut all = vec![];
        let test = self.over_http("cookie", "cookies", |options| {
            options.headers.retain(|(name, value)| {
                let is_cookie = *name == COOKIE;
                if is_cookie {
                    all.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
                }
                !is_cookie
            });
        });
        all.push(format!("{name}={value}"));
        test.header("Cookie", &all.join("; "))
    }

    /// Asks for compressed replies: gzip, br or zstd. What comes is counted as it comes, and not
    /// unpacked.
    pub fn compressed(self) -> Self {
        self.header("Accept-Encoding", ENCODINGS)
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.over_http("body", "body", |http| http.body = body)
    }

    /// Sends a form (`multipart/form-data`) as the body.
    pub fn form(self, form: &Form) -> Self {
        let (content_type, body) = form.encode();
        self.body(body).header("Content-Type", content_type.to_str().unwrap_or_default())
    }

    /// Follows so many redirects within a request; 0: a redirect is an answer like any other.
    pub fn follow_redirects(self, most: u32) -> Self {
        self.over_http("follow_redirects", "followRedirects", |http| http.max_redirects = most)
    }

    /// Fails each reply without this, as class `check`: `status==200`, `header:x-a==b`, `body~=ok`,
    /// `bytes<=9000`. All of them: [`Check`].
    pub fn check_reply(mut self, check: &str) -> Self {
        match check.parse::<Check>() {
            Ok(check) => self.over_http("check_reply", "checks", |http| {
                http.checks = http.checks.and(check);
            }),
            Err(why) => {
                self.problems.add_error(format!("checks[{}]", self.checks()), why);
                self
            }
        }
    }

    fn checks(&self) -> usize {
        match &self.subject {
            Subject::Http(options, _) => options.checks.all().len(),
            Subject::Made(_) => 0,
        }
    }

    /// Dials addresses of IPv4 or IPv6 alone.
    pub fn address_family(self, family: AddressFamily) -> Self {
        self.over_http("address_family", "addressFamily", |http| http.address_family = family)
    }

    /// Changes any option of HTTP.
    pub fn options(self, change: impl FnOnce(&mut HttpOptions)) -> Self {
        self.over_http("options", "targetUrl", change)
    }

    fn over_http(mut self, call: &str, path: &str, change: impl FnOnce(&mut HttpOptions)) -> Self {
        match &mut self.subject {
            Subject::Http(options, _) => change(options),
            Subject::Made(_) => self.problems.add(path, not_http(call)),
        }
        self
    }
}

fn not_http(call: &str) -> String {
    format!(
        "{call}() is for HTTP, and what is under load is a closure or a transport; leave it out"
    )
}
