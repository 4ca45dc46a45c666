//! What clients send: event names, payload shapes, and their decoding into domain types.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{HISTORY_PAGE_MAX, USERS_MAX};
use crate::domain::{ClientId, MessageText, Refusal, RoomName, TextLimits, Username};

/// Bytes of the longest `user_id` that is looked for; ours have 32.
const USER_ID_BYTES_MAX: usize = 128;
/// Bytes of the longest epoch there can be; ours have 32.
const EPOCH_BYTES_MAX: usize = 64;

/// Names of the events a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventName {
    /// `join_room`
    JoinRoom,
    /// `leave_room`
    LeaveRoom,
    /// `send_message`
    SendMessage,
    /// `get_history`
    GetHistory,
    /// `list_users`
    ListUsers,
    /// `typing`
    Typing,
}

impl EventName {
    /// Every event a client may send.
    pub const ALL: [Self; 6] = [
        Self::JoinRoom,
        Self::LeaveRoom,
        Self::SendMessage,
        Self::GetHistory,
        Self::ListUsers,
        Self::Typing,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JoinRoom => "join_room",
            Self::LeaveRoom => "leave_room",
            Self::SendMessage => "send_message",
            Self::GetHistory => "get_history",
            Self::ListUsers => "list_users",
            Self::Typing => "typing",
        }
    }

    /// The event with this name on the wire, if there is one.
    #[must_use]
    pub fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.as_str() == name)
    }
}

/// What a client asks for, decoded and valid.
#[derive(Debug, Clone)]
pub enum Command {
    /// Enter a room (leaving another), or change the name in one's own.
    Join(Box<Join>),
    /// Leave the room.
    Leave {
        /// Not yet: when the connection has ended, unless the user is back soon.
        closing: bool,
    },
    /// Say something in the room.
    Send(Send),
    /// Read a page of the room's messages.
    History(HistoryRange),
    /// Ask who is in the room.
    ListUsers(UsersRange),
    /// Start or stop typing.
    Typing(bool),
}

impl Command {
    /// Bytes this command holds outside itself, for the mailbox's byte bound and the budget.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        match self {
            Self::Send(send) => {
                send.text.as_str().len() + send.client_id.as_ref().map_or(0, |id| id.as_str().len())
            }
            Self::Join(join) => {
                let epoch = join
                    .after
                    .as_ref()
                    .map_or(0, |after| after.epoch.capacity());
                size_of::<Join>() + join.room.as_str().len() + join.username.as_str().len() + epoch
            }
            Self::ListUsers(range) => range.after.as_ref().map_or(0, |after| after.len()),
            Self::Leave { .. } | Self::History(_) | Self::Typing(_) => 0,
        }
    }
}

/// `join_room`
#[derive(Debug, Clone)]
pub struct Join {
    /// The room to enter.
    pub room: RoomName,
    /// The name to enter under.
    pub username: Username,
    /// How many of the newest messages to answer with, at most [`HISTORY_PAGE_MAX`].
    pub history: Option<usize>,
    /// Where the client left off, if it wants to resume.
    pub after: Option<Position>,
    /// Whether to answer with the room's users.
    pub users: bool,
}

/// `send_message`
#[derive(Debug, Clone)]
pub struct Send {
    /// The message.
    pub text: MessageText,
    /// The idempotency key.
    pub client_id: Option<ClientId>,
}

/// `get_history`: messages older than `before`, or newer than `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryRange {
    /// Only messages with a smaller id; the newest of those.
    pub before: Option<u64>,
    /// Only messages with a greater id; the oldest of those.
    pub after: Option<u64>,
    /// How many at most, 1 to [`HISTORY_PAGE_MAX`].
    pub limit: usize,
}

/// `list_users`: a page of the room's users, in order of joining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsersRange {
    /// Only those who come after this user.
    pub after: Option<Box<str>>,
    /// How many at most, 1 to [`USERS_MAX`].
    pub limit: usize,
}

