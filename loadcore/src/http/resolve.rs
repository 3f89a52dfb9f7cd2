//! Turns a host name into the addresses it has, each used in turn.
//!
//! Answers are kept for [`KEEP`], failures for [`KEEP_FAILURE`]: a run that opens a connection for
//! each request must not become a load test of the name server.

use crate::request::{AddressFamily, ErrorClass, Failure};
use crate::time::{Clock, Nanos, SECOND};
use crate::transport::is_shortage;
#[cfg(feature = "dns")]
use hickory_resolver::config::ServerOrderingStrategy;
#[cfg(feature = "dns")]
use hickory_resolver::net::{NetError, runtime::TokioRuntimeProvider};
use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Mutex;

/// How long an answer is used.
pub const KEEP: Nanos = 30 * SECOND;
/// How long a failure is believed.
pub const KEEP_FAILURE: Nanos = SECOND;
/// Most names kept: those of redirects count too, and a target could invent them.
const MOST_NAMES: usize = 256;

/// Resolves names for all threads of a run.
#[derive(Debug)]
pub struct Resolver {
    clock: Clock,
    family: AddressFamily,
    names: Mutex<HashMap<String, Known>>,
    #[cfg(feature = "dns")]
    hickory: Option<hickory_resolver::TokioResolver>,
    /// What a test has it answer, without a memory.
    #[cfg(test)]
    told: std::sync::Mutex<std::collections::VecDeque<Vec<IpAddr>>>,
}

#[derive(Debug, Clone)]
struct Known {
    until: Nanos,
    answer: Result<Arc<Addresses>, Unknown>,
}

/// Why a name has no address.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unknown {
    why: Box<str>,
    /// It could not be asked, since this machine had no descriptor or port left.
    is_shortage: bool,
}

impl Unknown {
    fn new(why: impl Into<Box<str>>) -> Self {
        Self { why: why.into(), is_shortage: false }
    }

    fn of(error: &(dyn Error + 'static)) -> Self {
        let mut causes = std::iter::successors(Some(error), |&error| error.source());
        let is_shortage =
            causes.any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_shortage));
        Self { why: error.to_string().into(), is_shortage }
    }

    fn failure(&self, host: &str) -> Failure {
        let why = format_args!("the name {host} does not resolve: {}", self.why);
        if self.is_shortage { Failure::shortage(why) } else { Failure::text(ErrorClass::Dns, why) }
    }
}

/// The addresses of one name and whose turn it is.
#[derive(Debug)]
pub struct Addresses {
    all: Vec<IpAddr>,
    turn: AtomicUsize,
}

impl Addresses {
    fn new(all: Vec<IpAddr>) -> Self {
        Self { all, turn: AtomicUsize::new(0) }
    }

    /// All of them.
    pub fn all(&self) -> &[IpAddr] {
        &self.all
    }

    /// All of them with `port`, beginning with the one whose turn it is.
    pub fn in_turn(&self, port: u16) -> impl Iterator<Item = SocketAddr> + '_ {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.all.len();
        (0..count).map(move |i| SocketAddr::new(self.all[(first.wrapping_add(i)) % count], port))
    }
}

impl Resolver {
    /// A resolver with the system's configuration, which answers addresses of `family` alone.
    #[must_use]
    pub fn new(family: AddressFamily) -> Self {
        Self {
            clock: Clock::start(),
            family,
            names: Mutex::default(),
            #[cfg(feature = "dns")]
            hickory: hickory_resolver::TokioResolver::builder_tokio().ok().and_then(in_order),
            #[cfg(test)]
            told: std::sync::Mutex::default(),
        }
    }

    /// One that answers each look-up of a name with the next of these, and with the last for ever.
    #[cfg(test)]
    pub(super) fn changing(answers: &[&[&str]]) -> Self {
        let read = |all: &&[&str]| all.iter().map(|text| text.parse().unwrap()).collect();
        let told = answers.iter().map(read).collect();
        Self { told: std::sync::Mutex::new(told), ..Self::new(AddressFamily::Any) }
    }

