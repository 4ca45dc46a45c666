//! One room: its log and its members under one short lock, and its subscribers.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::activity::Activity;
use super::backplane::Backplane;
use super::ceiling::Ceiling;
use super::counts::Counts;
use super::fanout::{Fanout, Subscriber, Subscription};
use super::log::{DedupKey, Entry, EntryKind, Log, Page, Read, Remembered};
use super::members::{Member, MemberId, Members, UserId, UsersPage};
use super::membership::{Joined, Membership};
use super::names::{NameClaim, Names};
use super::rooms::RoomSettings;
use super::typing::Typing;
use crate::clock;
use crate::domain::{ClientId, MessageText, Refusal, RoomName, Username};
use crate::metrics::Metrics;
use crate::protocol::{HISTORY_PAGE_BYTES_MAX, NoticeKind};

/// A room. Cheap to share; every method takes the lock for memory work only.
#[derive(Debug)]
pub struct Room {
    pub(super) name: RoomName,
    pub(super) notice_limit: u64,
    pub(super) state: Mutex<State>,
    pub(super) head: AtomicU64,
    pub(super) fanout: Arc<Fanout>,
    pub(super) typing: Typing,
    counts: Arc<Counts>,
    pub(super) activity: Arc<Activity>,
    pub(super) index: usize,
    hasher: std::hash::RandomState,
    pub(super) metrics: Arc<Metrics>,
    names: Arc<Names>,
    pub(super) ceiling: Option<Ceiling>,
    /// Where this room is one of several processes' (`replica.rs`).
    pub(super) backplane: Option<Arc<dyn Backplane>>,
    /// Told when the log has moved, for those who wait for what others have written.
    pub(super) moved: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) epoch: Arc<str>,
    pub(super) log: Log,
    pub(super) members: Members,
    newest_ms: i64,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub struct Published {
    /// Its id.
    pub id: u64,
    /// When it was accepted, as everybody is told.
    pub timestamp: Arc<str>,
    /// It had been accepted before, under the same idempotency key.
    pub duplicate: bool,
}

impl Room {
    pub(super) fn new(
        name: RoomName,
        index: usize,
        counts: Arc<Counts>,
        activity: Arc<Activity>,
        settings: &RoomSettings,
    ) -> Self {
        let metrics = Arc::clone(&settings.metrics);
        // Over several processes, it is the backplane that knows which names are in use.
        let unique_names = settings.unique_names && settings.backplane.is_none();
        Self {
            typing: Typing::new(name.clone()),
            name,
            notice_limit: settings.notice_limit,
            state: Mutex::new(State {
                epoch: crate::random::id().into(),
                log: Log::new(settings.log),
                members: Members::at(settings.node),
                newest_ms: 0,
            }),
            head: AtomicU64::new(0),
            fanout: Arc::default(),
            counts,
            activity,
            index,
            hasher: std::hash::RandomState::new(),
            metrics,
            names: Names::new(unique_names),
            ceiling: settings.ceiling.map(Ceiling::new),
            backplane: settings.backplane.clone(),
            moved: Notify::new(),
        }
    }

    /// The room's name.
    #[must_use]
    pub const fn name(&self) -> &RoomName {
        &self.name
    }

    /// Names this incarnation of the log: ids of another epoch mean nothing here.
    #[must_use]
    pub fn epoch(&self) -> Arc<str> {
        Arc::clone(&self.state.lock().epoch)
    }

    /// Who is typing.
    #[must_use]
    pub const fn typing(&self) -> &Typing {
        &self.typing
    }

    /// The id of the newest entry.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Publishes who is typing for as long as it is polled, at most every `interval`.
    pub async fn publish_typing(&self, interval: Duration) {
        self.typing.publish_changes(interval, &self.fanout).await;
    }

    /// Claims a name in this room.
    ///
    /// # Errors
    /// `username_taken` where names are unique and another user has one that looks like it.
    pub fn claim_name(&self, user_id: &UserId, username: &Username) -> Result<NameClaim, Refusal> {
        self.names.claim(user_id, username)
    }

