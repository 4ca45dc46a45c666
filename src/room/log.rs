//! A room's log: its messages, which are its history, the changes to them, and the newest of its
//! notices, each with its wire payload serialised once.
//!
//! All take their ids from one sequence, 1, 2, 3, … without holes. The exception is a log that
//! continues further up because a part of it was lost: see [`Log::restored`]. Notices have a buffer
//! of their own, so that they push no message out; neither do changes (`log/changed.rs`) and reactions
//! (`log/reacted.rs`). A reader is
//! a position (the last id it has). Reading returns the entries after it, or says which ids the reader
//! has lost. A notice cannot be lost: one that is no longer kept is out of date. Pure: no clock, no
//! locks, no I/O.

#[path = "log/changed.rs"]
mod changed;
#[path = "log/reacted.rs"]
mod reacted;
#[path = "log/trimming.rs"]
mod trimming;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

pub use super::entry::{DedupKey, Entry, EntryKind};
use super::reactions::ReactionsById;
pub use super::ring::Page;
use super::ring::Ring;

/// Notices that a service keeps of each room: more than come before the slowest reader reads on.
pub const NOTICES_MAX: usize = 1000;
/// Bytes of their payloads at most, however long names are.
const NOTICES_BYTES_MAX: usize = 512 * 1024;

/// How much of a room's past is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogBounds {
    /// Messages kept; 0 = no bound by number.
    pub messages_max: usize,
    /// Bytes of the messages' payloads kept; 0 = no bound by size.
    pub bytes_max: usize,
    /// Notices kept, beside the messages.
    pub notices_max: usize,
    /// The store has the messages that are no longer kept: see [`Read::Archived`].
    pub archived: bool,
    /// Messages younger than this stay even beyond `messages_max`, so that a reader that is
    /// allowed to be slow for this long does not fall off. `bytes_max` holds all the same.
    pub keep_for: Duration,
}

/// What is remembered of a message sent under an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// The id it got.
    pub id: u64,
    /// When it was accepted, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Hash of its text, which distinguishes a retry from another message with the same key. `None`
    /// once the message has changed: every text counts as a retry then.
    pub text_hash: Option<u64>,
}

/// What of a log is in memory: what is older is surplus by [`LogBounds`], and no store needs to keep
/// it for this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Id of the oldest message, or change to one; 0 if there is none.
    pub messages_from: u64,
    /// Id of the oldest notice; 0 if there is none.
    pub notices_from: u64,
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// Entries were appended to the reader's batch; none if there are none past its position.
    Entries {
        /// The reader has read everything up to this id, which is no entry's where a notice is gone.
        upto: u64,
    },
    /// The messages after the reader's position up to this id are no longer kept here, but the store
    /// has them.
    Archived {
        /// Id of the last of them.
        upto: u64,
    },
    /// Ids `from` to `to`, both included, are gone. The reader goes on after `to`.
    Gap {
        /// First id missing.
        from: u64,
        /// Last id missing.
        to: u64,
    },
}

/// The log of one room: its messages and newest notices, by id.
#[derive(Debug)]
pub struct Log {
    bounds: LogBounds,
    head: u64,
    /// Id of the newest message, or change to one, that is no longer kept.
    tail: u64,
    /// Id of the newest message that was put here; it may have been dropped.
    newest_message: u64,
    /// Id of the newest message that the store's archive does not have any more, if it has one.
    discarded: u64,
    /// Positions below this one belong to an earlier log: see [`Self::restored`].
    floor: u64,
    messages: Ring,
    notices: Ring,
    remembered: HashMap<DedupKey, Remembered>,
    /// The reactions to messages that are here.
    reactions: ReactionsById,
    /// Id of the newest reaction that was dropped before what comes after it.
    dropped_reaction: u64,
    /// Keys of edits that later changes have made obsolete, oldest first.
    superseded_keys: VecDeque<DedupKey>,
}

impl Log {
    /// An empty log; the first entry will have id 1.
    #[must_use]
    pub fn new(bounds: LogBounds) -> Self {
        Self {
            bounds,
            head: 0,
            tail: 0,
            newest_message: 0,
            discarded: 0,
            floor: 0,
            messages: Ring::default(),
            notices: Ring::default(),
            remembered: HashMap::new(),
            reactions: ReactionsById::new(),
            dropped_reaction: 0,
            superseded_keys: VecDeque::new(),
        }
    }

    /// Bytes of payload of the entries that are here.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.messages.bytes + self.notices.bytes
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

    /// A log whose newest entry had the id `head`, restored from a store. `floor` is the position at
    /// which ids jumped because entries had been lost: no reader can resume from below it. The entries
    /// come with [`Self::restore`].
    #[must_use]
    pub fn restored(bounds: LogBounds, head: u64, floor: u64) -> Self {
        Self {
            head,
            floor,
            ..Self::new(bounds)
        }
    }

