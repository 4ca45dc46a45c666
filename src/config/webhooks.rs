//! The settings of outgoing webhooks.

use std::net::IpAddr;

use clap::Args;
use ipnet::IpNet;
use url::Host;

use crate::webhooks::AllowedTargets;

/// A part of [`Raw`](super::raw::Raw).
#[derive(Debug, Args)]
pub(super) struct WebhooksRaw {
    /// What webhooks may reach besides public addresses: addresses, networks and names of hosts,
    /// separated by commas, like `10.1.0.0/16,ci.internal`
    #[arg(
        long,
        help_heading = "Webhooks",
        env = "WEBHOOK_ALLOW",
        default_value = "",
        value_name = "TARGETS"
    )]
    pub(super) webhook_allow: String,

    /// How long one delivery is tried before its webhook is paused; 0 = the first failure pauses it
    #[arg(
        long,
        help_heading = "Webhooks",
        env = "WEBHOOK_RETRY_FOR",
        default_value = "24h",
        value_name = "TIME"
    )]
    pub(super) webhook_retry_for: String,
}

/// Reads a list of networks and hosts. Gives what is neither to `refuse`.
pub(super) fn allowed<'a>(
    items: impl Iterator<Item = &'a str>,
    mut refuse: impl FnMut(&str),
) -> AllowedTargets {
    let mut allowed = AllowedTargets::default();
    for item in items {
        let network = item.parse::<IpAddr>().map(IpNet::from);
        match network.or_else(|_| item.parse::<IpNet>()) {
            Ok(network) => allowed.networks.push(network),
            // As URLs have them: small letters, other scripts in Punycode.
            Err(_) => match Host::parse(item) {
                Ok(Host::Domain(name)) => {
                    allowed.hosts.push(name.trim_end_matches('.').to_owned());
                }
                _ => refuse(item),
            },
        }
    }
    allowed
}
