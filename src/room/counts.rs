//! Member counts of all rooms, as all connections receive them.
//!
//! Every change is counted immediately. While a storm of changes lasts, the pauses between two
//! updates grow. So a storm of N joins costs each connection a handful of `room_update`, not N.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::value::RawValue;

use super::notifier::Signals;
use super::published::{Pace, PublishedState, StateSource};
use crate::domain::RoomName;
use crate::json;
use crate::protocol::RoomCounts;

/// While changes keep coming, the pause between two updates grows to this many intervals.
const PAUSE_GROWTH_MAX: u32 = 10;

/// The member counts of all rooms.
pub type Counts = PublishedState<MemberCounts>;

/// Source of [`Counts`].
#[derive(Debug)]
pub struct MemberCounts {
    names: Vec<RoomName>,
    board: Mutex<Board>,
}

/// The counts at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Changes so far. A count that changes and changes back is an update too.
    changes: u64,
    counts: Vec<u64>,
}

impl StateSource for MemberCounts {
    type Value = Board;

    const SIGNAL: Signals = Signals::COUNTS;

    fn read(&self) -> Board {
        self.board.lock().clone()
    }

    fn render(&self, board: &Board) -> Box<RawValue> {
        json::raw(&RoomCounts {
            names: &self.names,
            counts: &board.counts,
        })
    }
}

impl Counts {
    /// All counts 0, for rooms in this order. Changes are published to all connections, at most every
    /// `interval`.
    #[must_use]
    pub fn new(names: Vec<RoomName>, interval: Duration) -> Self {
        let board = Board {
            changes: 0,
            counts: vec![0; names.len()],
        };
        let source = MemberCounts {
            names,
            board: Mutex::new(board),
        };
        let pace = Pace::growing(interval, PAUSE_GROWTH_MAX);
        Self::starting_at(1, source, Arc::default(), pace)
    }

    /// Sets the number of members of the room at `index`. Called under that room's lock, so that
    /// the last call sets the last count (lock order: room, then counts).
    pub fn set(&self, index: usize, count: u64) {
        let mut board = self.source.board.lock();
        if board.counts[index] == count {
            // A count that was read again is no change, and must not delay a later one.
            return;
        }
        board.changes += 1;
        board.counts[index] = count;
        drop(board);
        self.mark_changed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(50);

    fn counts() -> Arc<Counts> {
        let name = RoomName::parse("tech").unwrap_or_else(|e| panic!("{e}"));
        Arc::new(Counts::new(vec![name], INTERVAL))
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_count_of_a_storm_is_published() {
        let counts = counts();
        let publisher = Arc::clone(&counts);
        let task = tokio::spawn(async move { publisher.publish_changes().await });
        for n in 1..=1000 {
            counts.set(0, n);
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(INTERVAL * PAUSE_GROWTH_MAX).await;
        let all_in = r#"{"tech":{"count":1000,"name":"tech"}}"#;
        assert_eq!(counts.published().payload.get(), all_in);
        task.abort();
    }

    #[test]
    fn a_count_that_changes_back_is_a_new_version() {
        let counts = counts();
        let first = counts.now();
        counts.set(0, 0);
        assert_eq!(counts.now().version, first.version);
        counts.set(0, 1);
        counts.set(0, 0);
        let second = counts.now();
        assert!(second.version > first.version);
        assert_eq!(second.payload.get(), first.payload.get());
    }
}
