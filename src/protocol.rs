//! The wire contract in one file: every event of both directions as serde types.
//!
//! Socket.IO protocol 5 over Engine.IO 4, namespace `/`. Field order is part of the contract, so
//! it is the order of the struct fields here. `docs/contract.md` is this file in prose, and
//! `web/client/src/protocol.ts` is generated from it (`npm run wire` in `web/`).
//!
//! What comes in is taken apart by [`split_event`] (`protocol/event_array.rs`). Each event is a
//! [`ClientRequest`] (`protocol/inbound.rs`, `search.rs`, `changes.rs`), decoded straight into domain types: behind this file
//! there are only values that `domain` has accepted.

mod changes;
mod connect_error;
pub mod description;
mod event_array;
pub mod frame;
mod history;
mod inbound;
mod moderate;
mod search;
mod session;
mod watch;

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::RoomName;

pub use changes::{
    ChangeKind, DeleteRequest, DeletedMessage, EditRequest, MessageChanged, ReactRequest,
    ReactionCount,
};
pub use connect_error::ConnectErrorPacket;
pub use event_array::{EVENT_BYTES_MAX, SplitEvent, split_event};
pub use history::HistoryRequest;
pub use inbound::{
    Auth, ClientRequest, JoinRequest, LeaveRequest, Position, SendRequest, TypingRequest,
    UsersRequest,
};
pub use moderate::{ModerateRequest, RoomChanged};
pub use search::{SearchBody, SearchRequest};
pub use session::{FEATURES, Limits, ServerInfo, SessionInfo, TokenExpiring};
pub use watch::{UnwatchRequest, WatchBody, WatchRequest};

/// Most messages one `history` or `get_history` answers with.
pub const HISTORY_PAGE_MAX: usize = 200;
/// Most bytes of messages one `history` or `get_history` answers with.
pub const HISTORY_PAGE_BYTES_MAX: usize = 256 * 1024;
/// Most users one `users` or `list_users` answers with; `total` always counts all.
pub const USERS_MAX: usize = 1000;
/// Most users one `typing` names.
pub const TYPING_USERS_MAX: usize = 10;

/// Names of the events the server sends.
pub mod event {
    /// All rooms and their counts, once, before anything else.
    pub const ROOM_LIST: &str = "room_list";
    /// All rooms and their counts, whenever one changed.
    pub const ROOM_UPDATE: &str = "room_update";
    /// Who this connection is, and the limits it lives under.
    pub const SESSION: &str = "session";
    /// A join has happened; to the joiner.
    pub const JOIN_CONFIRM: &str = "join_confirm";
    /// A user joined, left or changed their name; to the room.
    pub const SYSTEM_MESSAGE: &str = "system_message";
    /// A chat message; to the room.
    pub const RECEIVE_MESSAGE: &str = "receive_message";
    /// A message was edited or deleted, or has other reactions; to the room.
    pub const MESSAGE_CHANGED: &str = "message_changed";
    /// Who is typing in the room; the newest state wins.
    pub const TYPING: &str = "typing";
    /// How the room is run; the newest state wins.
    pub const ROOM_CHANGED: &str = "room_changed";
    /// The newest message of each room; the newest state wins.
    pub const ACTIVITY: &str = "activity";
    /// This connection's token expires soon.
    pub const TOKEN_EXPIRING: &str = "token_expiring";
    /// Messages this connection can no longer get.
    pub const GAP: &str = "gap";
    /// The server is going away.
    pub const SHUTDOWN: &str = "shutdown";
    /// A refused request that asked for no acknowledgement.
    pub const ERROR: &str = "error";
}

/// `room_list` and `room_update`: a map room → `{count, name}`, in the rooms' order.
#[derive(Debug)]
pub struct RoomCounts<'a> {
    /// The rooms.
    pub names: &'a [RoomName],
    /// Members now, in the same order.
    pub counts: &'a [u64],
}

impl Serialize for RoomCounts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct RoomCount<'a> {
            count: u64,
            name: &'a str,
        }
        let rooms = self.names.iter().map(RoomName::as_str).zip(self.counts);
        serializer.collect_map(rooms.map(|(name, &count)| (name, RoomCount { count, name })))
    }
}

/// `join_confirm`, and the body of `join_room`'s acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
pub struct JoinConfirm<'a> {
    /// The room.
    pub room: &'a str,
    /// Members now, the joiner included.
    pub users_count: u64,
    /// The name the joiner goes by.
    pub username: &'a str,
    /// Which incarnation of the room's log ids belong to.
    pub epoch: &'a str,
    /// The last id before what follows live.
    pub last_id: u64,
    /// Who the joiner is.
    pub user_id: &'a str,
    /// Whether everything after `after` follows; present where `after` was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<bool>,
    /// The newest messages, oldest first; present where asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<ReceiveMessage>>)]
    pub history: Option<Vec<Cow<'a, RawValue>>>,
    /// The room's users; present where asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<&'a [User]>,
}

