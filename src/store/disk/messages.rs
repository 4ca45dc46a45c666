//! Messages in the file: written, and read as records.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, Row};

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
    let mut insert = db.prepare_cached(
        "INSERT INTO messages (key, at_ms, user_id, username, text, client_id)
         VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    insert
        .execute((
            key(room, record.id),
            record.at_ms,
            &*record.member.user_id,
            record.member.username.as_str(),
            &**text,
            client_id.as_deref(),
        ))
        .map(drop)
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

/// A row with these columns as a record. It says nothing of the membership, which is over.
fn record(row: &Row<'_>, epoch: &Arc<str>) -> rusqlite::Result<Record> {
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
