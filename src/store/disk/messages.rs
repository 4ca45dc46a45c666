//! Messages in the file: written, and read as records.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use sha2::{Digest, Sha256};

use super::schema::{self, id_of, key};
use crate::domain::{Emoji, Username};
use crate::room::{
    Content, First, Member, MemberId, MessageChange, Range, Reaction, Record, said_by_edit,
};

/// Writes a message or a change. A notice is not kept.
///
/// # Errors
/// What SQLite answers.
pub fn insert(db: &Connection, room: i64, record: &Record) -> rusqlite::Result<()> {
    let (mut text, mut edited_ms, mut reply_to) = (None, None, None);
    let (mut of, mut change_kind, mut reaction) = (None, None, None);
    let client_id = match &record.content {
        Content::Message {
            text: said,
            client_id,
            edited_ms: edited,
            reply_to: answered,
        } => {
            (text, edited_ms, reply_to) = (Some(&**said), *edited, *answered);
            client_id.as_ref()
        }
        Content::Tombstone { client_id } => client_id.as_ref(),
        // The text of an edit is in the message.
        Content::Changed { of: id, change } => {
            (of, change_kind) = (Some(key(room, *id)), Some(name_of(change)));
            reaction = change.reaction();
            change.client_id()
        }
        Content::Joined | Content::Left | Content::Removed | Content::Renamed { .. } => {
            return Ok(());
        }
    };
    let user_id = &*record.member.user_id;
    let mut insert = db.prepare_cached(
        "INSERT INTO messages
         (key, at_ms, user_id, username, text, client_id, client_key, edited_ms, reply_to, of,
          change, emoji, count)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    insert
        .execute((
            key(room, record.id),
            record.at_ms,
            user_id,
            record.member.username.as_str(),
            text,
            client_id.map(|client_id| &**client_id),
            client_id.map(|client_id| client_key(user_id, client_id)),
            edited_ms,
            reply_to,
            of,
            change_kind,
            reaction.map(|reaction| reaction.emoji.as_str()),
            reaction.map(|reaction| reaction.count),
        ))
        .map(drop)
}

/// What a user sent to a room under an idempotency key.
#[derive(Debug)]
pub struct Sent {
    pub id: u64,
    pub at_ms: i64,
    /// `None` if the message has changed since. For an edit as
    /// [`said_by_edit`](crate::room::said_by_edit) has it.
    pub text: Option<String>,
}

/// What a user sent to a room under an idempotency key, if anything.
///
/// # Errors
/// What SQLite answers.
pub fn sent_as(
    db: &Connection,
    room: i64,
    user_id: &str,
    client_id: &str,
) -> rusqlite::Result<Option<Sent>> {
    let mut select = db.prepare_cached(
        "SELECT key, at_ms, text, edited_ms, of, change,
            (SELECT text FROM messages AS original WHERE original.key = messages.of)
         FROM messages WHERE client_key = ? AND key > ? AND key < ? AND user_id = ? AND client_id = ?",
    )?;
    let digest = client_key(user_id, client_id);
    let (first, last) = (key(room, 0), key(room + 1, 0));
    select
        .query_row((digest, first, last, user_id, client_id), |row| {
            let edited_ms: Option<i64> = row.get(3)?;
            let text = match row.get::<_, Option<i64>>(4)? {
                None => row
                    .get::<_, Option<String>>(2)?
                    .filter(|_| edited_ms.is_none()),
                Some(of) => {
                    let is_newest = row.get::<_, String>(5)? == EDITED;
                    let text: Option<String> = row.get(6)?;
                    text.filter(|_| is_newest)
                        .map(|text| said_by_edit(id_of(of), &text))
                }
            };
            Ok(Sent {
                id: id_of(row.get(0)?),
                at_ms: row.get(1)?,
                text,
            })
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

/// Calls `each` with the messages of a range, in the order of [`Range::first`], until it returns false,
/// and with the newest changes to messages if the range has those. [`Range::max`] is not looked at.
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
    let kinds = if range.changes {
        "(of IS NULL OR change <> 'superseded')"
    } else {
        "of IS NULL"
    };
    let order = match range.first {
        First::Oldest => "",
        First::Newest => "DESC",
    };
    let mut select = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM messages
         WHERE key > ? AND key < ? AND {kinds} ORDER BY key {order}"
    ))?;
    // Below the next room's first key, which belongs to no message.
    let before = match range.before {
        0..=schema::ID_MAX => key(room, range.before),
        _ => key(room + 1, 0),
    };
    let mut rows = select.query((key(room, range.after), before))?;
    while let Some(row) = rows.next()? {
        // The message of a change may have been erased.
        if let Some(record) = record(row, epoch)?
            && !each(record)
        {
            break;
        }
    }
    Ok(())
}

/// The columns that [`record`] reads.
pub const COLUMNS: &str =
    "messages.key, at_ms, user_id, username, messages.text, client_id, edited_ms, of, change,
    (SELECT text FROM messages AS original WHERE original.key = messages.of), reply_to, emoji, count";
/// What `change` says of an edit.
pub const EDITED: &str = "edited";
/// What `change` says of a deletion.
pub const DELETED: &str = "deleted";
/// What `change` says of a reaction.
const REACTED: &str = "reacted";
/// What `change` says of a reaction that was taken back.
const UNREACTED: &str = "unreacted";
/// What `change` says of a message that was pinned, and of one that was taken down.
const PINNED: &str = "pinned";
const UNPINNED: &str = "unpinned";

const fn name_of(change: &MessageChange) -> &'static str {
    match change {
        MessageChange::Edited { .. } => EDITED,
        MessageChange::Deleted => DELETED,
        MessageChange::Reacted(Reaction { on: true, .. }) => REACTED,
        MessageChange::Reacted(Reaction { on: false, .. }) => UNREACTED,
        MessageChange::Pinned { on: true } => PINNED,
        MessageChange::Pinned { on: false } => UNPINNED,
    }
}

