//! The newest message of each room, for those who are elsewhere: state, not events, as the counts.
//!
//! A publisher stores an id and sets a flag; it waits for nobody and takes no lock. Everybody else
//! is told by a task, which lets a pause follow each time: the first message after a quiet spell is
//! told at once, whatever comes in the pause together at its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::bell::News;
use super::fanout::Fanout;
use crate::domain::RoomName;
use crate::json;
use crate::protocol::{self, NewestIds};

/// Between two updates. A mark in a list of rooms may be a little late.
const PAUSE: Duration = Duration::from_secs(2);

/// The newest messages of all rooms at one time, with their wire payload.
#[derive(Debug)]
pub struct ActivityState {
    /// Grows with every change: a greater version is newer, and no id in it is smaller.
    pub version: u64,
    /// Payload of `activity`.
    pub payload: Box<RawValue>,
    ids: Vec<u64>,
}

/// The newest message of each room. See the module's text.
#[derive(Debug)]
pub struct Activity {
    names: Vec<RoomName>,
    newest: Vec<AtomicU64>,
    changed: Notify,
    published: Mutex<Arc<ActivityState>>,
    audience: Arc<Fanout>,
}

impl Activity {
    /// No messages yet, for rooms in this order.
    #[must_use]
    pub fn new(names: Vec<RoomName>) -> Self {
        // Version 0 is that of somebody who has been told nothing.
        let first = render(&names, vec![0; names.len()], 1);
        Self {
            newest: names.iter().map(|_| AtomicU64::new(0)).collect(),
            names,
            changed: Notify::new(),
            published: Mutex::new(Arc::new(first)),
            audience: Arc::default(),
        }
    }

    /// Says that the room at `index` has a message `id`.
    pub fn set(&self, index: usize, id: u64) {
        // Of a log that is read anew, an older one may come after a newer one.
        self.newest[index].fetch_max(id, Ordering::AcqRel);
        // No more than an atomic step, unless the task is waiting: once a pause at the most.
        self.changed.notify_one();
    }

    /// What was told to everybody last, or to somebody who came since.
    #[must_use]
    pub fn published(&self) -> Arc<ActivityState> {
        Arc::clone(&self.published.lock())
    }

    /// Publishes the newest messages as they are at this moment, and returns them.
    pub fn publish(&self) -> Arc<ActivityState> {
        // Read under the lock, so that versions are in the order of what is in them.
        let mut published = self.published.lock();
        let newest = self.newest.iter().map(|id| id.load(Ordering::Acquire));
        let ids: Vec<u64> = newest.collect();
        if ids != published.ids {
            *published = Arc::new(render(&self.names, ids, published.version + 1));
        }
        Arc::clone(&published)
    }

    /// Everybody who is told.
    #[must_use]
    pub const fn audience(&self) -> &Arc<Fanout> {
        &self.audience
    }

    /// Publishes changes for as long as it is polled.
    pub async fn publish_changes(&self) {
        loop {
            self.changed.notified().await;
            // Rung also where nothing is newer: then it was published for a newcomer, and the
            // others have not been told.
            self.publish();
            self.audience.notify(News::ACTIVITY);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn render(names: &[RoomName], ids: Vec<u64>, version: u64) -> ActivityState {
    let rooms = NewestIds { names, ids: &ids };
    ActivityState {
        version,
        payload: json::raw(&protocol::Activity { rooms }),
        ids,
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
        let first = activity.publish();
        assert_eq!(first.payload.get(), r#"{"rooms":{"tech":0,"music":0}}"#);
        activity.set(1, 7);
        activity.set(1, 3);
        assert_eq!(activity.published().version, first.version);
        let second = activity.publish();
        assert_eq!(second.payload.get(), r#"{"rooms":{"tech":0,"music":7}}"#);
        assert!(second.version > first.version);
        assert_eq!(activity.publish().version, second.version);
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
