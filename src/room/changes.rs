//! How a store changes what a room has in memory.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use parking_lot::MutexGuard;

use super::log::{DedupKey, Entry, EntryKind, Remembered};
use super::members::{Member, MemberId};
use super::reactions::Reactions;
use super::record::{Content, LogPosition, MessageChange, Published, Record};
use super::room::{Room, State};
use crate::domain::{RequestError, RoomName, Username};

/// Changes to one room, made under its lock: entries of the log in their order, and members that come,
/// go and change their names. When this is dropped the lock is released, and the fan-out and the counts
/// learn of what has changed.
#[derive(Debug)]
pub struct Changes<'a> {
    room: &'a Room,
    has_counted: bool,
    // Fields are dropped in this order: the fan-out is woken when the lock is free.
    state: MutexGuard<'a, State>,
    wake: Wake<'a>,
}

/// Wakes those who follow the log.
#[derive(Debug)]
struct Wake<'a> {
    room: &'a Room,
    is_due: bool,
}

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        if self.is_due {
            self.room.fanout.wake();
            self.room.moved.notify_waiters();
        }
    }
}

impl Drop for Changes<'_> {
    fn drop(&mut self) {
        if self.has_counted {
            self.room.count(&self.state);
        }
    }
}

/// What became of a record.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is in the log now.
    Appended,
    /// It was in the log before, or another record was that had its id.
    Duplicate,
    /// Records are missing before it, or it belongs to another incarnation: the log must be read again
    /// as a whole, with [`Room::restore`].
    OutOfSequence,
}

impl Room {
    /// Begins changes. Keep them short: the room is locked meanwhile.
    #[must_use]
    pub fn changes(&self) -> Changes<'_> {
        Changes {
            room: self,
            has_counted: false,
            state: self.state.lock(),
            wake: Wake {
                room: self,
                is_due: false,
            },
        }
    }
}

/// What the room has.
impl<'a> Changes<'a> {
    /// The room.
    #[must_use]
    pub const fn room(&self) -> &'a Room {
        self.room
    }

    /// The room's name.
    #[must_use]
    pub const fn room_name(&self) -> &'a RoomName {
        &self.room.name
    }

    /// How far the log is known.
    #[must_use]
    pub fn position(&self) -> LogPosition {
        self.room.position_of(&self.state)
    }

    /// The member, if there is one.
    #[must_use]
    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.state.members.get(id)
    }

    /// Whether the room has notices of joins, leaves and renames: they cost a delivery for each member
    /// and each change, so N² in a storm.
    #[must_use]
    pub fn announces(&self) -> bool {
        let limit = self.room.notice_limit;
        limit == 0 || self.state.members.live_count() <= limit
    }

    /// What became of the message that the user sent under this idempotency key, if it is in the log.
    /// `conflict` if that one had another text. For an edit the text is [`said_by_edit`].
    #[must_use]
    pub fn publication(
        &self,
        member: &Member,
        client_id: Option<&Arc<str>>,
        text: &str,
    ) -> Option<Result<Published, RequestError>> {
        let key = DedupKey::new(Arc::clone(&member.user_id), Arc::clone(client_id?));
        let remembered = self.state.log.remembered(&key)?;
        let hash = self.room.hash_of(text);
        if remembered.text_hash.is_some_and(|before| before != hash) {
            return Some(Err(RequestError::conflict()));
        }
        Some(Ok(Published {
            id: remembered.id,
            at_ms: remembered.at_ms,
            duplicate: true,
        }))
    }
}

/// The log.
impl Changes<'_> {
    /// The record that comes next, for a store that assigns ids and times in this process. It is not
    /// in the log before it is applied.
    #[must_use]
    pub fn next_record(&mut self, member_id: MemberId, member: Member, content: Content) -> Record {
        Record {
            epoch: Arc::clone(&self.state.epoch),
            id: self.state.log.next_id(),
            member,
            member_id,
            at_ms: self.state.now_ms(),
            content,
            previous: None,
        }
    }

    /// Puts a record into the log.
    pub fn apply(&mut self, record: &Record) -> Applied {
        let next_id = self.state.log.next_id();
        if record.epoch != self.state.epoch || record.id > next_id {
            return Applied::OutOfSequence;
        }
        if record.id < next_id {
            return Applied::Duplicate;
        }
        let (kind, payload) = self.room.render(record);
        let key = self.room.key_of(record);
        self.state.log.push(kind, payload, Instant::now(), key);
        self.room.head.store(record.id, Ordering::Release);
        if let Content::Changed { of, change } = &record.content {
            match change {
                MessageChange::Reacted(reaction) => self.state.log.react(*of, reaction),
                _ => self.change_message(*of, change, record.at_ms),
            }
        }
        if kind == EntryKind::Message {
            // A user who has sent a message has stopped typing.
            self.room.typing.stop(record.member_id);
            self.room.activity.set(self.room.index, record.id);
        }
        self.wake.is_due = true;
        Applied::Appended
    }

    /// Puts the newest state of a message in its position, if it is in memory.
    fn change_message(&mut self, of: u64, change: &MessageChange, at_ms: i64) {
        let log = &mut self.state.log;
        let Some(before) = log
            .message(of)
            .filter(|entry| entry.kind == EntryKind::Message)
        else {
            return;
        };
        if let Some((kind, payload)) = self.room.render_changed(before, change, at_ms) {
            log.replace_message(of, kind, payload);
        }
    }

    /// The message `id`, if it is in memory.
    pub(super) fn message(&self, id: u64) -> Option<&Arc<Entry>> {
        self.state.log.message(id)
    }

    /// The reactions to a message, if it is in memory and has some.
    pub(super) fn reactions(&self, id: u64) -> Option<&Arc<Reactions>> {
        self.state.log.reactions(id)
    }

    /// The newest reaction of this kind, if it is in memory.
    pub(super) fn newest_reaction(&self, kind: EntryKind) -> Option<&Arc<Entry>> {
        self.state.log.newest_reaction(kind)
    }

    /// The newest change to the message `of`, if it is in memory.
    pub(super) fn change_to(&self, of: u64) -> Option<&Arc<Entry>> {
        self.state.log.change_to(of)
    }

    /// The time of an entry that comes next.
    pub(super) fn now_ms(&mut self) -> i64 {
        self.state.now_ms()
    }
}

