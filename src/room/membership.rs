//! Being a member of a room: what a joiner holds, and by dropping it leaves.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::backplane::Draft;
use super::bell::News;
use super::fanout::{Subscriber, Subscription};
use super::members::MemberId;
use super::names::NameClaim;
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
    // None while the member's connection is lost.
    subscription: Option<Subscription>,
}

impl Membership {
    pub(super) const fn new(
        room: Arc<Room>,
        id: MemberId,
        name: NameClaim,
        subscription: Subscription,
    ) -> Self {
        Self {
            room,
            id,
            since: id,
            name,
            subscription: Some(subscription),
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

    /// Says something to the room. Where that takes a while, `subscriber` is notified of
    /// [`News::ANSWERS`] when it has become known what came of it.
    pub fn publish(
        &self,
        text: &MessageText,
        client_id: Option<&ClientId>,
        subscriber: impl FnOnce() -> Arc<dyn Subscriber>,
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
        let subscriber = subscriber();
        let messages = self.room.metrics.messages.clone();
        let tell = move |result: Result<Published, Refusal>| {
            if result.as_ref().is_ok_and(|published| !published.duplicate) {
                messages.inc();
            }
            // Nobody listens any more where the connection has ended.
            if told.send(result).is_ok() {
                subscriber.notify(News::ANSWERS);
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
        self.subscription = None;
        if self.room.typing().is_typing(self.id) {
            self.set_typing(false);
        }
    }

    /// The member is back: `subscriber` receives what is published again. Returns the last id
    /// before that; what comes after it, it receives live.
    pub fn attach(&mut self, subscriber: Arc<dyn Subscriber>) -> u64 {
        let (subscription, position) = self.room.subscribe(subscriber);
        self.room.state.lock().members.release(self.id);
        self.subscription = Some(subscription);
        position
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.room.leave(self.id);
    }
}
