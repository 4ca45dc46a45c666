//! `hubbub erase`: what a person has said is gone, from the messages, the search index and the free
//! pages of the file.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::progress::Progress;
use super::{Database, STEP, ToolError};
use crate::store::disk::reactions;
use crate::store::disk::schema::room_of;

/// Pages of the search index that are written again in one step.
const MERGED_PAGES: i64 = 500;

/// Deletes all messages of a user, all changes by the user and to the user's messages, the user's reactions,
/// and the user's memberships if no server is running.
///
/// # Errors
/// [`ToolError`]; a part may have been deleted then.
pub fn erase(folder: &Path, user_id: &str) -> Result<(), ToolError> {
    let database = Database::write(folder)?;
    let failed = database.failed();
    let db = &database.db;
    let count = "SELECT count(*) FROM messages WHERE user_id = ?";
    let total: u64 = db
        .query_row(count, [user_id], |row| row.get(0))
        .map_err(&failed)?;
    let is_member = "SELECT count(*) FROM members WHERE user_id = ?";
    let memberships: u64 = db
        .query_row(is_member, [user_id], |row| row.get(0))
        .map_err(&failed)?;
    let named = erase_names(db, user_id).map_err(&failed)?;
    let reacted = reactions::of_user(db, user_id).map_err(&failed)?;
    if total + memberships == 0 && named + reacted.len() == 0 {
        return Err(ToolError::NoUser(user_id.to_owned()));
    }
    for some in reacted.chunks(STEP) {
        take_back(db, user_id, some).map_err(&failed)?;
    }
    let progress = Progress::new("messages", total);
    let (mut done, mut after) = (0, 0);
    while let Some((last, deleted)) = step(db, user_id, after).map_err(&failed)? {
        done += deleted;
        after = last;
        progress.set(done);
    }
    if database.directory.is_some() {
        db.execute("DELETE FROM members WHERE user_id = ?", [user_id])
            .map_err(&failed)?;
    }
    clean(db).map_err(&failed)?;
    progress.finish(done, "erased");
    Ok(())
}

/// Takes some of the user's reactions back.
fn take_back(db: &Connection, user_id: &str, some: &[(i64, String)]) -> rusqlite::Result<()> {
    let change = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    for (message, emoji) in some {
        reactions::erase(&change, *message, emoji, user_id)?;
    }
    change.commit()
}

/// Deletes the user's names from the audit log, and from bans and mutes, which stay. Returns how many
/// had one.
fn erase_names(db: &Connection, user_id: &str) -> rusqlite::Result<usize> {
    let mut named = 0;
    for (field, name) in [("user_id", "username"), ("actor", "actor_name")] {
        let update = format!(
            "UPDATE audit SET line = json_remove(line, '$.{name}')
             WHERE line ->> '{field}' = ? AND line ->> '{name}' IS NOT NULL"
        );
        named += db.execute(&update, [user_id])?;
    }
    named += db.execute(
        "UPDATE decisions SET value = json_remove(value, '$.username')
         WHERE key IN ('ban/' || ?1, 'mute/' || ?1, 'kick/' || ?1)
           AND value ->> 'username' IS NOT NULL",
        [user_id],
    )?;
    named += db.execute(
        "UPDATE decisions SET value = json_remove(value, '$.username')
         WHERE value ->> 'user_id' = ? AND value ->> 'username' IS NOT NULL",
        [user_id],
    )?;
    Ok(named)
}

/// Deletes some messages with keys above `after`. Returns the last key and how many; `None` at the end.
fn step(db: &Connection, user_id: &str, after: i64) -> rusqlite::Result<Option<(i64, u64)>> {
    let change = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    let found: Vec<(i64, i64)> = {
        let mut select = change.prepare_cached(
            "SELECT key, coalesce(octet_length(text), 0) FROM messages WHERE key > ? AND user_id = ?
             ORDER BY key LIMIT ?",
        )?;
        let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
        let rows = select.query_map((after, user_id, limit), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        rows.collect::<Result<_, _>>()?
    };
    let Some((last, _)) = found.last().copied() else {
        return Ok(None);
    };
    for (key, bytes) in &found {
        change
            .prepare_cached("DELETE FROM search WHERE rowid = ?")?
            .execute([key])?;
        reactions::delete(&change, *key)?;
        change
            .prepare_cached("DELETE FROM messages WHERE key = ?1 OR of = ?1")?
            .execute([key])?;
        change
            .prepare_cached("UPDATE rooms SET bytes = bytes - ? WHERE number = ?")?
            .execute((bytes, room_of(*key)))?;
    }
    change.commit()?;
    Ok(Some((last, found.len() as u64)))
}

/// Removes what is left of the texts: entries of the index that say nothing any more, and old copies of
/// pages beside the file.
fn clean(db: &Connection) -> rusqlite::Result<()> {
    // FTS5, 6.7: a merge is over when it changes less than two rows.
    loop {
        let before = db.total_changes();
        db.execute(
            "INSERT INTO search (search, rank) VALUES ('merge', ?)",
            [-MERGED_PAGES],
        )?;
        if db.total_changes() - before < 2 {
            break;
        }
    }
    // Where a server reads just now, its own next checkpoint does it.
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
