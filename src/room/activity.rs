//! The newest message of each room, for clients that are in another one.
//!
//! A publisher stores an id and wakes a task; it waits for nothing and takes no lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::value::RawValue;

use super::notifier::Signals;
use super::published::{Pace, PublishedState, StateSource};
use crate::domain::RoomName;
use crate::json;
use crate::protocol::{self, NewestIds};

/// Between two updates. A mark in a list of rooms may be a little late.
const PAUSE: Duration = Duration::from_secs(2);

/// The newest message of each room.
pub type Activity = PublishedState<NewestMessages>;

/// Source of [`Activity`].
#[derive(Debug)]
pub struct NewestMessages {
    names: Vec<RoomName>,
    ids: Vec<AtomicU64>,
}

impl StateSource for NewestMessages {
    type Value = Vec<u64>;

    const SIGNAL: Signals = Signals::ACTIVITY;

    fn read(&self) -> Vec<u64> {
        let ids = self.ids.iter().map(|id| id.load(Ordering::Acquire));
        ids.collect()
    }

    fn render(&self, ids: &Vec<u64>) -> Box<RawValue> {
        let names = &self.names;
        let rooms = NewestIds { names, ids };
        json::raw(&protocol::Activity { rooms })
    }
}

impl Activity {
    /// No messages yet, for rooms in this order. Its audience are the connections whose clients know
    /// the event.
    #[must_use]
    pub fn new(names: Vec<RoomName>) -> Self {
        let source = NewestMessages {
            ids: names.iter().map(|_| AtomicU64::new(0)).collect(),
            names,
        };
        Self::starting_at(1, source, Arc::default(), Pace::steady(PAUSE))
    }

    /// The room at `index` has a message `id`.
    pub fn set(&self, index: usize, id: u64) {
        // When a log is read again, an older id may come after a newer one.
        self.source.ids[index].fetch_max(id, Ordering::AcqRel);
        self.mark_changed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity() -> Activity {
        let names =
            ["tech", "music"].map(|name| RoomName::parse(name).unwrap_or_else(|e| panic!("{e}")));
        Activity::new(names.to_vec())
    }

    #[test]
    fn ids_never_go_down_and_versions_tell_states_apart() {
        let activity = activity();
        let first = activity.now();
        assert_eq!(first.payload.get(), r#"{"rooms":{"tech":0,"music":0}}"#);
        activity.set(1, 7);
        activity.set(1, 3);
        assert_eq!(activity.published().version, first.version);
        let second = activity.now();
        assert_eq!(second.payload.get(), r#"{"rooms":{"tech":0,"music":7}}"#);
        assert!(second.version > first.version);
        assert_eq!(activity.now().version, second.version);
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_is_published_once_a_pause() {
        let activity = Arc::new(activity());
        let publisher = Arc::clone(&activity);
        let task = tokio::spawn(async move { publisher.publish_changes().await });
        let first = activity.published().version;
        let millis = PAUSE.as_secs() * 1000;
        for id in 1..=millis * 10 {
            activity.set(0, id);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let published = activity.published();
        assert_eq!(published.version - first, 10);
        tokio::time::sleep(PAUSE).await;
        let last = format!(r#"{{"rooms":{{"tech":{},"music":0}}}}"#, millis * 10);
        assert_eq!(activity.published().payload.get(), last);
        task.abort();
    }
}
