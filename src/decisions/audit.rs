//! The audit log: who did what to whom, when, why, and from where.

use serde::{Deserialize, Serialize};

/// Most lines in one page.
pub const AUDIT_PAGE_MAX: usize = 200;

/// One line of the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Its number, which the store assigns: a later line has a greater one.
    #[serde(default)]
    pub id: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What was done, as `moderate` names it.
    pub action: String,
    /// The `user_id` of the one who did it.
    pub actor: String,
    /// The name that the actor went by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    /// The network that the actor was connected from, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The room it was done in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// The `user_id` of the one it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The name that user went by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The message it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<u64>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// What was set: a topic, the seconds of slow mode, on or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl AuditLine {
    /// The line as a store keeps it.
    #[must_use]
    pub fn to_json(&self) -> String {
        crate::json::raw(self).get().to_owned()
    }

    /// Reads what [`Self::to_json`] wrote, as line `id`; `None` if it is nothing of the kind.
    #[must_use]
    pub fn from_json(json: &str, id: u64) -> Option<Self> {
        let line: Self = serde_json::from_str(json).ok()?;
        Some(Self { id, ..line })
    }
}

/// Some lines of the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// Newest first.
    pub lines: Vec<AuditLine>,
    /// Whether there are older ones.
    pub more: bool,
}
