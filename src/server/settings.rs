//! What the parts are set to, by the configuration.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, SecretKey};
use crate::domain::{TextLimits, client_id, username};
use crate::http::api::state::Setting;
use crate::protocol::{HISTORY_PAGE_MAX, Limits, USERS_MAX};
use crate::rate::Rate;
use crate::room::LogBounds;
use crate::room::log::NOTICES_MAX;
use crate::session::budget::{self, Rates};
use crate::session::{HoldSettings, Identities, SessionSettings};
use crate::socket::CONNECT_BURST_SECONDS;
use crate::webhooks::WebhooksSettings;

/// UTF-8 bytes a message may have for each character it may have. Most scripts need three, most
/// emoji four; a limit by characters alone would let one character be megabytes of accents.
const BYTES_PER_CHAR: usize = 4;
/// UTF-8 bytes a message may have where its characters are not limited.
const MESSAGE_BYTES_UNLIMITED: usize = 64 * 1024;
/// JSON may escape one byte of text as six (`\u0009`), and a packet is more than its text.
const ESCAPED_BYTES_PER_BYTE: usize = 6;
/// The rest of a packet beside its text.
const PACKET_BYTES: usize = 4096;
/// Bytes a packet may have at least, whatever a message may: a user who pastes a megabyte into the
/// page gets the error `text_too_long` and keeps the connection, which needs the packet to be read.
const PAYLOAD_BYTES_MIN: usize = 1_100_000;
/// Requests other than messages may come this many times as fast: joins and history in a budget of
/// their own, so that other requests do not delay a client that resumes.
const REQUESTS_PER_MESSAGE: u32 = 4;
/// How long a user must have been a member for the room not to bound their being away, if PARK_AFTER
/// is 0. A page that parks has been in the room for PARK_AFTER.
const AWAY_SETTLED: Duration = Duration::from_secs(60);

/// Where the rooms are kept.
pub const fn store_name(config: &Config) -> &'static str {
    match (&config.redis_url, &config.data_dir) {
        (Some(_), _) => "redis",
        (None, Some(_)) => "disk",
        (None, None) => "memory",
    }
}

/// The settings in force, as the HTTP API shows them.
pub fn shown(config: &Config) -> Arc<[Setting]> {
    let shown = |setting: &crate::config::Setting| Setting {
        name: setting.name.clone(),
        group: setting.group.clone(),
        value: setting.value.clone(),
        secret: setting.secret,
        source: setting.source.as_str(),
        help: setting.help.clone(),
    };
    config.settings.iter().map(shown).collect()
}

/// The limits that clients receive in `session`.
pub fn limits(config: &Config) -> Limits {
    let message_max_bytes = match config.message_max_chars {
        0 => MESSAGE_BYTES_UNLIMITED,
        chars => chars.saturating_mul(BYTES_PER_CHAR),
    };
    let payload_max_bytes = message_max_bytes
        .saturating_mul(ESCAPED_BYTES_PER_BYTE)
        .saturating_add(PACKET_BYTES)
        .max(PAYLOAD_BYTES_MIN);
    Limits {
        message_max_chars: config.message_max_chars,
        message_max_bytes,
        message_rate: config.message_rate,
        message_burst: config.message_burst,
        history_rate: config.message_rate.saturating_mul(REQUESTS_PER_MESSAGE),
        history_burst: config.message_burst.saturating_mul(REQUESTS_PER_MESSAGE),
        request_rate: config.message_rate.saturating_mul(REQUESTS_PER_MESSAGE),
        request_burst: config.message_burst.saturating_mul(REQUESTS_PER_MESSAGE),
        answer_bytes_rate: if config.message_rate == 0 {
            0
        } else {
            budget::ANSWERS.0
        },
        answer_bytes_burst: budget::ANSWERS.1,
        username_max_chars: username::CHARS_MAX,
        username_max_bytes: username::BYTES_MAX,
        client_id_max_chars: client_id::CHARS_MAX,
        client_id_window: config.history_messages,
        mailbox: config.mailbox,
        history_page_max: HISTORY_PAGE_MAX,
        users_page_max: USERS_MAX,
        payload_max_bytes: payload_max_bytes as u64,
        park_after_ms: u64::try_from(config.park_after.as_millis()).unwrap_or(u64::MAX),
        edit_window_ms: u64::try_from(config.edit_window.as_millis()).unwrap_or(u64::MAX),
    }
}

pub fn log_bounds(config: &Config, archived: bool) -> LogBounds {
    LogBounds {
        archived,
        messages_max: config.history_messages,
        bytes_max: config.history_bytes,
        notices_max: NOTICES_MAX,
        keep_for: config.slow_timeout.unwrap_or_default(),
    }
}

/// What tokens are made and verified with.
pub fn identities(config: &Config, secret_key: &SecretKey) -> Identities {
    let settings = &config.identity;
    let identities = Identities::new(secret_key.as_bytes())
        .with_auth(settings.auth)
        .with_jwt(settings.jwt.clone());
    match &settings.admin_token {
        Some(token) => identities.with_admin_token(token),
        None => identities,
    }
}

pub fn session_settings(config: &Config, limits: &Limits) -> SessionSettings {
    SessionSettings {
        inbox_max: config.mailbox,
        text: TextLimits {
            chars_max: limits.message_max_chars,
            bytes_max: limits.message_max_bytes,
        },
        rates: Rates::new(
            Rate::new(limits.message_rate, limits.message_burst),
            Rate::new(limits.history_rate, limits.history_burst),
            Rate::new(limits.request_rate, limits.request_burst),
        )
        .map(|rates| rates.with_newcomers(config.newcomer_rate)),
        users_per_address: users_per_address(config),
        limits: limits.clone(),
        hold: HoldSettings {
            resume_grace: config.resume_grace,
            away_grace: config.away_grace,
            away_settled: if config.park_after.is_zero() {
                AWAY_SETTLED
            } else {
                config.park_after
            },
            held_max: config.max_connections,
        },
        reserved_names: config.reserved_names.clone(),
        audit_retention: config.audit_retention,
    }
}

/// What webhooks may reach, and how long deliveries are tried.
pub fn webhooks(config: &Config) -> WebhooksSettings {
    WebhooksSettings {
        allowed: config.webhook_allow.clone(),
        retry_for: config.webhook_retry_for,
    }
}

/// How many messages a room accepts. Its burst has room for the bursts of two users, whatever the
/// rate.
pub fn ceiling(config: &Config) -> Option<Rate> {
    let burst = config.room_rate.max(config.message_burst.saturating_mul(2));
    Rate::new(config.room_rate, burst).filter(|_| config.message_rate != 0)
}

/// How many users may share one address, if that is limited.
fn users_per_address(config: &Config) -> Option<NonZeroU32> {
    let at_once = u32::try_from(config.max_connections_per_ip).unwrap_or(u32::MAX);
    let by_rate = config
        .connect_rate_per_ip
        .saturating_mul(CONNECT_BURST_SECONDS);
    NonZeroU32::new(at_once).or(NonZeroU32::new(by_rate))
}