/// A position in a room's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Which incarnation of the log `id` belongs to. Empty, which none is, where the client named
    /// one that is longer than any.
    pub epoch: String,
    /// The last id the client has.
    pub id: u64,
}

/// `auth` of the Socket.IO CONNECT packet.
#[derive(Debug, Default, Deserialize)]
pub struct Auth {
    /// The token of an earlier `session`. The key's presence, even with `null`, says "I can
    /// resume", so an absent key and a null one are told apart.
    #[serde(default, deserialize_with = "present")]
    pub token: Option<Option<String>>,
}

fn present<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(d).map(Some)
}

#[derive(Deserialize)]
struct JoinWire<'a> {
    #[serde(borrow)]
    room_name: Cow<'a, str>,
    #[serde(default, borrow)]
    username: Option<Cow<'a, str>>,
    #[serde(default)]
    history: Option<u64>,
    #[serde(default, borrow)]
    after: Option<PositionWire<'a>>,
    #[serde(default)]
    users: Option<bool>,
}

#[derive(Deserialize)]
struct PositionWire<'a> {
    #[serde(borrow)]
    epoch: Cow<'a, str>,
    id: u64,
}

impl From<PositionWire<'_>> for Position {
    fn from(wire: PositionWire<'_>) -> Self {
        let epoch = match wire.epoch {
            epoch if epoch.len() > EPOCH_BYTES_MAX => String::new(),
            epoch => epoch.as_ref().to_owned(),
        };
        Self { epoch, id: wire.id }
    }
}

#[derive(Deserialize)]
struct SendWire<'a> {
    // Raw, because a lone surrogate is a mistake in the text, not in the payload around it.
    #[serde(borrow)]
    text: &'a RawValue,
    #[serde(default, borrow)]
    client_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct HistoryWire {
    #[serde(default)]
    before: Option<u64>,
    #[serde(default)]
    after: Option<u64>,
    limit: u64,
}

#[derive(Default, Deserialize)]
struct UsersWire<'a> {
    #[serde(default, borrow)]
    after: Option<Cow<'a, str>>,
    #[serde(default)]
    limit: Option<u64>,
}

#[derive(Deserialize, Default)]
struct LeaveWire {
    #[serde(default)]
    closing: bool,
}

#[derive(Deserialize)]
struct TypingWire {
    typing: bool,
}

/// Decodes the payload of one event. `payload` is the first argument as JSON text, `None` where
/// the client sent none.
///
/// # Errors
/// A [`Refusal`] ready to be answered: `invalid_payload` where the shape is wrong, the domain
/// type's own code where a value is.
pub fn decode(
    event: EventName,
    payload: Option<&str>,
    text_limits: &TextLimits,
) -> Result<Command, Refusal> {
    match event {
        EventName::JoinRoom => decode_join(required(event, payload)?),
        EventName::SendMessage => decode_send(required(event, payload)?, text_limits),
        EventName::GetHistory => decode_history(required(event, payload)?),
        EventName::Typing => {
            let wire: TypingWire = from_json(event, required(event, payload)?)?;
            Ok(Command::Typing(wire.typing))
        }
        EventName::LeaveRoom => {
            let LeaveWire { closing } = optional(event, payload)?;
            Ok(Command::Leave { closing })
        }
        EventName::ListUsers => decode_users(payload),
    }
}

fn decode_join(json: &str) -> Result<Command, Refusal> {
    let wire: JoinWire<'_> = from_json(EventName::JoinRoom, json)?;
    Ok(Command::Join(Box::new(Join {
        room: RoomName::parse(&wire.room_name)?,
        username: match wire.username {
            Some(name) => Username::parse(&name)?,
            None => Username::anonymous(),
        },
        history: wire.history.map(page_size),
        after: wire.after.map(Position::from),
        users: wire.users.unwrap_or(false),
    })))
}

