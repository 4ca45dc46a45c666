//! How a room is run, as its members receive it: topic, slow mode, lock and pins.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::fanout::Fanout;
use super::notifier::Signals;
use super::published::{Pace, PublishedState, StateSource};
use crate::decisions::{DecisionKey, Decisions};
use crate::domain::RoomName;
use crate::json;
use crate::protocol::RoomChanged;

/// Messages of a room that may be pinned.
pub const PINS_MAX: usize = 50;

/// How one room is run.
pub type Profile = PublishedState<RoomProfile>;

/// Source of [`Profile`].
#[derive(Debug)]
pub struct RoomProfile {
    room: RoomName,
    decisions: Arc<Decisions>,
}

/// How a room is run at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileValue {
    /// What it is about; empty if it has no topic.
    pub topic: String,
    /// Seconds between two messages of one user; 0 = not limited.
    pub slow_mode_s: u32,
    /// Only moderators may write.
    pub locked: bool,
    /// Ids of the pinned messages, in their order.
    pub pinned: Vec<u64>,
}

impl StateSource for RoomProfile {
    type Value = ProfileValue;

    const SIGNAL: Signals = Signals::PROFILE;

    fn read(&self) -> ProfileValue {
        let get = |key: fn(RoomName) -> DecisionKey| self.decisions.get(&key(self.room.clone()));
        ProfileValue {
            topic: get(DecisionKey::Topic)
                .and_then(|topic| topic.text.clone())
                .unwrap_or_default(),
            slow_mode_s: get(DecisionKey::SlowMode).map_or(0, |slow| slow.seconds.unwrap_or(0)),
            locked: get(DecisionKey::Lock).is_some(),
            pinned: self.decisions.pins(&self.room),
        }
    }

    fn render(&self, profile: &ProfileValue) -> Box<RawValue> {
        json::raw(&RoomChanged {
            room: self.room.as_str(),
            topic: &profile.topic,
            slow_mode_s: profile.slow_mode_s,
            locked: profile.locked,
            pinned: &profile.pinned,
        })
    }
}

impl Profile {
    /// The profile of a room as `decisions` have it. Changes are published to `audience`, at most every
    /// `interval`.
    #[must_use]
    pub fn new(
        room: RoomName,
        decisions: Arc<Decisions>,
        audience: Arc<Fanout>,
        interval: Duration,
    ) -> Self {
        let source = RoomProfile { room, decisions };
        // Version 0 is that of a room of which nothing was decided: clients expect that anyway.
        Self::starting_at(0, source, audience, Pace::steady(interval))
    }

    /// A decision about the room has changed.
    pub fn decided(&self) {
        self.mark_changed();
    }

    /// Ids of the pinned messages.
    #[must_use]
    pub fn pinned(&self) -> Vec<u64> {
        self.source.decisions.pins(&self.source.room)
    }

    /// The profile now.
    #[must_use]
    pub fn value(&self) -> ProfileValue {
        self.source.read()
    }
}
