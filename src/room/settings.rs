//! What rooms are made with.

use std::sync::Arc;
use std::time::Duration;

use super::log::LogBounds;
use super::members::NodeId;
use crate::domain::RoomName;
use crate::metrics::Metrics;
use crate::rate::Rate;

/// What rooms are made with.
#[derive(Debug, Clone, Default)]
pub struct RoomSettings {
    /// The rooms, in the order they are listed.
    pub names: Vec<RoomName>,
    /// How much of each room's past is kept.
    pub log: LogBounds,
    /// Members above which joins and leaves are not announced; 0 = always announced.
    pub notice_limit: u64,
    /// How old a message may be that its sender edits; 0 = none may be.
    pub edit_window: Duration,
    /// The shortest time between two updates of counts or typing.
    pub state_interval: Duration,
    /// A session whose transport accepts nothing for this long is notified; `None` = never.
    pub slow_timeout: Option<Duration>,
    /// How many messages one room takes; `None` = not limited.
    pub ceiling: Option<Rate>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Identifies this process among those that share the rooms; 0 if no other process does.
    pub node: NodeId,
}
