//! What a session asks to be put into Redis.

use crate::domain::{ClientId, MessageText};
use crate::room::{Arrival, LogPosition, Member, MemberId};

/// A message on its way into a log.
#[derive(Debug)]
pub struct Message {
    /// How far the log is known.
    pub position: LogPosition,
    /// The sender's membership.
    pub id: MemberId,
    /// The sender.
    pub member: Member,
    /// The text.
    pub text: MessageText,
    /// The sender's idempotency key.
    pub client_id: Option<ClientId>,
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
