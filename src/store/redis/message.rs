//! What a session asks to be put into Redis.

use std::borrow::Cow;

use crate::domain::ClientId;
use crate::room::{
    Arrival, LogPosition, Member, MemberId, MessageChange, Proposal, ProposedChange, Reaction,
    said_by_edit,
};

/// A message, or a change to one, on its way into a log.
#[derive(Debug)]
pub struct Message {
    /// How far the log is known.
    pub position: LogPosition,
    /// The author's membership, if the author is a member.
    pub id: Option<MemberId>,
    /// The author.
    pub member: Member,
    /// The message, or the change.
    pub proposal: Proposal,
}

impl Message {
    /// The author's idempotency key.
    pub fn client_id(&self) -> Option<&str> {
        match &self.proposal {
            Proposal::Message { client_id, .. } => client_id.as_ref().map(ClientId::as_str),
            Proposal::Change(proposed) => proposed.change.client_id().map(|id| &**id),
        }
    }

    /// The message and the reaction to it, if it is one.
    pub fn reaction(&self) -> Option<(u64, &Reaction)> {
        match &self.proposal {
            Proposal::Change(ProposedChange { of, change, .. }) => Some((*of, change.reaction()?)),
            Proposal::Message { .. } => None,
        }
    }

    /// The message that is to be pinned or taken down, and the change, if it is that.
    pub const fn pin(&self) -> Option<(u64, &MessageChange)> {
        match &self.proposal {
            Proposal::Change(ProposedChange {
                of,
                change: change @ MessageChange::Pinned { .. },
                ..
            }) => Some((*of, change)),
            _ => None,
        }
    }

    /// What distinguishes it from another one with the same key.
    pub fn said(&self) -> Cow<'_, str> {
        match &self.proposal {
            Proposal::Message { text, .. } => text.as_str().into(),
            Proposal::Change(ProposedChange { of, change, .. }) => {
                said_by_edit(*of, change.text().unwrap_or_default()).into()
            }
        }
    }
}

/// A user on the way into a room.
#[derive(Debug)]
pub struct Joining {
    /// How far the log is known.
    pub position: LogPosition,
    /// The membership to be.
    pub id: MemberId,
    /// The user, and the name.
    pub member: Member,
}

impl From<Arrival<'_>> for Joining {
    fn from(arrival: Arrival<'_>) -> Self {
        Self {
            position: arrival.position,
            id: arrival.id,
            member: arrival.member,
        }
    }
}
