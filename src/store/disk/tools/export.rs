//! `hubbub export`: the messages of a room, or its whole log, one JSON object a line.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use rusqlite::OptionalExtension;
use serde::Serialize;

use super::progress::Progress;
use super::{Database, ToolError};
use crate::clock;
use crate::domain::{Emoji, RoomName};
use crate::protocol::{BOT_USERS, DeletedMessage, MessageChanged, ReceiveMessage};
use crate::room::{Content, Range, Reactions, Record, UserId};
use crate::store::disk::schema::key;
use crate::store::disk::{messages, reactions};

/// Writes the messages of a room in their newest state, oldest first, as `receive_message` has them,
/// with `client_id` and the users who have reacted. With `log`, deleted messages and the newest change to each message are among them.
///
/// # Errors
/// [`ToolError`].
pub fn export(
    folder: &Path,
    room: &RoomName,
    log: bool,
    out: &mut dyn Write,
) -> Result<(), ToolError> {
    let database = Database::read(folder)?;
    let failed = database.failed();
    let db = &database.db;
    // One snapshot, however long it takes.
    let snapshot = db.unchecked_transaction().map_err(&failed)?;
    let number: Option<i64> = db
        .query_row(
            "SELECT number FROM rooms WHERE name = ?",
            [room.as_str()],
            |row| row.get(0),
        )
        .optional()
        .map_err(&failed)?;
    let number = number.ok_or_else(|| ToolError::NoRoom(room.clone()))?;
    let range = (key(number, 0), key(number + 1, 0));
    let count = "SELECT count(*) FROM messages WHERE key > ? AND key < ?";
    let total: u64 = db
        .query_row(count, range, |row| row.get(0))
        .map_err(&failed)?;
    let progress = Progress::new("messages", total);
    let mut out = BufWriter::new(out);
    let (mut done, mut written, mut unreadable) = (0, Ok(()), None);
    let epoch: Arc<str> = "".into();
    let all = Range {
        changes: log,
        ..Range::after(0, 0)
    };
    messages::read(db, &epoch, number, all, |record| {
        let reactions = match reactions::read(db, number, record.id, record.id) {
            Ok(found) => found.into_values().next().unwrap_or_default(),
            Err(error) => {
                unreadable = Some(error);
                return false;
            }
        };
        written = write_line(&mut out, room, log, &record, &reactions);
        done += 1;
        progress.set(done);
        written.is_ok()
    })
    .map_err(&failed)?;
    if let Some(error) = unreadable {
        return Err(failed(error));
    }
    drop(snapshot);
    written
        .and_then(|()| out.flush())
        .map_err(|source| ToolError::File {
            file: "standard output".into(),
            source,
        })?;
    progress.finish(done, "exported");
    Ok(())
}

/// A message with who has reacted to it.
#[derive(Serialize)]
struct MessageLine<'a> {
    #[serde(flatten)]
    message: ReceiveMessage<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<ReactionLine<'a>>,
}

#[derive(Serialize)]
struct ReactionLine<'a> {
    emoji: &'a str,
    count: usize,
    users: Vec<&'a str>,
}

impl<'a> ReactionLine<'a> {
    fn all_of(reactions: &'a Reactions) -> Vec<Self> {
        let line = |(emoji, users): (&'a Emoji, &'a BTreeSet<UserId>)| Self {
            emoji: emoji.as_str(),
            count: users.len(),
            users: users.iter().map(|user_id| &**user_id).collect(),
        };
        reactions.iter().map(line).collect()
    }
}

fn write_line(
    out: &mut impl Write,
    room: &RoomName,
    log: bool,
    record: &Record,
    reactions: &Reactions,
) -> io::Result<()> {
    let timestamp = &clock::rfc3339(record.at_ms);
    let username = record.member.username.as_str();
    let user_id = &*record.member.user_id;
    let (room, id) = (room.as_str(), record.id);
    match &record.content {
        Content::Message {
            text,
            client_id,
            edited_ms,
            reply_to,
        } => {
            let edited_at = edited_ms.map(clock::rfc3339);
            let line = ReceiveMessage {
                sender: username,
                text,
                timestamp,
                room,
                id,
                user_id,
                client_id: client_id.as_deref(),
                reply_to: *reply_to,
                edited_at: edited_at.as_deref(),
                bot: user_id.starts_with(BOT_USERS),
                reactions: None,
                pinned: false,
            };
            let line = MessageLine {
                message: line,
                reactions: ReactionLine::all_of(reactions),
            };
            serde_json::to_writer(&mut *out, &line)?;
        }
        Content::Tombstone { .. } if log => {
            let line = DeletedMessage {
                id,
                deleted: true,
                room,
                timestamp,
            };
            serde_json::to_writer(&mut *out, &line)?;
        }
        Content::Changed { of, change } if log => {
            let line = MessageChanged {
                room,
                id,
                of: *of,
                kind: change.kind(),
                user_id,
                username,
                timestamp,
                text: change.text(),
                emoji: change.reaction().map(|reaction| reaction.emoji.as_str()),
                count: change.reaction().map(|reaction| reaction.count),
            };
            serde_json::to_writer(&mut *out, &line)?;
        }
        _ => return Ok(()),
    }
    out.write_all(b"\n")
}