/// `receive_message`
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiveMessage<'a> {
    /// The sender's name.
    pub sender: &'a str,
    /// The text, as it was sent.
    pub text: &'a str,
    /// RFC 3339, UTC, milliseconds.
    pub timestamp: &'a str,
    /// The room.
    pub room: &'a str,
    /// Position in the room.
    pub id: u64,
    /// The sender.
    pub user_id: &'a str,
    /// The sender's idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'a str>,
    /// Id of the message that this one answers; absent if it answers none. That message may be gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// When the text was last edited; absent if it never was. RFC 3339, UTC, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<&'a str>,
    /// A program wrote it; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bot: bool,
    /// The reactions to it, in history and search results; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reactions: Option<&'a [ReactionCount<'a>]>,
    /// It is pinned, in history and search results; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
}

/// What the `user_id` of every program begins with that writes over HTTP.
pub const BOT_USERS: &str = "bot:";

/// What a `system_message` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A user joined.
    Joined,
    /// A user left.
    Left,
    /// A moderator removed a user.
    Removed,
    /// A user changed their name.
    Renamed,
}

/// `system_message`
#[derive(Debug, Serialize, ToSchema)]
pub struct SystemMessage<'a> {
    /// For people.
    pub text: &'a str,
    /// RFC 3339, UTC, milliseconds.
    pub timestamp: &'a str,
    /// Position in the room; absent where the notice is for its reader alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// For programs.
    pub kind: NoticeKind,
    /// Whom it is about.
    pub username: &'a str,
    /// Whom it is about.
    pub user_id: &'a str,
    /// The room.
    pub room: &'a str,
}

/// One user in `users` lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Who.
    pub user_id: String,
    /// Under which name.
    pub username: String,
    /// The user has said that they are away, and has no connection; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
}

/// `typing` from the server.
#[derive(Debug, Serialize, ToSchema)]
pub struct TypingState<'a> {
    /// The room.
    pub room: &'a str,
    /// Who is typing, at most [`TYPING_USERS_MAX`].
    pub users: &'a [User],
}

/// `activity`: which rooms have messages that users in other rooms have not seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct Activity<'a> {
    /// The id of each room's newest message.
    #[schema(value_type = HashMap<String, u64>)]
    pub rooms: NewestIds<'a>,
}

/// `activity.rooms`: a map room → id of its newest message, 0 if there is none, in the rooms'
/// order. Notices do not count.
#[derive(Debug)]
pub struct NewestIds<'a> {
    /// The rooms.
    pub names: &'a [RoomName],
    /// Ids, in the same order.
    pub ids: &'a [u64],
}

impl Serialize for NewestIds<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names.iter().map(RoomName::as_str).zip(self.ids))
    }
}

/// `gap`: messages `from` to `to`, both included, can no longer be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Gap<'a> {
    /// The room.
    pub room: &'a str,
    /// First id missing.
    pub from: u64,
    /// Last id missing.
    pub to: u64,
    /// The log's new incarnation, where it was lost while this connection was in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<&'a str>,
}

/// `shutdown`
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Shutdown {
    /// When to connect again, in milliseconds.
    pub reconnect_in_ms: u64,
}

/// `error`: a refusal to a request that asked for no acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorEvent<'a> {
    /// For people.
    pub message: &'a str,
    /// For programs: one of [`crate::domain::RequestErrorCode`].
    pub code: &'static str,
    /// The event that was refused.
    pub event: &'static str,
    /// When it may be tried again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The acknowledgement of a refused request.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedAck<'a> {
    /// Always false.
    pub ok: bool,
    /// Why.
    pub error: RefusedError<'a>,
}

/// `error` in [`RefusedAck`].
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedError<'a> {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub message: &'a str,
    /// When it may be tried again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The acknowledgement of an accepted request: `{ok: true, …body}`.
#[derive(Debug, Serialize)]
pub struct Accepted<T: Serialize> {
    /// Always true.
    pub ok: bool,
    /// What the event's row in the contract adds.
    #[serde(flatten)]
    pub body: T,
}

/// Body of `send_message`'s acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentBody<'a> {
    /// Position in the room.
    pub id: u64,
    /// RFC 3339, UTC, milliseconds.
    pub timestamp: &'a str,
    /// The key was known: this is the message sent first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

/// Body of `get_history`'s acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryBody<'a> {
    /// Oldest first, as `receive_message` payloads.
    #[schema(value_type = Vec<ReceiveMessage>)]
    pub messages: Vec<Cow<'a, RawValue>>,
    /// Whether there are more in the asked direction; with `around`, whether there are older ones.
    pub more: bool,
    /// With `around`, whether there are newer ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_after: Option<bool>,
}

/// Body of `list_users`' acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsersBody<'a> {
    /// In order of joining, at most [`USERS_MAX`].
    pub users: &'a [User],
    /// All.
    pub total: u64,
    /// Whether there are more after these.
    pub more: bool,
}

/// Body of an acknowledgement that says nothing but `ok`.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoBody {}
