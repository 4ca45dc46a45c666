//! How a store replaces what a room has of its log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::Signals;
use super::log::Log;
use super::reactions::Reactions;
use super::record::Record;
use super::room::Room;

/// A whole log on its way into a room: records are added, oldest first, and [`Self::finish`] puts the
/// log in the old one's place. If this is dropped instead, the room stays as it was.
#[must_use]
#[derive(Debug)]
pub struct Restoring<'a> {
    room: &'a Room,
    epoch: Arc<str>,
    log: Log,
    now: Instant,
}

impl Room {
    /// Begins to replace the log by one of this incarnation, whose newest entry has the id `head`, and
    /// whose ids jumped at `floor` because earlier ones had been lost ([`Log::floor`]; 0 if none were).
    pub fn restore(&self, epoch: Arc<str>, head: u64, floor: u64) -> Restoring<'_> {
        let bounds = self.state.lock().log.bounds();
        Restoring {
            room: self,
            epoch,
            log: Log::restored(bounds, head, floor),
            now: Instant::now(),
        }
    }
}

impl Restoring<'_> {
    /// Nothing up to this id is added, although there are messages.
    pub fn begin_after(&mut self, id: u64) {
        self.log.begin_after(id);
    }

    /// Adds the next record. Returns false if it cannot belong to this log, and was left out.
    pub fn add(&mut self, record: &Record) -> bool {
        let (kind, payload) = self.room.render(record);
        let key = self.room.key_of(record);
        let previous = record.previous;
        let is_added = self
            .log
            .restore(record.id, kind, payload, previous, self.now, key);
        if is_added && kind.is_message() {
            self.room.activity.set(self.room.index, record.id);
        }
        is_added
    }

    /// Sets the reactions to a message that was added.
    pub fn set_reactions(&mut self, id: u64, reactions: Reactions) {
        self.log.set_reactions(id, reactions);
    }

    /// Replaces the room's log. `newest_message` is the id of the newest message, if the store knows
    /// it. Connections that have received entries which this log does not continue from get a gap.
    pub fn finish(mut self, newest_message: Option<u64>) {
        self.log.end_restoring(newest_message);
        let room = self.room;
        let mut state = room.state.lock();
        if state.epoch != self.epoch {
            // Those messages are lost.
            room.acknowledged.store(0, Ordering::Release);
        }
        state.epoch = self.epoch;
        room.head.store(self.log.head(), Ordering::Release);
        state.log = self.log;
        drop(state);
        room.fanout.notify(Signals::ENTRIES);
        room.moved.notify_waiters();
    }
}
