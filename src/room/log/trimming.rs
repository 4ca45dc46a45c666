//! What a log drops, oldest first.

use std::time::Instant;

use super::{Entry, Log, LogBounds, NOTICES_BYTES_MAX};

/// Changes are dropped from the front with the messages they stand between. There can be one to each
/// message, and one to each message that was dropped meanwhile; only a store with an archive has more.
const fn changes_max(messages_max: usize) -> usize {
    2 * messages_max + 1
}

impl Log {
    /// The store's archive has nothing up to this id any more, and neither has the log from now on.
    pub fn discard_until(&mut self, id: u64) {
        self.discarded = self.discarded.max(id);
        while self.messages.oldest_id() <= id && !self.messages.entries.is_empty() {
            self.drop_message();
        }
        self.forget_changes_until(id);
    }

    pub(super) fn trim(&mut self, now: Instant) {
        while let Some(oldest) = self.messages.oldest_of_several() {
            if !self.is_surplus(oldest, now) {
                break;
            }
            self.drop_message();
        }
        while self.notices.oldest_of_several().is_some()
            && (self.notices.entries.len() > self.bounds.notices_max
                || self.notices.bytes > NOTICES_BYTES_MAX)
        {
            self.notices.pop();
        }
    }

    fn is_surplus(&self, oldest: &Entry, now: Instant) -> bool {
        let LogBounds {
            messages_max,
            bytes_max,
            keep_for,
            ..
        } = self.bounds;
        if bytes_max > 0 && self.messages.bytes > bytes_max {
            return true;
        }
        let crowded = messages_max > 0
            && (self.messages.messages() > messages_max
                || self.messages.changes > changes_max(messages_max));
        crowded && now.saturating_duration_since(oldest.published) >= keep_for
    }

    fn drop_message(&mut self) {
        let Some(entry) = self.messages.pop() else {
            return;
        };
        self.tail = self.tail.max(entry.id);
        if !self.reactions.is_empty() {
            self.reactions.remove(&entry.id);
        }
        if let Some(key) = &entry.key {
            self.remembered.remove(key);
        }
    }
}
