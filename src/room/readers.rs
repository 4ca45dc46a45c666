//! Who hears of things: the readers of a room, and of the whole service.
//!
//! A reader that is up to date and has room takes a new entry at once, from whoever publishes it,
//! without its task being woken; any other is rung and reads for itself. The first is the common
//! case, and waking a task for it measured a fifth more CPU a delivery (`docs/performance.md`).

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
pub struct Readers(Mutex<Slab<Arc<dyn Reader>>>);

/// A reader's seat in a group; given up when dropped.
#[derive(Debug)]
pub struct Seat {
    group: Arc<Readers>,
    place: usize,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.group.0.lock().try_remove(self.place);
    }
}

impl Readers {
    /// Seats a reader in the group.
    pub fn seat(self: &Arc<Self>, reader: Arc<dyn Reader>) -> Seat {
        let place = self.0.lock().insert(reader);
        Seat {
            group: Arc::clone(self),
            place,
        }
    }

    /// Rings all.
    pub fn ring(&self, news: News) {
        for (_, reader) in self.0.lock().iter() {
            reader.ring(news);
        }
    }

    /// Brings a new entry to all: offers it, and rings those who cannot take it.
    pub fn bring(&self, entry: &Entry) {
        for (n, (_, reader)) in self.0.lock().iter().enumerate() {
            if n >= SERVED_MAX || !reader.offer(entry) {
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
            for (_, reader) in self.0.lock().iter() {
                reader.check_progress(now, timeout);
            }
        }
    }
}
