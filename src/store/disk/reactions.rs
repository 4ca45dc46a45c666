//! Reactions in the file: a row of `reactions` for each user and emoji, and the newest change of each
//! emoji among the messages.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::schema::{ID_MAX, id_of, key};
use crate::domain::{Emoji, RequestError};
use crate::room::{Member, Reaction, ReactionFigures, Reactions, ReactionsById};

/// The reactions to the messages of a room with ids from `from` to `to`.
///
/// # Errors
/// What SQLite answers.
pub fn read(db: &Connection, room: i64, from: u64, to: u64) -> rusqlite::Result<ReactionsById> {
    let mut found = ReactionsById::new();
    let mut select = db.prepare_cached(
        "SELECT message, emoji, user_id FROM reactions WHERE message BETWEEN ? AND ?",
    )?;
    let mut rows = select.query((key(room, from), key(room, to.min(ID_MAX))))?;
    while let Some(row) = rows.next()? {
        let emoji: String = row.get(1)?;
        // What is no emoji was not written by this program.
        if let Ok(emoji) = Emoji::parse(&emoji) {
            let reactions = found.entry(id_of(row.get(0)?)).or_default();
            Arc::make_mut(reactions).add(&emoji, row.get(2)?);
        }
    }
    Ok(found)
}

/// What of a reaction that is asked for changes something: see [`Reaction::take_effect`].
///
/// # Errors
/// What SQLite answers.
pub fn judge(
    db: &Connection,
    room: i64,
    of: u64,
    asked: &Reaction,
) -> rusqlite::Result<Result<Option<(Member, Reaction)>, RequestError>> {
    let (message, emoji) = (key(room, of), asked.emoji.as_str());
    let mut had = HashSet::new();
    for reactor in &asked.reactors {
        let user_id = &reactor.member.user_id;
        let has = db
            .prepare_cached(
                "SELECT 1 FROM reactions WHERE message = ? AND emoji = ? AND user_id = ?",
            )?
            .exists((message, emoji, &**user_id))?;
        if has {
            had.insert(Arc::clone(user_id));
        }
    }
    let figures = db
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE emoji = ?2), count(DISTINCT emoji), count(*)
             FROM reactions WHERE message = ?1",
        )?
        .query_row((message, emoji), |row| {
            Ok(ReactionFigures {
                of_emoji: row.get(0)?,
                different: row.get(1)?,
                all: row.get(2)?,
            })
        })?;
    Ok(asked.take_effect(&had, figures))
}

/// Writes who has reacted, or no longer has, and deletes the change before this one, which has the id
/// `id`.
///
/// # Errors
/// What SQLite answers.
pub fn write(
    db: &Connection,
    room: i64,
    of: u64,
    change: &Reaction,
    id: u64,
) -> rusqlite::Result<()> {
    let (message, emoji) = (key(room, of), change.emoji.as_str());
    for reactor in &change.reactors {
        let statement = if reactor.on {
            "INSERT OR IGNORE INTO reactions (message, emoji, user_id) VALUES (?, ?, ?)"
        } else {
            "DELETE FROM reactions WHERE message = ? AND emoji = ? AND user_id = ?"
        };
        db.prepare_cached(statement)?
            .execute((message, emoji, &*reactor.member.user_id))?;
    }
    db.prepare_cached("DELETE FROM messages WHERE of = ? AND emoji = ? AND key <> ?")?
        .execute((message, emoji, key(room, id)))
        .map(drop)
}

/// The id and the time of the newest change with an emoji to a message, if there is one.
///
/// # Errors
/// What SQLite answers.
pub fn newest(
    db: &Connection,
    room: i64,
    of: u64,
    emoji: &Emoji,
) -> rusqlite::Result<Option<(u64, i64)>> {
    db.prepare_cached("SELECT key, at_ms FROM messages WHERE of = ? AND emoji = ?")?
        .query_row((key(room, of), emoji.as_str()), |row| {
            Ok((id_of(row.get(0)?), row.get(1)?))
        })
        .optional()
}

/// Deletes the reactions to a message.
///
/// # Errors
/// What SQLite answers.
pub fn delete(db: &Connection, message: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM reactions WHERE message = ?")?
        .execute([message])?;
    db.prepare_cached("DELETE FROM messages WHERE of = ? AND emoji IS NOT NULL")?
        .execute([message])
        .map(drop)
}

/// Takes the reactions of a user back, with a message and an emoji each. Returns how many there were.
///
/// # Errors
/// What SQLite answers.
pub fn of_user(db: &Connection, user_id: &str) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut select = db.prepare("SELECT message, emoji FROM reactions WHERE user_id = ?")?;
    let rows = select.query_map([user_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Takes a user's reaction back, without a change that the room receives.
///
/// # Errors
/// What SQLite answers.
pub fn erase(db: &Connection, message: i64, emoji: &str, user_id: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM reactions WHERE message = ? AND emoji = ? AND user_id = ?")?
        .execute((message, emoji, user_id))?;
    db.prepare_cached(
        "UPDATE messages SET count =
            (SELECT count(*) FROM reactions WHERE message = ?1 AND emoji = ?2)
         WHERE of = ?1 AND emoji = ?2",
    )?
    .execute((message, emoji))
    .map(drop)
}

/// Writes the reactions to a message as a whole.
///
/// # Errors
/// What SQLite answers.
pub fn insert(db: &Connection, message: i64, reactions: &Reactions) -> rusqlite::Result<()> {
    let statement = "INSERT OR IGNORE INTO reactions (message, emoji, user_id) VALUES (?, ?, ?)";
    let mut insert = db.prepare_cached(statement)?;
    for (emoji, users) in reactions.iter() {
        for user_id in users {
            insert.execute((message, emoji.as_str(), &**user_id))?;
        }
    }
    Ok(())
}