fn decode_send(json: &str, limits: &TextLimits) -> Result<Command, Refusal> {
    let wire: SendWire<'_> = from_json(EventName::SendMessage, json)?;
    let raw = wire.text.get();
    let text: Cow<'_, str> = match serde_json::from_str(raw) {
        Ok(text) => text,
        Err(_) if raw.starts_with('"') => {
            return Err(Refusal::invalid_text(
                "text is not valid Unicode: it has half a surrogate pair",
            ));
        }
        Err(_) => {
            return Err(Refusal::invalid_payload(
                "send_message: text must be a string",
            ));
        }
    };
    let client_id = wire.client_id.map(|id| ClientId::parse(&id)).transpose()?;
    Ok(Command::Send(Send {
        text: MessageText::parse(&text, limits)?,
        client_id,
    }))
}

fn decode_history(json: &str) -> Result<Command, Refusal> {
    let wire: HistoryWire = from_json(EventName::GetHistory, json)?;
    if wire.before.is_some() && wire.after.is_some() {
        return Err(Refusal::invalid_payload(
            "get_history: give before or after, not both",
        ));
    }
    if wire.limit == 0 {
        return Err(Refusal::invalid_payload(
            "get_history: limit must be at least 1",
        ));
    }
    Ok(Command::History(HistoryRange {
        before: wire.before,
        after: wire.after,
        limit: page_size(wire.limit),
    }))
}

fn decode_users(payload: Option<&str>) -> Result<Command, Refusal> {
    let event = EventName::ListUsers;
    let wire = match payload {
        Some(json) => from_json::<Option<UsersWire<'_>>>(event, json)?.unwrap_or_default(),
        None => UsersWire::default(),
    };
    if wire.limit == Some(0) {
        return Err(Refusal::invalid_payload(
            "list_users: limit must be at least 1",
        ));
    }
    if wire
        .after
        .as_ref()
        .is_some_and(|id| id.len() > USER_ID_BYTES_MAX)
    {
        return Err(Refusal::invalid_payload(
            "list_users: after must be the user_id of somebody in the room",
        ));
    }
    Ok(Command::ListUsers(UsersRange {
        after: wire.after.map(|id| id.into()),
        limit: wire
            .limit
            .map_or(USERS_MAX, |limit| at_most(limit, USERS_MAX)),
    }))
}

fn page_size(asked: u64) -> usize {
    at_most(asked, HISTORY_PAGE_MAX)
}

fn at_most(asked: u64, max: usize) -> usize {
    usize::try_from(asked).unwrap_or(max).min(max)
}

fn required(event: EventName, payload: Option<&str>) -> Result<&str, Refusal> {
    payload.ok_or_else(|| Refusal::invalid_payload(format!("{}: payload missing", event.as_str())))
}

/// Events that need no fields take no payload, `null` or an object, so that clients need not send
/// an empty one.
fn optional<'a, T: Deserialize<'a> + Default>(
    event: EventName,
    payload: Option<&'a str>,
) -> Result<T, Refusal> {
    let wire = payload.map(|json| from_json::<Option<T>>(event, json));
    Ok(wire.transpose()?.flatten().unwrap_or_default())
}

fn from_json<'a, T: Deserialize<'a>>(event: EventName, json: &'a str) -> Result<T, Refusal> {
    // An array would be taken field by field in struct order: our payloads are objects.
    if json.starts_with('[') {
        let message = format!("{}: payload must be an object", event.as_str());
        return Err(Refusal::invalid_payload(message));
    }
    serde_json::from_str(json)
        .map_err(|e| Refusal::invalid_payload(format!("{}: {}", event.as_str(), shape_of(&e))))
}

/// What is wrong with the payload, without echoing what the user sent.
fn shape_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        // serde names fields and types of ours in backticks; values of theirs follow "invalid".
        Some((what, _))
            if what.starts_with("missing field") || what.starts_with("duplicate field") =>
        {
            what.to_owned()
        }
        _ if error.is_data() => "a field has the wrong type".to_owned(),
        _ => "payload is not valid JSON".to_owned(),
    }
}