    /// One that asks the name servers of a test at these ports, and puts `behind` behind names that they
    /// do not know.
    #[cfg(all(test, feature = "cluster", feature = "dns"))]
    pub(crate) fn asking(ports: &[u16], behind: &[&str]) -> Self {
        use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
        let servers = ports.iter().map(|port| {
            let mut udp = ConnectionConfig::udp();
            udp.port = *port;
            NameServerConfig::new([127, 0, 0, 1].into(), true, vec![udp])
        });
        let behind = behind.iter().map(|name| name.parse().unwrap()).collect();
        let config = ResolverConfig::from_parts(None, behind, servers.collect());
        let builder = hickory_resolver::TokioResolver::builder_with_config(
            config,
            TokioRuntimeProvider::default(),
        );
        Self { hickory: in_order(builder), ..Self::new(AddressFamily::Any) }
    }

    #[cfg(test)]
    fn next_told(&self) -> Option<Vec<IpAddr>> {
        let mut told = self.told.lock().unwrap();
        if told.len() > 1 { told.pop_front() } else { told.front().cloned() }
    }

    /// The addresses of `host`; an address is its own answer.
    ///
    /// # Errors
    /// `dns`, naming the host, or a shortage.
    pub async fn addresses(&self, host: &str) -> Result<Arc<Addresses>, Failure> {
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            if !self.family.has(address) {
                let why = format_args!("{address} is no {} address", self.family);
                return Err(Failure::text(ErrorClass::Dns, why));
            }
            return Ok(Arc::new(Addresses::new(vec![address])));
        }
        // The lock is held while asking, so that many lanes that open at once ask once.
        let mut names = self.names.lock().await;
        let now = self.clock.now();
        let known = match names.get(host) {
            Some(known) if known.until > now => known.clone(),
            _ => {
                let known = self.ask(host).await;
                if names.len() >= MOST_NAMES {
                    names.clear();
                }
                names.insert(host.to_owned(), known.clone());
                known
            }
        };
        known.answer.map_err(|unknown| unknown.failure(host))
    }

    async fn ask(&self, host: &str) -> Known {
        #[cfg(test)]
        if let Some(told) = self.next_told() {
            return Known { until: 0, answer: Ok(Arc::new(Addresses::new(told))) };
        }
        let found = self.lookup(host).await.and_then(|all| of_family(self.family, all));
        let answer = found.map(|all| Arc::new(Addresses::new(all)));
        let keep = match &answer {
            Ok(_) => KEEP,
            // Nobody has said anything of the name.
            Err(unknown) if unknown.is_shortage => 0,
            Err(_) => KEEP_FAILURE,
        };
        Known { until: self.clock.now() + keep, answer }
    }

    #[cfg(feature = "dns")]
    async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, Unknown> {
        match &self.hickory {
            Some(hickory) => match hickory.lookup_ip(host).await {
                Ok(found) => Ok(found.iter().collect()),
                Err(error) if error.is_nx_domain() => Err(Unknown::new("there is no such name")),
                Err(error) if error.is_no_records_found() => Err(Unknown::new("it has no address")),
                // It tells of no cause.
                Err(NetError::Io(error)) => Err(Unknown::of(&*error)),
                Err(error) => Err(Unknown::of(&error)),
            },
            // No name server is configured: the system may still know the name from its files.
            None => system_lookup(host).await,
        }
    }

    #[cfg(not(feature = "dns"))]
    async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, Unknown> {
        system_lookup(host).await
    }

    /// The texts (TXT) of a name: of that very name, whatever this machine puts behind the names that it
    /// looks up.
    ///
    /// # Errors
    /// Why there are none.
    #[cfg(all(feature = "cluster", feature = "dns"))]
    pub(crate) async fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        use hickory_resolver::proto::rr::RData;
        let hickory = self.hickory.as_ref().ok_or("this machine has no name server")?;
        let found = hickory.txt_lookup(format!("{name}.")).await;
        let found = found.map_err(|error| error.to_string())?;
        let text = |data: &RData| match data {
            RData::TXT(text) => {
                let parts = text.txt_data.iter().map(|part| String::from_utf8_lossy(part));
                Some(parts.collect())
            }
            _ => None,
        };
        Ok(found.answers().iter().filter_map(|record| text(&record.data)).collect())
    }

    /// The same, where only the system's resolver is there, which knows addresses alone.
    #[cfg(all(feature = "cluster", not(feature = "dns")))]
    pub(crate) async fn texts(&self, _: &str) -> Result<Vec<String>, String> {
        Err("records of DNS are not looked up here: build with the feature `dns`".into())
    }
}

