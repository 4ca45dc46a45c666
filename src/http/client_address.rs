//! The client's address of a request: the peer's or, if the peer is a trusted proxy, the one that the
//! proxy names.
//!
//! `X-Forwarded-For` is a list to which each proxy appends its peer. Read from the right, the first
//! address that is not a trusted proxy is the client's. Everything left of it may be forged.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::peer::network_of;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address behind `peer`.
#[must_use]
pub fn client_of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    let mut client = peer;
    let lines = headers.get_all(FORWARDED_FOR).into_iter();
    // As bytes: a client may have sent something that is not text, which must not hide what a proxy
    // appended.
    let lines: Vec<&[u8]> = lines.map(|line| line.as_bytes()).collect();
    for hop in lines
        .iter()
        .rev()
        .flat_map(|line| line.rsplit(|&b| b == b','))
    {
        // A trusted proxy appends addresses only.
        let Some(address) = address_of(hop) else {
            return client;
        };
        client = address;
        if !is_trusted(&client) {
            return client;
        }
    }
    client
}

/// The client's network of a request; `None` if its listener does not name the peer.
#[must_use]
pub fn network_behind(request: &Request, trusted: &[IpNet]) -> Option<IpAddr> {
    let &ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let client = client_of(peer.ip(), request.headers(), trusted);
    Some(network_of(client))
}

/// An address, with or without a port, as proxies write it.
fn address_of(hop: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(hop).ok()?.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[impl AsRef<[u8]>], trusted: &[&str]) -> String {
        let ip = |text: &str| {
            text.parse::<IpAddr>()
                .unwrap_or_else(|e| panic!("{text}: {e}"))
        };
        let net = |text: &&str| {
            text.parse::<IpNet>()
                .unwrap_or_else(|e| panic!("{text}: {e}"))
        };
        let mut headers = HeaderMap::new();
        for line in forwarded {
            let value = axum::http::HeaderValue::from_bytes(line.as_ref());
            headers.append(FORWARDED_FOR, value.unwrap_or_else(|e| panic!("{e}")));
        }
        let trusted: Vec<IpNet> = trusted.iter().map(net).collect();
        client_of(ip(peer), &headers, &trusted).to_string()
    }

    #[test]
    fn an_untrusted_peer_names_no_client() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(
            client("192.0.2.1", &["198.51.100.7"], &["10.0.0.0/8"]),
            "192.0.2.1"
        );
    }

    #[test]
    fn the_nearest_hop_that_is_no_proxy_is_the_client() {
        let proxies = ["10.0.0.0/8", "fd00::/8"];
        let cases: [(&[&str], &str); 8] = [
            (&["198.51.100.7"], "198.51.100.7"),
            (&["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
            (&["6.6.6.6, 198.51.100.7, 10.1.1.1"], "198.51.100.7"),
            (
                &["6.6.6.6", "198.51.100.7,10.1.1.1", "fd00::1"],
                "198.51.100.7",
            ),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            (&["10.2.2.2"], "10.2.2.2"),
        ];
        for (forwarded, expected) in cases {
            assert_eq!(
                client("10.0.0.1", forwarded, &proxies),
                expected,
                "{forwarded:?}"
            );
        }
    }

    #[test]
    fn nonsense_from_behind_a_proxy_stays_with_the_proxy() {
        let hops = "1.1.1.1,".repeat(100) + "unknown";
        for forwarded in ["", ",", "unknown", "' or 1=1", "\u{e9}", &hops, "999.1.1.1"] {
            assert_eq!(
                client("10.0.0.1", &[forwarded], &["10.0.0.1/32"]),
                "10.0.0.1"
            );
        }
    }

    /// A proxy appends to what its client sent, whatever bytes that is.
    #[test]
    fn bytes_that_are_no_text_hide_no_address() {
        for sent in [&b"\xff"[..], b"\xc3\xa9, 6.6.6.6", b"\x80\x80,,"] {
            let line = [sent, b", 198.51.100.7"].concat();
            assert_eq!(
                client("10.0.0.1", &[line], &["10.0.0.0/8"]),
                "198.51.100.7",
                "{sent:?}"
            );
        }
    }

    #[test]
    fn an_old_address_in_a_new_one_is_itself() {
        assert_eq!(
            client("::ffff:10.0.0.1", &["198.51.100.7"], &["10.0.0.0/8"]),
            "198.51.100.7"
        );
    }
}
