//! `hubbub import`: messages as `export` writes them, or from elsewhere. Importing the same file again
//! changes nothing.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::progress::Progress;
use super::{Database, STEP, ToolError};
use crate::domain::{ClientId, Emoji, MessageText, RoomName, TextLimits, Username};
use crate::random;
use crate::room::reactions::{EMOJI_MAX, REACTIONS_MAX};
use crate::room::{Content, Member, MemberId, MessageChange, Reaction, Reactions, Record};
use crate::store::disk::opening::add_room;
use crate::store::disk::schema::{ID_MAX, id_of, key};
use crate::store::disk::{messages, reactions, search};

/// Bytes of the longest line.
const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes of the longest text, whatever MESSAGE_MAX_CHARS says: messages of another time may be longer.
const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of the longest `user_id`.
const USER_ID_BYTES_MAX: usize = 128;
/// Bytes of the digests that are made into ids.
const DIGEST_BYTES: usize = 16;

/// A line. Without an id the message comes at the end of its room.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    room: Cow<'a, str>,
    /// Of a message.
    #[serde(default, borrow)]
    sender: Option<Cow<'a, str>>,
    /// Of a change.
    #[serde(default, borrow)]
    username: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    id: Option<u64>,
    #[serde(default, borrow)]
    edited_at: Option<Cow<'a, str>>,
    reply_to: Option<u64>,
    #[serde(default)]
    deleted: bool,
    #[serde(default, borrow)]
    reactions: Vec<ReactionLine<'a>>,
    /// Of a change, with `kind`.
    of: Option<u64>,
    #[serde(default, borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    user_id: Option<Cow<'a, str>>,
    /// Of a change that is a reaction.
    #[serde(default, borrow)]
    emoji: Option<Cow<'a, str>>,
    count: Option<u64>,
    #[serde(default, borrow)]
    client_id: Option<Cow<'a, str>>,
}

/// One emoji in a line's `reactions`. Who has reacted with it is not in every line.
#[derive(Deserialize)]
struct ReactionLine<'a> {
    #[serde(borrow)]
    emoji: Cow<'a, str>,
    #[serde(default, borrow)]
    users: Vec<Cow<'a, str>>,
}

/// A line whose values can be used.
struct Message {
    room: RoomName,
    id: Option<u64>,
    member: Member,
    at_ms: i64,
    content: Content,
    reactions: Reactions,
}

impl Message {
    fn client_id(&self) -> Option<&str> {
        match &self.content {
            Content::Message { client_id, .. } => client_id.as_deref(),
            _ => None,
        }
    }
}

/// Imports the messages of a file (`-` for standard input) into the database in a folder, which is made
/// if there is none.
///
/// # Errors
/// [`ToolError`]; the lines before one that cannot be imported have been.
pub fn import(folder: &Path, file: &Path) -> Result<(), ToolError> {
    let unreadable = |source| ToolError::File {
        file: file.to_owned(),
        source,
    };
    let (reader, total): (Box<dyn Read>, u64) = if file.as_os_str() == "-" {
        (Box::new(io::stdin()), 0)
    } else {
        let opened = File::open(file).map_err(unreadable)?;
        let size = opened.metadata().map_or(0, |metadata| metadata.len());
        (Box::new(opened), size)
    };
    let database = Database::write_or_make(folder)?;
    let failed = database.failed();
    let progress = Progress::new("bytes", total);
    let mut reader = BufReader::new(reader);
    let (mut number, mut read, mut added) = (0, 0, 0);
    loop {
        let change = Transaction::new_unchecked(&database.db, TransactionBehavior::Immediate)
            .map_err(&failed)?;
        let mut is_over = false;
        for _ in 0..STEP {
            let mut line = Vec::new();
            let taken = reader
                .by_ref()
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut line)
                .map_err(unreadable)?;
            if taken == 0 {
                is_over = true;
                break;
            }
            (number, read) = (number + 1, read + taken as u64);
            if line.trim_ascii().is_empty() {
                continue;
            }
            let outcome = parse(&line).and_then(|message| add(&change, &message));
            match outcome {
                Ok(is_new) => added += u64::from(is_new),
                Err(problem) => {
                    change.commit().map_err(&failed)?;
                    return Err(ToolError::Line { number, problem });
                }
            }
        }
        change.commit().map_err(&failed)?;
        progress.set(read);
        if is_over {
            break;
        }
    }
    progress.finish(
        read,
        &format!("imported {added} new messages of {number} lines in"),
    );
    Ok(())
}

