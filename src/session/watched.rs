//! A room that a client looks into without being a member. The session reads it from a cursor of its own
//! when it is notified. Nothing is parked, so the room's fan-out only wakes the session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::room::{Batch, Offered, Room, Signals, Subscriber, Subscription};

/// Rooms that one connection may watch.
pub(super) const WATCHED_MAX: usize = 16;

/// A room that is watched.
#[derive(Debug)]
pub(crate) struct WatchedRoom {
    pub(super) room: Arc<Room>,
    watcher: Arc<Watcher>,
    /// The newest version of how the room is run that was sent; 0 = none.
    pub(super) profile_version: u64,
    _subscription: Subscription,
}

/// What a watched room notifies.
#[derive(Debug)]
struct Watcher {
    session: Arc<dyn Subscriber>,
    position: AtomicU64,
}

impl Subscriber for Watcher {
    fn notify(&self, signals: Signals) {
        if signals.has(Signals::ENTRIES.and(Signals::PROFILE)) {
            self.session.notify(Signals::WATCHED);
        }
    }

    fn offer(&self, batch: &Batch) -> Offered {
        if self.position() >= batch.upto {
            Offered::Known
        } else {
            Offered::Behind
        }
    }

    fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    // The connection's outbox does that.
    fn check_progress(&self, _: Instant, _: Duration) {}
}

impl WatchedRoom {
    /// Watches a room from now on. `session` is notified of [`Signals::WATCHED`].
    pub(super) fn begin(room: &Arc<Room>, session: &Arc<dyn Subscriber>) -> Self {
        let watcher = Arc::new(Watcher {
            session: Arc::clone(session),
            position: AtomicU64::new(u64::MAX),
        });
        // Before the position is read, so that nothing after it is missed.
        let subscription = room.fanout.subscribe(Arc::clone(&watcher) as _);
        let watched = Self {
            room: Arc::clone(room),
            watcher,
            profile_version: 0,
            _subscription: subscription,
        };
        watched.move_to(room.head());
        // How the room is run is sent after the answer, and what came meanwhile.
        session.notify(Signals::WATCHED);
        watched
    }

    /// Id of the last log entry sent to this connection, or deliberately skipped.
    pub(super) fn cursor(&self) -> u64 {
        self.watcher.position()
    }

    pub(super) fn move_to(&self, cursor: u64) {
        self.watcher.position.store(cursor, Ordering::Release);
    }
}