/// The archive, for a store that has one.
impl Changes<'_> {
    /// Nothing up to this id can be read any more. Call it before the archive drops it, so that no
    /// reader takes what is missing for nothing.
    pub fn discard_until(&mut self, id: u64) {
        self.state.log.discard_until(id);
    }
}

/// The members.
impl Changes<'_> {
    /// Adds a member.
    pub fn add(&mut self, id: MemberId, member: Member) {
        self.state.members.add(id, member);
        self.has_counted = true;
    }

    /// Removes a member and returns it, if there was one.
    pub fn remove(&mut self, id: MemberId) -> Option<Member> {
        self.room.typing.stop(id);
        let removed = self.state.members.remove(id)?;
        self.has_counted = true;
        Some(removed)
    }

    /// Changes a member's name and returns the one before, if there is such a member.
    pub fn rename(&mut self, id: MemberId, username: &Username) -> Option<Username> {
        let before = self.state.members.rename(id, username.clone())?;
        if let Some(member) = self.state.members.get(id) {
            self.room.typing.rename(id, member.to_user());
        }
        Some(before)
    }

    /// The arrival `id` is over, with a member or without.
    pub(super) fn end_arrival(&mut self, id: MemberId, member: Option<Member>) {
        let before = self.state.members.count();
        self.state.members.end_arrival(id, member);
        self.has_counted |= self.state.members.count() != before;
    }
}

/// Members that other processes know of, for a store that several processes share.
impl Changes<'_> {
    /// Adds a member of another process, or changes its name.
    pub fn set_remote(&mut self, id: MemberId, member: Member) {
        if self.rename(id, &member.username).is_none() {
            self.add(id, member);
        }
    }

    /// Replaces all members of other processes.
    pub fn replace_remote(&mut self, members: Vec<(MemberId, Member)>) {
        self.state.members.set_elsewhere(members);
        self.has_counted = true;
    }

    /// Adds a user who is arriving in this process before the store has answered, so that the user is
    /// not missing after another process's member was removed for the arrival.
    pub fn confirm_arrival(&mut self, id: MemberId, member: Member) {
        self.has_counted |= self.state.members.add_arriving(id, member);
    }

    /// Removes a member at another process's word and returns it, if there was one. A user who is
    /// arriving under this id is not added any more.
    pub fn end_membership(&mut self, id: MemberId) -> Option<Member> {
        self.room.typing.stop(id);
        let member = self.state.members.remove_from_elsewhere(id)?;
        self.has_counted = true;
        Some(member)
    }

    /// Adds the ids of this process's members, and of those arriving, to `here`. Calls `unknown` for
    /// each of the members that is not among the `known`; the room is locked meanwhile, so what that
    /// asks of a store comes before anything that is asked about the same member later.
    pub fn audit(
        &self,
        known: &HashSet<MemberId>,
        here: &mut HashSet<MemberId>,
        mut unknown: impl FnMut(MemberId, &Member),
    ) {
        here.extend(self.state.members.arriving());
        for (id, member) in self.state.members.here() {
            here.insert(id);
            if !known.contains(&id) {
                unknown(id, member);
            }
        }
    }
}

/// What an idempotency key of an edit stands for: no message has such a text.
#[must_use]
pub fn said_by_edit(of: u64, text: &str) -> String {
    format!("\0{of}\0{text}")
}

impl Room {
    /// The idempotency key of a record, and what is remembered under it.
    pub(super) fn key_of(&self, record: &Record) -> Option<(DedupKey, Remembered)> {
        let (client_id, text_hash) = match &record.content {
            Content::Message {
                text,
                client_id,
                edited_ms: None,
                ..
            } => (client_id.as_ref()?, Some(self.hash_of(text))),
            Content::Message { client_id, .. } | Content::Tombstone { client_id } => {
                (client_id.as_ref()?, None)
            }
            Content::Changed { of, change } => {
                let text = said_by_edit(*of, change.text()?);
                (change.client_id()?, Some(self.hash_of(&text)))
            }
            Content::Joined | Content::Left | Content::Removed | Content::Renamed { .. } => {
                return None;
            }
        };
        let remembered = Remembered {
            id: record.id,
            at_ms: record.at_ms,
            text_hash,
        };
        let user_id = Arc::clone(&record.member.user_id);
        Some((DedupKey::new(user_id, Arc::clone(client_id)), remembered))
    }
}