/// Name servers are asked one after another, in the order in which they are given, as the system does:
/// one for the names of a container network or of an office stands before one that does not know
/// them, and whose "there is no such name" may come first.
#[cfg(feature = "dns")]
fn in_order(
    mut builder: hickory_resolver::ResolverBuilder<TokioRuntimeProvider>,
) -> Option<hickory_resolver::TokioResolver> {
    let options = builder.options_mut();
    options.num_concurrent_reqs = 1;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    builder.build().ok()
}

/// The addresses of a name that may be dialled, at least one.
fn of_family(family: AddressFamily, mut all: Vec<IpAddr>) -> Result<Vec<IpAddr>, Unknown> {
    if all.is_empty() {
        return Err(Unknown::new("it has no address"));
    }
    all.retain(|address| family.has(*address));
    if all.is_empty() {
        return Err(Unknown::new(format!("it has no {family} address")));
    }
    Ok(all)
}

async fn system_lookup(host: &str) -> Result<Vec<IpAddr>, Unknown> {
    match tokio::net::lookup_host((host, 0)).await {
        Ok(found) => Ok(found.map(|address| address.ip()).collect()),
        Err(error) => Err(Unknown::of(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_that_a_name_does_not_have_is_named() {
        let [four, six] = ["127.0.0.1", "::1"].map(|text| text.parse::<IpAddr>().unwrap());
        let of = |family, all| of_family(family, all).map_err(|unknown| unknown.why.into_string());
        assert_eq!(of(AddressFamily::Any, vec![four, six]), Ok(vec![four, six]));
        assert_eq!(of(AddressFamily::Ipv4, vec![four, six, four]), Ok(vec![four, four]));
        assert_eq!(of(AddressFamily::Ipv6, vec![four, six]), Ok(vec![six]));
        assert_eq!(of(AddressFamily::Ipv6, vec![four]), Err("it has no IPv6 address".into()));
        assert_eq!(of(AddressFamily::Ipv4, vec![six]), Err("it has no IPv4 address".into()));
        assert_eq!(of(AddressFamily::Ipv4, vec![]), Err("it has no address".into()));
    }

    #[test]
    fn a_name_that_could_not_be_asked_for_want_of_a_descriptor_is_a_shortage() {
        #[derive(Debug, thiserror::Error)]
        #[error("io error: {0}")]
        struct Asking(#[source] io::Error);
        for (number, short) in [(24, true), (23, true), (105, true), (111, false)] {
            let error = Asking(io::Error::from_raw_os_error(number));
            let failure = Unknown::of(&error).failure("a.test");
            assert_eq!(failure.is_shortage(), short, "{failure}");
            let text = failure.to_string();
            assert!(text.starts_with("the name a.test does not resolve: io error: "), "{text}");
            let direct = Unknown::of(&io::Error::from_raw_os_error(number)).failure("a.test");
            assert_eq!(direct.is_shortage(), short, "{direct}");
        }
        assert_eq!(Unknown::new("there is no such name").failure("a").class, ErrorClass::Dns);
    }

    /// As in a container: the network's own name server first, and one that knows nothing of it.
    #[cfg(all(feature = "cluster", feature = "dns"))]
    #[tokio::test]
    async fn the_first_name_server_has_the_first_word() {
        use crate::http::name_server::{Record, name_server};
        let names: Vec<_> = (0..5).map(|turn| format!("target{turn}.test")).collect();
        let records = names.iter().map(|name| (name.clone(), Record::Address([10, 89, 0, 7])));
        let slow = std::time::Duration::from_millis(50);
        let first = name_server(records.collect(), slow).await;
        let second = name_server(Vec::new(), std::time::Duration::ZERO).await;
        for name in names {
            let resolver = Resolver::asking(&[first, second], &[]);
            let found = resolver.addresses(&name).await.unwrap();
            let all: Vec<_> = found.in_turn(80).collect();
            assert_eq!(all, ["10.89.0.7:80".parse().unwrap()]);
        }
    }

    #[tokio::test]
    async fn an_address_is_of_one_family() {
        let four = Resolver::new(AddressFamily::Ipv4);
        assert!(four.addresses("127.0.0.1").await.is_ok());
        let failure = four.addresses("[::1]").await.unwrap_err();
        assert_eq!(failure.to_string(), "::1 is no IPv4 address");
        assert_eq!(failure.class, ErrorClass::Dns);
    }
}
