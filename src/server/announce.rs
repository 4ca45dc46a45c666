//! What the log says when the service starts.

use super::settings::store_name;
use crate::config::{Config, KeySource, SecretKey};

/// Says which policies are in force; never a secret.
pub fn announce(config: &Config, secret_key: &SecretKey) {
    let store = store_name(config);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        rooms = config.rooms.len(),
        origins = %config.allowed_origins,
        message_rate = config.message_rate,
        message_burst = config.message_burst,
        room_rate = config.room_rate,
        memory_budget = config.memory_budget,
        connections_max = config.max_connections,
        connections_max_per_ip = config.max_connections_per_ip,
        connect_rate_per_ip = config.connect_rate_per_ip,
        keep_alive_ms = config.keep_alive.as_millis(),
        trusted_proxies = ?config.trusted_proxies,
        unique_names = config.unique_names,
        auth = config.identity.auth.as_str(),
        jwt = !config.identity.jwt.is_empty(),
        admin_token = config.identity.admin_token.is_some(),
        store,
        reserved_names = %config.reserved_names,
        drain_timeout_ms = config.drain_timeout.as_millis(),
        "starting"
    );
    if let Some(host) = config.host {
        let (grace, drain) = (host.grace, host.drain_timeout);
        tracing::info!(
            "{} kills a process {grace:?} after asking it to stop: DRAIN_TIMEOUT is {drain:?}; give \
             another if it waits for longer",
            host.name
        );
    }
    if config.exit_when_idle.is_some() && store == "memory" {
        tracing::warn!(
            "EXIT_WHEN_IDLE without DATA_DIR or REDIS_URL: the rooms are in memory, and lost with \
             each exit"
        );
    }
    if store == "memory" && config.identity.admin_token.is_some() {
        tracing::info!(
            "bans, mutes and the audit log are in memory, and last as long as this process"
        );
    }
    match secret_key.source() {
        KeySource::Given | KeySource::Kept => {}
        KeySource::GivenShort => tracing::warn!(
            "SECRET_KEY is shorter than 32 bytes, which weakens what it signs: make one with \
             `openssl rand -hex 32`"
        ),
        KeySource::Random => tracing::warn!(
            "SECRET_KEY is not set: using a random one, so identities end with this process"
        ),
    }
}
