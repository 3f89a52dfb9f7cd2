//! Turns alerts that are due into alerts that have arrived, for the webhooks of one run.
//!
//! Each webhook is told of one alert at a time, in the order in which they were decided. One that does
//! not take an alert is asked again, less and less often, for ten minutes; then the alert is given up,
//! and until it takes one again each of the following ones is tried once. Nobody waits for a webhook
//! here: requests are tasks, and whoever drives the run looks from time to time what came of them.

use crate::cluster::store::TimelineEvent;
use crate::http::fetch::{Ask, Bounds, FetchError, Fetcher, Reply};
use crate::request::Url;
use crate::scenario::Alert;
use crate::time::now;
use async_trait::async_trait;
use http::header::LOCATION;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long an alert is tried, from the first try on.
pub(in super::super) const PATIENCE: Duration = Duration::from_secs(600);
/// After the first failure it is tried again so much later, and after each further one twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// At most so much later: who is back is told within that.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Alerts that wait for one webhook. The oldest of more are given up: what is newer says more.
const MOST_WAITING: u64 = 100;
/// A webhook has so long for all of its answer, and so many bytes.
const ANSWER: Bounds = Bounds { deadline: Duration::from_secs(10), most_bytes: 64 << 10 };

/// Carries one request to where it goes.
#[async_trait]
pub(in crate::cluster) trait Post: Debug + Send + Sync + 'static {
    /// The reply to `ask`.
    async fn post(&self, ask: &Ask) -> Result<Reply, FetchError>;
}

#[async_trait]
impl Post for Fetcher {
    async fn post(&self, ask: &Ask) -> Result<Reply, FetchError> {
        self.fetch(ask, &ANSWER).await
    }
}

/// What became of an alert on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum News {
    /// It has arrived, at this try.
    Arrived { tries: u32 },
    /// It did not; it is tried again.
    Failed { tries: u32, why: String },
    /// It did not, and is not tried any more.
    GivenUp { tries: u32, why: String },
    /// So many were not tried at all, for too many waited.
    Skipped(u64),
}

impl News {
    /// Whether nothing more is to be done about the alert.
    fn is_done(&self) -> bool {
        matches!(self, Self::Arrived { .. } | Self::GivenUp { .. })
    }
}

/// Those who are to be told, and how far each is.
pub(in super::super) struct Courier {
    post: Arc<dyn Post>,
    routes: Vec<Route>,
}

/// The way to one webhook, and the alert that is on it.
struct Route {
    to: Alert,
    /// The request under way: one at most.
    under_way: JoinSet<Result<Reply, FetchError>>,
    tries: u32,
    /// When the alert was tried first.
    since: Instant,
    /// When it may be tried again.
    again: Instant,
    /// An alert before it was given up, and none has arrived since.
    is_dead: bool,
}

impl Courier {
    pub(in super::super) fn new(post: Arc<dyn Post>, to: &[Alert]) -> Self {
        let routes = to.iter().cloned().map(Route::new).collect();
        Self { post, routes }
    }

    /// To whom the alerts of this place go.
    pub(in super::super) fn webhook(&self, place: usize) -> &Alert {
        &self.routes[place].to
    }

    /// Looks what came of the requests under way, and sends what is due. `told` says how many of the
    /// `alerts` each webhook is done with, and is brought up to date; `ask` makes the request. Answers
    /// what happened: to which webhook, to which alert.
    pub(in super::super) fn turn(
        &mut self,
        told: &mut Vec<u64>,
        alerts: &[&TimelineEvent],
        ask: impl Fn(&TimelineEvent, &Alert) -> Option<Ask>,
    ) -> Vec<(usize, u64, News)> {
        told.resize(self.routes.len(), 0);
        let mut news = Vec::new();
        for (place, (route, told)) in self.routes.iter_mut().zip(told).enumerate() {
            if let Some(came) = route.look() {
                let is_done = came.is_done();
                news.push((place, *told, came));
                *told += u64::from(is_done);
            }
            let waiting = (alerts.len() as u64).saturating_sub(*told);
            if waiting > MOST_WAITING && route.is_free() {
                let skipped = waiting - MOST_WAITING;
                news.push((place, *told, News::Skipped(skipped)));
                *told += skipped;
            }
            let next = usize::try_from(*told).ok().and_then(|next| alerts.get(next));
            if let Some(next) = next.filter(|_| route.is_free() && now() >= route.again) {
                match ask(next, &route.to) {
                    Some(ask) => route.send(&self.post, ask),
                    // Of a version that knows other ones.
                    None => *told += 1,
                }
            }
        }
        news
    }
}

impl Route {
    fn new(to: Alert) -> Self {
        let now = now();
        let under_way = JoinSet::new();
        Self { to, under_way, tries: 0, since: now, again: now, is_dead: false }
    }

    fn is_free(&self) -> bool {
        self.under_way.is_empty()
    }

    fn send(&mut self, post: &Arc<dyn Post>, ask: Ask) {
        if self.tries == 0 {
            self.since = now();
        }
        self.tries += 1;
        let post = Arc::clone(post);
        self.under_way.spawn(async move { post.post(&ask).await });
    }

    /// What came of the request under way.
    fn look(&mut self) -> Option<News> {
        let answered = self.under_way.try_join_next()?;
        let refused = match answered {
            Ok(answered) => refusal(answered),
            Err(broken) => Some(broken.to_string()),
        };
        let tries = self.tries;
        let Some(why) = refused else {
            (self.is_dead, self.tries) = (false, 0);
            return Some(News::Arrived { tries });
        };
        let pause = pause(tries, &self.to.url);
        self.again = now() + pause;
        let waited = self.again.saturating_duration_since(self.since);
        if self.is_dead || waited > PATIENCE {
            (self.is_dead, self.tries, self.again) = (true, 0, now());
            return Some(News::GivenUp { tries, why });
        }
        Some(News::Failed { tries, why })
    }
}

/// Why the alert has not arrived; `None`: it has.
fn refusal(answered: Result<Reply, FetchError>) -> Option<String> {
    match answered {
        Ok(Reply { status: 200..=299, .. }) => None,
        Ok(Reply { status: status @ 300..=399, headers, .. }) => {
            // Only the host: the rest may be a secret.
            let to = headers.get(LOCATION).and_then(|to| Url::parse(to.to_str().ok()?).ok());
            let to = to.map_or("elsewhere".to_owned(), |to| format!("to {}", to.origin().host));
            Some(format!("it answered {status} and leads {to}, where nothing is sent"))
        }
        Ok(Reply { status, .. }) => Some(format!("it answered {status}")),
        Err(error) => Some(error.to_string()),
    }
}

/// How long after so many tries the next one is made: at least half of what is said above, so that
/// those who failed together do not come back together.
fn pause(tries: u32, url: &Url) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(1 << (tries - 1).min(16)).min(LONGEST_PAUSE);
    let mut hasher = DefaultHasher::new();
    (tries, url.uri().to_string()).hash(&mut hasher);
    let part = (hasher.finish() % 1_000) as f64 / 1_000.0;
    whole.mul_f64(0.5 + part / 2.0)
}

#[cfg(test)]
mod tests;
