//! Turns a list of hosts, networks and ports, as an operator writes it, into what it names.

use crate::request::{ascii_host, parse_port};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Characters of a host's name.
const MAX_NAME: usize = 253;

/// Hosts, networks and ports, written `10.0.0.0/8, example.com, *.example.com:443, [fd00::]/8, :8080`.
/// An address alone is a network of one, `*.` before a name stands for all below it, and an item
/// without a host for any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetList(Vec<Item>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    host: Host,
    /// `None`: any.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    Named(String),
    /// All names that end with this one, and a dot before it.
    Below(String),
    In(IpNet),
}

impl TargetList {
    /// Whether it names nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// This one and `other`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// A host's name in the spelling in which it is compared: in small letters of ASCII, without a dot at
    /// its end.
    ///
    /// # Errors
    /// When it is none.
    pub fn name(text: &str) -> Result<String, String> {
        name_of(text)
    }

    /// A name with all below it, at any port.
    ///
    /// # Errors
    /// When it is no name.
    pub fn domain(name: &str) -> Result<Self, String> {
        let name = name_of(name)?;
        let item = |host| Item { host, port: None };
        Ok(Self(vec![item(Host::Named(name.clone())), item(Host::Below(name))]))
    }

    /// These addresses at this port.
    #[must_use]
    pub fn at(addresses: impl IntoIterator<Item = IpNet>, port: u16) -> Self {
        let item = |net| Item { host: Host::In(net), port: Some(port) };
        Self(addresses.into_iter().map(item).collect())
    }

    /// A name at this port; what is no name is left out.
    #[must_use]
    pub fn named(name: &str, port: u16) -> Self {
        let item = |name| Item { host: Host::Named(name), port: Some(port) };
        Self(name_of(name).map(item).into_iter().collect())
    }

    /// The first item that names the host at this port, by its name alone.
    pub(super) fn names(&self, host: &str, port: u16) -> Option<&Item> {
        let host = plain(host);
        self.0.iter().find(|item| item.has_port(port) && item.host.names(&host))
    }

    /// The first item that holds the address.
    pub(super) fn holds(&self, address: SocketAddr) -> Option<&Item> {
        self.0.iter().find(|item| item.has_port(address.port()) && item.host.holds(address.ip()))
    }

    /// Whether it names this port of any host.
    pub(super) fn any_at(&self, port: u16) -> bool {
        self.0.iter().any(|item| item.host == Host::Any && item.has_port(port))
    }
}

impl Item {
    fn has_port(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

impl Host {
    fn names(&self, host: &str) -> bool {
        match self {
            Self::Named(name) => host == name,
            Self::Below(name) => host
                .strip_suffix(name.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            Self::Any | Self::In(_) => false,
        }
    }

    fn holds(&self, address: IpAddr) -> bool {
        matches!(self, Self::In(net) if net.contains(&address))
    }
}

impl FromStr for TargetList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| item(part.trim())).collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<String> for TargetList {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() { Ok(Self::default()) } else { text.parse() }
    }
}

impl From<TargetList> for String {
    fn from(list: TargetList) -> Self {
        list.to_string()
    }
}

/// As it is read.
impl fmt::Display for TargetList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if place > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Any => {}
            Host::Named(name) => f.write_str(name)?,
            Host::Below(name) => write!(f, "*.{name}")?,
            Host::In(net) if net.addr().is_ipv6() => write!(f, "[{net}]")?,
            Host::In(net) => write!(f, "{net}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

fn item(text: &str) -> Result<Item, String> {
    let wrong = |why: &str| {
        format!(
            "{text:?} {why}; write 10.0.0.0/8, 192.168.1.7, fd00::/8, example.com, *.example.com:443 or \
             :8080"
        )
    };
    if text.is_empty() {
        return Err(wrong("names nothing"));
    }
    // An IPv6 address has colons of its own.
    if let Some(net) = network(text) {
        return Ok(Item { host: Host::In(net), port: None });
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']').ok_or_else(|| wrong("has no ]"))?;
            let (length, port) = after.split_once(':').map_or((after, None), |(a, b)| (a, Some(b)));
            if !(length.is_empty() || length.starts_with('/')) {
                return Err(wrong("has something else after the ]"));
            }
            (format!("{inside}{length}"), port)
        }
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (text.to_owned(), None),
        },
    };
    let port =
        port.map(parse_port).transpose().map_err(|why| wrong(&format!("is wrong: {why}")))?;
    let host = match (network(&host), host.strip_prefix("*.")) {
        (Some(net), _) => Host::In(net),
        (None, Some(name)) => Host::Below(name_of(name).map_err(|why| wrong(&why))?),
        (None, None) if host.is_empty() && port.is_some() => Host::Any,
        (None, None) => Host::Named(name_of(&host).map_err(|why| wrong(&why))?),
    };
    Ok(Item { host, port })
}

