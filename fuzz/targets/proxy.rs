//! Proxy headers: whoever is behind a trusted proxy is who that proxy says, and nobody else is
//! believed.
//!
//! The first byte chooses the peer, the rest are lines of `X-Forwarded-For`, separated by line
//! feeds, as a client could have sent them.
#![no_main]

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue};
use hubbub::http::client_address::client_of;
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;

const HEADER: &str = "x-forwarded-for";
/// As `TRUSTED_PROXIES=10.0.0.0/8,192.0.2.7/32,fd00::/8` trusts.
static TRUSTED: LazyLock<[IpNet; 3]> = LazyLock::new(|| {
    ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"].map(|net| net.parse().expect("a network"))
});
const PROXIES: [&str; 5] = [
    "10.0.0.1",
    "10.255.255.255",
    "192.0.2.7",
    "fd00::1",
    "::ffff:10.0.0.1",
];
const STRANGERS: [&str; 5] = [
    "192.0.2.8",
    "11.0.0.1",
    "2001:db8::1",
    "::ffff:192.0.2.8",
    "::10.0.0.1",
];

fuzz_target!(|input: &[u8]| {
    let Some((&choice, rest)) = input.split_first() else {
        return;
    };
    let lines: Vec<HeaderValue> = rest
        .split(|&b| b == b'\n')
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
        .collect();
    let pick = |of: [&str; 5], by: u8| ip(of[usize::from(by) % of.len()]);
    let (proxy, nearer) = (pick(PROXIES, choice), pick(PROXIES, choice / 5));
    let stranger = pick(STRANGERS, choice / 25);

    // A peer that is not trusted is itself, whatever it sends.
    assert_eq!(client(stranger, &lines), stranger.to_canonical());

    // Through a proxy: the proxy itself, or an address that was sent.
    let seen = client(proxy, &lines);
    assert!(
        seen == proxy.to_canonical() || hops(&lines).any(|hop| hop == seen),
        "{seen} out of nowhere"
    );
    assert_eq!(seen, seen.to_canonical());

    // What a client sends stands left of what the proxies append, and makes no difference, on the
    // same line or on lines of their own.
    let stranger_named = HeaderValue::from_str(&stranger.to_string()).expect("a header");
    let nearer_named = HeaderValue::from_str(&nearer.to_string()).expect("a header");
    let through_two = [&lines[..], &[stranger_named, nearer_named]].concat();
    assert_eq!(client(proxy, &through_two), stranger.to_canonical());
    if let Some(last) = lines.last() {
        let mut line = last.as_bytes().to_vec();
        line.extend_from_slice(format!(", {stranger}").as_bytes());
        let mut appended = lines.clone();
        appended.pop();
        appended.push(HeaderValue::from_bytes(&line).expect("a header"));
        assert_eq!(client(proxy, &appended), stranger.to_canonical());
    }

    // More hearsay on the left changes nothing either.
    let junk = HeaderValue::from_static("203.0.113.66, unknown");
    let prepended = [&[junk][..], &lines[..]].concat();
    assert_eq!(client(proxy, &prepended), seen);
});

fn client(peer: IpAddr, lines: &[HeaderValue]) -> IpAddr {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(HEADER, line.clone());
    }
    client_of(peer, &headers, &*TRUSTED)
}

/// All addresses that anybody sent.
fn hops(lines: &[HeaderValue]) -> impl Iterator<Item = IpAddr> {
    let hops = lines
        .iter()
        .flat_map(|line| line.as_bytes().split(|&b| b == b','));
    hops.filter_map(|hop| address(str::from_utf8(hop).ok()?.trim()))
}

fn address(hop: &str) -> Option<IpAddr> {
    let bare: String = hop.chars().filter(|c| !"[]".contains(*c)).collect();
    let address = hop
        .parse::<SocketAddr>()
        .map(|a| a.ip())
        .or_else(|_| bare.parse());
    address.ok().map(|a| a.to_canonical())
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}
