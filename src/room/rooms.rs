//! All rooms of the service, in the order they are listed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::activity::Activity;
use super::backplane::Backplane;
use super::counts::Counts;
use super::log::LogBounds;
use super::members::NodeId;
use super::room::Room;
use crate::clock;
use crate::domain::RoomName;
use crate::metrics::Metrics;
use crate::rate::Rate;

/// What rooms are made with.
#[derive(Debug, Clone)]
pub struct RoomSettings {
    /// The rooms, in the order they are listed.
    pub names: Vec<RoomName>,
    /// How much of each room's past is kept.
    pub log: LogBounds,
    /// Members above which joins and leaves are not told; 0 = always told.
    pub notice_limit: u64,
    /// The shortest time between two updates of counts or typing.
    pub state_interval: Duration,
    /// A reader whose transport takes nothing for this long is told so; `None` = never.
    pub slow_timeout: Option<Duration>,
    /// Names that look alike may not be in one room at once.
    pub unique_names: bool,
    /// How many messages one room takes; `None` = not limited.
    pub ceiling: Option<Rate>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Names this process among those that share the rooms; 0 where there are none.
    pub node: NodeId,
    /// What joins the rooms to those of other processes.
    pub backplane: Option<Arc<dyn Backplane>>,
}

/// The rooms. They are predefined: none is made or removed while the service runs.
#[derive(Debug)]
pub struct Rooms {
    by_name: HashMap<RoomName, Arc<Room>>,
    counts: Arc<Counts>,
    activity: Arc<Activity>,
    state_interval: Duration,
    slow_timeout: Option<Duration>,
    shared: bool,
}

impl Rooms {
    /// Empty rooms.
    #[must_use]
    pub fn new(settings: &RoomSettings) -> Self {
        let counts = Arc::new(Counts::new(settings.names.clone()));
        let activity = Arc::new(Activity::new(settings.names.clone()));
        let room = |(index, name): (usize, &RoomName)| {
            let (counts, activity) = (Arc::clone(&counts), Arc::clone(&activity));
            let room = Room::new(name.clone(), index, counts, activity, settings);
            (name.clone(), Arc::new(room))
        };
        let by_name = settings.names.iter().enumerate().map(room).collect();
        Self {
            by_name,
            counts,
            activity,
            state_interval: settings.state_interval,
            slow_timeout: settings.slow_timeout,
            shared: settings.backplane.is_some(),
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

    /// Whether other processes have them too.
    #[must_use]
    pub const fn are_shared(&self) -> bool {
        self.shared
    }

    /// The member counts of all rooms.
    #[must_use]
    pub const fn counts(&self) -> &Arc<Counts> {
        &self.counts
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
        let interval = self.state_interval;
        let counts = Arc::clone(&self.counts);
        tasks.spawn(async move { counts.publish_changes(interval).await });
        let activity = Arc::clone(&self.activity);
        tasks.spawn(async move { activity.publish_changes().await });
        if let Some(timeout) = self.slow_timeout {
            let audience = Arc::clone(self.counts.audience());
            tasks.spawn(async move { audience.check_progress(timeout).await });
        }
        for room in self.by_name.values() {
            let (typing, delivering) = (Arc::clone(room), Arc::clone(room));
            tasks.spawn(async move { typing.publish_typing(interval).await });
            // Taken here: the first entry may be published before the task has run.
            let delivered = room.head();
            tasks.spawn(async move { delivering.deliver(delivered).await });
        }
        tasks
    }
}
