//! Turns an address that is about to be dialled into yes or no.
//!
//! The decision is made where the socket is opened, on the address itself: a name that resolves
//! elsewhere tomorrow, or a redirect, cannot get round it.

use crate::request::{ErrorClass, Failure};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

/// Which addresses may be loaded. Metadata services of clouds never may.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TargetPolicy {
    /// Loopback, private and public addresses: for a person at a terminal and for tests.
    #[default]
    PrivateAndPublic,
    /// Public addresses only: for a service that loads on behalf of others.
    PublicOnly,
    /// The addresses of these networks only.
    Only(Networks),
}

/// Networks of addresses, written `10.0.0.0/8,192.168.1.7,fd00::/8`: an address alone is a network
/// of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks(Arc<[IpNet]>);

impl Networks {
    fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| network(part.trim())).collect::<Result<_, _>>().map(Self)
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.or_else(|_| text.parse::<IpNet>()).map_err(|_| {
        format!("{text:?} is no network of addresses; write 10.0.0.0/8, 192.168.1.7 or fd00::/8")
    })
}

impl TargetPolicy {
    /// Whether `address` may be dialled.
    ///
    /// # Errors
    /// `blocked_by_policy`, naming the address and the rule.
    pub fn check(&self, address: IpAddr) -> Result<(), Failure> {
        let address = canonical(address);
        let refused = |why: &str| {
            Err(Failure::text(
                ErrorClass::BlockedByPolicy,
                format_args!("{address} may not be loaded: {why}"),
            ))
        };
        if is_metadata(address) {
            return refused("it is a cloud's metadata service, which is refused everywhere");
        }
        if is_multicast_or_broadcast(address) {
            return refused("it is a multicast or broadcast address");
        }
        match self {
            Self::PublicOnly if !is_public(address) => refused("it is not a public address"),
            Self::Only(networks) if !networks.contain(address) => {
                refused("it is not one of the addresses that are allowed here")
            }
            _ => Ok(()),
        }
    }
}

/// IPv4 inside IPv6 (mapped, or by NAT64 and 6to4) is judged as the IPv4 address that it reaches.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let s = v6.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => address,
    }
}

/// The addresses at which clouds hand credentials to whoever asks from inside.
fn is_metadata(address: IpAddr) -> bool {
    const V4: [Ipv4Addr; 5] = [
        Ipv4Addr::new(169, 254, 169, 254), // AWS, Google, Azure, OpenStack, DigitalOcean
        Ipv4Addr::new(169, 254, 170, 2),   // AWS ECS task credentials
        Ipv4Addr::new(169, 254, 170, 23),  // AWS EKS pod identity
        Ipv4Addr::new(100, 100, 100, 200), // Alibaba
        Ipv4Addr::new(168, 63, 129, 16),   // Azure's wire server
    ];
    const V6: [Ipv6Addr; 3] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // AWS
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),  // AWS EKS pod identity
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
    ];
    match address {
        // 192.0.0.192 is Oracle's; the whole link-local range holds nothing anybody load tests.
        IpAddr::V4(a) => V4.contains(&a) || a == Ipv4Addr::new(192, 0, 0, 192) || a.is_link_local(),
        IpAddr::V6(a) => V6.contains(&a),
    }
}

fn is_multicast_or_broadcast(address: IpAddr) -> bool {
    address.is_multicast() || matches!(address, IpAddr::V4(a) if a.is_broadcast())
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            let [first, second, third, _] = a.octets();
            !(a.is_private()
                || a.is_loopback()
                || a.is_link_local()
                || a.is_documentation()
                || first == 0
                || first >= 240
                || (first == 100 && (64..128).contains(&second)) // shared, RFC 6598
                || (first == 198 && (18..20).contains(&second)) // benchmarking, RFC 2544
                || (first, second, third) == (192, 0, 0))
        }
        IpAddr::V6(a) => {
            let first = a.segments()[0];
            // Global unicast is 2000::/3, less Teredo (which reaches any IPv4) and documentation.
            (first & 0xe000) == 0x2000
                && (first, a.segments()[1]) != (0x2001, 0)
                && (first, a.segments()[1]) != (0x2001, 0xdb8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Networks;
    use super::TargetPolicy::{Only, PrivateAndPublic, PublicOnly};

    #[test]
    fn metadata_is_refused_in_every_disguise() {
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd20:ce::254",
        ] {
            for policy in [PrivateAndPublic, PublicOnly] {
                let refused = policy.check(address.parse().unwrap()).unwrap_err();
                assert_eq!(refused.class.name(), "blocked_by_policy", "{address}");
            }
        }
    }

    #[test]
    fn private_addresses_only_where_allowed() {
        for address in [
            "64:ff9b:1::1",
            "fec0::1",
            "2001::1",
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "192.168.0.9",
            "100.64.0.1",
            "fd12::1",
        ] {
            let address = address.parse().unwrap();
            assert!(PrivateAndPublic.check(address).is_ok(), "{address}");
            assert!(PublicOnly.check(address).is_err(), "{address}");
        }
        for address in ["0.0.0.0", "::"] {
            assert!(PublicOnly.check(address.parse().unwrap()).is_err(), "{address}");
        }
        for address in ["1.1.1.1", "2606:4700::1111"] {
            assert!(PublicOnly.check(address.parse().unwrap()).is_ok());
        }
    }

    #[test]
    fn networks_that_are_named_and_no_others() {
        let only = |text: &str| Only(text.parse().unwrap());
        let allows = |text, address: &str| only(text).check(address.parse().unwrap()).is_ok();
        assert!(allows("10.0.0.0/8, 127.0.0.1", "10.255.0.1"));
        assert!(allows("10.0.0.0/8,127.0.0.1", "::ffff:127.0.0.1"));
        assert!(!allows("10.0.0.0/8,127.0.0.1", "127.0.0.2"));
        assert!(!allows("10.0.0.0/8", "1.1.1.1"));
        assert!(allows("::/0", "fd12::1") && !allows("::/0", "10.0.0.1"));
        // Metadata stays refused, whatever is named.
        assert!(
            !allows("0.0.0.0/0", "169.254.169.254") && !allows("169.254.0.0/16", "169.254.1.1")
        );
        for wrong in ["", "10.0.0.0/33", "example.com", "10.0.0.1,"] {
            let error = wrong.parse::<Networks>().unwrap_err();
            assert!(error.contains("is no network of addresses"), "{wrong}: {error}");
        }
    }
}
