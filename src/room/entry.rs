//! One entry of a room's log.

use std::sync::Arc;
use std::time::Instant;

use serde_json::value::RawValue;

use crate::protocol::event;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A chat message: part of history.
    Message,
    /// A join, leave or rename: sent to connected members, not part of history.
    Notice,
}

impl EntryKind {
    /// The event that carries an entry of this kind.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Message => event::RECEIVE_MESSAGE,
            Self::Notice => event::SYSTEM_MESSAGE,
        }
    }
}

/// One entry of the log, shared by all its readers.
#[derive(Debug)]
pub struct Entry {
    /// Position in the room.
    pub id: u64,
    /// Message or notice.
    pub kind: EntryKind,
    /// The wire payload.
    pub payload: Box<RawValue>,
    /// When it came into the log.
    pub published: Instant,
    /// Of a message with an idempotency key.
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
