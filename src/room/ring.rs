//! The entries of one kind that a log has, and pages of them.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::entry::Entry;

/// Entries of one kind, oldest first.
#[derive(Debug, Default)]
pub struct Ring {
    /// The entries.
    pub entries: VecDeque<Arc<Entry>>,
    /// Bytes of their payloads.
    pub bytes: usize,
}

impl Ring {
    /// Adds the newest entry.
    pub fn push(&mut self, entry: Arc<Entry>) {
        self.bytes += entry.payload.get().len();
        self.entries.push_back(entry);
    }

    /// Takes the oldest entry.
    pub fn pop(&mut self) -> Option<Arc<Entry>> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.payload.get().len();
        Some(entry)
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

/// Some messages of the log, oldest first.
#[derive(Debug, Default)]
pub struct Page {
    /// The messages.
    pub entries: Vec<Arc<Entry>>,
    /// Whether there are more in the direction that was read.
    pub more: bool,
}

impl Page {
    pub(super) fn collect<'a>(
        entries: impl Iterator<Item = &'a Arc<Entry>>,
        max: usize,
        bytes_max: usize,
    ) -> Self {
        let mut page = Self::default();
        let mut bytes = 0;
        for entry in entries {
            bytes += entry.payload.get().len();
            if page.entries.len() == max || (bytes > bytes_max && !page.entries.is_empty()) {
                page.more = true;
                break;
            }
            page.entries.push(Arc::clone(entry));
        }
        page
    }

    /// The wire payloads, oldest first.
    #[must_use]
    pub fn payloads(&self) -> Vec<&RawValue> {
        self.entries.iter().map(|e| &*e.payload).collect()
    }
}
