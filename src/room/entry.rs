//! One entry of a room's log.

use std::sync::Arc;
use std::time::Instant;

use serde_json::value::RawValue;

use crate::protocol::{ChangeKind, event};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A chat message: part of history.
    Message,
    /// A message that was deleted: part of history, but not sent.
    Tombstone,
    /// A change to the message `of`: sent like a message, not part of history.
    Change {
        /// Id of the message.
        of: u64,
        /// What has changed.
        what: ChangeKind,
    },
    /// The newest reaction with an emoji to the message `of`: sent like a change.
    Reaction {
        /// Id of the message.
        of: u64,
        /// Distinguishes the emoji.
        emoji: u64,
    },
    /// A join, leave or rename: sent to connected members, not part of history.
    Notice,
}

impl EntryKind {
    /// The event that carries an entry of this kind.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Message | Self::Tombstone => event::RECEIVE_MESSAGE,
            Self::Change { .. } | Self::Reaction { .. } => event::MESSAGE_CHANGED,
            Self::Notice => event::SYSTEM_MESSAGE,
        }
    }

    /// Whether it is a message, deleted or not.
    #[must_use]
    pub const fn is_message(self) -> bool {
        matches!(self, Self::Message | Self::Tombstone)
    }

    /// Whether a later change to the same message makes this one obsolete.
    #[must_use]
    pub fn is_superseded_by(self, later: Self) -> bool {
        match (self, later) {
            // Nothing follows a deletion.
            (
                Self::Change { of, .. } | Self::Reaction { of, .. },
                Self::Change {
                    of: later,
                    what: ChangeKind::Deleted,
                },
            ) => of == later,
            // Both are about the text, or both about whether it is pinned.
            (
                Self::Change { of, what },
                Self::Change {
                    of: later,
                    what: later_what,
                },
            ) => of == later && is_pin(what) == is_pin(later_what),
            (Self::Reaction { .. }, Self::Reaction { .. }) => self == later,
            _ => false,
        }
    }
}

const fn is_pin(what: ChangeKind) -> bool {
    matches!(what, ChangeKind::Pinned | ChangeKind::Unpinned)
}

/// One entry of the log, shared by all its readers.
#[derive(Debug)]
pub struct Entry {
    /// Position in the room.
    pub id: u64,
    /// Message, change or notice.
    pub kind: EntryKind,
    /// The wire payload.
    pub payload: Box<RawValue>,
    /// When it came into the log.
    pub published: Instant,
    /// Of a message or a change with an idempotency key.
    pub key: Option<DedupKey>,
}

/// A sender and an idempotency key of that sender's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DedupKey {
    user_id: Arc<str>,
    client_id: Arc<str>,
}

impl DedupKey {
    /// The key `client_id` of the user `user_id`.
    #[must_use]
    pub const fn new(user_id: Arc<str>, client_id: Arc<str>) -> Self {
        Self { user_id, client_id }
    }
}
