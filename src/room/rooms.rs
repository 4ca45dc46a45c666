//! All rooms of the service, in the order they are listed.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::JoinSet;

use super::activity::Activity;
use super::counts::Counts;
use super::members::UserId;
use super::room::Room;
use super::settings::RoomSettings;
use crate::clock;
use crate::decisions::Decisions;
use crate::domain::RoomName;

/// Called with a user whose membership another process has taken over.
type TakeoverCallback = Box<dyn Fn(&UserId) + Send + Sync>;

/// The rooms. They are predefined: none is made or removed while the service runs.
pub struct Rooms {
    by_name: HashMap<RoomName, Arc<Room>>,
    counts: Arc<Counts>,
    activity: Arc<Activity>,
    decisions: Arc<Decisions>,
    slow_timeout: Option<Duration>,
    on_takeover: OnceLock<TakeoverCallback>,
}

impl std::fmt::Debug for Rooms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rooms")
            .field("by_name", &self.by_name)
            .finish_non_exhaustive()
    }
}

impl Rooms {
    /// Empty rooms.
    #[must_use]
    pub fn new(settings: &RoomSettings) -> Self {
        let counts = Arc::new(Counts::new(settings.names.clone(), settings.state_interval));
        let activity = Arc::new(Activity::new(settings.names.clone()));
        let decisions = Arc::<Decisions>::default();
        let room = |(index, name): (usize, &RoomName)| {
            let (counts, activity) = (Arc::clone(&counts), Arc::clone(&activity));
            let decisions = Arc::clone(&decisions);
            let room = Room::new(name.clone(), index, counts, activity, decisions, settings);
            (name.clone(), Arc::new(room))
        };
        let by_name: HashMap<_, _> = settings.names.iter().enumerate().map(room).collect();
        watch_profiles(&decisions, &by_name);
        Self {
            by_name,
            counts,
            activity,
            decisions,
            slow_timeout: settings.slow_timeout,
            on_takeover: OnceLock::new(),
        }
    }

    /// The room of this name.
    #[must_use]
    pub fn get(&self, name: &RoomName) -> Option<&Arc<Room>> {
        self.by_name.get(name)
    }

    /// All rooms, in any order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Room>> {
        self.by_name.values()
    }

    /// Sets what is called when another process has taken over a membership that a user had here. The
    /// first call counts.
    pub fn on_takeover(&self, callback: impl Fn(&UserId) + Send + Sync + 'static) {
        self.on_takeover.get_or_init(|| Box::new(callback));
    }

    /// For a store that several processes share: another process has taken over a membership that the
    /// user had here, and it has been removed from its room.
    pub fn taken_over(&self, user_id: &UserId) {
        if let Some(callback) = self.on_takeover.get() {
            callback(user_id);
        }
    }

    /// The member counts of all rooms.
    #[must_use]
    pub const fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// What people in charge have decided.
    #[must_use]
    pub const fn decisions(&self) -> &Arc<Decisions> {
        &self.decisions
    }

    /// The newest messages of all rooms.
    #[must_use]
    pub const fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// Starts delivering what is published, publishing counts, typing and what is new, and watching
    /// the clock and for slow readers; all ends when the returned set is dropped.
    #[must_use]
    pub fn start(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        tasks.spawn(clock::watch());
        let counts = Arc::clone(&self.counts);
        tasks.spawn(async move { counts.publish_changes().await });
        let activity = Arc::clone(&self.activity);
        tasks.spawn(async move { activity.publish_changes().await });
        if let Some(timeout) = self.slow_timeout {
            let audience = Arc::clone(self.counts.audience());
            tasks.spawn(async move { audience.check_progress(timeout).await });
        }
        for room in self.by_name.values() {
            let (typing, delivering) = (Arc::clone(room), Arc::clone(room));
            tasks.spawn(async move { typing.typing().publish_changes().await });
            let run = Arc::clone(room);
            tasks.spawn(async move { run.profile().publish_changes().await });
            // Taken here: the first entry may be published before the task has run.
            let delivered = room.head();
            tasks.spawn(async move { delivering.deliver(delivered).await });
        }
        tasks
    }
}

/// Publishes how a room is run when that changes.
fn watch_profiles(decisions: &Decisions, rooms: &HashMap<RoomName, Arc<Room>>) {
    // Weak, because rooms have the decisions.
    let weak = rooms.iter();
    let weak: HashMap<_, _> = weak
        .map(|(name, room)| (name.clone(), Arc::downgrade(room)))
        .collect();
    decisions.watch(move |key, _| {
        let room = key.room().and_then(|name| weak.get(name)?.upgrade());
        if let Some(room) = room {
            room.profile().decided();
        }
    });
}
