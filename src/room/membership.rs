//! Being a member of a room: what a joiner holds, and by dropping it leaves.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::members::MemberId;
use super::names::NameClaim;
use super::readers::{Reader, Seat};
use super::room::{Published, Room};
use crate::domain::{ClientId, MessageText, Refusal, Username};

/// What a join gave.
#[derive(Debug)]
pub struct Joined {
    /// The membership: dropping it is leaving.
    pub membership: Membership,
    /// The last id before the join: what comes after it, the joiner reads live.
    pub position: u64,
    /// Members now, the joiner included.
    pub users_count: u64,
    /// The joiner's own notice, where the room is too large to tell everybody.
    pub own_notice: Option<Box<RawValue>>,
}

/// Being a member of a room. Leaves when dropped, so no path can forget to.
#[derive(Debug)]
pub struct Membership {
    room: Arc<Room>,
    id: MemberId,
    name: NameClaim,
    // None while nobody reads for this member.
    seat: Option<Seat>,
}

impl Membership {
    pub(super) const fn new(room: Arc<Room>, id: MemberId, name: NameClaim, seat: Seat) -> Self {
        Self {
            room,
            id,
            name,
            seat: Some(seat),
        }
    }

    /// The room.
    #[must_use]
    pub const fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Changes the member's name, to one it has claimed. The room is told if it is another one.
    pub fn rename(&mut self, username: &Username, name: NameClaim) {
        self.room.rename(self.id, username);
        self.name = name;
    }

    /// Says something to the room.
    ///
    /// # Errors
    /// `conflict` where the sender used the same key for another text; `not_in_room` where the
    /// membership has ended.
    pub fn publish(
        &self,
        text: &MessageText,
        client_id: Option<&ClientId>,
    ) -> Result<Published, Refusal> {
        self.room.publish(self.id, text, client_id)
    }

    /// Shows the member as typing, or not.
    pub fn set_typing(&self, typing: bool) {
        if typing {
            self.room.start_typing(self.id);
        } else {
            self.room.typing().stop(self.id);
        }
    }

    /// Waits until what the member's reader has accepted has been told.
    pub fn settle(&self) {
        if let Some(seat) = &self.seat {
            seat.settle();
        }
    }

    /// The member's connection is lost: it stays a member, but nobody reads or types for it.
    pub fn detach(&mut self) {
        self.seat = None;
        self.set_typing(false);
    }

    /// The member is back: `reader` hears of the room's news again. Returns the last id before
    /// that; what comes after it, the reader reads live.
    pub fn attach(&mut self, reader: Arc<dyn Reader>) -> u64 {
        let (seat, position) = self.room.seat(reader);
        self.seat = Some(seat);
        position
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.room.leave(self.id);
    }
}
