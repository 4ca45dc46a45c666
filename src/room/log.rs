//! A room's log: a bounded ring of entries, each with its wire payload serialised once.
//!
//! Ids are 1, 2, 3, … without holes (but where a log that was lost elsewhere goes on further up: see
//! [`Log::restored`]). A reader is a position (the last id it has); reading returns
//! what lies past it, or says which ids it can no longer have. Pure: no clock, no locks, no I/O.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

/// How much of a room's past is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogBounds {
    /// Messages kept; 0 = no bound by number.
    pub messages_max: usize,
    /// Bytes of payload kept; 0 = no bound by size.
    pub bytes_max: usize,
    /// Entries younger than this stay even beyond `messages_max`, so that a reader that is
    /// allowed to be slow for this long does not fall off. `bytes_max` holds all the same.
    pub keep_for: Duration,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A chat message: part of history.
    Message,
    /// A join, leave or rename: told live, not part of history.
    Notice,
}

/// One entry of the log, shared by all its readers.
#[derive(Debug)]
pub struct Entry {
    /// Position in the room.
    pub id: u64,
    /// Message or notice.
    pub kind: EntryKind,
    /// The wire payload.
    pub payload: Box<RawValue>,
    published: Instant,
    key: Option<DedupKey>,
    transport_form: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Entry {
    /// The entry as a transport wants it: made by whoever asks first, then shared. There is one
    /// transport, so all must ask for the same type; another would be made anew for each call.
    pub fn transport_form<T: Clone + Send + Sync + 'static>(&self, make: impl Fn(&Self) -> T) -> T {
        let form = self.transport_form.get_or_init(|| Box::new(make(self)));
        match form.downcast_ref::<T>() {
            Some(form) => form.clone(),
            None => make(self),
        }
    }
}

/// Who sent a message under which idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DedupKey {
    /// The sender.
    pub user_id: Arc<str>,
    /// The sender's key.
    pub client_id: Arc<str>,
}

/// What is remembered of a message sent under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The id it got.
    pub id: u64,
    /// When it was accepted, as told to the sender.
    pub timestamp: Arc<str>,
    /// Hash of its text, to tell a retry from another message under the same key.
    pub text_hash: u64,
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// Entries were appended to the reader's batch; none if there are none past its position.
    Entries,
    /// Ids `from` to `to`, both included, are gone. The reader goes on after `to`.
    Gap {
        /// First id missing.
        from: u64,
        /// Last id missing.
        to: u64,
    },
}

/// The log of one room. See the module's text.
#[derive(Debug)]
pub struct Log {
    bounds: LogBounds,
    head: u64,
    /// Id before the oldest entry still here.
    tail: u64,
    /// Positions below this one belong to an earlier log: see [`Self::restored`].
    floor: u64,
    entries: VecDeque<Arc<Entry>>,
    messages: usize,
    bytes: usize,
    remembered: HashMap<DedupKey, Remembered>,
}

impl Log {
    /// An empty log; the first entry will have id 1.
    #[must_use]
    pub fn new(bounds: LogBounds) -> Self {
        Self {
            bounds,
            head: 0,
            tail: 0,
            floor: 0,
            entries: VecDeque::new(),
            messages: 0,
            bytes: 0,
            remembered: HashMap::new(),
        }
    }

    /// Bytes of payload of the entries that are here.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How much of the past is kept.
    #[must_use]
    pub const fn bounds(&self) -> LogBounds {
        self.bounds
    }

    /// Id of the newest entry; 0 while there is none.
    #[must_use]
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// A log whose newest entry has had the id `head`, read back from where it is kept. `floor` is
    /// the position at which ids leapt because entries had been lost: from below it, nobody can
    /// resume. The entries come with [`Self::restore`].
    #[must_use]
    pub fn restored(bounds: LogBounds, head: u64, floor: u64) -> Self {
        Self {
            head,
            tail: head,
            floor,
            ..Self::new(bounds)
        }
    }

    /// Puts an entry of the past back: oldest first, none after the head. False where that is not
    /// so, and it is left out. [`Self::end_restoring`] follows the last.
    pub fn restore(
        &mut self,
        id: u64,
        kind: EntryKind,
        payload: Box<RawValue>,
        now: Instant,
    ) -> bool {
        let last = self.entries.back().map(|entry| entry.id);
        if id == 0 || id > self.head || last.is_some_and(|last| id <= last) {
            return false;
        }
        self.keep(id, kind, payload, now, None);
        true
    }

    /// Everything of the past has been put back. If entries are missing in between (they were trimmed
    /// while it was read), those before are history, and readers go on after the hole, told of it.
    pub fn end_restoring(&mut self) {
        self.tail = self.head;
        for entry in self.entries.iter().rev() {
            if entry.id != self.tail {
                return;
            }
            self.tail = entry.id - 1;
        }
    }

