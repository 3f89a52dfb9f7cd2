//! Turns a target that is about to be dialled into yes or no.
//!
//! The decision is made where the socket is opened, on the address itself: a name that resolves
//! elsewhere tomorrow, or a redirect, cannot get round it.

mod address;
mod list;
mod own;

pub use list::TargetList;
pub use own::own_addresses;

use crate::request::{ErrorClass, Failure};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Which targets may be loaded: those that each of its rules allows. Metadata services of clouds,
/// link-local, multicast and unspecified addresses never may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetPolicy(Vec<Rule>);

/// What one party allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    /// Of what no list names, public addresses alone.
    public_only: bool,
    /// Nothing but this.
    allow: Option<TargetList>,
    /// Not this, whatever is allowed.
    deny: TargetList,
    /// The parts of the platform itself.
    own: TargetList,
    /// Beside what is allowed by name or network nothing but these hosts, of which somebody has proved
    /// that they are theirs.
    proved: Option<TargetList>,
}

/// Loopback, private and public addresses: for a person at a terminal and for tests.
impl Default for TargetPolicy {
    fn default() -> Self {
        Self(vec![Rule::default()])
    }
}

impl TargetPolicy {
    /// Public addresses only: for a service that loads on behalf of others.
    #[must_use]
    pub fn public_only() -> Self {
        Self(vec![Rule { public_only: true, ..Rule::default() }])
    }

    /// What `list` names, and nothing else.
    #[must_use]
    pub fn only(list: TargetList) -> Self {
        Self::default().allowing(list)
    }

    /// Of all that it allows what `list` names alone. That may then be private as well; an item
    /// that is but a port names it on all that was allowed before.
    #[must_use]
    pub fn allowing(self, list: TargetList) -> Self {
        self.each(|rule| rule.allow = Some(list.clone()))
    }

    /// The same without what `list` names.
    #[must_use]
    pub fn denying(self, list: &TargetList) -> Self {
        self.each(|rule| rule.deny = std::mem::take(&mut rule.deny).and(list.clone()))
    }

    /// The same without what the platform itself is made of.
    #[must_use]
    pub fn sparing(self, own: &TargetList) -> Self {
        self.each(|rule| rule.own = std::mem::take(&mut rule.own).and(own.clone()))
    }

    /// The same for somebody who may load, beside what it lists, only these hosts: of which they have proved
    /// that they are theirs.
    #[must_use]
    pub fn requiring(self, proved: &TargetList) -> Self {
        self.each(|rule| rule.proved = Some(proved.clone()))
    }

    /// What this one and `other` allow: the stricter of both, in everything.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0
            .extend(other.0.into_iter().filter(|rule| !self.0.contains(rule)).collect::<Vec<_>>());
        self
    }

    fn each(mut self, change: impl Fn(&mut Rule)) -> Self {
        self.0.iter_mut().for_each(change);
        self
    }

    /// Whether `address` may be dialled for `host`, the name or address that led to it.
    ///
    /// # Errors
    /// `blocked_by_policy`, naming the address and the rule.
    pub fn check(&self, host: &str, address: SocketAddr) -> Result<(), Failure> {
        let reached = address::reached(address.ip());
        if let Some(why) = reached.iter().find_map(|address| address::refused_always(*address)) {
            return Err(refused(&shown(&reached, address), why));
        }
        self.check_host(host, address.port())?;
        let reached: Vec<_> =
            reached.into_iter().map(|ip| SocketAddr::new(ip, address.port())).collect();
        let allowed = self.0.iter().try_for_each(|rule| rule.check(host, &reached));
        allowed.map_err(|why| refused(&reached[0].ip(), why))
    }

    /// Whether `host` may be asked for at all at this port, by its name: for what somebody else dials,
    /// and for a name that leads elsewhere.
    ///
    /// # Errors
    /// `blocked_by_policy`, naming the host and the rule.
    pub fn check_host(&self, host: &str, port: u16) -> Result<(), Failure> {
        let denied = self.0.iter().find_map(|rule| rule.denies_host(host, port));
        denied.map_or(Ok(()), |why| Err(refused(&host, why)))
    }
}

/// What it stands for, where it only wraps another.
fn shown(reached: &[IpAddr], address: SocketAddr) -> IpAddr {
    reached.first().copied().unwrap_or_else(|| address.ip())
}

fn refused(what: &dyn fmt::Display, why: impl fmt::Display) -> Failure {
    Failure::text(ErrorClass::BlockedByPolicy, format_args!("{what} may not be loaded: {why}"))
}

const OWN: &str = "it is a part of this platform";

impl Rule {
    /// Whether all that an address reaches may be loaded.
    fn check(&self, host: &str, reached: &[SocketAddr]) -> Result<(), String> {
        if reached.iter().any(|address| self.own.holds(*address).is_some()) {
            return Err(OWN.to_owned());
        }
        if let Some(item) = reached.iter().find_map(|address| self.deny.holds(*address)) {
            return Err(denied(item));
        }
        let port = reached[0].port();
        let is_reachable =
            || !self.public_only || reached.iter().all(|address| address::is_public(address.ip()));
        // A port alone, and a proof, open nothing that was closed.
        let is_proved = self.proved.as_ref().is_none_or(|list| list.names(host, port).is_some());
        let is_listed = self.allow.as_ref().is_some_and(|list| {
            list.names(host, port).is_some()
                || reached.iter().all(|address| list.holds(*address).is_some())
        });
        let is_open = match (&self.allow, &self.proved) {
            (Some(list), None) => list.any_at(port),
            _ => is_proved,
        };
        if is_listed || (is_open && is_reachable()) {
            return Ok(());
        }
        let why = match (&self.allow, &self.proved) {
            _ if is_open => "it is not a public address",
            (_, Some(_)) => {
                "nobody has proved here that it is yours to load; PUT /domains/DOMAIN says how"
            }
            _ => "it is not one of the targets that are allowed here",
        };
        Err(why.to_owned())
    }

    fn denies_host(&self, host: &str, port: u16) -> Option<String> {
        if self.own.names(host, port).is_some() {
            return Some(OWN.to_owned());
        }
        let named = self.deny.names(host, port).map(|item| denied(item));
        named.or_else(|| self.deny.any_at(port).then(|| denied(&format_args!(":{port}"))))
    }
}

fn denied(item: &dyn fmt::Display) -> String {
    format!("{item} is denied here")
}

#[cfg(test)]
mod tests;
