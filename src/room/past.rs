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

    /// Whether messages can be read that are not in memory.
    #[must_use]
    pub fn is_archived(&self) -> bool {
        self.state.lock().log.bounds().archived
    }
}