    /// The position from which on everything is still here: those below have lost entries.
    #[must_use]
    pub fn tail(&self) -> u64 {
        self.tail.max(self.floor)
    }

    /// Where ids leapt: see [`Self::restored`].
    #[must_use]
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// Appends an entry and returns it. `payload` is the wire payload for the id that
    /// [`Self::next_id`] told.
    pub fn push(
        &mut self,
        kind: EntryKind,
        payload: Box<RawValue>,
        now: Instant,
        key: Option<(DedupKey, Remembered)>,
    ) -> Arc<Entry> {
        self.head += 1;
        self.keep(self.head, kind, payload, now, key)
    }

    fn keep(
        &mut self,
        id: u64,
        kind: EntryKind,
        payload: Box<RawValue>,
        now: Instant,
        key: Option<(DedupKey, Remembered)>,
    ) -> Arc<Entry> {
        self.bytes += payload.get().len();
        self.messages += usize::from(kind == EntryKind::Message);
        let key = key.map(|(key, remembered)| {
            self.remembered.insert(key.clone(), remembered);
            key
        });
        let entry = Arc::new(Entry {
            id,
            kind,
            payload,
            published: now,
            key,
            transport_form: OnceLock::new(),
        });
        self.entries.push_back(Arc::clone(&entry));
        self.trim(now);
        entry
    }

    /// The id the next entry will have.
    #[must_use]
    pub const fn next_id(&self) -> u64 {
        self.head + 1
    }

    /// What is remembered under an idempotency key: as long as its message is in the log.
    #[must_use]
    pub fn remembered(&self, key: &DedupKey) -> Option<&Remembered> {
        self.remembered.get(key)
    }

    /// Appends to `batch` at most `max` entries past `position`.
    pub fn read_after(&self, position: u64, max: usize, batch: &mut Vec<Arc<Entry>>) -> Read {
        let tail = self.tail();
        if position < tail {
            return Read::Gap {
                from: position + 1,
                to: tail,
            };
        }
        // A position past the head belongs to no entry yet: nothing to read.
        let skip = self.entries.partition_point(|entry| entry.id <= position);
        batch.extend(self.entries.iter().skip(skip).take(max).cloned());
        Read::Entries
    }

    /// The newest messages with an id below `before`, oldest first: at most `max`, at most
    /// `bytes_max` bytes (but at least one). The flag says whether older ones are still here.
    #[must_use]
    pub fn messages_before(&self, before: u64, max: usize, bytes_max: usize) -> Page {
        let older = self.entries.iter().rev().filter(|e| e.id < before);
        let mut page = Page::collect(older, max, bytes_max);
        page.entries.reverse();
        page
    }

    /// The oldest messages with an id above `after`, oldest first, bounded as in
    /// [`Self::messages_before`]. The flag says whether there are newer ones.
    #[must_use]
    pub fn messages_after(&self, after: u64, max: usize, bytes_max: usize) -> Page {
        let newer = self.entries.iter().filter(|e| e.id > after);
        Page::collect(newer, max, bytes_max)
    }

    fn trim(&mut self, now: Instant) {
        while let Some(oldest) = self.entries.front() {
            // The newest entry always stays: it is on its way to every reader.
            if self.entries.len() == 1 || !self.is_surplus(oldest, now) {
                return;
            }
            self.drop_oldest();
        }
    }

    fn is_surplus(&self, oldest: &Entry, now: Instant) -> bool {
        let LogBounds {
            messages_max,
            bytes_max,
            keep_for,
        } = self.bounds;
        if bytes_max > 0 && self.bytes > bytes_max {
            return true;
        }
        // Notices are small and do not count as history, but must not pile up either.
        let crowded = messages_max > 0
            && (self.messages > messages_max
                || self.entries.len() > messages_max.saturating_mul(2));
        crowded && now.saturating_duration_since(oldest.published) >= keep_for
    }

    fn drop_oldest(&mut self) {
        let Some(entry) = self.entries.pop_front() else {
            return;
        };
        self.tail = self.tail.max(entry.id);
        self.bytes -= entry.payload.get().len();
        self.messages -= usize::from(entry.kind == EntryKind::Message);
        if let Some(key) = &entry.key {
            self.remembered.remove(key);
        }
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
    fn collect<'a>(
        entries: impl Iterator<Item = &'a Arc<Entry>>,
        max: usize,
        bytes_max: usize,
    ) -> Self {
        let mut page = Self::default();
        let mut bytes = 0;
        for entry in entries.filter(|e| e.kind == EntryKind::Message) {
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
