//! Member counts of all rooms: state, not events, so the newest is enough.
//!
//! Every change is counted at once; telling everybody is paced: the first change after a quiet
//! spell goes out immediately, later ones together, at growing intervals while the storm lasts.
//! So a storm of N joins costs each connection a handful of `room_update`, not N.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::bell::News;
use super::fanout::Fanout;
use crate::domain::RoomName;
use crate::json;
use crate::protocol::RoomCounts;

/// While changes keep coming, the pause between two updates grows to this many intervals.
const PAUSE_GROWTH_MAX: u32 = 10;

/// The counts of all rooms at one time, with their wire payload.
#[derive(Debug)]
pub struct CountsState {
    /// Grows with every change: a greater version is newer.
    pub version: u64,
    /// Payload of `room_list` and `room_update`: a map in the rooms' order.
    pub payload: Box<RawValue>,
}

#[derive(Debug)]
struct Board {
    version: u64,
    counts: Vec<u64>,
}

/// The member counts of all rooms. See the module's text.
#[derive(Debug)]
pub struct Counts {
    names: Vec<RoomName>,
    board: Mutex<Board>,
    changed: Notify,
    published: watch::Sender<Arc<CountsState>>,
    audience: Arc<Fanout>,
}

impl Counts {
    /// All counts 0, for rooms in this order.
    #[must_use]
    pub fn new(names: Vec<RoomName>) -> Self {
        let board = Board {
            version: 0,
            counts: vec![0; names.len()],
        };
        let first = Arc::new(render(&names, &board));
        Self {
            names,
            board: Mutex::new(board),
            changed: Notify::new(),
            published: watch::Sender::new(first),
            audience: Arc::default(),
        }
    }

    /// Says how many members the room at `index` has now. Called under that room's lock, so that
    /// the last call tells the last count (lock order: room, then counts).
    pub fn set(&self, index: usize, count: u64) {
        let mut board = self.board.lock();
        if board.counts[index] == count {
            // Read anew, and the same: nobody need be told, nor a later change wait its turn.
            return;
        }
        board.version += 1;
        board.counts[index] = count;
        drop(board);
        self.changed.notify_one();
    }

    /// The counts as they are at this moment, ahead of what is published.
    #[must_use]
    pub fn now(&self) -> CountsState {
        render(&self.names, &self.board.lock())
    }

    /// The published counts.
    #[must_use]
    pub fn published(&self) -> Arc<CountsState> {
        Arc::clone(&self.published.borrow())
    }

    /// Everybody who is told the counts: all connections.
    #[must_use]
    pub const fn audience(&self) -> &Arc<Fanout> {
        &self.audience
    }

    /// Publishes changes for as long as it is polled, at most every `interval`.
    pub async fn publish_changes(&self, interval: Duration) {
        let mut pace = Pace::new(interval);
        loop {
            self.changed.notified().await;
            self.published.send_replace(Arc::new(self.now()));
            self.audience.notify(News::COUNTS);
            tokio::time::sleep(pace.pause_after(Instant::now())).await;
        }
    }
}

fn render(names: &[RoomName], board: &Board) -> CountsState {
    let payload = json::raw(&RoomCounts {
        names,
        counts: &board.counts,
    });
    CountsState {
        version: board.version,
        payload,
    }
}

/// How long to be quiet after an update.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    streak: u32,
    quiet_from: Option<Instant>,
}

impl Pace {
    const fn new(interval: Duration) -> Self {
        Self {
            interval,
            streak: 0,
            quiet_from: None,
        }
    }

    /// The pause that an update at `now` must be followed by. It grows by one interval for each
    /// update that came right after the last pause, and starts over after a quiet spell.
    fn pause_after(&mut self, now: Instant) -> Duration {
        let storm = self.quiet_from.is_some_and(|end| now < end + self.interval);
        self.streak = if storm {
            (self.streak + 1).min(PAUSE_GROWTH_MAX)
        } else {
            1
        };
        let pause = self.interval * self.streak;
        self.quiet_from = Some(now + pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(50);

    #[test]
    fn pauses_grow_while_changes_keep_coming_and_are_bounded() {
        let mut pace = Pace::new(INTERVAL);
        let mut now = Instant::now();
        let mut updates = 0;
        let start = now;
        while now - start < Duration::from_secs(10) {
            now += pace.pause_after(now);
            updates += 1;
        }
        assert!(updates <= 26, "{updates} updates in ten seconds of storm");
        assert!(pace.pause_after(now) == INTERVAL * PAUSE_GROWTH_MAX);
    }

    #[test]
    fn a_quiet_spell_starts_over() {
        let mut pace = Pace::new(INTERVAL);
        let start = Instant::now();
        let first = pace.pause_after(start);
        let second = pace.pause_after(start + first);
        assert_eq!((first, second), (INTERVAL, INTERVAL * 2));
        assert_eq!(pace.pause_after(start + Duration::from_secs(60)), INTERVAL);
    }

    #[test]
    fn an_interval_of_zero_never_pauses() {
        assert_eq!(
            Pace::new(Duration::ZERO).pause_after(Instant::now()),
            Duration::ZERO
        );
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_sees_the_last_count_of_a_storm() {
        let name = RoomName::parse("tech").unwrap_or_else(|e| panic!("{e}"));
        let counts = Arc::new(Counts::new(vec![name]));
        let mut seen = counts.published.subscribe();
        let publisher = Arc::clone(&counts);
        let task = tokio::spawn(async move { publisher.publish_changes(INTERVAL).await });
        for n in 1..=1000 {
            counts.set(0, n);
            tokio::task::yield_now().await;
        }
        let all_in = r#"{"tech":{"count":1000,"name":"tech"}}"#;
        let last = seen.wait_for(|state| state.payload.get() == all_in).await;
        assert!(last.is_ok());
        task.abort();
    }
}
