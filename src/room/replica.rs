//! A room that several processes share: what others write comes in here, in the order of the log
//! that all of them read, and what its own members do goes out by the [`Backplane`].
//!
//! [`Backplane`]: super::backplane::Backplane

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::backplane::{Arrival, Arrived, Known};
use super::bell::News;
use super::fanout::Subscriber;
use super::log::{EntryKind, Log};
use super::members::{Member, MemberId};
use super::membership::{Joined, Membership};
use super::names::NameClaim;
use super::room::{Room, State};
use crate::clock;
use crate::domain::{Refusal, Username};
use crate::protocol::NoticeKind;

/// How long somebody who joins waits for this process to have read what came before.
const CATCH_UP: Duration = Duration::from_secs(3);

/// The largest id: every JSON reader has it exactly (RFC 8259, section 6), and counting on from it
/// overflows nowhere.
pub const ID_MAX: u64 = (1 << 53) - 1;

/// An entry of a shared log, as it was read.
#[derive(Debug, Clone)]
pub struct Received {
    /// The log's incarnation when it was written.
    pub epoch: Arc<str>,
    /// Its position.
    pub id: u64,
    /// Whom it is from or about.
    pub member: Member,
    /// Their membership.
    pub member_id: MemberId,
    /// When it was accepted, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What it says.
    pub what: What,
    /// Of a message: the id of the one before it; `None` where the node that wrote it did not say.
    pub previous: Option<u64>,
}

/// What an entry of a shared log says.
#[derive(Debug, Clone)]
pub enum What {
    /// A message.
    Message {
        /// Its text.
        text: Box<str>,
        /// The sender's key.
        client_id: Option<Box<str>>,
    },
    /// Somebody joined.
    Joined,
    /// Somebody left.
    Left,
    /// Somebody is called otherwise than before.
    Renamed {
        /// The name before.
        before: Username,
    },
}

/// What became of an entry that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is in the log.
    New,
    /// It had been, or something else had with its id.
    Old,
    /// There are entries missing before it, or it is of another incarnation: the log must be read
    /// anew with [`Room::restore`].
    Astray,
}

/// A whole log, as it was read.
#[derive(Debug)]
pub struct Restored {
    /// Its incarnation.
    pub epoch: Arc<str>,
    /// Its newest entry's id.
    pub head: u64,
    /// Where ids leapt: [`Log::floor`].
    pub floor: u64,
    /// Its newest message's id, if that is known.
    pub newest_message: Option<u64>,
    /// Its entries, oldest first.
    pub entries: Vec<Received>,
}

impl Room {
    /// Adds a member, under a name it has claimed, and tells the room. `reader` hears of the room's
    /// news from then on.
    ///
    /// # Errors
    /// `username_taken` or `unavailable`; nothing has changed then.
    pub async fn enter(
        self: &Arc<Self>,
        member: Member,
        name: NameClaim,
        subscriber: Arc<dyn Subscriber>,
    ) -> Result<Joined, Refusal> {
        let Some(backplane) = &self.backplane else {
            return Ok(self.join(member, name, subscriber));
        };
        let (arriving, known) = {
            let mut state = self.state.lock();
            let now_ms = state.now_ms();
            let id = state.members.begin_arrival(now_ms);
            (Arriving { room: self, id }, self.known_of(&state))
        };
        let id = arriving.id;
        let arrival = Arrival {
            known,
            id,
            member: member.clone(),
        };
        let arrived = backplane.join(arrival).await?;
        if !self.has_arrived(&arrived).await {
            backplane.leave(self.known(), id);
            return Err(Refusal::unavailable());
        }
        let subscription = self.fanout.subscribe(subscriber);
        let mut state = self.state.lock();
        // So that nobody is counted twice until that is read, too.
        let replaced = arrived.replaced;
        let replaced_here = replaced.filter(|id| state.members.remove(*id).is_some());
        state.members.end_arrival(id, Some(member.clone()));
        let own_notice = arrived.untold.then(|| self.own_notice(&mut state, &member));
        self.count(&state);
        let users_count = state.members.count();
        drop(state);
        let mut membership = Membership::new(Arc::clone(self), id, name, subscription);
        if let Some(replaced) = replaced_here {
            membership.continue_from(replaced);
        }
        Ok(Joined {
            membership,
            position: arrived.position,
            users_count,
            own_notice,
        })
    }

    /// Waits a while until this process has read everything before an arrival, so that the joiner's
    /// history ends where what it reads live begins.
    async fn has_arrived(&self, arrived: &Arrived) -> bool {
        let Arrived {
            epoch, position, ..
        } = arrived;
        self.comes_to(|state| state.epoch == *epoch && state.log.head() >= *position)
            .await
    }

    /// Waits a while until this process has read the entry `id`.
    pub async fn has_reached(&self, id: u64) -> bool {
        self.comes_to(|state| state.log.head() >= id).await
    }

    async fn comes_to(&self, wanted: impl Fn(&State) -> bool) -> bool {
        let reached = async {
            loop {
                let mut moved = std::pin::pin!(self.moved.notified());
                moved.as_mut().enable();
                if wanted(&self.state.lock()) {
                    return;
                }
                moved.await;
            }
        };
        tokio::time::timeout(CATCH_UP, reached).await.is_ok()
    }

    /// How far this room's log is known here.
    #[must_use]
    pub fn known(&self) -> Known {
        self.known_of(&self.state.lock())
    }

    /// The epoch, where ids up to and including `position` belong to an earlier one.
    #[must_use]
    pub fn epoch_after(&self, position: u64) -> Option<Arc<str>> {
        let state = self.state.lock();
        (position <= state.log.floor()).then(|| Arc::clone(&state.epoch))
    }

