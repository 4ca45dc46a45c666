//! Entries of the streams. Any program with access to Redis can write to them, so they are parsed as
//! untrusted input. Entries that no node wrote are skipped and counted, with a reason.

use std::collections::HashMap;
use std::sync::Arc;

use crate::decisions::{Decision, DecisionKey};
use crate::domain::{ClientId, Emoji, RoomName, Username};
use crate::room::{
    Content, ID_MAX, Member, MemberId, MessageChange, Reaction, Reactions, Reactor, Record,
};

/// Bytes of a text that no node of any configuration lets through.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Bytes of the longest name of an epoch or a user; ours have 32.
const ID_BYTES_MAX: usize = 128;

/// One entry of a stream: its id there, and its fields, a name and a value in turn.
pub type Raw = (String, Vec<Vec<u8>>);

/// The field for which an entry is not one of ours; counted under that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EntryError(pub &'static str);

impl From<&'static str> for EntryError {
    fn from(field: &'static str) -> Self {
        Self(field)
    }
}

struct Fields<'a>(&'a [Vec<u8>]);

impl<'a> Fields<'a> {
    /// The text of a field.
    fn text(&self, name: &str) -> Option<&'a str> {
        let mut pairs = self.0.chunks_exact(2);
        let pair = pairs.find(|pair| pair[0] == name.as_bytes())?;
        std::str::from_utf8(&pair[1]).ok()
    }

    fn id(&self, name: &str) -> Option<Arc<str>> {
        let text = self.text(name)?;
        let fits = (1..=ID_BYTES_MAX).contains(&text.len());
        (fits && !text.chars().any(char::is_control)).then(|| text.into())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// The id of an entry.
    fn position(&self, name: &str) -> Option<u64> {
        self.number(name).filter(|id| (1..=ID_MAX).contains(id))
    }

    fn time(&self, name: &str) -> Option<i64> {
        i64::try_from(self.number(name)?).ok()
    }

    fn username(&self, name: &str) -> Option<Username> {
        Username::parse(self.text(name)?).ok()
    }
}

/// Reads an entry of a room's log: see `append` in `lua/prelude.lua`.
pub fn parse_log((_, fields): &Raw) -> Result<Record, EntryError> {
    let fields = Fields(fields);
    let content = match fields.text("k") {
        Some("message") => Content::Message {
            text: text(&fields)?,
            client_id: client_id(&fields, "c")?,
            edited_ms: None,
            reply_to: reply_to(&fields, "r")?,
        },
        Some(kind @ (EDITED | DELETED)) => Content::Changed {
            of: fields.position("o").ok_or("message")?,
            change: match kind {
                EDITED => MessageChange::Edited {
                    text: text(&fields)?,
                    client_id: client_id(&fields, "c")?,
                },
                _ => MessageChange::Deleted,
            },
        },
        Some(kind @ (REACTED | UNREACTED)) => Content::Changed {
            of: fields.position("o").ok_or("message")?,
            change: MessageChange::Reacted(reaction(&fields, kind == REACTED)?),
        },
        Some(kind @ (PINNED | UNPINNED)) => Content::Changed {
            of: fields.position("o").ok_or("message")?,
            change: MessageChange::Pinned { on: kind == PINNED },
        },
        Some("joined") => Content::Joined,
        Some("left") => Content::Left,
        Some("removed") => Content::Removed,
        Some("renamed") => Content::Renamed {
            before: fields.username("t").ok_or("name")?,
        },
        Some(_) => return Err(EntryError("kind")),
        None => return Err(EntryError("foreign")),
    };
    let id = fields.position("i").ok_or("id")?;
    match content {
        Content::Changed { of, .. } if of >= id => return Err(EntryError("message")),
        Content::Message {
            reply_to: Some(reply_to),
            ..
        } if reply_to >= id => return Err(EntryError("reply")),
        _ => {}
    }
    let previous = match fields.text("p") {
        Some(_) => Some(
            fields
                .number("p")
                .filter(|id| *id <= ID_MAX)
                .ok_or("previous")?,
        ),
        None => None,
    };
    Ok(Record {
        epoch: fields.id("e").ok_or("epoch")?,
        id,
        member: Member {
            user_id: fields.id("u").ok_or("user")?,
            username: fields.username("n").ok_or("name")?,
        },
        member_id: membership(&fields).ok_or("membership")?,
        at_ms: fields.time("ts").ok_or("time")?,
        content,
        previous,
    })
}

