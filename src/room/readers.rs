//! Who hears of things: the readers of a room, and of the whole service.
//!
//! A reader that is up to date and has room takes a new entry at once, from whoever publishes it,
//! without its task being woken; any other is rung and reads for itself. While entries come one by
//! one, the first is a fifth cheaper. Under load it is the other way round: a reader that is rung
//! tells many entries in one go, with one system call (`docs/performance.md` has the figures).

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use slab::Slab;

use super::bell::News;
use super::log::Entry;

/// Readers that one publisher serves itself. In a larger room the rest is rung, so that their own
/// tasks share the work and the publisher is not held up for long.
const SERVED_MAX: usize = 1024;
/// Deliveries a second up to which publishers serve readers themselves: about three quarters of
/// what one core delivers one by one. Beyond that, entries queue up somewhere anyway.
const SERVED_PER_SECOND: f64 = 75_000.0;
/// Over how long deliveries are counted for that.
const LOAD_WINDOW: Duration = Duration::from_millis(250);

/// One connection, to those who have something for it. Nothing here may block.
pub trait Reader: Debug + Send + Sync {
    /// Tells the reader that there is news.
    fn ring(&self, news: News);

    /// Offers an entry that was just published. A reader that can take it now, in its place and
    /// at once, does; else it answers false.
    fn offer(&self, entry: &Entry) -> bool;

    /// Looks whether the transport takes what it was given; one that has not for `timeout` is
    /// told so with [`News::STALLED`]. Called now and then.
    fn check_progress(&self, now: Instant, timeout: Duration);
}

/// A group of readers.
#[derive(Debug, Default)]
pub struct Readers(Mutex<Group>);

#[derive(Debug, Default)]
struct Group {
    readers: Slab<Arc<dyn Reader>>,
    load: Load,
}

/// How many deliveries a second a group costs.
#[derive(Debug, Default)]
struct Load {
    window: Option<(Instant, usize)>,
    high: bool,
}

impl Load {
    /// Counts deliveries made at `now` and says whether there are many.
    fn count(&mut self, deliveries: usize, now: Instant) -> bool {
        let (start, before) = self.window.unwrap_or((now, 0));
        let counted = before + deliveries;
        self.window = Some((start, counted));
        let elapsed = now.saturating_duration_since(start);
        let bound = SERVED_PER_SECOND * LOAD_WINDOW.max(elapsed).as_secs_f64();
        if counted as f64 > bound {
            self.high = true;
        }
        if elapsed >= LOAD_WINDOW {
            self.high = counted as f64 > bound;
            self.window = None;
        }
        self.high
    }
}

/// A reader's seat in a group; given up when dropped.
#[derive(Debug)]
pub struct Seat {
    group: Arc<Readers>,
    place: usize,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.group.0.lock().readers.try_remove(self.place);
    }
}

impl Readers {
    /// Seats a reader in the group.
    pub fn seat(self: &Arc<Self>, reader: Arc<dyn Reader>) -> Seat {
        let place = self.0.lock().readers.insert(reader);
        Seat {
            group: Arc::clone(self),
            place,
        }
    }

    /// Rings all.
    pub fn ring(&self, news: News) {
        for (_, reader) in &self.0.lock().readers {
            reader.ring(news);
        }
    }

    /// Brings a new entry to all: offers it, and rings those who cannot take it.
    pub fn bring(&self, entry: &Entry) {
        let mut group = self.0.lock();
        let deliveries = group.readers.len();
        let served = if group.load.count(deliveries, Instant::now()) {
            0
        } else {
            SERVED_MAX
        };
        for (n, (_, reader)) in group.readers.iter().enumerate() {
            if n >= served || !reader.offer(entry) {
                reader.ring(News::ENTRIES);
            }
        }
    }

    /// Checks the progress of all for as long as it is polled, so that one that stalls is told
    /// between one and one and a quarter `timeout` later.
    pub async fn check_progress(&self, timeout: Duration) {
        loop {
            tokio::time::sleep(timeout / 4).await;
            let now = Instant::now();
            for (_, reader) in &self.0.lock().readers {
                reader.check_progress(now, timeout);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_is_high_from_the_first_burst_until_a_calm_window() {
        let mut load = Load::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(
            !load.count(1000, at(0)),
            "one message to a thousand is no load"
        );
        assert!(
            (1..=40).any(|ms| load.count(1000, at(ms))),
            "a thousand a millisecond is"
        );
        load.count(1000, at(300));
        for ms in (320..2000).step_by(20) {
            load.count(1000, at(ms));
        }
        assert!(
            !load.count(1000, at(2000)),
            "fifty a second to a thousand is none"
        );
    }
}