    pub(super) fn known_of(&self, state: &State) -> Known {
        Known {
            room: self.name.clone(),
            epoch: Arc::clone(&state.epoch),
            head: state.log.head(),
        }
    }

    pub(super) fn name_of(&self, id: MemberId) -> Option<Username> {
        let state = self.state.lock();
        state.members.get(id).map(|member| member.username.clone())
    }

    /// The member who says something, and so types no more.
    pub(super) fn speaker(&self, id: MemberId) -> Option<Member> {
        self.typing.stop(id);
        self.state.lock().members.get(id).cloned()
    }

    /// Takes in an entry that was read. The caller then calls [`Self::bring`].
    pub fn receive(&self, received: &Received) -> Placed {
        let mut state = self.state.lock();
        if received.epoch != state.epoch || received.id > state.log.next_id() {
            return Placed::Astray;
        }
        if received.id < state.log.next_id() {
            return Placed::Old;
        }
        let (kind, payload) = self.render(received);
        if kind == EntryKind::Message {
            self.typing.stop(received.member_id);
        }
        self.push(&mut state, kind, payload, None);
        Placed::New
    }

    /// Brings what was received to the readers, and to those who wait for it.
    pub fn bring(&self) {
        self.fanout.wake();
        self.moved.notify_waiters();
    }

    /// Replaces the whole log. Readers that had read further than it goes on from are told so by
    /// their next reading. Returns how many entries were left out because they cannot be of it.
    pub fn restore(&self, restored: Restored) -> u64 {
        let now = Instant::now();
        let bounds = self.state.lock().log.bounds();
        let mut log = Log::restored(bounds, restored.head, restored.floor);
        let mut left_out = 0;
        for received in &restored.entries {
            let (kind, payload) = self.render(received);
            if !log.restore(received.id, kind, payload, received.previous, now) {
                left_out += 1;
            } else if kind == EntryKind::Message {
                self.activity.set(self.index, received.id);
            }
        }
        log.end_restoring(restored.newest_message);
        let mut state = self.state.lock();
        state.epoch = restored.epoch;
        self.head.store(log.head(), Ordering::Release);
        state.log = log;
        drop(state);
        self.fanout.notify(News::ENTRIES);
        self.moved.notify_waiters();
        left_out
    }

    fn render(&self, received: &Received) -> (EntryKind, Box<RawValue>) {
        let at = clock::rfc3339(received.at_ms);
        let notice = |kind, before: Option<&Username>| {
            self.notice(Some(received.id), kind, &received.member, before, &at)
        };
        match &received.what {
            What::Message { text, client_id } => {
                let payload = self.message(
                    received.id,
                    &received.member,
                    text,
                    &at,
                    client_id.as_deref(),
                );
                (EntryKind::Message, payload)
            }
            What::Joined => (EntryKind::Notice, notice(NoticeKind::Joined, None)),
            What::Left => (EntryKind::Notice, notice(NoticeKind::Left, None)),
            What::Renamed { before } => {
                (EntryKind::Notice, notice(NoticeKind::Renamed, Some(before)))
            }
        }
    }

    /// Somebody has joined elsewhere, or is called otherwise.
    pub fn joined_elsewhere(&self, id: MemberId, member: Member) {
        let mut state = self.state.lock();
        if state.members.rename(id, member.username.clone()).is_some() {
            self.typing.rename(id, member.to_user());
            return;
        }
        state.members.add(id, member);
        self.count(&state);
    }

    /// Somebody who is on their way in here has joined, as all processes read.
    pub fn joined_here(&self, id: MemberId, member: Member) {
        let mut state = self.state.lock();
        if state.members.add_arriving(id, member) {
            self.count(&state);
        }
    }

    /// Somebody's membership has ended elsewhere, or was ended from there. Returns who that was.
    pub fn left_elsewhere(&self, id: MemberId) -> Option<Member> {
        self.typing.stop(id);
        let mut state = self.state.lock();
        let member = state.members.remove_from_elsewhere(id)?;
        self.count(&state);
        Some(member)
    }

    /// Somebody types elsewhere, or no longer.
    pub fn typing_elsewhere(&self, id: MemberId, typing: bool) {
        if typing {
            self.start_typing(id);
        } else {
            self.typing.stop(id);
        }
    }

    /// Replaces all members whose connections are elsewhere.
    pub fn set_members_elsewhere(&self, members: Vec<(MemberId, Member)>) {
        let mut state = self.state.lock();
        state.members.set_elsewhere(members);
        self.count(&state);
    }

    /// Puts the ids of those whose connections are here, or who are on their way in here, into `here`.
    /// Asks `make_known` to make those members known that are not among the `known`. It is asked
    /// before they can end, so that whatever is asked about them after that comes later, too.
    pub fn audit(
        &self,
        known: &HashSet<MemberId>,
        here: &mut HashSet<MemberId>,
        make_known: impl Fn(Arrival),
    ) {
        let state = self.state.lock();
        here.extend(state.members.arriving());
        for (id, member) in state.members.here() {
            here.insert(id);
            if !known.contains(&id) {
                make_known(Arrival {
                    known: self.known_of(&state),
                    id,
                    member: member.clone(),
                });
            }
        }
    }
}

/// Somebody on their way in, who is so no longer when this is dropped.
struct Arriving<'a> {
    room: &'a Room,
    id: MemberId,
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        let mut state = self.room.state.lock();
        let before = state.members.count();
        state.members.end_arrival(self.id, None);
        if state.members.count() != before {
            self.room.count(&state);
        }
    }
}
