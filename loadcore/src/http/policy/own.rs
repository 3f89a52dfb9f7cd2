//! Turns what a platform is made of into the addresses that nobody may load through it.

use super::list::TargetList;
use crate::http::resolve::Resolver;
use crate::request::AddressFamily;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::time::timeout;

/// How long the addresses of all parts may take to be found.
const LOOK_UP: Duration = Duration::from_secs(5);

/// The listeners of this process, and the servers that it is a client of, by name or address, and port:
/// the names, and the addresses that they have now. What is on this machine is on all of its addresses,
/// save a listener that is on loopback alone.
pub async fn own_addresses(listeners: &[SocketAddr], servers: &[(String, u16)]) -> TargetList {
    let mut own = TargetList::default();
    for listener in listeners {
        let nets = match listener.ip() {
            ip if ip.is_unspecified() => of_this_machine(),
            ip if ip.is_loopback() => loopback(),
            ip => vec![ip.into()],
        };
        own = own.and(TargetList::at(nets, listener.port()));
    }
    let resolver = Resolver::new(AddressFamily::Any);
    let look_up = async {
        for (host, port) in servers {
            own = std::mem::take(&mut own).and(TargetList::named(host, *port));
            let Ok(found) = resolver.addresses(host).await else { continue };
            let mut nets: Vec<IpNet> = found.all().iter().map(|ip| IpNet::from(*ip)).collect();
            let here = of_this_machine();
            if found.all().iter().any(|ip| here.iter().any(|net| net.contains(ip))) {
                nets.extend(here);
            }
            own = std::mem::take(&mut own).and(TargetList::at(nets, *port));
        }
    };
    // Whom nobody answers for can be loaded by nobody either.
    let _ = timeout(LOOK_UP, look_up).await;
    own
}

fn loopback() -> Vec<IpNet> {
    let v4 = Ipv4Net::new(Ipv4Addr::LOCALHOST, 8).map(IpNet::from);
    let v6 = Ipv6Net::new(Ipv6Addr::LOCALHOST, 128).map(IpNet::from);
    v4.into_iter().chain(v6).collect()
}

/// All addresses at which this machine is reached from itself, and the others that it has.
fn of_this_machine() -> Vec<IpNet> {
    let mut nets = loopback();
    nets.extend(interfaces().into_iter().filter(|ip| !ip.is_loopback()).map(IpNet::from));
    nets
}

#[cfg(target_os = "linux")]
fn interfaces() -> Vec<IpAddr> {
    let Ok(found) = nix::ifaddrs::getifaddrs() else { return Vec::new() };
    let address = |it: nix::ifaddrs::InterfaceAddress| {
        let address = it.address?;
        let v4 = address.as_sockaddr_in().map(|it| IpAddr::V4(it.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|it| IpAddr::V6(it.ip())))
    };
    found.filter_map(address).collect()
}

#[cfg(not(target_os = "linux"))]
fn interfaces() -> Vec<IpAddr> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::TargetPolicy;

    #[tokio::test]
    async fn a_part_on_this_machine_is_refused_at_each_of_its_addresses() {
        let servers = [("localhost".to_owned(), 6379), ("no.such.name.invalid".to_owned(), 27017)];
        let listeners = ["127.0.0.1:8080".parse().unwrap(), "0.0.0.0:9100".parse().unwrap()];
        let own = own_addresses(&listeners, &servers).await;
        let all = TargetPolicy::only("0.0.0.0/0,::/0".parse().unwrap());
        for policy in [TargetPolicy::default(), all] {
            let policy = policy.sparing(&own);
            let may =
                |host: &str, address: &str| policy.check(host, address.parse().unwrap()).is_ok();
            for address in [
                "127.0.0.1:6379",
                "127.9.9.9:6379",
                "[::1]:6379",
                "[::ffff:127.0.0.1]:6379",
                "[64:ff9b::7f00:1]:6379",
                "127.0.0.1:8080",
                "[::1]:8080",
                "127.0.0.1:9100",
            ] {
                assert!(!may("a", address), "{address}");
            }
            for ip in interfaces() {
                let at = |port| SocketAddr::new(ip, port).to_string();
                assert!(!may("a", &at(6379)) && !may("a", &at(9100)), "{ip}");
            }
            assert!(may("a", "127.0.0.1:81") && may("a", "192.0.2.1:8080"));
            assert!(!may("No.Such.Name.Invalid.", "192.0.2.1:27017"));
            assert!(may("no.such.name.invalid", "192.0.2.1:27018"));
        }
    }
}
