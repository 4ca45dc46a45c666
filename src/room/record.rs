//! An entry of a room's log as its store has it.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::log::EntryKind;
use super::members::{Member, MemberId};
use super::room::Room;
use crate::clock;
use crate::domain::Username;
use crate::protocol::NoticeKind;

/// The largest id: every JSON reader has it exactly (RFC 8259, section 6), and counting on from it
/// overflows nowhere.
pub const ID_MAX: u64 = (1 << 53) - 1;

/// An entry of a log.
#[derive(Debug, Clone)]
pub struct Record {
    /// The log's incarnation in which it was written.
    pub epoch: Arc<str>,
    /// Its position.
    pub id: u64,
    /// The user it is from or about.
    pub member: Member,
    /// The user's membership.
    pub member_id: MemberId,
    /// When it was accepted, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What it says.
    pub content: Content,
    /// For a message, the id of the one before it; `None` if its writer did not note that.
    pub previous: Option<u64>,
}

/// What an entry says.
#[derive(Debug, Clone)]
pub enum Content {
    /// A message.
    Message {
        /// Its text.
        text: Arc<str>,
        /// The sender's idempotency key.
        client_id: Option<Arc<str>>,
    },
    /// The user joined.
    Joined,
    /// The user left.
    Left,
    /// The user changed their name.
    Renamed {
        /// The name before.
        before: Username,
    },
}

impl Room {
    /// The kind of a record and its wire payload.
    pub(super) fn render(&self, record: &Record) -> (EntryKind, Box<RawValue>) {
        let at = clock::rfc3339(record.at_ms);
        let notice = |kind, before: Option<&Username>| {
            let payload = self.notice(Some(record.id), kind, &record.member, before, &at);
            (EntryKind::Notice, payload)
        };
        match &record.content {
            Content::Message { text, client_id } => {
                let client_id = client_id.as_deref();
                let payload = self.message(record.id, &record.member, text, &at, client_id);
                (EntryKind::Message, payload)
            }
            Content::Joined => notice(NoticeKind::Joined, None),
            Content::Left => notice(NoticeKind::Left, None),
            Content::Renamed { before } => notice(NoticeKind::Renamed, Some(before)),
        }
    }
}
