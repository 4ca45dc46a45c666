//! Reading messages that rooms no longer have in memory. A few connections read, beside the writer.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::queue::ANSWER_TIMEOUT;
use super::{decisions, messages, reactions, schema, search};
use crate::decisions::AuditPage;
use crate::domain::RequestError;
use crate::protocol::HISTORY_PAGE_BYTES_MAX;
use crate::room::{EntryKind, Found, Page, Range, ReactionsById, Room, Search};

/// Simultaneous reads: one that is slow delays no other, and all together leave the processors to
/// deliveries.
const READS_MAX: usize = 2;
/// Reactions that are read for one page, about.
const REACTIONS_READ: usize = 20_000;

/// Reads in threads of the runtime.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    turns: Arc<Semaphore>,
}

#[derive(Debug)]
struct Shared {
    file: PathBuf,
    epoch: Arc<str>,
    /// Open and not in use.
    idle: Mutex<Vec<Connection>>,
}

impl Reader {
    /// A reader of a database whose logs have this epoch.
    pub fn new(file: PathBuf, epoch: Arc<str>) -> Self {
        let idle = Mutex::default();
        Self {
            shared: Arc::new(Shared { file, epoch, idle }),
            turns: Arc::new(Semaphore::new(READS_MAX)),
        }
    }

    /// A page of a room's messages; `number` is the room's in the database.
    ///
    /// # Errors
    /// `unavailable` if it cannot be read within a few seconds.
    pub async fn page(
        &self,
        room: &Arc<Room>,
        number: i64,
        range: Range,
    ) -> Result<Page, RequestError> {
        let room = Arc::clone(room);
        let read = move |db: &Connection, epoch: &_| page(db, epoch, &room, number, range);
        self.read(read).await
    }

    /// Searches a room's messages.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn search(
        &self,
        room: &Arc<Room>,
        number: i64,
        wanted: &Search,
    ) -> Result<Found, RequestError> {
        // What is in the file is found once it is delivered.
        let wanted = Search {
            before: wanted.before.min(room.head() + 1),
            ..wanted.clone()
        };
        let room = Arc::clone(room);
        let read =
            move |db: &Connection, epoch: &_| search::search(db, epoch, &room, number, &wanted);
        self.read(read).await
    }

    /// A page of the audit log.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn audit(&self, before: Option<u64>, max: usize) -> Result<AuditPage, RequestError> {
        let read = move |db: &Connection, _: &_| decisions::read_audit(db, before, max);
        self.read(read).await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, &Arc<str>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, RequestError> {
        let (shared, turns) = (Arc::clone(&self.shared), Arc::clone(&self.turns));
        let reading = async {
            let turn = turns.acquire_owned().await;
            let read = tokio::task::spawn_blocking(move || {
                // Given back when the read ends, even if its session has ended before.
                let _turn = turn;
                shared.with_connection(read)
            });
            read.await
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, reading).await {
            Ok(Ok(Ok(found))) => Ok(found),
            Ok(Ok(Err(error))) => Err(unreadable(&error)),
            Ok(Err(error)) => Err(unreadable(&error)),
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// Closes the connections that are not in use.
    pub fn close(&self) {
        self.shared.idle.lock().clear();
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> RequestError {
    tracing::error!("older messages cannot be read: {error}");
    RequestError::unavailable()
}

impl Shared {
    fn with_connection<T>(
        &self,
        read: impl FnOnce(&Connection, &Arc<str>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let idle = self.idle.lock().pop();
        let db = match idle {
            Some(db) => db,
            None => schema::open_for_reading(&self.file)?,
        };
        let found = read(&db, &self.epoch)?;
        self.idle.lock().push(db);
        Ok(found)
    }
}

fn page(
    db: &Connection,
    epoch: &Arc<str>,
    room: &Room,
    number: i64,
    range: Range,
) -> rusqlite::Result<Page> {
    let mut page = Page::default();
    let (mut bytes, mut reacted, mut outcome) = (0, 0, Ok(()));
    messages::read(db, epoch, number, range, |record| {
        let entry = room.entry_of(&record);
        if range.changes && entry.kind == EntryKind::Tombstone {
            return true;
        }
        bytes += entry.payload.get().len();
        let mut reactions = ReactionsById::new();
        if !range.changes && entry.kind == EntryKind::Message {
            match reactions::read(db, number, entry.id, entry.id) {
                Ok(found) => reactions = found,
                Err(error) => {
                    outcome = Err(error);
                    return false;
                }
            }
        }
        for found in reactions.values() {
            bytes += found.wire_bytes();
            reacted += found.count();
        }
        let is_much = bytes > HISTORY_PAGE_BYTES_MAX || reacted > REACTIONS_READ;
        let is_full = page.entries.len() == range.max || (is_much && !page.entries.is_empty());
        page.more = is_full;
        if !is_full {
            page.entries.push(entry);
            page.reactions.extend(reactions);
        }
        !is_full
    })?;
    outcome?;
    page.entries.sort_unstable_by_key(|entry| entry.id);
    Ok(page)
}
