//! `session`: who a connection is, and the limits it lives under.

use serde::Serialize;
use utoipa::ToSchema;

/// `session`
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionInfo<'a> {
    /// Proof of this identity for a later CONNECT.
    pub token: &'a str,
    /// Who this connection is to others.
    pub user_id: &'a str,
    /// Why a presented token was not honoured; absent if it was honoured or none was presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What the server accepts.
    pub limits: &'a Limits,
    /// What the server is.
    pub server: ServerInfo,
    /// What this user may do to others.
    pub role: &'static str,
    /// Whether clients need a token: `open` or `required`.
    pub auth: &'static str,
    /// The only name that the token allows; absent if it allows any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
}

/// `token_expiring`
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct TokenExpiring {
    /// When the connection ends, in milliseconds.
    pub expires_in_ms: u64,
}

/// `session.limits`: what a client can check before it sends. 0 = not limited.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Limits {
    /// Graphemes in a message.
    pub message_max_chars: usize,
    /// UTF-8 bytes in a message.
    pub message_max_bytes: usize,
    /// Messages a second, on average.
    pub message_rate: u32,
    /// Messages in a burst.
    pub message_burst: u32,
    /// Joins and pages of history a second, on average.
    pub history_rate: u32,
    /// Joins and pages of history in a burst.
    pub history_burst: u32,
    /// Other requests a second, on average.
    pub request_rate: u32,
    /// Other requests in a burst.
    pub request_burst: u32,
    /// Bytes of answers a second, on average.
    pub answer_bytes_rate: u32,
    /// Bytes of answers in a burst.
    pub answer_bytes_burst: u32,
    /// Graphemes in a name.
    pub username_max_chars: usize,
    /// UTF-8 bytes in a name.
    pub username_max_bytes: usize,
    /// Characters in a `client_id`.
    pub client_id_max_chars: usize,
    /// Messages of a room in which a `client_id` is remembered.
    pub client_id_window: usize,
    /// Requests that may wait to be handled before `busy`.
    pub mailbox: usize,
    /// Messages in one page of history.
    pub history_page_max: usize,
    /// Users in one page of the room's users.
    pub users_page_max: usize,
    /// Bytes in one packet from a client.
    pub payload_max_bytes: u64,
    /// How long a page is hidden before it closes its connection, in milliseconds; 0 = it never does.
    pub park_after_ms: u64,
    /// How long a message may be edited, in milliseconds; 0 = never.
    pub edit_window_ms: u64,
}

/// What clients may use, by name, so that they can do without where an older server lacks it.
pub const FEATURES: &[&str] = &["replies", "reactions"];

/// `session.server`
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ServerInfo {
    /// `hubbub`
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it can do beyond the first release: names from `FEATURES`.
    pub features: &'static [&'static str],
}
