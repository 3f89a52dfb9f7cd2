//! Asks the policy for addresses in every disguise.

use super::*;

fn list(text: &str) -> TargetList {
    text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn may(policy: &TargetPolicy, host: &str, ip: &str, port: u16) -> bool {
    policy.check(host, SocketAddr::new(ip.parse().unwrap(), port)).is_ok()
}

/// IPv4 addresses that nobody may load, whatever is allowed.
const NEVER: [&str; 18] = [
    "169.254.169.254",
    "169.254.169.253",
    "169.254.170.2",
    "169.254.170.23",
    "169.254.0.1",
    "169.254.255.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "0.0.0.1",
    "0.255.255.255",
    "224.0.0.1",
    "224.0.0.251",
    "239.255.255.250",
    "232.1.1.1",
    "255.255.255.255",
    "233.252.0.1",
];
const NEVER_V6: [&str; 14] = [
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "::",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "febf::1",
    "ff02::1",
    "ff05::1:3",
    "ff0e::1",
    "64:ff9b:1::1",
    "64:ff9b:1::a9fe:a9fe",
    "64:ff9b:1:a9fe:a9:fe00::",
    "64:ff9b:1:ffff::7f00:1",
];
/// Those that are not public.
const PRIVATE: [&str; 30] = [
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.254",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "192.0.2.1",
    "198.51.100.7",
    "203.0.113.9",
    "198.18.0.1",
    "198.19.255.255",
    "192.0.0.8",
    "192.88.99.1",
    "240.0.0.1",
    "250.1.2.3",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "2001:0:101:101:0:1:f5ff:fffe",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
];
const PUBLIC: [&str; 6] =
    ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1"];

/// The ways in which IPv6 carries an IPv4 address.
fn disguises(ip: &str) -> Vec<String> {
    let Ok(IpAddr::V4(v4)) = ip.parse() else { return Vec::new() };
    let [a, b, c, d] = v4.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    vec![
        format!("::ffff:{ip}"),
        format!("::ffff:{high:x}:{low:x}"),
        format!("::ffff:0:{high:x}:{low:x}"),
        format!("64:ff9b::{ip}"),
        format!("2002:{high:x}:{low:x}::1"),
        format!("2001:0:101:101:0:1:{:x}:{:x}", !high, !low),
        format!("2001:0:{high:x}:{low:x}:0:1:fefe:fefe"),
        format!("2606:4700::5efe:{high:x}:{low:x}"),
        format!("2606:4700::200:5efe:{high:x}:{low:x}"),
    ]
}

#[test]
fn what_nobody_may_load_is_refused_in_every_disguise_whatever_is_allowed() {
    let everything = TargetPolicy::only(list("0.0.0.0/0,::/0"));
    let by_name = TargetPolicy::only(list("a.test,169.254.0.0/16,fe80::/10,:80"));
    let policies = [TargetPolicy::default(), TargetPolicy::public_only(), everything, by_name];
    let mut asked = 0;
    for ip in NEVER.into_iter().chain(NEVER_V6) {
        for ip in std::iter::once(ip.to_owned()).chain(disguises(ip)) {
            asked += 1;
            for policy in &policies {
                let at = SocketAddr::new(ip.parse().unwrap(), 80);
                let refused = policy.check("a.test", at).expect_err(&ip);
                assert_eq!(refused.class.name(), "blocked_by_policy", "{ip}");
                assert!(refused.to_string().contains("may not be loaded"), "{refused}");
            }
        }
    }
    assert!(asked >= 190, "{asked}");
}

#[test]
fn without_a_list_private_addresses_are_for_those_alone_whose_network_it_is() {
    let mut asked = 0;
    for ip in PRIVATE {
        for disguised in std::iter::once(ip.to_owned()).chain(disguises(ip)) {
            asked += 1;
            assert!(!may(&TargetPolicy::public_only(), "a", &disguised, 80), "{disguised}");
        }
        assert!(may(&TargetPolicy::default(), "a", ip, 80), "{ip}");
    }
    assert!(asked >= 200, "{asked}");
    for ip in PUBLIC {
        assert!(may(&TargetPolicy::public_only(), "a", ip, 80), "{ip}");
        for wrapped in disguises(ip).into_iter().filter(|it| !it.starts_with("2001:0:")) {
            // What a gateway takes to a public address is one; what but holds it is not.
            let is_wrapped = wrapped.starts_with("64:") || wrapped.starts_with("2002:");
            let is_mapped = wrapped.starts_with("::ffff:") && !wrapped.starts_with("::ffff:0:");
            let holds = wrapped.contains("5efe");
            let allowed = may(&TargetPolicy::public_only(), "a", &wrapped, 80);
            assert_eq!(allowed, is_wrapped || is_mapped || holds, "{wrapped}");
        }
    }
}

#[test]
fn what_is_listed_and_nothing_else() {
    let only = |text: &str| TargetPolicy::only(list(text));
    let allows = |text: &str, ip: &str| may(&only(text), "a", ip, 80);
    assert!(allows("10.0.0.0/8, 127.0.0.1", "10.255.0.1"));
    assert!(allows("10.0.0.0/8,127.0.0.1", "::ffff:127.0.0.1"));
    assert!(!allows("10.0.0.0/8,127.0.0.1", "127.0.0.2") && !allows("10.0.0.0/8", "1.1.1.1"));
    assert!(allows("::/0", "fd12::1") && !allows("::/0", "10.0.0.1"));
    assert!(allows("10.0.0.0/8:80", "10.0.0.1") && !allows("10.0.0.0/8:81", "10.0.0.1"));
    // It has to be allowed as both: a gateway may take it to the other.
    assert!(!allows("fd00::/8", "fd00::5efe:10.0.0.1"));
    assert!(allows("fd00::/8,10.0.0.0/8", "fd00::5efe:10.0.0.1"));
    // A name that the operator lists may be anywhere.
    assert!(
        may(&only("a.test"), "A.test.", "10.0.0.1", 80)
            && !may(&only("a.test"), "b.test", "1.1.1.1", 80)
    );
    assert!(may(&only("*.a.test:80"), "x.a.test", "10.0.0.1", 80));
    assert!(!may(&only("*.a.test:80"), "x.a.test", "10.0.0.1", 81));
    // A port alone opens nothing that was closed.
    let ports = TargetPolicy::public_only().allowing(list(":80"));
    assert!(may(&ports, "a", "1.1.1.1", 80) && !may(&ports, "a", "1.1.1.1", 81));
    assert!(!may(&ports, "a", "10.0.0.1", 80) && may(&only(":80"), "a", "10.0.0.1", 80));
}

#[test]
fn what_is_denied_goes_before_what_is_allowed() {
    let policy = TargetPolicy::only(list("0.0.0.0/0,a.test,*.b.test"))
        .denying(&list("10.1.0.0/16,:25,x.b.test,a.test:81"));
    assert!(may(&policy, "a.test", "10.0.0.1", 80) && !may(&policy, "a.test", "10.1.0.1", 80));
    assert!(!may(&policy, "a.test", "10.0.0.1", 81) && !may(&policy, "c", "1.1.1.1", 25));
    assert!(!may(&policy, "X.B.test.", "1.1.1.1", 80) && may(&policy, "y.b.test", "1.1.1.1", 80));
    for disguised in disguises("10.1.0.1") {
        assert!(!may(&policy, "a", &disguised, 80), "{disguised}");
    }
    let why = policy.check("c", "10.1.2.3:80".parse().unwrap()).unwrap_err().to_string();
    assert_eq!(why, "10.1.2.3 may not be loaded: 10.1.0.0/16 is denied here");
    let why = policy.check_host("c", 25).unwrap_err().to_string();
    assert_eq!(why, "c may not be loaded: :25 is denied here");
}

#[test]
fn of_two_the_stricter_binds_and_a_policy_outlasts_being_written() {
    let (platform, worker) =
        (TargetPolicy::public_only(), TargetPolicy::only(list("10.0.0.0/8,1.0.0.0/8")));
    let both = platform.clone().and(worker.clone());
    assert!(may(&both, "a", "1.1.1.1", 80));
    assert!(!may(&both, "a", "10.0.0.1", 80) && !may(&both, "a", "8.8.8.8", 80));
    assert_eq!(both.clone().and(platform).and(worker), both, "nothing is said twice");
    let both = both.denying(&list("*.c.test,[fd00::]/8:80")).sparing(&list("redis:6379"));
    let written = serde_json::to_string(&both).unwrap();
    assert_eq!(serde_json::from_str::<TargetPolicy>(&written).unwrap(), both);
    assert!(!may(&both, "redis", "1.1.1.1", 6379) && may(&both, "redis", "1.1.1.1", 80));
}
