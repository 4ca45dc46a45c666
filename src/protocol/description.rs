//! Every event of both directions with the schema of its payload, generated from the types. The
//! service publishes it as an AsyncAPI document.

use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::changes::{
    ChangeKind, DeleteRequest, DeleteWire, EditRequest, EditWire, MessageChanged, ReactRequest,
    ReactWire, ReactionCount,
};
use super::history::HistoryWire;
use super::inbound::{JoinWire, LeaveWire, PositionWire, SendWire, TypingWire, UsersWire};
use super::moderate::{ModerateRequest, ModerateWire, RoomChanged};
use super::search::{SearchBody, SearchWire};
use super::watch::{UnwatchRequest, UnwatchWire, WatchBody, WatchRequest, WatchWire};
use super::{
    Activity, ClientRequest, ErrorEvent, Gap, HistoryBody, HistoryRequest, JoinConfirm,
    JoinRequest, LeaveRequest, Limits, NoBody, NoticeKind, ReceiveMessage, RefusedAck,
    RefusedError, SearchRequest, SendRequest, SentBody, ServerInfo, SessionInfo, Shutdown,
    SystemMessage, TokenExpiring, TypingRequest, TypingState, User, UsersBody, UsersRequest, event,
};

/// The schemas that others refer to, by name.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// An event from the server.
#[derive(Debug)]
pub struct ServerEvent {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// Its payload.
    pub payload: RefOr<Schema>,
}

/// An event from a client.
#[derive(Debug)]
pub struct ClientEvent {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// Its payload.
    pub payload: RefOr<Schema>,
    /// What the acknowledgement of an accepted request has beside `ok: true`.
    pub accepted: RefOr<Schema>,
}

/// Every event from the server.
#[must_use]
pub fn server_events() -> Vec<ServerEvent> {
    let of = |name, summary, payload| ServerEvent {
        name,
        summary,
        payload,
    };
    vec![
        of(event::ROOM_LIST, "All rooms, first of all", room_counts()),
        of(event::ROOM_UPDATE, "All rooms, on change", room_counts()),
        of(
            event::SESSION,
            "Who this connection is",
            of_type::<SessionInfo<'_>>(),
        ),
        of(
            event::JOIN_CONFIRM,
            "A join has happened",
            of_type::<JoinConfirm<'_>>(),
        ),
        of(
            event::SYSTEM_MESSAGE,
            "A join, leave or rename",
            of_type::<SystemMessage<'_>>(),
        ),
        of(
            event::RECEIVE_MESSAGE,
            "A chat message",
            of_type::<ReceiveMessage<'_>>(),
        ),
        of(
            event::MESSAGE_CHANGED,
            "A message was edited, deleted or reacted to",
            of_type::<MessageChanged<'_>>(),
        ),
        of(event::TYPING, "Who is typing", of_type::<TypingState<'_>>()),
        of(
            event::ACTIVITY,
            "The newest message of each room",
            of_type::<Activity<'_>>(),
        ),
        of(
            event::ROOM_CHANGED,
            "How the room is run",
            of_type::<RoomChanged<'_>>(),
        ),
        of(
            event::TOKEN_EXPIRING,
            "The connection's token expires soon",
            of_type::<TokenExpiring>(),
        ),
        of(
            event::GAP,
            "Messages that can no longer be had",
            of_type::<Gap<'_>>(),
        ),
        of(
            event::SHUTDOWN,
            "The server is going away",
            of_type::<Shutdown>(),
        ),
        of(
            event::ERROR,
            "A refused request",
            of_type::<ErrorEvent<'_>>(),
        ),
    ]
}

/// Every event from clients.
#[must_use]
pub fn client_events() -> Vec<ClientEvent> {
    vec![
        of::<JoinRequest, JoinWire<'_>, JoinConfirm<'_>>("Enters a room, or changes the name"),
        of::<LeaveRequest, LeaveWire, NoBody>("Leaves the room"),
        of::<SendRequest, SendWire<'_>, SentBody<'_>>("Sends a message to the room"),
        of::<EditRequest, EditWire<'_>, SentBody<'_>>("Edits one of the user's messages"),
        of::<DeleteRequest, DeleteWire, SentBody<'_>>("Deletes one of the user's messages"),
        of::<ReactRequest, ReactWire<'_>, SentBody<'_>>("Reacts to a message with an emoji"),
        of::<HistoryRequest, HistoryWire, HistoryBody<'_>>("Reads older or newer messages"),
        of::<UsersRequest, UsersWire<'_>, UsersBody<'_>>("Lists the users of the room"),
        of::<SearchRequest, SearchWire<'_>, SearchBody<'_>>("Searches the room's messages"),
        of::<TypingRequest, TypingWire, NoBody>("Shows the user as typing, or not"),
        of::<WatchRequest, WatchWire<'_>, WatchBody<'_>>(
            "Looks into a room without being a member",
        ),
        of::<UnwatchRequest, UnwatchWire<'_>, NoBody>("Looks into a room no longer"),
        of::<ModerateRequest, ModerateWire<'_>, NoBody>("Keeps order; for moderators"),
    ]
}

/// The acknowledgement of every refused request.
#[must_use]
pub fn refused() -> RefOr<Schema> {
    of_type::<RefusedAck<'_>>()
}

/// Every schema that those of the events refer to, and their own.
#[must_use]
pub fn schemas() -> Schemas {
    let mut schemas = Schemas::new();
    macro_rules! add {
        ($($of:ty),* $(,)?) => {
            $(schemas.push((<$of>::name().into_owned(), <$of>::schema()));)*
        };
    }
    add!(
        Activity<'_>,
        ChangeKind,
        DeleteWire,
        EditWire<'_>,
        ErrorEvent<'_>,
        Gap<'_>,
        HistoryBody<'_>,
        HistoryWire,
        JoinConfirm<'_>,
        JoinWire<'_>,
        LeaveWire,
        Limits,
        MessageChanged<'_>,
        ModerateWire<'_>,
        NoBody,
        NoticeKind,
        PositionWire<'_>,
        ReactWire<'_>,
        ReactionCount<'_>,
        ReceiveMessage<'_>,
        RefusedAck<'_>,
        RefusedError<'_>,
        RoomChanged<'_>,
        SearchBody<'_>,
        SearchWire<'_>,
        SendWire<'_>,
        SentBody<'_>,
        ServerInfo,
        SessionInfo<'_>,
        Shutdown,
        SystemMessage<'_>,
        TokenExpiring,
        TypingState<'_>,
        TypingWire,
        User,
        UsersBody<'_>,
        UsersWire<'_>,
        UnwatchWire<'_>,
        WatchBody<'_>,
        WatchWire<'_>,
    );
    schemas
}

fn of<R: ClientRequest, W: ToSchema, B: ToSchema>(summary: &'static str) -> ClientEvent {
    ClientEvent {
        name: R::EVENT,
        summary,
        payload: of_type::<W>(),
        accepted: of_type::<B>(),
    }
}

fn of_type<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

/// A map room → `{count, name}`.
fn room_counts() -> RefOr<Schema> {
    let room = ObjectBuilder::new()
        .property("count", u64::schema())
        .required("count")
        .property("name", String::schema())
        .required("name");
    let mut rooms = Object::with_type(Type::Object);
    let room = RefOr::T(Schema::Object(room.build()));
    rooms.additional_properties = Some(Box::new(AdditionalProperties::RefOr(room)));
    RefOr::T(Schema::Object(rooms))
}