/// What an entry's kind is for an edit, and for a deletion.
const EDITED: &str = "edited";
const DELETED: &str = "deleted";
/// What it is for a reaction, and for one that was taken back.
const REACTED: &str = "reacted";
const UNREACTED: &str = "unreacted";
/// What it is for a message that was pinned, and for one that was taken down.
const PINNED: &str = "pinned";
const UNPINNED: &str = "unpinned";
/// Users that one entry names at most.
const REACTORS_MAX: usize = 2000;

/// A change as an entry's kind.
pub const fn kind_of(change: &MessageChange) -> &'static str {
    match change {
        MessageChange::Edited { .. } => EDITED,
        MessageChange::Deleted => DELETED,
        MessageChange::Reacted(Reaction { on: true, .. }) => REACTED,
        MessageChange::Reacted(Reaction { on: false, .. }) => UNREACTED,
        MessageChange::Pinned { on: true } => PINNED,
        MessageChange::Pinned { on: false } => UNPINNED,
    }
}

fn reaction(fields: &Fields<'_>, on: bool) -> Result<Reaction, EntryError> {
    let emoji = fields.text("t").and_then(|text| Emoji::parse(text).ok());
    let count = fields.number("q").filter(|count| *count <= ID_MAX);
    let lines = fields.text("rs").ok_or("reactors")?.lines();
    let reactors = lines.map(|line| {
        let (sign, user_id) = line.split_at_checked(1)?;
        let fits = matches!(sign, "+" | "-") && (1..=ID_BYTES_MAX).contains(&user_id.len());
        fits.then(|| Reactor {
            member: Member {
                user_id: user_id.into(),
                // The last one's is the entry's own.
                username: Username::anonymous(),
            },
            on: sign == "+",
        })
    });
    let reactors: Option<Box<[_]>> = reactors.take(REACTORS_MAX).collect();
    Ok(Reaction {
        emoji: emoji.ok_or("emoji")?,
        reactors: reactors.ok_or("reactors")?,
        count: count.ok_or("count")?,
        on,
    })
}

/// Reads the reactions to a message: see `lua/prelude.lua`.
pub fn parse_reactions(hash: &HashMap<String, String>) -> Reactions {
    let mut reactions = Reactions::default();
    for field in hash.keys() {
        let reacted = field
            .strip_prefix("u ")
            .and_then(|rest| rest.split_once(' '));
        if let Some((emoji, user_id)) = reacted
            && let Ok(emoji) = Emoji::parse(emoji)
        {
            reactions.add(&emoji, user_id.into());
        }
    }
    reactions
}

/// The message that a change has replaced, in its newest state, if `change` was read from the entry and
/// has that.
pub fn parse_original((_, fields): &Raw, change: &Record) -> Option<Record> {
    let Content::Changed { of, change: what } = &change.content else {
        return None;
    };
    let fields = Fields(fields);
    let client_id = client_id(&fields, "oc").ok()?;
    let previous = match fields.text("op") {
        Some(_) => Some(fields.number("op").filter(|id| id < of)?),
        None => None,
    };
    Some(Record {
        epoch: Arc::clone(&change.epoch),
        id: *of,
        member: Member {
            user_id: fields.id("ou")?,
            username: fields.username("on")?,
        },
        member_id: MemberId::UNKNOWN,
        at_ms: fields.time("ots")?,
        content: match what {
            MessageChange::Edited { text, .. } => Content::Message {
                text: Arc::clone(text),
                client_id,
                edited_ms: Some(change.at_ms),
                reply_to: reply_to(&fields, "or").ok()?.filter(|id| id < of),
            },
            MessageChange::Deleted => Content::Tombstone { client_id },
            // It has taken the place of no message.
            MessageChange::Reacted(_) | MessageChange::Pinned { .. } => return None,
        },
        previous,
    })
}

