//! Turns an address into what it reaches, and that into whether anybody may ever load it.
//!
//! An IPv6 address may carry an IPv4 address, which is where a gateway takes its packets. It is judged
//! as both: whoever may not load the one may not load it in the other's disguise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All addresses that `address` stands for, at least one. One that only wraps another (IPv4 mapped into
/// IPv6, NAT64, 6to4) stands for that one alone.
pub(super) fn reached(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = address else { return vec![address] };
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => vec![address],
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => vec![v4(high, low)],
        // "Compatible" (RFC 4291), translated (RFC 2765), and ISATAP (RFC 5214).
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [.., 0 | 0x200, 0x5efe, high, low] => vec![address, v4(high, low)],
        // Teredo (RFC 4380): its server, and the client with all bits turned over.
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            vec![address, v4(high, low), v4(!client_high, !client_low)]
        }
        _ => vec![address],
    }
}

/// Why nobody may load this address, whatever is allowed.
pub(super) fn refused_always(address: IpAddr) -> Option<&'static str> {
    let is = |wrong: bool, why| wrong.then_some(why);
    is(is_metadata(address), "it is a cloud's metadata service, which is refused everywhere")
        .or_else(|| {
            is(address.is_unspecified(), "it is no address of anybody; give 127.0.0.1 or ::1")
        })
        .or_else(|| {
            is(is_this_network(address), "it is of the network 0.0.0.0/8, which has no hosts")
        })
        .or_else(|| is(is_link_local(address), "it is a link-local address"))
        .or_else(|| {
            is(is_multicast_or_broadcast(address), "it is a multicast or broadcast address")
        })
        .or_else(|| {
            let why = "it is of 64:ff9b:1::/48, where nobody can tell which address it reaches";
            is(is_local_nat64(address), why)
        })
}

/// Whether everybody may reach it.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            let [first, second, third, _] = a.octets();
            !(a.is_private()
                || a.is_loopback()
                || a.is_link_local()
                || a.is_documentation()
                || first == 0
                || first >= 224
                || (first == 100 && (64..128).contains(&second)) // shared, RFC 6598
                || (first == 198 && (18..20).contains(&second)) // benchmarking, RFC 2544
                || (first, second, third) == (192, 88, 99) // 6to4 relays, RFC 7526
                || (first, second, third) == (192, 0, 0))
        }
        IpAddr::V6(a) => {
            let [first, second, ..] = a.segments();
            // Global unicast is 2000::/3, less what the IETF keeps for protocols, Teredo among them
            // (RFC 2928), and documentation (RFC 3849, RFC 9637).
            (first & 0xe000) == 0x2000
                && !(first == 0x2001 && second < 0x200)
                && (first, second) != (0x2001, 0xdb8)
                && !(first == 0x3fff && second < 0x1000)
        }
    }
}

/// The addresses at which clouds hand credentials to whoever asks from inside.
fn is_metadata(address: IpAddr) -> bool {
    const V4: [Ipv4Addr; 7] = [
        Ipv4Addr::new(169, 254, 169, 254), // AWS, Google, Azure, OpenStack, DigitalOcean
        Ipv4Addr::new(169, 254, 169, 253), // AWS, names of its own network
        Ipv4Addr::new(169, 254, 170, 2),   // AWS ECS task credentials
        Ipv4Addr::new(169, 254, 170, 23),  // AWS EKS pod identity
        Ipv4Addr::new(100, 100, 100, 200), // Alibaba
        Ipv4Addr::new(168, 63, 129, 16),   // Azure's wire server
        Ipv4Addr::new(192, 0, 0, 192),     // Oracle
    ];
    const V6: [Ipv6Addr; 3] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // AWS
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),  // AWS EKS pod identity
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
    ];
    match address {
        IpAddr::V4(a) => V4.contains(&a),
        IpAddr::V6(a) => V6.contains(&a),
    }
}

/// Nothing that anybody load tests has one, and other clouds' metadata may.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_link_local(),
        IpAddr::V6(a) => a.is_unicast_link_local(),
    }
}

fn is_this_network(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(a) if a.octets()[0] == 0)
}

fn is_multicast_or_broadcast(address: IpAddr) -> bool {
    address.is_multicast() || matches!(address, IpAddr::V4(a) if a.is_broadcast())
}

/// A network chooses for itself where in such an address the IPv4 address stands (RFC 8215).
fn is_local_nat64(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(a) if a.segments()[..3] == [0x64, 0xff9b, 1])
}
