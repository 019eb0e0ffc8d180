//! Whose request it is: the address behind proxies.
//!
//! Owns: which peers are believed ([`Proxies`]), and the order in which their headers are read. A header counts only
//! when the connection itself comes from a trusted proxy. `X-Forwarded-For` and `Forwarded` are lists that each proxy
//! appends to, so they are read from the right, past trusted hops only: what a stranger wrote stands further left and is
//! never reached. Headers that hold one address ([`SINGLE`]) are looked at only where that list names nobody else, since a
//! proxy that does not know them passes on what a stranger wrote.

use anyhow::Context;
use axum::http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// Hops that are looked at, from the right: nobody runs more proxies behind each other.
const HOPS_MAX: usize = 32;

/// Headers in which a proxy or a tunnel names the client, in the order in which they are believed (Sentry protocol, 1.3).
const SINGLE: [&str; 3] = ["cf-connecting-ip", "x-vercel-forwarded-for", "x-sentry-forwarded-for"];

/// Which peers are believed about whom they speak for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

impl Default for Proxies {
    /// Programs on this machine: the usual proxy.
    fn default() -> Proxies {
        Proxies::read("127.0.0.0/8, ::1").expect("both are ranges")
    }
}

impl Proxies {
    /// Reads a list of addresses and ranges, separated by commas or blanks; empty: nobody is believed.
    ///
    /// # Errors
    /// When one of them is neither.
    pub fn read(list: &str) -> anyhow::Result<Proxies> {
        let entries = list.split([',', ' ', '\n', '\t']).map(str::trim).filter(|entry| !entry.is_empty());
        let net = |entry: &str| -> anyhow::Result<IpNet> {
            let address = || entry.parse::<IpAddr>().map(IpNet::from);
            entry.parse::<IpNet>().or_else(|_| address()).with_context(|| {
                format!("trusted_proxies lists addresses and ranges such as 10.0.0.0/8, not {entry:?}")
            })
        };
        entries.map(net).collect::<anyhow::Result<_>>().map(Proxies)
    }

    /// The address that guards go by: only lists that proxies append to are read.
    pub fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let caller = self.walk(peer, hops(headers, "x-forwarded-for", address));
        match self.trusts(caller) {
            true => self.walk(caller, hops(headers, "forwarded", forwarded)),
            false => caller,
        }
    }

    /// The address of the client that sent an event, for the event.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let caller = self.caller(peer, headers);
        if !self.trusts(caller) {
            return caller;
        }
        let named = SINGLE.iter().filter_map(|name| hops(headers, name, address).into_iter().flatten().last());
        // The first of a list, as tunnels write it: whoever speaks here is trusted.
        named.into_iter().next().unwrap_or(caller)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// From the hop nearest to us outwards; stops at the first that is not trusted, or before one that is no address.
    fn walk(&self, from: IpAddr, hops: Vec<Option<IpAddr>>) -> IpAddr {
        let mut last = from;
        for hop in hops {
            let Some(hop) = hop else { break };
            last = hop;
            if !self.trusts(hop) {
                break;
            }
        }
        last
    }
}

/// All hops of a header, the nearest first; `None` for one that is no address.
fn hops(headers: &HeaderMap, name: &str, read: fn(&str) -> Option<IpAddr>) -> Vec<Option<IpAddr>> {
    let lines = headers.get_all(name).iter().rev().map(|line| line.to_str().unwrap_or("?"));
    lines.flat_map(|line| line.rsplit(',')).take(HOPS_MAX).map(|hop| read(hop.trim())).collect()
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim_matches('"');
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// One element of `Forwarded`: `for="[2001:db8::1]:4711";proto=https` (RFC 7239).
fn forwarded(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| key.eq_ignore_ascii_case("for")).and_then(|(_, value)| address(value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let entry = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
        };
        list.iter().map(entry).collect()
    }

    fn client(proxies: &str, peer: &str, list: &[(&'static str, &str)]) -> String {
        let proxies = Proxies::read(proxies).expect("ranges");
        proxies.client(peer.parse().expect("an address"), &headers(list)).to_string()
    }

    #[test]
    fn a_stranger_s_headers_are_not_believed() {
        let all = [
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.1"),
            ("cf-connecting-ip", "192.0.2.1"),
            ("x-vercel-forwarded-for", "192.0.2.1"),
            ("x-sentry-forwarded-for", "192.0.2.1"),
        ];
        assert_eq!(client("10.0.0.0/8", "203.0.113.7", &all), "203.0.113.7");
        assert_eq!(client("", "127.0.0.1", &all), "127.0.0.1", "nobody is trusted");
        for one in all {
            assert_eq!(client("10.0.0.0/8", "10.1.2.3", &[one]), "192.0.2.1", "{}", one.0);
        }
    }

    #[test]
    fn what_a_stranger_writes_before_a_proxy_is_never_reached() {
        let spoofed = [("x-forwarded-for", "1.1.1.1, 203.0.113.7, 10.0.0.2"), ("cf-connecting-ip", "2.2.2.2")];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &spoofed), "203.0.113.7");
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.7")];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &lines), "203.0.113.7", "the last line is the nearest proxy's");
        let forwarded = [("forwarded", "for=1.1.1.1, for=\"[2001:db8::7]:99\";proto=https")];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &forwarded), "2001:db8::7");
    }

    #[test]
    fn a_tunnel_that_is_trusted_names_its_client() {
        let tunnelled = [("x-forwarded-for", "10.0.0.9"), ("x-sentry-forwarded-for", "198.51.100.4")];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &tunnelled), "198.51.100.4");
        let proxies = Proxies::read("10.0.0.0/8").expect("ranges");
        let guarded = proxies.caller("10.0.0.1".parse().expect("one"), &headers(&tunnelled));
        assert_eq!(guarded.to_string(), "10.0.0.9", "guards go by lists that proxies append to alone");
    }

    #[test]
    fn odd_hops_end_the_list() {
        let odd = |list| client("10.0.0.0/8 ::1", "10.0.0.1", &[("x-forwarded-for", list)]);
        assert_eq!(odd("unknown, 10.0.0.3"), "10.0.0.3");
        assert_eq!(odd("203.0.113.7:4711"), "203.0.113.7");
        assert_eq!(odd("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(odd(""), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "::ffff:10.0.0.1", &[("x-forwarded-for", "203.0.113.7")]), "203.0.113.7");
        assert!(Proxies::read("10.0.0.0/33").is_err());
    }

    proptest! {
        #[test]
        fn no_header_breaks_it(list in "[ -~]{0,60}", name in proptest::sample::select(&["x-forwarded-for", "forwarded"])) {
            let named = client("10.0.0.0/8", "10.0.0.1", &[(name, &list)]);
            prop_assert!(named.parse::<IpAddr>().is_ok());
            prop_assert_eq!(client("10.0.0.0/8", "192.0.2.9", &[(name, &list)]), "192.0.2.9");
        }
    }
}