fn client_id(fields: &Fields<'_>, name: &str) -> Result<Option<Arc<str>>, EntryError> {
    match fields.text(name) {
        Some(key) => {
            let key = ClientId::parse(key).map_err(|_| "client_id")?;
            Ok(Some(key.shared()))
        }
        None => Ok(None),
    }
}

fn reply_to(fields: &Fields<'_>, name: &str) -> Result<Option<u64>, EntryError> {
    match fields.text(name) {
        Some(_) => fields.position(name).map(Some).ok_or(EntryError("reply")),
        None => Ok(None),
    }
}

fn text(fields: &Fields<'_>) -> Result<Arc<str>, EntryError> {
    let text = fields.text("t").ok_or("text")?;
    let fits = (1..=TEXT_BYTES_MAX).contains(&text.len());
    fits.then(|| text.into()).ok_or(EntryError("text"))
}

fn membership(fields: &Fields<'_>) -> Option<MemberId> {
    fields.text("m")?.parse().ok()
}

/// A change of state: see `send_state` in `lua/prelude.lua`.
#[derive(Debug)]
pub struct Change {
    /// Its number.
    pub version: u64,
    /// The room.
    pub room: RoomName,
    /// Whose membership.
    pub id: MemberId,
    /// What happened.
    pub kind: ChangeKind,
    /// The node that did it.
    pub by: Box<str>,
}

/// An entry of the stream of states.
#[derive(Debug)]
pub enum StateEntry {
    /// A membership has changed.
    Member(Change),
    /// Something was decided, or taken back.
    Decided {
        /// Its number.
        version: u64,
        /// What it is about.
        key: DecisionKey,
        /// What was decided.
        decision: Option<Decision>,
    },
}

impl StateEntry {
    /// Its number.
    pub const fn version(&self) -> u64 {
        match self {
            Self::Member(Change { version, .. }) | Self::Decided { version, .. } => *version,
        }
    }
}

/// What happened to a membership.
#[derive(Debug)]
pub enum ChangeKind {
    /// It began, or has another name now.
    Is(Member),
    /// It ended.
    Left,
    /// It ended with its node.
    Reaped,
    /// The member types, or no longer.
    Typing(bool),
}

/// Reads an entry of the stream of states.
pub fn parse_state((_, fields): &Raw) -> Result<StateEntry, EntryError> {
    let fields = Fields(fields);
    let version = fields.text("v").and_then(|text| text.parse().ok());
    if fields.text("o") == Some("decided") {
        let key = fields.text("d").and_then(|key| key.parse().ok());
        let decision = match fields.text("t").ok_or("decision")? {
            "" => None,
            json => Some(Decision::from_json(json).ok_or("decision")?),
        };
        return Ok(StateEntry::Decided {
            version: version.ok_or("version")?,
            key: key.ok_or("decision")?,
            decision,
        });
    }
    let kind = match fields.text("o").ok_or("foreign")? {
        "joined" | "renamed" => ChangeKind::Is(Member {
            user_id: fields.id("u").ok_or("user")?,
            username: fields.username("n").ok_or("name")?,
        }),
        "left" => ChangeKind::Left,
        "reaped" => ChangeKind::Reaped,
        "typing" => ChangeKind::Typing(true),
        "idle" => ChangeKind::Typing(false),
        _ => return Err(EntryError("kind")),
    };
    Ok(StateEntry::Member(Change {
        version: version.ok_or("version")?,
        room: fields
            .text("r")
            .and_then(|room| RoomName::parse(room).ok())
            .ok_or("room")?,
        id: membership(&fields).ok_or("membership")?,
        kind,
        by: fields.text("by").ok_or("node")?.into(),
    }))
}

/// Reads a member's record: see `record` in `lua/prelude.lua`.
pub fn parse_record(record: &str) -> Option<(RoomName, Member)> {
    let mut parts = record.split('\n');
    let room = RoomName::parse(parts.next()?).ok()?;
    let user = parts.next()?;
    let member = Member {
        user_id: (1..=ID_BYTES_MAX)
            .contains(&user.len())
            .then(|| user.into())?,
        username: Username::parse(parts.next()?).ok()?,
    };
    Some((room, member))
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
