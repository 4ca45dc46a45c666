//! What clients send: one type for each event, decoded into domain types.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{EVENT_BYTES_MAX, HISTORY_PAGE_MAX, USERS_MAX};
use crate::domain::{ClientId, MessageText, RequestError, RoomName, TextLimits, Username};

/// Bytes of the longest `user_id` that is looked for; ours have 32.
pub(super) const USER_ID_BYTES_MAX: usize = 128;
/// Bytes of the longest epoch there can be; ours have 32.
const EPOCH_BYTES_MAX: usize = 64;

/// A request as a client sends it: an event and its payload.
pub trait ClientRequest: Sized {
    /// Name of the event on the wire.
    const EVENT: &'static str;
    /// Bytes of the largest event that is read past its name.
    const EVENT_BYTES_MAX: usize = EVENT_BYTES_MAX;

    /// Decodes a payload. `payload` is the event's first argument as JSON text, `None` if the
    /// client sent none.
    ///
    /// # Errors
    /// A [`RequestError`] ready to be sent: `invalid_payload` if the shape is wrong, the domain type's
    /// own code if a value is.
    fn decode(payload: Option<&str>, limits: &TextLimits) -> Result<Self, RequestError>;

    /// Bytes that the request holds outside itself.
    fn held_bytes(&self) -> usize {
        0
    }
}

impl<T: ClientRequest> ClientRequest for Box<T> {
    const EVENT: &'static str = T::EVENT;
    const EVENT_BYTES_MAX: usize = T::EVENT_BYTES_MAX;

    fn decode(payload: Option<&str>, limits: &TextLimits) -> Result<Self, RequestError> {
        T::decode(payload, limits).map(Self::new)
    }

    fn held_bytes(&self) -> usize {
        size_of::<T>() + T::held_bytes(self)
    }
}

/// `join_room`: enters a room (and leaves another), or changes the name in the same room.
#[derive(Debug, Clone)]
pub struct JoinRequest {
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

impl ClientRequest for JoinRequest {
    const EVENT: &'static str = "join_room";

    fn decode(payload: Option<&str>, _limits: &TextLimits) -> Result<Self, RequestError> {
        let wire: JoinWire<'_> = required(Self::EVENT, payload)?;
        Ok(Self {
            room: RoomName::parse(&wire.room_name)?,
            username: match wire.username {
                Some(name) => Username::parse(&name)?,
                None => Username::anonymous(),
            },
            history: wire.history.map(page_size),
            after: wire.after.map(Position::from),
            users: wire.users.unwrap_or(false),
        })
    }

    fn held_bytes(&self) -> usize {
        let after = self.after.as_ref();
        let epoch = after.map_or(0, |after| after.epoch.capacity());
        self.room.as_str().len() + self.username.as_str().len() + epoch
    }
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

/// `leave_room`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaveRequest {
    /// Not yet: when the connection has ended, unless the user is back soon.
    pub closing: bool,
    /// The connection ends because the user is away. Only with `closing`.
    pub away: bool,
}

impl ClientRequest for LeaveRequest {
    const EVENT: &'static str = "leave_room";

    fn decode(payload: Option<&str>, _limits: &TextLimits) -> Result<Self, RequestError> {
        let LeaveWire { closing, away } = optional(Self::EVENT, payload)?;
        if away && !closing {
            return Err(RequestError::invalid_payload(
                "leave_room: away needs closing: true",
            ));
        }
        Ok(Self { closing, away })
    }
}

/// `send_message`
#[derive(Debug, Clone)]
pub struct SendRequest {
    /// The message.
    pub text: MessageText,
    /// The idempotency key.
    pub client_id: Option<ClientId>,
    /// Id of the message that it answers.
    pub reply_to: Option<u64>,
}

impl ClientRequest for SendRequest {
    const EVENT: &'static str = "send_message";
    // A message has a bound of its own, in characters.
    const EVENT_BYTES_MAX: usize = usize::MAX;

    fn decode(payload: Option<&str>, limits: &TextLimits) -> Result<Self, RequestError> {
        let wire: SendWire<'_> = required(Self::EVENT, payload)?;
        let client_id = wire.client_id.map(|id| ClientId::parse(&id)).transpose()?;
        Ok(Self {
            text: message_text(Self::EVENT, wire.text, limits)?,
            client_id,
            reply_to: wire.reply_to,
        })
    }

    fn held_bytes(&self) -> usize {
        let client_id = self.client_id.as_ref();
        self.text.as_str().len() + client_id.map_or(0, |id| id.as_str().len())
    }
}

/// `list_users`: a page of the room's users, in order of joining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsersRequest {
    /// Only those who come after this user.
    pub after: Option<Box<str>>,
    /// How many at most, 1 to [`USERS_MAX`].
    pub limit: usize,
}

impl ClientRequest for UsersRequest {
    const EVENT: &'static str = "list_users";

