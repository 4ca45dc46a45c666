//! Being a member of a room: what a joiner holds, and by dropping it leaves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::fanout::{Subscriber, Subscription};
use super::members::{Absence, Member, MemberId};
use super::proposal::{Proposal, ProposedChange};
use super::record::MessageChange;
use super::room::Room;
use super::store::{Departure, Draft, Publishing, Store};
use crate::domain::{RequestError, Username};

/// Whether the member may write now.
pub type WritingCheck<'a> = &'a dyn Fn() -> Result<(), RequestError>;

/// Being a member of a room. Leaves when dropped, so no path can forget to.
#[derive(Debug)]
pub struct Membership {
    store: Arc<dyn Store>,
    room: Arc<Room>,
    id: MemberId,
    /// `None` while the member has no connection.
    subscription: Option<Subscription>,
    departure: Departure,
}

impl Membership {
    pub(super) const fn new(
        store: Arc<dyn Store>,
        room: Arc<Room>,
        id: MemberId,
        subscription: Subscription,
    ) -> Self {
        Self {
            store,
            room,
            id,
            subscription: Some(subscription),
            departure: Departure::Left,
        }
    }

    /// Identifies the membership.
    #[must_use]
    pub const fn id(&self) -> MemberId {
        self.id
    }

    /// The room.
    #[must_use]
    pub const fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// The member's name, unless the membership has ended.
    #[must_use]
    pub fn username(&self) -> Option<Username> {
        let state = self.room.state.lock();
        state
            .members
            .get(self.id)
            .map(|member| member.username.clone())
    }

    /// Whether the membership has not ended: another one of the same user ends it.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.room.state.lock().members.get(self.id).is_some()
    }

    /// Changes the member's name.
    ///
    /// # Errors
    /// `username_taken`, `unavailable`, or `not_in_room` if the membership has ended. Nothing has
    /// changed in that case.
    pub async fn rename(&mut self, username: &Username) -> Result<(), RequestError> {
        let answer = {
            let changes = self.room.changes();
            let Some(member) = changes.member(self.id) else {
                return Err(RequestError::not_in_room());
            };
            if member.username == *username {
                return Ok(());
            }
            self.store.rename(changes, self.id, username)
        };
        answer.get().await?;
        // The store's word of it may come later.
        self.room.changes().rename(self.id, username);
        Ok(())
    }

    /// Publishes a message, which `proposal` is. If that takes a while, `subscriber` is notified of
    /// [`Signals::ANSWERS`](super::Signals::ANSWERS) when there is an answer. A message that was not
    /// sent before goes to `check` first. Refusals are what that says, `conflict` (the sender used the
    /// key for another text), `not_found` (it answers no message), `not_in_room` (the membership has ended), `rate_limited` and
    /// `unavailable`.
    pub fn publish(
        &self,
        proposal: Proposal,
        check: WritingCheck<'_>,
        subscriber: &dyn Fn() -> Arc<dyn Subscriber>,
    ) -> Publishing {
        let room = &*self.room;
        // Before anything else, so that no client sees a message of a user who is still shown as typing.
        room.typing.stop(self.id);
        let publishing = self.append(proposal, check, subscriber);
        if let Publishing::Done(Ok(published)) = &publishing
            && !published.duplicate
        {
            room.metrics.messages.inc();
        }
        publishing
    }

    /// Changes a message, as [`Self::publish`] publishes one. Refusals are also `not_found` (it is no
    /// longer kept, or was deleted), `forbidden` (it is another user's) and `too_late`.
    pub fn change_message(
        &self,
        of: u64,
        change: MessageChange,
        check: WritingCheck<'_>,
        subscriber: &dyn Fn() -> Arc<dyn Subscriber>,
    ) -> Publishing {
        let proposed = self.room.proposed_change(of, change, false);
        self.append(Proposal::Change(proposed), check, subscriber)
    }

    /// Asks the store to append something, unless it is known, or the room takes no more now.
    fn append(
        &self,
        proposal: Proposal,
        check: WritingCheck<'_>,
        subscriber: &dyn Fn() -> Arc<dyn Subscriber>,
    ) -> Publishing {
        let room = &*self.room;
        let changes = room.changes();
        let Some(author) = changes.member(self.id) else {
            return Publishing::Done(Err(RequestError::not_in_room()));
        };
        if let Some(known) = changes.known(author, &proposal) {
            return Publishing::Done(known);
        }
        if let Err(refusal) = check() {
            return Publishing::Done(Err(refusal));
        }
        if let Some(ceiling) = &room.ceiling
            && let Err(refusal) = ceiling.admit(self.id, Instant::now())
        {
            return Publishing::Done(Err(refusal));
        }
        let draft = Draft {
            member_id: Some(self.id),
            author: author.clone(),
            proposal,
            room,
            subscriber: Some(subscriber),
        };
        self.store.append(changes, draft)
    }

    /// The member, if they may write and the room takes more.
    pub(super) fn admitted(&self, check: WritingCheck<'_>) -> Result<Member, RequestError> {
        let member = self.room.changes().member(self.id).cloned();
        let member = member.ok_or_else(RequestError::not_in_room)?;
        check()?;
        if let Some(ceiling) = &self.room.ceiling {
            ceiling.admit(self.id, Instant::now())?;
        }
        Ok(member)
    }

    pub(super) const fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Shows the member as typing, or not.
    pub fn set_typing(&self, is_typing: bool) {
        self.room.set_typing(self.id, is_typing);
        self.store.set_typing(&self.room, self.id, is_typing);
    }

    /// How long the user has been a member, absences included.
    #[must_use]
    pub fn age(&self) -> Duration {
        let now_ms = self.room.state.lock().now_ms();
        let now_ms = u64::try_from(now_ms).unwrap_or_default();
        Duration::from_millis(now_ms.saturating_sub(self.id.joined_ms()))
    }

    /// Whether the member may stay one without a connection: a room has only so many of those.
    #[must_use]
    pub fn may_be_detached(&self, absence: Absence) -> bool {
        self.room.state.lock().members.may_hold(self.id, absence)
    }

    /// Leaves, so that the room sees that a moderator removed the member.
    pub fn remove(mut self) {
        self.departure = Departure::Removed;
    }

    /// The member has no connection any more: it stays a member, but receives nothing and does not
    /// type.
    pub fn detach(&mut self, absence: Absence) {
        self.room.state.lock().members.hold(self.id, absence);
        self.store.hold(&self.room, self.id);
        self.subscription = None;
        if self.room.typing.is_typing(self.id) {
            self.set_typing(false);
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let changes = self.room.changes();
        if changes.member(self.id).is_some() {
            self.store.leave(changes, self.id, self.departure);
        }
    }
}