    /// Adds a member, under a name it has claimed, and tells the room. `subscriber` receives what
    /// is published from then on. For a room without a backplane; [`Self::enter`] is for any.
    #[must_use]
    pub fn join(
        self: &Arc<Self>,
        member: Member,
        name: NameClaim,
        subscriber: Arc<dyn Subscriber>,
    ) -> Joined {
        let subscription = self.fanout.subscribe(subscriber);
        let mut state = self.state.lock();
        let position = state.log.head();
        let now_ms = state.now_ms();
        let id = state.members.new_id(now_ms);
        state.members.add(id, member.clone());
        let users_count = state.members.count();
        let own_notice = if self.tells(state.members.live_count()) {
            self.push_notice(&mut state, NoticeKind::Joined, &member, None);
            None
        } else {
            Some(self.own_notice(&mut state, &member))
        };
        self.count(&state);
        drop(state);
        self.fanout.wake();
        Joined {
            membership: Membership::new(Arc::clone(self), id, name, subscription),
            position,
            users_count,
            own_notice,
        }
    }

    /// Subscribes a member that came back. Returns also the last id before that.
    pub(super) fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> (Subscription, u64) {
        let subscription = self.fanout.subscribe(subscriber);
        let position = self.state.lock().log.head();
        (subscription, position)
    }

    /// Shows a member as typing.
    pub(super) fn start_typing(&self, id: MemberId) {
        let user = self.state.lock().members.get(id).map(Member::to_user);
        if let Some(user) = user {
            self.typing.start(id, user);
        }
    }

    pub(super) fn leave(&self, id: MemberId) {
        self.typing.stop(id);
        let mut state = self.state.lock();
        let tells = self.tells(state.members.live_count());
        let Some(member) = state.members.remove(id) else {
            return;
        };
        self.count(&state);
        if let Some(backplane) = &self.backplane {
            let known = self.known_of(&state);
            drop(state);
            backplane.leave(known, id);
            return;
        }
        if tells {
            self.push_notice(&mut state, NoticeKind::Left, &member, None);
        }
        drop(state);
        self.fanout.wake();
    }

    /// Changes a name, and tells the room where it has no backplane to do so.
    pub(super) fn rename(&self, id: MemberId, username: &Username) {
        let mut state = self.state.lock();
        let Some(before) = state.members.rename(id, username.clone()) else {
            return;
        };
        let Some(member) = state.members.get(id).cloned() else {
            return;
        };
        self.typing.rename(id, member.to_user());
        let tells = self.backplane.is_none() && self.tells(state.members.live_count());
        if before == *username || !tells {
            return;
        }
        self.push_notice(&mut state, NoticeKind::Renamed, &member, Some(&before));
        drop(state);
        self.fanout.wake();
    }

    pub(super) fn publish(
        &self,
        (id, since): (MemberId, MemberId),
        text: &MessageText,
        client_id: Option<&ClientId>,
    ) -> Result<Published, Refusal> {
        self.typing.stop(id);
        let text_hash = self.hasher.hash_one(text.as_str());
        let mut state = self.state.lock();
        let Some(member) = state.members.get(id).cloned() else {
            return Err(Refusal::not_in_room());
        };
        let key = client_id.map(|client_id| DedupKey {
            user_id: Arc::clone(&member.user_id),
            client_id: client_id.as_str().into(),
        });
        if let Some(known) = key.as_ref().and_then(|key| state.log.remembered(key)) {
            return repeated(known, text_hash);
        }
        self.check_ceiling(since)?;
        let timestamp: Arc<str> = clock::rfc3339(state.now_ms()).into();
        let message_id = state.log.next_id();
        let client_id = client_id.map(ClientId::as_str);
        let payload = self.message(message_id, &member, text.as_str(), &timestamp, client_id);
        let remembered = Remembered {
            id: message_id,
            timestamp: Arc::clone(&timestamp),
            text_hash,
        };
        let key = key.map(|key| (key, remembered));
        self.push(&mut state, EntryKind::Message, payload, key);
        self.metrics.messages.inc();
        drop(state);
        self.fanout.wake();
        Ok(Published {
            id: message_id,
            timestamp,
            duplicate: false,
        })
    }

