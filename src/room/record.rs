//! A room's log as its store has it: its entries, and how far a process has it.

use std::fmt;
use std::sync::Arc;

use super::log::Kept;
use super::members::{Member, MemberId};
use super::reactions::Reaction;
use crate::domain::{RequestError, RoomName, Username};
use crate::protocol::ChangeKind;

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

impl Record {
    /// Bytes of its text; 0 if it is no message.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        match &self.content {
            Content::Message { text, .. } => text.len(),
            _ => 0,
        }
    }
}

/// What an entry says.
#[derive(Debug, Clone)]
pub enum Content {
    /// A message, in its newest state.
    Message {
        /// Its text.
        text: Arc<str>,
        /// The sender's idempotency key.
        client_id: Option<Arc<str>>,
        /// When it was last edited, in milliseconds since the Unix epoch.
        edited_ms: Option<i64>,
        /// Id of the message that it answers.
        reply_to: Option<u64>,
    },
    /// A message that was deleted.
    Tombstone {
        /// The sender's idempotency key.
        client_id: Option<Arc<str>>,
    },
    /// A change to a message.
    Changed {
        /// Id of the message.
        of: u64,
        /// What has changed.
        change: MessageChange,
    },
    /// The user joined.
    Joined,
    /// The user left.
    Left,
    /// The user was removed by a moderator.
    Removed,
    /// The user changed their name.
    Renamed {
        /// The name before.
        before: Username,
    },
}

/// What has changed of a message.
#[derive(Clone, PartialEq, Eq)]
pub enum MessageChange {
    /// It has another text.
    Edited {
        /// The new text.
        text: Arc<str>,
        /// The editor's idempotency key.
        client_id: Option<Arc<str>>,
    },
    /// It is deleted.
    Deleted,
    /// Users have reacted to it, or taken that back.
    Reacted(Reaction),
    /// A moderator has pinned it, or taken it down.
    Pinned {
        /// Which of the two.
        on: bool,
    },
}

impl MessageChange {
    /// What has changed, as clients know it.
    #[must_use]
    pub const fn kind(&self) -> ChangeKind {
        match self {
            Self::Edited { .. } => ChangeKind::Edited,
            Self::Deleted => ChangeKind::Deleted,
            Self::Reacted(Reaction { on: true, .. }) => ChangeKind::Reacted,
            Self::Reacted(Reaction { on: false, .. }) => ChangeKind::Unreacted,
            Self::Pinned { on: true } => ChangeKind::Pinned,
            Self::Pinned { on: false } => ChangeKind::Unpinned,
        }
    }

    /// The new text of an edit.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Edited { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The idempotency key.
    #[must_use]
    pub const fn client_id(&self) -> Option<&Arc<str>> {
        match self {
            Self::Edited { client_id, .. } => client_id.as_ref(),
            _ => None,
        }
    }

    /// Whether it changes what the message says.
    #[must_use]
    pub const fn is_about_text(&self) -> bool {
        matches!(self, Self::Edited { .. } | Self::Deleted)
    }

    /// The reaction that it is, if it is one.
    #[must_use]
    pub const fn reaction(&self) -> Option<&Reaction> {
        match self {
            Self::Reacted(reaction) => Some(reaction),
            _ => None,
        }
    }
}

// Without the text, so that no message reaches a log.
impl fmt::Debug for MessageChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}

/// A message or a change that is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its id.
    pub id: u64,
    /// When it was accepted, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// It had been accepted before, under the same idempotency key.
    pub duplicate: bool,
}

impl Published {
    /// The same for a retry of that message; `conflict` if the retry has another text.
    ///
    /// # Errors
    /// `conflict`.
    pub fn again(self, is_same: bool) -> Result<Self, RequestError> {
        let duplicate = Self {
            duplicate: true,
            ..self
        };
        is_same
            .then_some(duplicate)
            .ok_or_else(RequestError::conflict)
    }
}

/// How far a room's log is known in this process.
#[derive(Debug, Clone)]
pub struct LogPosition {
    /// The room.
    pub room: RoomName,
    /// The log's incarnation.
    pub epoch: Arc<str>,
    /// Id of its newest entry. The log must never continue below it.
    pub head: u64,
    /// What of it is in memory here.
    pub kept: Kept,
}
