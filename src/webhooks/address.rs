//! Which addresses a webhook may connect to: public ones, and what WEBHOOK_ALLOW lists.
//!
//! Everything else is refused: an administrator of the chat must not reach the network behind the
//! server with it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// What webhooks may reach besides public addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedTargets {
    /// Networks.
    pub networks: Vec<IpNet>,
    /// Names of hosts, in small letters. Whatever they resolve to is allowed.
    pub hosts: Vec<String>,
}

impl AllowedTargets {
    /// Whether a connection to this address may be made.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address)
            || self
                .networks
                .iter()
                .any(|network| network.contains(&address))
    }

    /// Whether a host is allowed by its name.
    #[must_use]
    pub fn allows_host(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        self.hosts
            .iter()
            .any(|host| host.eq_ignore_ascii_case(name))
    }
}

/// Whether an address belongs to the internet, and not to a machine, a network or a document.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// What is not in the registry of special-purpose addresses (RFC 6890).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network, loopback, reserved for later and broadcast.
        [0 | 127 | 240..=255, ..] => true,
        // Private.
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => true,
        // Shared by the customers of a provider.
        [100, 64..=127, ..] => true,
        // Link-local, where clouds have their metadata.
        [169, 254, ..] => true,
        // Protocol assignments, the relays of 6to4, benchmarks.
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] => true,
        // Documentation.
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        // Multicast.
        [224..=239, ..] => true,
        _ => false,
    };
    !special
}

/// Only what is assigned to the internet, of that nothing special, and of addresses that have one
/// of IPv4 in them those whose IPv4 address is public.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // NAT64, and 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            is_public_v4(embedded(high, low))
        }
        // Teredo, benchmarks, ORCHID and other assignments to protocols.
        [0x2001, 0..=0x1ff, ..] => false,
        // Documentation.
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // ISATAP has an address of IPv4 at its end.
        [.., 0 | 0x200, 0x5efe, high, low] if !is_public_v4(embedded(high, low)) => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn addresses_of_machines_and_networks_are_not_public() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.255.255.255",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "2600::5efe:10.0.0.1",
            "2600::200:5efe:127.0.0.1",
        ] {
            assert!(!is_public(parse(text)), "{text}");
        }
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00::1",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(parse(text)), "{text}");
        }
    }

    #[test]
    fn what_is_listed_is_allowed_besides() {
        let allowed = AllowedTargets {
            networks: vec!["10.1.0.0/16".parse().unwrap_or_else(|e| panic!("{e}"))],
            hosts: vec!["ci.internal".to_owned()],
        };
        for (address, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.1", false),
            ("8.8.8.8", true),
            ("::1", false),
        ] {
            assert_eq!(allowed.allows(parse(address)), expected, "{address}");
        }
        assert!(allowed.allows_host("CI.Internal."));
        assert!(!allowed.allows_host("x.ci.internal"));
    }

    proptest! {
        /// Every way to write an address of IPv4 as one of IPv6 is as public as the address itself.
        #[test]
        fn no_form_of_an_address_makes_it_public(bits: u32, rest: u64) {
            let v4 = Ipv4Addr::from_bits(bits);
            let [high, low] = [bits >> 16, bits & 0xffff].map(|part| part as u16);
            let forms = [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::from_bits(
                    u128::from(0x2002_u16) << 112 | u128::from(bits) << 80 | u128::from(rest),
                ),
            ];
            for form in forms {
                prop_assert_eq!(is_public(form.into()), is_public(v4.into()), "{}", form);
            }
            prop_assert!(!is_public(v4.to_ipv6_compatible().into()));
        }

        #[test]
        fn the_standard_library_agrees(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let special = v4.is_loopback() || v4.is_private() || v4.is_link_local()
                || v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified()
                || v4.is_documentation();
            prop_assert!(!special || !is_public(v4.into()), "{}", v4);
        }

        #[test]
        fn of_ipv6_only_the_internet_is_public(bits: u128) {
            let v6 = Ipv6Addr::from_bits(bits);
            if is_public(v6.into()) && v6.to_ipv4_mapped().is_none() {
                prop_assert!(
                    !v6.is_loopback() && !v6.is_unique_local() && !v6.is_multicast()
                        && !v6.is_unicast_link_local() && !v6.is_unspecified(),
                    "{}", v6
                );
            }
        }
    }
}
