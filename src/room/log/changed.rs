//! Changes to messages in a log.
//!
//! A change stays in the order of ids, so that every reader gets it, while the message itself is
//! replaced by its newest state. Of the changes to one message only the newest is kept: there are never
//! many more of them than messages, and they push no message out.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{DedupKey, Entry, EntryKind, Log, Remembered};

/// Idempotency keys that are remembered of edits which later changes have made obsolete.
const SUPERSEDED_KEYS_MAX: usize = 1000;

impl Log {
    /// The message `id`, if it is here.
    #[must_use]
    pub fn message(&self, id: u64) -> Option<&Arc<Entry>> {
        let entry = &self.messages.entries[self.messages.index_of(id)?];
        entry.kind.is_message().then_some(entry)
    }

    /// The newest change to the message `of`, if it is here.
    #[must_use]
    pub fn change_to(&self, of: u64) -> Option<&Arc<Entry>> {
        let mut newest_first = self.messages.entries.iter().rev();
        newest_first
            .find(|entry| matches!(entry.kind, EntryKind::Change { of: found, .. } if found == of))
    }

    /// Puts the newest state of a message in its position.
    pub fn replace_message(&mut self, id: u64, kind: EntryKind, payload: Box<RawValue>) {
        let Some(index) = self.messages.index_of(id) else {
            return;
        };
        let before = &self.messages.entries[index];
        let entry = Entry {
            id,
            kind,
            payload,
            published: before.published,
            key: before.key.clone(),
        };
        if let Some(remembered) = entry
            .key
            .as_ref()
            .and_then(|key| self.remembered.get_mut(key))
        {
            // A retry is not compared with a text that is gone.
            remembered.text_hash = None;
        }
        if kind == EntryKind::Tombstone {
            self.reactions.remove(&id);
        }
        self.messages.replace(index, Arc::new(entry));
    }

    /// Removes the changes that a new one makes obsolete. Their keys are remembered for a while: an edit
    /// that is sent again must not undo a later one.
    pub(super) fn supersede(&mut self, later: EntryKind) {
        let gone = self
            .messages
            .remove(|entry| entry.kind.is_superseded_by(later));
        for key in gone.into_iter().filter_map(|entry| entry.key.clone()) {
            if let Some(remembered) = self.remembered.get_mut(&key) {
                remembered.text_hash = None;
            }
            self.superseded_keys.push_back(key);
        }
        while self.superseded_keys.len() > SUPERSEDED_KEYS_MAX {
            let oldest = self.superseded_keys.pop_front();
            oldest.and_then(|key| self.remembered.remove(&key));
        }
    }

    /// Removes the changes to messages up to `id`, which the archive does not have any more either.
    pub(super) fn forget_changes_until(&mut self, id: u64) {
        let gone = self.messages.remove(|entry| match entry.kind {
            EntryKind::Change { of, .. } | EntryKind::Reaction { of, .. } => of <= id,
            _ => false,
        });
        for key in gone.into_iter().filter_map(|entry| entry.key.clone()) {
            self.remembered.remove(&key);
        }
    }

    /// Remembers the key of a change that is not in the log any more.
    pub fn remember_superseded(&mut self, key: DedupKey, remembered: Remembered) {
        self.remembered.insert(key.clone(), remembered);
        self.superseded_keys.push_back(key);
    }
}