    fn decode(payload: Option<&str>, _limits: &TextLimits) -> Result<Self, RequestError> {
        let wire: UsersWire<'_> = optional(Self::EVENT, payload)?;
        if wire.limit == Some(0) {
            return Err(RequestError::invalid_payload(
                "list_users: limit must be at least 1",
            ));
        }
        let after = wire.after.as_ref();
        if after.is_some_and(|id| id.len() > USER_ID_BYTES_MAX) {
            return Err(RequestError::invalid_payload(
                "list_users: after must be the user_id of a user in the room",
            ));
        }
        Ok(Self {
            after: wire.after.map(|id| id.into()),
            limit: wire
                .limit
                .map_or(USERS_MAX, |limit| at_most(limit, USERS_MAX)),
        })
    }

    fn held_bytes(&self) -> usize {
        self.after.as_ref().map_or(0, |after| after.len())
    }
}

/// `typing`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypingRequest {
    /// Whether the user is typing.
    pub typing: bool,
}

impl ClientRequest for TypingRequest {
    const EVENT: &'static str = "typing";

    fn decode(payload: Option<&str>, _limits: &TextLimits) -> Result<Self, RequestError> {
        let TypingWire { typing } = required(Self::EVENT, payload)?;
        Ok(Self { typing })
    }
}

/// `auth` of the Socket.IO CONNECT packet.
#[derive(Debug, Default, Deserialize)]
pub struct Auth {
    /// The token of an earlier `session`. The key's presence, even with `null`, says "I can
    /// resume", so an absent key and a null one are different.
    #[serde(default, deserialize_with = "present")]
    pub token: Option<Option<String>>,
}

fn present<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(d).map(Some)
}

#[derive(Deserialize, ToSchema)]
pub(super) struct JoinWire<'a> {
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

#[derive(Deserialize, ToSchema)]
pub(super) struct PositionWire<'a> {
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

#[derive(Deserialize, ToSchema)]
pub(super) struct SendWire<'a> {
    // Raw, because a lone surrogate is a mistake in the text, not in the payload around it.
    #[serde(borrow)]
    #[schema(value_type = String)]
    text: &'a RawValue,
    #[serde(default, borrow)]
    client_id: Option<Cow<'a, str>>,
    #[serde(default)]
    reply_to: Option<u64>,
}

#[derive(Default, Deserialize, ToSchema)]
pub(super) struct UsersWire<'a> {
    #[serde(default, borrow)]
    after: Option<Cow<'a, str>>,
    #[serde(default)]
    limit: Option<u64>,
}

#[derive(Deserialize, Default, ToSchema)]
pub(super) struct LeaveWire {
    #[serde(default)]
    closing: bool,
    #[serde(default)]
    away: bool,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct TypingWire {
    typing: bool,
}

/// The text of a message. `raw` is the field as JSON.
pub(super) fn message_text(
    event: &str,
    raw: &RawValue,
    limits: &TextLimits,
) -> Result<MessageText, RequestError> {
    match serde_json::from_str::<Cow<'_, str>>(raw.get()) {
        Ok(text) => Ok(MessageText::parse(&text, limits)?),
        Err(_) if raw.get().starts_with('"') => Err(RequestError::invalid_text(
            "text is not valid Unicode: it has half a surrogate pair",
        )),
        Err(_) => {
            let message = format!("{event}: text must be a string");
            Err(RequestError::invalid_payload(message))
        }
    }
}

pub(super) fn page_size(asked: u64) -> usize {
    at_most(asked, HISTORY_PAGE_MAX)
}

fn at_most(asked: u64, max: usize) -> usize {
    usize::try_from(asked).unwrap_or(max).min(max)
}

pub(super) fn required<'a, T: Deserialize<'a>>(
    event: &str,
    payload: Option<&'a str>,
) -> Result<T, RequestError> {
    match payload {
        Some(json) => from_json(event, json),
        None => Err(RequestError::invalid_payload(format!(
            "{event}: payload missing"
        ))),
    }
}

/// Events that need no fields take no payload, `null` or an object, so that clients need not send
/// an empty one.
fn optional<'a, T: Deserialize<'a> + Default>(
    event: &str,
    payload: Option<&'a str>,
) -> Result<T, RequestError> {
    let wire = payload.map(|json| from_json::<Option<T>>(event, json));
    Ok(wire.transpose()?.flatten().unwrap_or_default())
}

fn from_json<'a, T: Deserialize<'a>>(event: &str, json: &'a str) -> Result<T, RequestError> {
    // An array would be taken field by field in struct order: our payloads are objects.
    if json.starts_with('[') {
        let message = format!("{event}: payload must be an object");
        return Err(RequestError::invalid_payload(message));
    }
    serde_json::from_str(json)
        .map_err(|e| RequestError::invalid_payload(format!("{event}: {}", shape_of(&e))))
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
