//! Which addresses a request of ours may go to: those of the public internet, and no others.
//!
//! A person who may set up a webhook must not thereby reach what only this machine can reach: its own services,
//! the neighbours in its network, the cloud's metadata. The judgement is on the address that is dialled, never on
//! a name. IPv4 is a list of what is refused (the IANA special-purpose registry, RFC 6890); IPv6 is the reverse,
//! global unicast minus exceptions, because nearly all of it is unassigned. An IPv6 address that carries an IPv4
//! one is judged by what it carries where it is plainly a wrapping (mapped, NAT64), and refused where it is a
//! tunnel (6to4, Teredo), since nobody serves webhooks there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Why `ip` is not dialled, as the end of "this is …"; `None` when it is an address of the public internet.
pub fn refused_as(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => v4_refused_as(ip),
        IpAddr::V6(ip) => v6_refused_as(ip),
    }
}

const V4_REFUSED: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "an unspecified address"),
    (v4(10, 0, 0, 0, 8), "a private address"),
    (v4(100, 64, 0, 0, 10), "a carrier's private address"),
    (v4(127, 0, 0, 0, 8), "a loopback address"),
    (v4(169, 254, 0, 0, 16), "a link-local address"),
    (v4(172, 16, 0, 0, 12), "a private address"),
    (v4(192, 0, 0, 0, 24), "a reserved address"),
    (v4(192, 0, 2, 0, 24), "an address for documentation"),
    (v4(192, 88, 99, 0, 24), "a reserved address"),
    (v4(192, 168, 0, 0, 16), "a private address"),
    (v4(198, 18, 0, 0, 15), "an address for benchmarks"),
    (v4(198, 51, 100, 0, 24), "an address for documentation"),
    (v4(203, 0, 113, 0, 24), "an address for documentation"),
    (v4(224, 0, 0, 0, 4), "a multicast address"),
    (v4(240, 0, 0, 0, 4), "a reserved address"),
];

const V6_REFUSED: &[(Ipv6Net, &str)] = &[
    (v6(0xfc00, 0, 0, 7), "a private address"),
    (v6(0xfe80, 0, 0, 10), "a link-local address"),
    (v6(0xff00, 0, 0, 8), "a multicast address"),
    (v6(0x2001, 0, 0, 23), "a reserved address"),
    (v6(0x2001, 0xdb8, 0, 32), "an address for documentation"),
    (v6(0x2002, 0, 0, 16), "a tunnel's address"),
    (v6(0x3fff, 0, 0, 20), "an address for documentation"),
];

/// Everything outside is unassigned or special.
const V6_GLOBAL: Ipv6Net = v6(0x2000, 0, 0, 3);
/// The well-known prefix by which an IPv6-only network reaches IPv4 (RFC 6052).
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 96);

fn v4_refused_as(ip: Ipv4Addr) -> Option<&'static str> {
    V4_REFUSED.iter().find(|(net, _)| net.contains(&ip)).map(|(_, what)| *what)
}

fn v6_refused_as(ip: Ipv6Addr) -> Option<&'static str> {
    if ip.is_unspecified() {
        return Some("an unspecified address");
    }
    if ip.is_loopback() {
        return Some("a loopback address");
    }
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return v4_refused_as(mapped);
    }
    if NAT64.contains(&ip) {
        let [.., a, b, c, d] = ip.octets();
        return v4_refused_as(Ipv4Addr::new(a, b, c, d));
    }
    let refused = V6_REFUSED.iter().find(|(net, _)| net.contains(&ip)).map(|(_, what)| *what);
    refused.or_else(|| (!V6_GLOBAL.contains(&ip)).then_some("a reserved address"))
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, c: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_dialled() {
        let refused = "\
            0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 \
            172.31.255.255 192.0.0.8 192.0.2.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 \
            203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 \
            ::ffff:10.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::7f00:1 100::1 2001::1 2001:db8::1 \
            2002:7f00:1:: 3fff::1 fc00::1 fd12:3456::1 fe80::1 fec0::1 ff02::1 5f00::1 4000::1";
        for ip in refused.split_whitespace() {
            assert!(refused_as(ip.parse().unwrap()).is_some(), "{ip} would be dialled");
        }
        let dialled = "\
            1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1 198.20.0.1 \
            223.255.255.255 ::ffff:1.1.1.1 64:ff9b::808:808 2606:4700::1111 2a00:1450::1 \
            2001:4860:4860::8888";
        for ip in dialled.split_whitespace() {
            assert_eq!(refused_as(ip.parse().unwrap()), None, "{ip}");
        }
    }
}
