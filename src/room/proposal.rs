//! What is asked to be put into a room's log.

use std::time::Duration;

use super::members::Member;
use super::record::{Content, MessageChange, Published};
use crate::domain::{ClientId, MessageText};

/// Something that is to be put into a log.
#[derive(Debug, Clone)]
pub enum Proposal {
    /// A message.
    Message {
        /// The text.
        text: MessageText,
        /// The sender's idempotency key.
        client_id: Option<ClientId>,
        /// Id of the message that it answers, which must be in the log.
        reply_to: Option<u64>,
    },
    /// A change to a message.
    Change(ProposedChange),
}

/// A change to a message that is asked for.
#[derive(Debug, Clone)]
pub struct ProposedChange {
    /// Id of the message.
    pub of: u64,
    /// What is to change.
    pub change: MessageChange,
    /// The author may delete messages of others.
    pub by_moderator: bool,
    /// How old a message may be that is edited.
    pub edit_window: Duration,
}

/// What becomes of a proposal.
#[derive(Debug)]
pub enum Verdict {
    /// It is to be appended.
    Append {
        /// Its author: of several users who react, the last.
        author: Member,
        /// What it is in the log.
        content: Content,
    },
    /// It is in the log already.
    Known(Published),
}

impl Proposal {
    /// Bytes of its text.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Message { text, .. } => text.as_str().len(),
            Self::Change(proposed) => proposed.change.text().map_or(0, str::len),
        }
    }

    /// What it is in the log.
    #[must_use]
    pub fn into_content(self) -> Content {
        match self {
            Self::Message {
                text,
                client_id,
                reply_to,
            } => Content::Message {
                text: text.shared(),
                client_id: client_id.map(|client_id| client_id.shared()),
                edited_ms: None,
                reply_to,
            },
            Self::Change(ProposedChange { of, change, .. }) => Content::Changed { of, change },
        }
    }
}