impl Room {
    /// Changes a message for an author who need not be a member: for moderation, and for programs.
    /// Refusals are `not_found`, `forbidden`, `too_late` and `unavailable`.
    pub fn change_message(
        &self,
        store: &dyn Store,
        author: Member,
        by_moderator: bool,
        of: u64,
        change: MessageChange,
    ) -> Publishing {
        let proposed = self.proposed_change(of, change, by_moderator);
        let changes = self.changes();
        if let Some(known) = changes.known_edit(&author, &proposed) {
            return Publishing::Done(known);
        }
        let draft = Draft {
            member_id: None,
            author,
            proposal: Proposal::Change(proposed),
            room: self,
            subscriber: None,
        };
        store.append(changes, draft)
    }

    /// Publishes a message, which `proposal` is, of an author who is no member: a program. Refusals are
    /// `conflict`, `not_found` and `unavailable`.
    pub fn publish_for(&self, store: &dyn Store, author: Member, proposal: Proposal) -> Publishing {
        let changes = self.changes();
        if let Some(known) = changes.known(&author, &proposal) {
            return Publishing::Done(known);
        }
        let draft = Draft {
            member_id: None,
            author,
            proposal,
            room: self,
            subscriber: None,
        };
        let publishing = store.append(changes, draft);
        if let Publishing::Done(Ok(published)) = &publishing
            && !published.duplicate
        {
            self.metrics.messages.inc();
        }
        publishing
    }

    pub(super) const fn proposed_change(
        &self,
        of: u64,
        change: MessageChange,
        by_moderator: bool,
    ) -> ProposedChange {
        ProposedChange {
            of,
            change,
            by_moderator,
            edit_window: self.edit_window,
        }
    }
}