fn parse(line: &[u8]) -> Result<Message, String> {
    let wire: Line<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let limits = TextLimits {
        chars_max: 0,
        bytes_max: TEXT_BYTES_MAX,
    };
    let text = match &wire.text {
        Some(text) => Some(MessageText::parse(text, &limits).map_err(|error| error.to_string())?),
        None => None,
    };
    // A deleted message has lost its sender.
    let name = wire.sender.as_ref().or(wire.username.as_ref());
    let username = match name {
        Some(name) => Username::parse(name).map_err(|error| error.to_string())?,
        None if wire.deleted => Username::anonymous(),
        None => return Err("missing field `sender`".to_owned()),
    };
    let at_ms = time(&wire.timestamp)?;
    let user_id = match &wire.user_id {
        Some(id) if (1..=USER_ID_BYTES_MAX).contains(&id.len()) => id.to_string(),
        Some(_) => return Err(format!("user_id must have 1 to {USER_ID_BYTES_MAX} bytes")),
        None if wire.deleted => String::new(),
        None => digest(&[b"user\0", name.map_or("", |name| name).as_bytes()]),
    };
    if wire.id.is_some_and(|id| !(1..=ID_MAX).contains(&id)) {
        return Err(format!("id must be 1 to {ID_MAX}"));
    }
    let client_id = match (&wire.client_id, wire.id) {
        (Some(id), _) => Some(
            ClientId::parse(id)
                .map_err(|error| error.to_string())?
                .shared(),
        ),
        // By this it is known when it is imported again.
        (None, None) => Some(format!("import-{}", digest(&[line.trim_ascii()])).into()),
        (None, Some(_)) => None,
    };
    Ok(Message {
        room: RoomName::parse(&wire.room).map_err(|error| error.to_string())?,
        id: wire.id,
        member: Member {
            user_id: user_id.into(),
            username,
        },
        at_ms,
        reactions: reactions_of(&wire)?,
        content: content(&wire, text, client_id)?,
    })
}

/// What a line says.
fn content(
    wire: &Line<'_>,
    text: Option<MessageText>,
    client_id: Option<Arc<str>>,
) -> Result<Content, String> {
    let change = match (wire.of, wire.kind.as_deref(), text) {
        (None, _, _) if wire.deleted && wire.id.is_some() => {
            return Ok(Content::Tombstone { client_id: None });
        }
        (None, _, Some(text)) => {
            return Ok(Content::Message {
                text: text.shared(),
                client_id,
                edited_ms: wire.edited_at.as_deref().map(time).transpose()?,
                reply_to: reply_to(wire)?,
            });
        }
        (None, _, None) => return Err("missing field `text`".to_owned()),
        (Some(_), Some("deleted"), _) => MessageChange::Deleted,
        (Some(_), Some("edited"), Some(text)) => MessageChange::Edited {
            text: text.shared(),
            client_id: None,
        },
        (Some(_), Some(kind @ ("reacted" | "unreacted")), _) => {
            let emoji = wire.emoji.as_deref().ok_or("missing field `emoji`")?;
            MessageChange::Reacted(Reaction {
                emoji: Emoji::parse(emoji).map_err(|error| error.to_string())?,
                reactors: Box::default(),
                count: wire.count.ok_or("missing field `count`")?,
                on: kind == "reacted",
            })
        }
        (Some(_), Some(kind @ ("pinned" | "unpinned")), _) => MessageChange::Pinned {
            on: kind == "pinned",
        },
        (Some(_), _, _) => {
            return Err(
                "kind must be edited, with a text, deleted, reacted, unreacted, pinned or unpinned"
                    .to_owned(),
            );
        }
    };
    match (wire.of, wire.id) {
        (Some(of), Some(id)) if (1..id).contains(&of) => Ok(Content::Changed { of, change }),
        _ => Err("of must be the id of a message before the change".to_owned()),
    }
}