    /// Puts an earlier entry back: oldest first, none after the head. Returns false if the entry is out
    /// of order, and leaves it out. `previous` is the id of the message before a message, if it is
    /// known. If that message was not put back, it is lost: readers skip it and report a gap. Entries
    /// before the gap are still history. Call [`Self::end_restoring`] after the last entry.
    pub fn restore(
        &mut self,
        id: u64,
        kind: EntryKind,
        payload: Box<RawValue>,
        previous: Option<u64>,
        now: Instant,
        key: Option<(DedupKey, Remembered)>,
    ) -> bool {
        let last = self.newest_id();
        if id <= last || id > self.head {
            return false;
        }
        if kind.is_message() {
            match previous {
                Some(previous) => self.lose_unless_known(previous.min(id - 1)),
                // A message may have stood under any id that is missing.
                None if last + 1 < id => self.tail = id - 1,
                None => {}
            }
        }
        self.keep(id, kind, payload, now, key);
        true
    }

    /// Everything of the past has been put back. `newest` is the id of the newest message, if that
    /// is known.
    pub fn end_restoring(&mut self, newest: Option<u64>) {
        match newest {
            Some(newest) => self.lose_unless_known(newest.min(self.head)),
            None if self.newest_id() < self.head => self.tail = self.head,
            None => {}
        }
    }

    /// There is a message `id`: it is lost if it is not among those put back.
    fn lose_unless_known(&mut self, id: u64) {
        if id > self.newest_message {
            self.tail = id;
        }
    }

    fn newest_id(&self) -> u64 {
        self.messages.newest_id().max(self.notices.newest_id())
    }

    /// The position from which on every message can still be read, here or in the store: those below
    /// have lost some.
    #[must_use]
    pub fn tail(&self) -> u64 {
        let lost = if self.bounds.archived {
            self.discarded
        } else {
            self.here_from()
        };
        lost.max(self.floor)
    }

    /// The position from which on everything is here.
    fn here_from(&self) -> u64 {
        self.tail.max(self.dropped_reaction)
    }

    /// Whether the store has messages with ids below `before` that are not here.
    #[must_use]
    pub fn is_archived_before(&self, before: u64) -> bool {
        let newest = self.tail.min(before.saturating_sub(1));
        self.bounds.archived && newest > self.discarded
    }

    /// Whether the store has messages with ids above `after` that are not here.
    #[must_use]
    pub const fn is_archived_after(&self, after: u64) -> bool {
        self.bounds.archived && after < self.tail && self.tail > self.discarded
    }

    /// Nothing up to this id is put back: see [`Self::restore`].
    pub fn begin_after(&mut self, id: u64) {
        self.tail = self.tail.max(id);
    }

    /// What of the log is in memory.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept {
            messages_from: self.messages.oldest_id(),
            notices_from: self.notices.oldest_id(),
        }
    }

    /// The position at which ids jumped: see [`Self::restored`].
    #[must_use]
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// Appends an entry and returns it. `payload` is the wire payload for the id that
    /// [`Self::next_id`] returned.
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
        });
        match kind {
            EntryKind::Message | EntryKind::Tombstone => {
                self.newest_message = id;
                self.messages.push(Arc::clone(&entry));
            }
            EntryKind::Change { .. } => {
                self.supersede(kind);
                self.messages.push(Arc::clone(&entry));
            }
            EntryKind::Reaction { .. } => self.keep_reaction(&entry),
            EntryKind::Notice => self.notices.push(Arc::clone(&entry)),
        }
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
        let upto = self.here_from();
        if position < upto {
            return Read::Archived { upto };
        }
        // A position past the head belongs to no entry yet: nothing to read.
        let messages = self.messages.after(position);
        let mut messages = messages
            .filter(|entry| entry.kind != EntryKind::Tombstone)
            .peekable();
        let mut notices = self.notices.after(position).peekable();
        let mut upto = position;
        for read in 0.. {
            let next = match (messages.peek(), notices.peek()) {
                (Some(message), Some(notice)) if notice.id < message.id => notices.next(),
                (Some(_), _) => messages.next(),
                (None, _) => notices.next(),
            };
            match next {
                Some(_) if read == max => break,
                Some(entry) => {
                    upto = entry.id;
                    batch.push(Arc::clone(entry));
                }
                None => {
                    upto = upto.max(self.head);
                    break;
                }
            }
        }
        Read::Entries { upto }
    }

    /// The newest messages with an id below `before`, oldest first: at most `max`, at most
    /// `bytes_max` bytes (but at least one). The flag says whether older ones are still here.
    #[must_use]
    pub fn messages_before(&self, before: u64, max: usize, bytes_max: usize) -> Page {
        let older = self.messages.entries.iter().rev();
        let older = older.filter(|e| e.id < before && e.kind.is_message());
        let mut page = Page::collect(older, &self.reactions, max, bytes_max);
        page.entries.reverse();
        page
    }

    /// The oldest messages with an id above `after`, oldest first, bounded as in
    /// [`Self::messages_before`]. The flag says whether there are newer ones.
    #[must_use]
    pub fn messages_after(&self, after: u64, max: usize, bytes_max: usize) -> Page {
        let newer = self.messages.after(after);
        let newer = newer.filter(|e| e.kind.is_message());
        Page::collect(newer, &self.reactions, max, bytes_max)
    }
}
