//! What is kept of webhooks, in both directions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is kept of a webhook, by the kind of its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Integration {
    /// Of [`DecisionKey::Webhook`](super::DecisionKey::Webhook).
    Webhook(Webhook),
    /// Of [`DecisionKey::WebhookCursor`](super::DecisionKey::WebhookCursor).
    Cursor(LogCursor),
    /// Of [`DecisionKey::WebhookProgress`](super::DecisionKey::WebhookProgress).
    Progress(WebhookProgress),
    /// Of [`DecisionKey::Hook`](super::DecisionKey::Hook).
    Hook(Hook),
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// An outgoing webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Where entries are sent. Never logged, because some receivers are known by their address
    /// alone.
    pub url: Secret,
    /// What they are signed with, as Standard Webhooks writes it.
    pub secret: Secret,
    /// The rooms; `None` = all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rooms: Option<Vec<String>>,
    /// Which kinds of entries, as the payload's `type` names them.
    pub events: Vec<String>,
    /// Nothing is delivered until an administrator resumes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
}

/// Since when, and why, nothing is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// In milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// For people.
    pub reason: String,
}

/// A position in a room's log: everything up to it has been delivered, or is not wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCursor {
    /// The log's incarnation.
    pub epoch: String,
    /// Id of an entry.
    pub id: u64,
}

/// How deliveries to a webhook go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookProgress {
    /// Entries that were delivered since the webhook was made.
    pub delivered: u64,
    /// Since when one delivery fails, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since_ms: Option<i64>,
    /// Attempts at that delivery.
    #[serde(default)]
    pub attempts: u32,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When the next attempt comes, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_ms: Option<i64>,
}

/// An incoming webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The room it posts to.
    pub room: String,
    /// The name that its messages have unless they name another.
    pub username: String,
    /// SHA-256 of its key, in hexadecimal digits. The key itself is not kept.
    pub key_sha256: String,
}