fn network(text: &str) -> Option<IpNet> {
    let address = text.parse::<IpAddr>().map(IpNet::from).ok();
    let net = address.or_else(|| text.parse::<IpNet>().ok())?;
    // Addresses are looked for as what they are: mapped ones as those of IPv4.
    match net {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(v4) => IpNet::new(v4.into(), v6.prefix_len() - 96).ok(),
            None => Some(net),
        },
        _ => Some(net),
    }
}

fn name_of(text: &str) -> Result<String, String> {
    let no_name = || "is no network of addresses and no host's name".to_owned();
    let ascii = ascii_host(text).map_err(|_| no_name())?;
    let name = plain(&ascii);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_letter);
    let is_name = name.len() <= MAX_NAME && name.split('.').all(is_label);
    let is_name = is_name && name.parse::<IpAddr>().is_err();
    if is_name { Ok(name) } else { Err(no_name()) }
}

/// A name as it is compared: DNS knows no capitals, and a dot at its end says only that it is whole.
fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> TargetList {
        text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn every_form_is_read_and_written_alike() {
        for (text, written) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            (" 192.168.1.7 , fd00::/8", "192.168.1.7/32,[fd00::/8]"),
            ("10.0.0.0/8:80", "10.0.0.0/8:80"),
            ("[::1]:80,[fd00::]/8:443,[fd00::/8]", "[::1/128]:80,[fd00::/8]:443,[fd00::/8]"),
            ("::1", "[::1/128]"),
            ("::ffff:10.0.0.1,::ffff:10.0.0.0/104", "10.0.0.1/32,10.0.0.0/8"),
            ("Example.COM.", "example.com"),
            ("*.example.com:443,:8080", "*.example.com:443,:8080"),
            ("localhost:9", "localhost:9"),
        ] {
            assert_eq!(list(text).to_string(), written, "{text}");
            assert_eq!(list(written), list(text), "{text}");
        }
        assert_eq!(TargetList::try_from(String::new()), Ok(TargetList::default()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for text in [
            "",
            "10.0.0.0/33",
            "10/8",
            "10.0.0",
            "a b",
            "*",
            "*.",
            "a..b",
            ":",
            ":0",
            "a:65536",
            "a:x",
            "[::1",
            "[::1]80",
            "http://a",
            "a/b",
            "10.0.0.1,",
            "0x7f.1",
            "*.*.a",
            "a.*.b",
            "-\u{0}",
        ] {
            let why = text.parse::<TargetList>().expect_err(text);
            assert!(why.contains("write 10.0.0.0/8"), "{text}: {why}");
        }
    }

    #[test]
    fn names_and_what_is_below_them() {
        let names = |text: &str, host: &str, port| list(text).names(host, port).is_some();
        assert!(
            names("example.com", "EXAMPLE.com.", 1) && !names("example.com", "a.example.com", 1)
        );
        assert!(
            names("*.example.com", "a.b.example.com", 1)
                && !names("*.example.com", "example.com", 1)
        );
        assert!(
            !names("*.example.com", "badexample.com", 1)
                && !names("*.example.com", ".example.com", 1)
        );
        assert!(names("a:80", "a", 80) && !names("a:80", "a", 81));
        assert!(!names("10.0.0.0/8", "10.0.0.1", 80) && !names(":80", "a", 80));
    }
}
