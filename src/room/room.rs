//! One room: its log and its members under one short lock, and its subscribers.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::activity::Activity;
use super::ceiling::Ceiling;
use super::counts::Counts;
use super::fanout::Fanout;
use super::log::{Entry, Log, Read};
use super::members::{Member, MemberId, Members, UsersPage};
use super::profile::Profile;
use super::record::LogPosition;
use super::settings::RoomSettings;
use super::typing::Typing;
use super::waiting::Reacting;
use crate::clock;
use crate::decisions::Decisions;
use crate::domain::RoomName;
use crate::metrics::Metrics;
use crate::protocol::User;

/// A room. Cheap to share; every method takes the lock for memory work only.
#[derive(Debug)]
pub struct Room {
    pub(super) name: RoomName,
    pub(super) notice_limit: u64,
    /// How old a message may be that is edited.
    pub(super) edit_window: Duration,
    pub(super) state: Mutex<State>,
    pub(super) head: AtomicU64,
    /// Id of the newest message that this process has acknowledged. If other processes share the room,
    /// that may come before the message is in the log here.
    pub(super) acknowledged: AtomicU64,
    /// Messages that the store has been given and has not answered.
    pub(super) pending: Arc<AtomicUsize>,
    pub(crate) fanout: Arc<Fanout>,
    pub(super) typing: Typing,
    profile: Profile,
    counts: Arc<Counts>,
    pub(super) activity: Arc<Activity>,
    pub(super) index: usize,
    hasher: std::hash::RandomState,
    pub(super) metrics: Arc<Metrics>,
    pub(super) ceiling: Option<Ceiling>,
    /// Reactions on their way to the store.
    pub(super) reacting: Reacting,
    /// Notified when the log has grown or been replaced.
    pub(super) moved: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) epoch: Arc<str>,
    pub(super) log: Log,
    pub(super) members: Members,
    newest_ms: i64,
}

impl Room {
    pub(super) fn new(
        name: RoomName,
        index: usize,
        counts: Arc<Counts>,
        activity: Arc<Activity>,
        decisions: Arc<Decisions>,
        settings: &RoomSettings,
    ) -> Self {
        let fanout = Arc::<Fanout>::default();
        let audience = Arc::clone(&fanout);
        let interval = settings.state_interval;
        Self {
            typing: Typing::new(name.clone(), Arc::clone(&audience), interval),
            profile: Profile::new(name.clone(), decisions, audience, interval),
            name,
            notice_limit: settings.notice_limit,
            edit_window: settings.edit_window,
            state: Mutex::new(State {
                epoch: crate::random::id().into(),
                log: Log::new(settings.log),
                members: Members::at(settings.node),
                newest_ms: 0,
            }),
            head: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            pending: Arc::default(),
            fanout,
            counts,
            activity,
            index,
            hasher: std::hash::RandomState::new(),
            metrics: Arc::clone(&settings.metrics),
            ceiling: settings.ceiling.map(Ceiling::new),
            reacting: Reacting::new(interval),
            moved: Notify::new(),
        }
    }

    /// The room's name.
    #[must_use]
    pub const fn name(&self) -> &RoomName {
        &self.name
    }

    /// Its position among the rooms, in the order they are listed.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
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

    /// How it is run.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The membership of a user. Looks at all members.
    #[must_use]
    pub fn member_of(&self, user_id: &str) -> Option<(MemberId, Member)> {
        let state = self.state.lock();
        let (id, member) = state.members.of_user(user_id)?;
        Some((id, member.clone()))
    }

    /// The id of the newest entry.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Shows a member as typing, or not.
    pub fn set_typing(&self, id: MemberId, is_typing: bool) {
        if !is_typing {
            self.typing.stop(id);
            return;
        }
        let user = self.state.lock().members.get(id).map(Member::to_user);
        if let Some(user) = user {
            self.typing.start(id, user);
        }
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
            users: members
                .iter()
                .map(|(member, away)| User {
                    away: *away,
                    ..member.to_user()
                })
                .collect(),
            total,
            more,
        })
    }

    /// Members now.
    #[must_use]
    pub fn member_count(&self) -> u64 {
        self.state.lock().members.count()
    }

    /// How many entries have not been sent to the slowest reader.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.fanout.lag(self.head())
    }

    /// Publishes how many members there are.
    pub(super) fn count(&self, state: &State) {
        self.counts.set(self.index, state.members.count());
    }

    /// Distinguishes texts with the same idempotency key.
    pub(super) fn hash_of(&self, text: &str) -> u64 {
        self.hasher.hash_one(text)
    }

    /// How far the log is known.
    #[must_use]
    pub fn position(&self) -> LogPosition {
        self.position_of(&self.state.lock())
    }

    pub(super) fn position_of(&self, state: &State) -> LogPosition {
        LogPosition {
            room: self.name.clone(),
            epoch: Arc::clone(&state.epoch),
            head: state.log.head(),
            kept: state.log.kept(),
        }
    }

    /// The epoch, if ids up to and including `position` belong to an earlier one.
    #[must_use]
    pub fn epoch_after(&self, position: u64) -> Option<Arc<str>> {
        let state = self.state.lock();
        (position <= state.log.floor()).then(|| Arc::clone(&state.epoch))
    }
}

impl State {
    /// Wall-clock milliseconds that never go back within the room, whatever the clock does.
    pub(super) fn now_ms(&mut self) -> i64 {
        self.newest_ms = clock::unix_ms().max(self.newest_ms);
        self.newest_ms
    }
}
