//! Who receives what a room publishes. One task per room follows the log as its sessions do, with a
//! cursor of its own: it frames all new entries once into one buffer and offers that to every
//! subscriber. A subscriber whose cursor is where the batch begins takes it without its session
//! being woken; every other one is notified, and its session reads the log for itself.
//!
//! `docs/performance.md` has the figures.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use slab::Slab;

use super::log::Entry;
use super::notifier::Signals;
use crate::protocol::frame;
use crate::sync::{Mutex, Notify};

/// Bytes of frames in one batch (one larger entry may be one, alone). A subscriber that is slow
/// holds at most the rest of one.
const BATCH_BYTES: usize = 16 * 1024;
/// Subscribers that are served before others may join, leave, or use the thread.
const CHUNK: usize = 128;

/// Entries of one room's log, framed for a WebSocket.
#[derive(Debug)]
pub struct Batch {
    /// The position before the first of them.
    pub after: u64,
    /// The position after the last of them: its id, or later where a notice is gone.
    pub upto: u64,
    /// The entries.
    pub entries: Vec<Arc<Entry>>,
    /// The same as frames.
    pub frames: Bytes,
}

impl Batch {
    /// The first of these entries, as many as one batch holds. `upto` is the position after all of
    /// them. They are not empty.
    #[must_use]
    pub fn new(after: u64, mut upto: u64, mut entries: Vec<Arc<Entry>>) -> Self {
        let mut frames = Vec::new();
        let mut fit = 0;
        for entry in &entries {
            let before = frames.len();
            frame::push_event(&mut frames, entry.kind.event(), &entry.payload);
            if fit > 0 && frames.len() > BATCH_BYTES {
                frames.truncate(before);
                break;
            }
            fit += 1;
        }
        if fit < entries.len() {
            entries.truncate(fit);
            upto = entries.last().map_or(after, |entry| entry.id);
        }
        Self {
            after,
            upto,
            entries,
            frames: frames.into(),
        }
    }
}

/// What a subscriber makes of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It has taken all of it, and its session need not know.
    Taken,
    /// It has received all of it before.
    Known,
    /// Its session has to see to it.
    Behind,
}

/// One connection, to those who have something for it. Nothing here may block.
pub trait Subscriber: Debug + Send + Sync {
    /// Notifies the session.
    fn notify(&self, signals: Signals);

    /// Offers a batch to the connection.
    fn offer(&self, batch: &Batch) -> Offered;

    /// The position up to which the connection has received the log.
    fn position(&self) -> u64;

    /// Checks whether the transport takes what it was given; one that has not for `timeout` is
    /// notified of [`Signals::STALLED`]. Called now and then.
    fn check_progress(&self, now: Instant, timeout: Duration);
}

/// The subscribers of one room, or of the whole service, which receive what is published there.
#[derive(Debug, Default)]
pub struct Fanout {
    subscribers: Mutex<Slab<Arc<dyn Subscriber>>>,
    changed: Notify,
}

/// Being one of the subscribers; ends when dropped.
#[derive(Debug)]
pub struct Subscription {
    fanout: Arc<Fanout>,
    index: usize,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        drop(self.fanout.subscribers.lock().try_remove(self.index));
    }
}

impl Fanout {
    /// Adds a subscriber.
    pub fn subscribe(self: &Arc<Self>, subscriber: Arc<dyn Subscriber>) -> Subscription {
        let index = self.subscribers.lock().insert(subscriber);
        Subscription {
            fanout: Arc::clone(self),
            index,
        }
    }

    /// Notifies the sessions of all subscribers.
    pub fn notify(&self, signals: Signals) {
        for (_, subscriber) in &*self.subscribers.lock() {
            subscriber.notify(signals);
        }
    }

    /// The log has grown.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Waits until the log has grown since the last call.
    pub async fn woken(&self) {
        self.changed.notified().await;
    }

    /// Offers a batch to some subscribers, from the one at `index` on. Returns how many deliveries
    /// that were, and where to go on, if there are more.
    pub fn offer(&self, batch: &Batch, index: usize) -> (u64, Option<usize>) {
        let subscribers = self.subscribers.lock();
        let mut taken = 0;
        // The slab's slots, of which some are empty.
        let end = subscribers.capacity().min(index + CHUNK);
        for subscriber in (index..end).filter_map(|index| subscribers.get(index)) {
            // A panic of one connection's code ends that connection, not the room.
            match catch_unwind(AssertUnwindSafe(|| subscriber.offer(batch))) {
                Ok(Offered::Taken) => taken += batch.entries.len() as u64,
                Ok(Offered::Known) => {}
                Ok(Offered::Behind) => subscriber.notify(Signals::ENTRIES),
                Err(_) => subscriber.notify(Signals::STALLED),
            }
        }
        (taken, (end < subscribers.capacity()).then_some(end))
    }

    /// How far the subscriber that is furthest behind is behind `head`.
    pub fn lag(&self, head: u64) -> u64 {
        let subscribers = self.subscribers.lock();
        let lags = subscribers
            .iter()
            .map(|(_, subscriber)| head.saturating_sub(subscriber.position()));
        lags.max().unwrap_or(0)
    }

    /// Checks the progress of all for as long as it is polled, so that one that stalls is notified
    /// between one and one and a quarter `timeout` later.
    pub async fn check_progress(&self, timeout: Duration) {
        loop {
            tokio::time::sleep(timeout / 4).await;
            let now = Instant::now();
            for (_, subscriber) in &*self.subscribers.lock() {
                subscriber.check_progress(now, timeout);
            }
        }
    }
}
