//! Reading messages of a room, in memory or from the store's archive.

use std::sync::Arc;
use std::time::Instant;

use super::entry::Entry;
use super::range::{First, Range};
use super::record::Record;
use super::ring::Page;
use super::room::Room;
use super::store::Store;
use crate::domain::RequestError;
use crate::protocol::HISTORY_PAGE_BYTES_MAX;

/// Bytes that are reserved for a page at least.
const PAGE_BYTES_MIN: usize = 4096;

/// A page of a room's messages, oldest first, of at most [`HISTORY_PAGE_BYTES_MAX`] bytes, but at least
/// one message if there is one. What the room no longer has in memory is read from the store's archive.
///
/// # Errors
/// `unavailable` if the archive cannot be read.
pub async fn read_messages(
    store: &dyn Store,
    room: &Arc<Room>,
    range: Range,
) -> Result<Page, RequestError> {
    match room.messages_in_memory(range) {
        Ok(page) => Ok(page),
        Err(range) => store.read_archive(room, range).await,
    }
}

/// Messages on both sides of the id `around`, and that with this id if there is one: `max` in all, as
/// many before as after if there are as many. [`Page::more`] says whether there are older ones, the flag
/// whether there are newer ones. Each side is bounded as in [`read_messages`].
///
/// # Errors
/// As [`read_messages`].
pub async fn read_around(
    store: &dyn Store,
    room: &Arc<Room>,
    around: u64,
    max: usize,
) -> Result<(Page, bool), RequestError> {
    let upto = around.saturating_add(1);
    let older = Range::before(Some(upto), max.div_ceil(2));
    let mut page = read_messages(store, room, older).await?;
    let newer = Range::after(around, max - page.entries.len());
    let newer = read_messages(store, room, newer).await?;
    let missing = max - page.entries.len() - newer.entries.len();
    if missing > 0 && page.more {
        let older = Range::before(Some(upto), page.entries.len() + missing);
        page = read_messages(store, room, older).await?;
    }
    page.entries.extend(newer.entries);
    page.reactions.extend(newer.reactions);
    Ok((page, newer.more))
}

impl Room {
    /// The page if all of it is in memory, or else what the archive is to be asked for.
    pub(crate) fn messages_in_memory(&self, range: Range) -> Result<Page, Range> {
        let state = self.state.lock();
        let log = &state.log;
        let archived = Range {
            before: range.before.min(log.next_id()),
            ..range
        };
        match range.first {
            _ if range.changes => Err(archived),
            First::Oldest if log.is_archived_after(range.after) => Err(archived),
            First::Oldest => Ok(log.messages_after(range.after, range.max, HISTORY_PAGE_BYTES_MAX)),
            First::Newest => {
                let mut page = log.messages_before(range.before, range.max, HISTORY_PAGE_BYTES_MAX);
                let oldest = page.entries.first().map_or(range.before, |entry| entry.id);
                if page.more || !log.is_archived_before(oldest) {
                    Ok(page)
                } else if page.entries.len() == range.max {
                    page.more = true;
                    Ok(page)
                } else {
                    Err(archived)
                }
            }
        }
    }

    /// A record as an entry of a page.
    #[must_use]
    pub fn entry_of(&self, record: &Record) -> Arc<Entry> {
        let (kind, payload) = self.render(record);
        Arc::new(Entry {
            id: record.id,
            kind,
            payload,
            published: Instant::now(),
            key: None,
        })
    }

    /// Bytes that a page may have: those it has if it is in memory, and else as many as any page.
    #[must_use]
    pub fn page_bytes(&self, range: Range) -> usize {
        let Ok(page) = self.messages_in_memory(range) else {
            return HISTORY_PAGE_BYTES_MAX;
        };
        // Messages may come before it is read.
        page.wire_bytes().max(PAGE_BYTES_MIN)
    }

    /// Bytes that the messages found by a search may have.
    #[must_use]
    pub fn search_bytes(&self) -> usize {
        let state = self.state.lock();
        if state.log.bounds().archived {
            return HISTORY_PAGE_BYTES_MAX;
        }
        state.log.bytes().min(HISTORY_PAGE_BYTES_MAX)
    }
}
