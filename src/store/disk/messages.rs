//! Messages in the file: written, and read as records.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use sha2::{Digest, Sha256};

use super::schema::{self, id_of, key};
use crate::domain::Username;
use crate::room::{Content, First, Member, MemberId, Range, Record};

/// Writes a message. Anything else is no message, and not kept.
///
/// # Errors
/// What SQLite answers.
pub fn insert(db: &Connection, room: i64, record: &Record) -> rusqlite::Result<()> {
    let Content::Message { text, client_id } = &record.content else {
        return Ok(());
    };
    let user_id = &*record.member.user_id;
    let mut insert = db.prepare_cached(
        "INSERT INTO messages (key, at_ms, user_id, username, text, client_id, client_key)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    insert
        .execute((
            key(room, record.id),
            record.at_ms,
            user_id,
            record.member.username.as_str(),
            &**text,
            client_id.as_deref(),
            client_id
                .as_deref()
                .map(|client_id| client_key(user_id, client_id)),
        ))
        .map(drop)
}

/// The id, time and text of the message that a user sent to a room under an idempotency key.
///
/// # Errors
/// What SQLite answers.
pub fn sent_as(
    db: &Connection,
    room: i64,
    user_id: &str,
    client_id: &str,
) -> rusqlite::Result<Option<(u64, i64, String)>> {
    let mut select = db.prepare_cached(
        "SELECT key, at_ms, text FROM messages
         WHERE client_key = ? AND key > ? AND key < ? AND user_id = ? AND client_id = ?",
    )?;
    let digest = client_key(user_id, client_id);
    let (first, last) = (key(room, 0), key(room + 1, 0));
    select
        .query_row((digest, first, last, user_id, client_id), |row| {
            Ok((id_of(row.get(0)?), row.get(1)?, row.get(2)?))
        })
        .optional()
}

/// What an idempotency key is found by. Two may have the same.
fn client_key(user_id: &str, client_id: &str) -> i64 {
    let digest = Sha256::new()
        .chain_update(user_id)
        .chain_update([0])
        .chain_update(client_id)
        .finalize();
    let mut key = [0; size_of::<i64>()];
    key.copy_from_slice(&digest[..size_of::<i64>()]);
    i64::from_be_bytes(key)
}

/// Calls `each` with the messages of a range, in the order of [`Range::first`], until it returns false.
/// [`Range::max`] is not looked at.
///
/// # Errors
/// What SQLite answers.
pub fn read(
    db: &Connection,
    epoch: &Arc<str>,
    room: i64,
    range: Range,
    mut each: impl FnMut(Record) -> bool,
) -> rusqlite::Result<()> {
    let mut select = db.prepare_cached(match range.first {
        First::Oldest => {
            "SELECT key, at_ms, user_id, username, text, client_id FROM messages
             WHERE key > ? AND key < ? ORDER BY key"
        }
        First::Newest => {
            "SELECT key, at_ms, user_id, username, text, client_id FROM messages
             WHERE key > ? AND key < ? ORDER BY key DESC"
        }
    })?;
    // Below the next room's first key, which belongs to no message.
    let before = match range.before {
        0..=schema::ID_MAX => key(room, range.before),
        _ => key(room + 1, 0),
    };
    let mut rows = select.query((key(room, range.after), before))?;
    while let Some(row) = rows.next()? {
        if !each(record(row, epoch)?) {
            break;
        }
    }
    Ok(())
}

/// A row with the columns of [`read`] as a record. It says nothing of the membership, which is over.
///
/// # Errors
/// What SQLite answers.
pub fn record(row: &Row<'_>, epoch: &Arc<str>) -> rusqlite::Result<Record> {
    let username: String = row.get(3)?;
    let username = Username::parse(&username).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(3, Type::Text, error.to_string().into())
    })?;
    Ok(Record {
        epoch: Arc::clone(epoch),
        id: id_of(row.get(0)?),
        member: Member {
            user_id: row.get::<_, Arc<str>>(2)?,
            username,
        },
        member_id: MemberId::UNKNOWN,
        at_ms: row.get(1)?,
        content: Content::Message {
            text: row.get(4)?,
            client_id: row.get(5)?,
        },
        previous: None,
    })
}
