//! The entries that a log keeps in one order, and pages of them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::entry::{Entry, EntryKind};
use super::reactions::ReactionsById;

/// Entries, oldest first.
#[derive(Debug, Default)]
pub struct Ring {
    /// The entries.
    pub entries: VecDeque<Arc<Entry>>,
    /// Bytes of the payloads of the others.
    pub bytes: usize,
    /// How many of them are changes to messages.
    pub changes: usize,
    /// How many of them are reactions, whose bytes are not counted.
    pub reactions: usize,
}

impl Ring {
    /// Adds the newest entry.
    pub fn push(&mut self, entry: Arc<Entry>) {
        self.add(&entry);
        self.entries.push_back(entry);
    }

    fn add(&mut self, entry: &Entry) {
        match entry.kind {
            EntryKind::Reaction { .. } => self.reactions += 1,
            _ => self.bytes += entry.payload.get().len(),
        }
        self.changes += usize::from(is_change(entry));
    }

    fn subtract(&mut self, entry: &Entry) {
        match entry.kind {
            EntryKind::Reaction { .. } => self.reactions -= 1,
            _ => self.bytes -= entry.payload.get().len(),
        }
        self.changes -= usize::from(is_change(entry));
    }

    /// Takes the oldest entry.
    pub fn pop(&mut self) -> Option<Arc<Entry>> {
        let entry = self.entries.pop_front()?;
        self.subtract(&entry);
        Some(entry)
    }

    /// The index of the entry `id`.
    pub fn index_of(&self, id: u64) -> Option<usize> {
        self.entries
            .binary_search_by_key(&id, |entry| entry.id)
            .ok()
    }

    /// Puts another entry at an index.
    pub fn replace(&mut self, index: usize, entry: Arc<Entry>) {
        self.subtract(&Arc::clone(&self.entries[index]));
        self.add(&entry);
        self.entries[index] = entry;
    }

    /// Removes the entries for which `is_gone` is true.
    pub fn remove(&mut self, mut is_gone: impl FnMut(&Entry) -> bool) -> Vec<Arc<Entry>> {
        let mut gone = Vec::new();
        self.entries.retain(|entry| {
            let goes = is_gone(entry);
            if goes {
                gone.push(Arc::clone(entry));
            }
            !goes
        });
        for entry in &gone {
            self.subtract(entry);
        }
        gone
    }

    /// How many of the entries are neither changes nor reactions.
    pub fn messages(&self) -> usize {
        self.entries.len() - self.changes - self.reactions
    }

    /// The oldest entry, unless it is the only one: that is on its way to every reader.
    pub fn oldest_of_several(&self) -> Option<&Entry> {
        let oldest = self.entries.front().filter(|_| self.entries.len() > 1);
        oldest.map(Arc::as_ref)
    }

    /// Id of the oldest entry; 0 if there is none.
    pub fn oldest_id(&self) -> u64 {
        self.entries.front().map_or(0, |entry| entry.id)
    }

    /// Id of the newest entry; 0 if there is none.
    pub fn newest_id(&self) -> u64 {
        self.entries.back().map_or(0, |entry| entry.id)
    }

    /// The entries past a position.
    pub fn after(&self, position: u64) -> impl Iterator<Item = &Arc<Entry>> {
        let skip = self.entries.partition_point(|entry| entry.id <= position);
        self.entries.range(skip..)
    }
}

const fn is_change(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::Change { .. })
}

/// Some messages of the log, oldest first.
#[derive(Debug, Default)]
pub struct Page {
    /// The messages.
    pub entries: Vec<Arc<Entry>>,
    /// The reactions to them.
    pub reactions: ReactionsById,
    /// Whether there are more in the direction that was read.
    pub more: bool,
}

impl Page {
    pub(super) fn collect<'a>(
        entries: impl Iterator<Item = &'a Arc<Entry>>,
        all_reactions: &ReactionsById,
        max: usize,
        bytes_max: usize,
    ) -> Self {
        let mut page = Self::default();
        let mut bytes = 0;
        for entry in entries {
            let reactions = all_reactions.get(&entry.id);
            bytes += entry.payload.get().len();
            bytes += reactions.map_or(0, |reactions| reactions.wire_bytes());
            if page.entries.len() == max || (bytes > bytes_max && !page.entries.is_empty()) {
                page.more = true;
                break;
            }
            page.entries.push(Arc::clone(entry));
            if let Some(reactions) = reactions {
                page.reactions.insert(entry.id, Arc::clone(reactions));
            }
        }
        page
    }

    /// Bytes of its messages with their reactions at most.
    #[must_use]
    pub fn wire_bytes(&self) -> usize {
        let payloads = self.entries.iter().map(|entry| entry.payload.get().len());
        let reactions = self.reactions.values().map(|found| found.wire_bytes());
        payloads.chain(reactions).sum()
    }
}