/// Who has reacted to a message.
fn reactions_of(wire: &Line<'_>) -> Result<Reactions, String> {
    let mut reactions = Reactions::default();
    for line in &wire.reactions {
        let emoji = Emoji::parse(&line.emoji).map_err(|error| error.to_string())?;
        for user_id in &line.users {
            if !(1..=USER_ID_BYTES_MAX).contains(&user_id.len()) {
                return Err(format!(
                    "users must have 1 to {USER_ID_BYTES_MAX} bytes each"
                ));
            }
            reactions.add(&emoji, user_id.as_ref().into());
        }
    }
    if reactions.iter().count() > EMOJI_MAX || reactions.count() > REACTIONS_MAX {
        return Err(format!(
            "a message has at most {EMOJI_MAX} different emoji and {REACTIONS_MAX} reactions"
        ));
    }
    Ok(reactions)
}

/// The message that a line answers.
fn reply_to(wire: &Line<'_>) -> Result<Option<u64>, String> {
    match (wire.reply_to, wire.id) {
        (None, _) => Ok(None),
        (Some(answered), Some(id)) if (1..id).contains(&answered) => Ok(Some(answered)),
        (Some(_), Some(_)) => {
            Err("reply_to must be the id of a message before this one".to_owned())
        }
        // Ids are assigned again, so it is not known which message it would be.
        (Some(_), None) => Err("a line with reply_to must have an id".to_owned()),
    }
}

fn time(text: &str) -> Result<i64, String> {
    let at: Result<Timestamp, _> = text.parse();
    at.map(Timestamp::as_millisecond)
        .map_err(|_| format!("{text:?} is no time; give one like 2026-01-16T09:30:00.123Z"))
}

/// Adds a message, unless it is there.
fn add(change: &Connection, message: &Message) -> Result<bool, String> {
    let sql = |error: rusqlite::Error| error.to_string();
    add_room(change, &message.room).map_err(sql)?;
    let select = "SELECT number, head FROM rooms WHERE name = ?";
    let (room, head): (i64, u64) = change
        .query_row(select, [message.room.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .map_err(sql)?;
    let id = match message.id {
        Some(id) => {
            if let Some(is_same) = there(change, key(room, id), message).map_err(sql)? {
                return if is_same {
                    Ok(false)
                } else {
                    Err(format!(
                        "the room {} has another message {id}",
                        message.room
                    ))
                };
            }
            id
        }
        None => {
            let key = message.client_id().unwrap_or_default();
            let known = messages::sent_as(change, room, &message.member.user_id, key);
            if known.map_err(sql)?.is_some() {
                return Ok(false);
            }
            head + 1
        }
    };
    let record = Record {
        epoch: "".into(),
        id,
        member: message.member.clone(),
        member_id: MemberId::UNKNOWN,
        at_ms: message.at_ms,
        content: message.content.clone(),
        previous: None,
    };
    messages::insert(change, room, &record).map_err(sql)?;
    if let Content::Message { text, .. } = &message.content {
        search::insert(change, vec![(key(room, id), Arc::clone(text))]).map_err(sql)?;
        reactions::insert(change, key(room, id), &message.reactions).map_err(sql)?;
    }
    change
        .prepare_cached("UPDATE rooms SET head = max(head, ?), bytes = bytes + ? WHERE number = ?")
        .and_then(|mut update| {
            let bytes = i64::try_from(record.text_bytes()).unwrap_or(i64::MAX);
            update.execute((id, bytes, room))
        })
        .map_err(sql)?;
    Ok(true)
}

/// Whether the message under a key is this one; `None` if there is none.
fn there(db: &Connection, key: i64, message: &Message) -> rusqlite::Result<Option<bool>> {
    db.prepare_cached("SELECT at_ms, user_id, text, of FROM messages WHERE key = ?")?
        .query_row([key], |row| {
            let (at_ms, user_id): (i64, String) = (row.get(0)?, row.get(1)?);
            let text: Option<String> = row.get(2)?;
            let of: Option<i64> = row.get(3)?;
            let is_same = match &message.content {
                Content::Message { text: said, .. } => {
                    text.as_deref() == Some(&**said) && *user_id == *message.member.user_id
                }
                Content::Changed { of: id, .. } => of.map(id_of) == Some(*id),
                _ => text.is_none() && of.is_none(),
            };
            Ok(is_same && at_ms == message.at_ms)
        })
        .optional()
}

fn digest(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    random::hex(&digest.finalize()[..DIGEST_BYTES])
}
