//! Entries of the streams. Any program with access to Redis can write to them, so they are parsed as
//! untrusted input. Entries that no node wrote are skipped and counted, with a reason.

use std::sync::Arc;

use crate::decisions::{Decision, DecisionKey};
use crate::domain::{ClientId, RoomName, Username};
use crate::room::{Content, ID_MAX, Member, MemberId, MessageChange, Record};

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
    if let Content::Changed { of, .. } = content
        && of >= id
    {
        return Err(EntryError("message"));
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

/// A change as an entry's kind.
pub const fn kind_of(change: &MessageChange) -> &'static str {
    match change {
        MessageChange::Edited { .. } => EDITED,
        MessageChange::Deleted => DELETED,
    }
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
            },
            MessageChange::Deleted => Content::Tombstone { client_id },
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(fields: &[(&str, &str)]) -> Raw {
        let pairs = fields.iter().flat_map(|(name, value)| [*name, *value]);
        let fields = pairs.map(|part| part.as_bytes().to_vec()).collect();
        ("1-0".to_owned(), fields)
    }

    const MESSAGE: [(&str, &str); 10] = [
        ("e", "e1"),
        ("i", "7"),
        ("k", "message"),
        ("u", "u1"),
        ("n", "Ada"),
        ("m", "1-2-3"),
        ("t", "Hello"),
        ("ts", "1768555800120"),
        ("c", "k1"),
        ("p", "5"),
    ];

    #[test]
    fn an_entry_of_ours_is_read() {
        let received = parse_log(&raw(&MESSAGE)).unwrap_or_else(|reason| panic!("{reason}"));
        assert_eq!((received.id, &*received.epoch), (7, "e1"));
        assert_eq!(received.previous, Some(5));
        assert!(matches!(received.content, Content::Message { text, .. } if &*text == "Hello"));
    }

    #[test]
    fn an_entry_with_any_field_missing_or_wrong_is_not() {
        let reasons = [
            ("e", "", "epoch"),
            ("i", "0", "id"),
            ("i", "-1", "id"),
            ("i", "9007199254740992", "id"),
            ("i", "18446744073709551615", "id"),
            ("k", "shout", "kind"),
            ("u", "a\nb", "user"),
            ("n", "", "name"),
            ("m", "1-2", "membership"),
            ("t", "", "text"),
            ("ts", "99999999999999999999", "time"),
            ("c", "", "client_id"),
            ("p", "-1", "previous"),
            ("p", "9007199254740992", "previous"),
        ];
        for (field, wrong, reason) in reasons {
            let fields = MESSAGE.map(|(n, v)| (n, if n == field { wrong } else { v }));
            assert_eq!(
                parse_log(&raw(&fields)).err(),
                Some(EntryError(reason)),
                "{field}"
            );
        }
        for left_out in 0..MESSAGE.len() - 2 {
            let mut fields = MESSAGE.to_vec();
            fields.remove(left_out);
            assert!(parse_log(&raw(&fields)).is_err(), "{left_out}");
        }
    }

    const EDIT: [(&str, &str); 15] = [
        ("e", "e1"),
        ("i", "9"),
        ("k", "edited"),
        ("u", "u1"),
        ("n", "Ada"),
        ("m", "1-2-3"),
        ("t", "Hello!"),
        ("ts", "1768555800120"),
        ("o", "7"),
        ("ou", "u1"),
        ("on", "Adah"),
        ("ots", "1768555800000"),
        ("op", "5"),
        ("od", "u1 k1"),
        ("oc", "k1"),
    ];

    #[test]
    fn a_change_is_read_with_the_message_it_has_replaced() {
        let entry = raw(&EDIT);
        let change = parse_log(&entry).unwrap_or_else(|reason| panic!("{reason}"));
        assert!(matches!(&change.content, Content::Changed { of: 7, .. }));
        let original = parse_original(&entry, &change).unwrap_or_else(|| panic!("no message"));
        assert_eq!((original.id, original.previous), (7, Some(5)));
        assert_eq!(original.member.username.as_str(), "Adah");
        let Content::Message {
            text, edited_ms, ..
        } = &original.content
        else {
            panic!("{original:?}");
        };
        assert_eq!((&**text, *edited_ms), ("Hello!", Some(change.at_ms)));
    }

    #[test]
    fn a_change_without_a_message_before_it_is_none_and_one_without_its_state_restores_none() {
        for (field, wrong, reason) in [
            ("o", "9", "message"),
            ("o", "x", "message"),
            ("t", "", "text"),
        ] {
            let fields = EDIT.map(|(n, v)| (n, if n == field { wrong } else { v }));
            assert_eq!(
                parse_log(&raw(&fields)).err(),
                Some(EntryError(reason)),
                "{field}"
            );
        }
        for (field, wrong) in [
            ("ou", ""),
            ("on", ""),
            ("ots", "x"),
            ("op", "7"),
            ("oc", ""),
        ] {
            let fields = EDIT.map(|(n, v)| (n, if n == field { wrong } else { v }));
            let entry = raw(&fields);
            let change = parse_log(&entry).unwrap_or_else(|reason| panic!("{reason}"));
            assert!(parse_original(&entry, &change).is_none(), "{field}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_panics(fields in prop::collection::vec(any::<Vec<u8>>(), 0..12)) {
            let raw = ("1-0".to_owned(), fields);
            prop_assert!(parse_log(&raw).is_err());
            prop_assert!(parse_state(&raw).is_err());
        }

        #[test]
        fn no_record_panics(record in ".{0,200}") {
            // It may well be one by chance; all that matters is that it is looked at safely.
            if let Some((room, member)) = parse_record(&record) {
                prop_assert!(!room.as_str().is_empty() && !member.username.as_str().is_empty());
            }
        }
    }
}
