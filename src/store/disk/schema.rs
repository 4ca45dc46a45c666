//! The database's format, and how it is opened.
//!
//! `messages` has messages in their newest state, and the changes to them. A `key` is a room's number and its id in one, so that each room's messages lie together
//! in the order of their ids. Times are milliseconds since the Unix epoch.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction};

use super::error::DiskError;

/// What `PRAGMA application_id` says of hubbub's databases: `hbub`.
const APPLICATION: i32 = 0x6862_7562;
/// How long a write waits for another program that has the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// Memory for pages, in KiB, of each connection.
const CACHE_KIB: i32 = 1024;

/// The steps from each format to the next.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE facts (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE rooms (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        -- The newest id, of messages and notices; ids up to `discarded` were deleted by RETENTION.
        head INTEGER NOT NULL DEFAULT 0,
        discarded INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE messages (
        key INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        user_id TEXT NOT NULL,
        username TEXT NOT NULL,
        -- The newest; NULL of a message that was deleted, and of a change.
        text TEXT,
        client_id TEXT,
        -- A digest of both ids, because the index of the ids themselves would be as large as the texts.
        client_key INTEGER,
        -- When the text of a message was last edited.
        edited_ms INTEGER,
        -- Id of the message in the same room that a message answers.
        reply_to INTEGER,
        -- Of a change: the key of the message, and `edited`, `deleted`, or `superseded` by a later one;
        -- `reacted` or `unreacted` with an emoji and how many have reacted with it then.
        of INTEGER,
        change TEXT,
        emoji TEXT,
        count INTEGER
    ) STRICT;
    -- Who has reacted to which message, by its key.
    CREATE TABLE reactions (
        message INTEGER NOT NULL,
        emoji TEXT NOT NULL,
        user_id TEXT NOT NULL,
        PRIMARY KEY (message, emoji, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX by_client_key ON messages (client_key) WHERE client_key IS NOT NULL;
    CREATE INDEX by_message ON messages (of) WHERE of IS NOT NULL;
    -- What messages say, folded, by three letters at a time; the text itself stays in `messages`.
    CREATE VIRTUAL TABLE search USING fts5(
        text, content = '', contentless_delete = 1, detail = 'none', tokenize = 'trigram'
    );
    -- What people in charge have decided, as JSON by key, and who did it when.
    CREATE TABLE decisions (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        line TEXT NOT NULL
    ) STRICT;
    CREATE TABLE members (
        member TEXT PRIMARY KEY,
        room INTEGER NOT NULL REFERENCES rooms (number),
        user_id TEXT NOT NULL,
        username TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
"];

/// The newest format.
#[expect(clippy::cast_possible_truncation, reason = "there are a few")]
pub const FORMAT: u32 = MIGRATIONS.len() as u32;

/// Bits of a key that are the id.
const ID_BITS: u32 = 43;
/// The largest id of a message in a database.
pub const ID_MAX: u64 = (1 << ID_BITS) - 1;
/// The largest number of a room.
pub const ROOM_MAX: i64 = (1 << (63 - ID_BITS)) - 1;

/// The key of the message `id` of a room. Ids past the largest one count as that.
#[must_use]
pub fn key(room: i64, id: u64) -> i64 {
    room << ID_BITS | i64::try_from(id.min(ID_MAX)).unwrap_or(i64::MAX)
}

/// The id in a key.
#[must_use]
pub const fn id_of(key: i64) -> u64 {
    key.cast_unsigned() & ID_MAX
}

/// The number of the room in a key.
#[must_use]
pub const fn room_of(key: i64) -> i64 {
    key >> ID_BITS
}

/// Refuses a database that hubbub cannot read.
///
/// # Errors
/// [`DiskError`].
pub fn check_format(db: &Connection, file: &Path) -> Result<(), DiskError> {
    match format_of(db, file)? {
        // Empty, or of an earlier program: a server must migrate it first.
        found @ 0..FORMAT => Err(DiskError::Older {
            file: file.to_owned(),
            found,
        }),
        _ => Ok(()),
    }
}

/// Opens a database for writing, makes it if the file is empty, and migrates it to the newest format.
///
/// # Errors
/// [`DiskError`].
pub fn open(file: &Path) -> Result<Connection, DiskError> {
    let failed = |source| DiskError::of(file, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(file, flags).map_err(failed)?;
    db.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let found = format_of(&db, file)?;
    prepare(&mut db, found).map_err(failed)?;
    Ok(db)
}

/// Opens a database for reading.
///
/// # Errors
/// What SQLite answers.
pub fn open_for_reading(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(db)
}

/// The format of a database that hubbub may use; 0 of an empty one.
fn format_of(db: &Connection, file: &Path) -> Result<u32, DiskError> {
    let number = |pragma| {
        let number = db.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        number.map_err(|source| DiskError::of(file, source))
    };
    let tables = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0));
    let tables: i64 = tables.map_err(|source| DiskError::of(file, source))?;
    let is_ours = number("application_id")? == i64::from(APPLICATION);
    if !is_ours && tables > 0 {
        return Err(DiskError::Foreign {
            file: file.to_owned(),
        });
    }
    let found = u32::try_from(number("user_version")?).unwrap_or(u32::MAX);
    if found > FORMAT {
        return Err(DiskError::Newer {
            file: file.to_owned(),
            found,
            known: FORMAT,
        });
    }
    Ok(found)
}

fn prepare(db: &mut Connection, found: u32) -> rusqlite::Result<()> {
    db.pragma_update(None, "journal_mode", "WAL")?;
    // A commit is on the disk before it is acknowledged.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // What is deleted, or moved within the file, is written over: `erase` must leave nothing.
    db.pragma_update(None, "secure_delete", true)?;
    if found == FORMAT {
        return Ok(());
    }
    let change = db.transaction()?;
    for step in &MIGRATIONS[found as usize..] {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "application_id", APPLICATION)?;
    change.pragma_update(None, "user_version", FORMAT)?;
    change.commit()
}

/// A fact about the whole database.
///
/// # Errors
/// What SQLite answers.
pub fn fact<T: rusqlite::types::FromSql>(
    db: &Connection,
    name: &str,
) -> rusqlite::Result<Option<T>> {
    db.query_row("SELECT value FROM facts WHERE name = ?", [name], |row| {
        row.get(0)
    })
    .optional()
}

/// Sets a fact.
///
/// # Errors
/// What SQLite answers.
pub fn set_fact(
    change: &Transaction<'_>,
    name: &str,
    value: impl rusqlite::ToSql,
) -> rusqlite::Result<()> {
    change
        .execute(
            "REPLACE INTO facts (name, value) VALUES (?, ?)",
            (name, value),
        )
        .map(drop)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_in_the_order_of_rooms_and_ids(
            a in (1..=ROOM_MAX, 0..=ID_MAX), b in (1..=ROOM_MAX, 0..=ID_MAX),
        ) {
            prop_assert_eq!(a.cmp(&b), key(a.0, a.1).cmp(&key(b.0, b.1)));
            prop_assert_eq!((room_of(key(a.0, a.1)), id_of(key(a.0, a.1))), a);
        }
    }

    #[test]
    fn an_id_past_the_largest_stays_in_its_room() {
        assert_eq!(key(3, u64::MAX), key(3, ID_MAX));
        assert!(key(3, u64::MAX) < key(4, 0));
        assert!(key(ROOM_MAX, u64::MAX) > 0);
    }

    #[test]
    fn every_format_is_reached_from_every_earlier_one() {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        for found in 0..=FORMAT {
            let file = folder.path().join(found.to_string());
            let mut db = Connection::open(&file).unwrap_or_else(|e| panic!("{e}"));
            for step in &MIGRATIONS[..found as usize] {
                db.execute_batch(step).unwrap_or_else(|e| panic!("{e}"));
            }
            let ours =
                format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {found}");
            db.execute_batch(&ours).unwrap_or_else(|e| panic!("{e}"));
            prepare(&mut db, found).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(format_of(&db, &file).ok(), Some(FORMAT));
        }
    }
}