/// A message as it is before a change.
#[derive(Debug)]
pub struct Stored {
    pub user_id: String,
    pub at_ms: i64,
    /// `None` if it is deleted.
    pub text: Option<String>,
}

/// The message `id` of a room.
///
/// # Errors
/// What SQLite answers.
pub fn find(db: &Connection, room: i64, id: u64) -> rusqlite::Result<Option<Stored>> {
    if id > schema::ID_MAX {
        return Ok(None);
    }
    db.prepare_cached("SELECT user_id, at_ms, text FROM messages WHERE key = ? AND of IS NULL")?
        .query_row([key(room, id)], |row| {
            Ok(Stored {
                user_id: row.get(0)?,
                at_ms: row.get(1)?,
                text: row.get(2)?,
            })
        })
        .optional()
}

/// The deletion of the message `id`: its own id, time and user.
///
/// # Errors
/// What SQLite answers.
pub fn deletion(
    db: &Connection,
    room: i64,
    id: u64,
) -> rusqlite::Result<Option<(u64, i64, String)>> {
    let select = "SELECT key, at_ms, user_id FROM messages WHERE of = ? AND change = 'deleted'";
    db.prepare_cached(select)?
        .query_row([key(room, id)], |row| {
            Ok((id_of(row.get(0)?), row.get(1)?, row.get(2)?))
        })
        .optional()
}

/// Writes the newest state of a message after the change `id`, and marks the edits before it as
/// superseded. Of the pins to a message only the newest is kept.
///
/// # Errors
/// What SQLite answers.
pub fn change(
    db: &Connection,
    room: i64,
    of: u64,
    change: &MessageChange,
    id: u64,
    at_ms: i64,
) -> rusqlite::Result<()> {
    if !change.is_about_text() || *change == MessageChange::Deleted {
        db.prepare_cached(
            "DELETE FROM messages WHERE of = ? AND change IN ('pinned', 'unpinned') AND key <> ?",
        )?
        .execute((key(room, of), key(room, id)))?;
    }
    if !change.is_about_text() {
        return Ok(());
    }
    let edited_ms = change.text().map(|_| at_ms);
    let is_deletion = *change == MessageChange::Deleted;
    db.prepare_cached(
        "UPDATE messages SET text = ?, edited_ms = ?, reply_to = CASE WHEN ? THEN NULL ELSE reply_to END
         WHERE key = ?",
    )?
    .execute((change.text(), edited_ms, is_deletion, key(room, of)))?;
    db.prepare_cached(
        "UPDATE messages SET change = 'superseded'
         WHERE of = ? AND change = 'edited' AND key <> ?",
    )?
    .execute((key(room, of), key(room, id)))
    .map(drop)
}

/// A row with [`COLUMNS`] as a record; `None` if it has nothing to say. It says nothing of the membership, which is over.
///
/// # Errors
/// What SQLite answers.
pub fn record(row: &Row<'_>, epoch: &Arc<str>) -> rusqlite::Result<Option<Record>> {
    let username: String = row.get(3)?;
    let username = Username::parse(&username).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(3, Type::Text, error.to_string().into())
    })?;
    let (text, client_id): (Option<Arc<str>>, _) = (row.get(4)?, row.get(5)?);
    let change: Option<String> = row.get(8)?;
    let content = match (row.get::<_, Option<i64>>(7)?, change.as_deref(), text) {
        (None, _, Some(text)) => Content::Message {
            text,
            client_id,
            edited_ms: row.get(6)?,
            reply_to: row.get(10)?,
        },
        (None, _, None) => Content::Tombstone { client_id },
        (Some(of), Some(DELETED), _) => Content::Changed {
            of: id_of(of),
            change: MessageChange::Deleted,
        },
        (Some(of), Some(kind @ (REACTED | UNREACTED)), _) => {
            let emoji: String = row.get(11)?;
            let Ok(emoji) = Emoji::parse(&emoji) else {
                return Ok(None);
            };
            let reaction = Reaction {
                emoji,
                reactors: Box::default(),
                count: row.get(12)?,
                on: kind == REACTED,
            };
            Content::Changed {
                of: id_of(of),
                change: MessageChange::Reacted(reaction),
            }
        }
        (Some(of), Some(kind @ (PINNED | UNPINNED)), _) => Content::Changed {
            of: id_of(of),
            change: MessageChange::Pinned { on: kind == PINNED },
        },
        (Some(of), _, _) => match row.get(9)? {
            Some(text) => Content::Changed {
                of: id_of(of),
                change: MessageChange::Edited { text, client_id },
            },
            None => return Ok(None),
        },
    };
    Ok(Some(Record {
        epoch: Arc::clone(epoch),
        id: id_of(row.get(0)?),
        member: Member {
            user_id: row.get::<_, Arc<str>>(2)?,
            username,
        },
        member_id: MemberId::UNKNOWN,
        at_ms: row.get(1)?,
        content,
        previous: None,
    }))
}
