//! Being a member of a room: what a joiner holds, and by dropping it leaves.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::backplane::Draft;
use super::bell::News;
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

/// What is becoming of a message.
#[derive(Debug)]
pub enum Saying {
    /// It is decided. `conflict` where the sender used the same key for another text;
    /// `not_in_room` where the membership has ended.
    Done(Result<Published, Refusal>),
    /// It is on its way to the log; what came of it will be told here. Also `unavailable` then.
    Underway(oneshot::Receiver<Result<Published, Refusal>>),
}

/// Being a member of a room. Leaves when dropped, so no path can forget to.
#[derive(Debug)]
pub struct Membership {
    room: Arc<Room>,
    id: MemberId,
    /// The membership that this one continues, over any reconnects: who has been here longest.
    since: MemberId,
    name: NameClaim,
    // None while nobody reads for this member.
    seat: Option<Seat>,
}

impl Membership {
    pub(super) const fn new(room: Arc<Room>, id: MemberId, name: NameClaim, seat: Seat) -> Self {
        Self {
            room,
            id,
            since: id,
            name,
            seat: Some(seat),
        }
    }

    /// Since when the member has been here, as the id of the first of its memberships.
    #[must_use]
    pub const fn since(&self) -> MemberId {
        self.since
    }

    /// Continues an earlier membership of the same user in the same room.
    pub const fn continue_from(&mut self, since: MemberId) {
        self.since = since;
    }

    /// The room.
    #[must_use]
    pub const fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Whether the member is still one: another process may have taken it over.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.room.state.lock().members.get(self.id).is_some()
    }

    /// Changes the member's name, to one it has claimed. The room is told if it is another one.
    ///
    /// # Errors
    /// Where the room is shared with other processes: `username_taken`, `unavailable`. Nothing has
    /// changed then.
    pub async fn rename(&mut self, username: &Username, name: NameClaim) -> Result<(), Refusal> {
        if let Some(backplane) = &self.room.backplane
            && self.room.name_of(self.id).is_some_and(|n| n != *username)
        {
            let known = self.room.known();
            backplane.rename(known, self.id, username.clone()).await?;
        }
        self.room.rename(self.id, username);
        self.name = name;
        Ok(())
    }

    /// Says something to the room. Where that takes a while, `reader` is rung with
    /// [`News::ANSWERS`] when it has become known what came of it.
    pub fn publish(
        &self,
        text: &MessageText,
        client_id: Option<&ClientId>,
        reader: impl FnOnce() -> Arc<dyn Reader>,
    ) -> Saying {
        let Some(backplane) = &self.room.backplane else {
            return Saying::Done(self.room.publish((self.id, self.since), text, client_id));
        };
        let Some(member) = self.room.speaker(self.id) else {
            return Saying::Done(Err(Refusal::not_in_room()));
        };
        if let Err(refusal) = self.room.check_ceiling(self.since) {
            return Saying::Done(Err(refusal));
        }
        let draft = Draft {
            known: self.room.known(),
            id: self.id,
            member,
            text: text.clone(),
            client_id: client_id.cloned(),
        };
        let (told, outcome) = oneshot::channel();
        let reader = reader();
        let messages = self.room.metrics.messages.clone();
        let tell = move |result: Result<Published, Refusal>| {
            if result.as_ref().is_ok_and(|published| !published.duplicate) {
                messages.inc();
            }
            // Nobody listens any more where the connection has ended.
            if told.send(result).is_ok() {
                reader.ring(News::ANSWERS);
            }
        };
        backplane.publish(draft, Box::new(tell));
        Saying::Underway(outcome)
    }

    /// Shows the member as typing, or not.
    pub fn set_typing(&self, typing: bool) {
        if typing {
            self.room.start_typing(self.id);
        } else {
            self.room.typing().stop(self.id);
        }
        if let Some(backplane) = &self.room.backplane {
            backplane.typing(self.room.name(), self.id, typing);
        }
    }

    /// Waits until what the member's reader has accepted has been told.
    pub fn settle(&self) {
        if let Some(seat) = &self.seat {
            seat.settle();
        }
    }

    /// Whether the member may stay one without a connection: a room has only so many of those.
    #[must_use]
    pub fn may_be_detached(&self) -> bool {
        self.room.state.lock().members.may_hold(self.id)
    }

    /// The member's connection is lost: it stays a member, but nobody reads or types for it.
    pub fn detach(&mut self) {
        self.room.state.lock().members.hold(self.id);
        if let Some(backplane) = &self.room.backplane {
            backplane.hold(self.room.name(), self.id);
        }
        self.seat = None;
        if self.room.typing().is_typing(self.id) {
            self.set_typing(false);
        }
    }

    /// The member is back: `reader` hears of the room's news again. Returns the last id before
    /// that; what comes after it, the reader reads live.
    pub fn attach(&mut self, reader: Arc<dyn Reader>) -> u64 {
        let (seat, position) = self.room.seat(reader);
        self.room.state.lock().members.release(self.id);
        self.seat = Some(seat);
        position
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.room.leave(self.id);
    }
}