    /// Appends to `batch` at most `max` entries past `position`.
    pub fn read_after(&self, position: u64, max: usize, batch: &mut Vec<Arc<Entry>>) -> Read {
        self.state.lock().log.read_after(position, max, batch)
    }

    /// The positions this log can resume from: below the first, entries are lost; past the last,
    /// there never were any.
    #[must_use]
    pub fn resumable(&self) -> std::ops::RangeInclusive<u64> {
        let state = self.state.lock();
        state.log.tail()..=state.log.head()
    }

    /// The newest messages with an id below `before` (of all, where `None`), at most `max`.
    #[must_use]
    pub fn messages_before(&self, before: Option<u64>, max: usize) -> Page {
        let before = before.unwrap_or(u64::MAX);
        self.state
            .lock()
            .log
            .messages_before(before, max, HISTORY_PAGE_BYTES_MAX)
    }

    /// The oldest messages with an id above `after`, at most `max`.
    #[must_use]
    pub fn messages_after(&self, after: u64, max: usize) -> Page {
        self.state
            .lock()
            .log
            .messages_after(after, max, HISTORY_PAGE_BYTES_MAX)
    }

    /// At most `max` of the members who joined after the user `after`, in order of joining. `None` if
    /// that user is not here.
    #[must_use]
    pub fn users(&self, after: Option<&str>, max: usize) -> Option<UsersPage> {
        let (page, total) = {
            let state = self.state.lock();
            (state.members.page(after, max)?, state.members.count())
        };
        let (members, more) = page;
        Some(UsersPage {
            users: members.iter().map(Member::to_user).collect(),
            total,
            more,
        })
    }

    /// Bytes of the log's entries.
    #[must_use]
    pub fn log_bytes(&self) -> usize {
        self.state.lock().log.bytes()
    }

    /// Members now.
    #[must_use]
    pub fn member_count(&self) -> u64 {
        self.state.lock().members.count()
    }

    /// How many entries the slowest reader has not been told yet.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.fanout.lag(self.head())
    }

    /// Whether a room of so many live members is told of joins, leaves and renames: that costs a
    /// delivery for each of them and each change, so N² in a storm.
    pub(super) const fn tells(&self, members: u64) -> bool {
        self.notice_limit == 0 || members <= self.notice_limit
    }

    /// Publishes how many members there are.
    pub(super) fn count(&self, state: &State) {
        self.counts.set(self.index, state.members.count());
    }

    fn push_notice(
        &self,
        state: &mut State,
        kind: NoticeKind,
        member: &Member,
        before: Option<&Username>,
    ) {
        let at = clock::rfc3339(state.now_ms());
        let id = state.log.next_id();
        let payload = self.notice(Some(id), kind, member, before, &at);
        self.push(state, EntryKind::Notice, payload, None);
    }

    /// Puts an entry into the log. The caller wakes the fan-out once the lock is gone.
    pub(super) fn push(
        &self,
        state: &mut State,
        kind: EntryKind,
        payload: Box<RawValue>,
        key: Option<(DedupKey, Remembered)>,
    ) {
        let entry = state.log.push(kind, payload, Instant::now(), key);
        self.head.store(entry.id, Ordering::Release);
        if kind == EntryKind::Message {
            self.activity.set(self.index, entry.id);
        }
    }
}

impl State {
    /// Wall-clock milliseconds that never go back within the room, whatever the clock does.
    pub(super) fn now_ms(&mut self) -> i64 {
        self.newest_ms = clock::unix_ms().max(self.newest_ms);
        self.newest_ms
    }
}

fn repeated(known: &Remembered, text_hash: u64) -> Result<Published, Refusal> {
    if known.text_hash != text_hash {
        return Err(Refusal::conflict());
    }
    let timestamp = Arc::clone(&known.timestamp);
    Ok(Published {
        id: known.id,
        timestamp,
        duplicate: true,
    })
}
