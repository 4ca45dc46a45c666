//! `rooms/{room}/messages`: the messages of a room, read and posted.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::error::{ApiError, ApiErrorCode};
use super::extract::{ApiQuery, JsonText, RoomOfPath, page_size};
use super::state::Api;
use crate::clock;
use crate::domain::{ClientId, MessageText, RequestError, Username};
use crate::protocol::{BOT_USERS, HISTORY_PAGE_MAX, ReceiveMessage, SentBody};
use crate::room::{ID_MAX, Member, Proposal, Range, read_around, read_messages};
use crate::session::budget::Class;
use crate::session::identity::ROOT_USER;

/// Messages on one page, if the caller does not say.
const MESSAGES: usize = 50;

/// Which messages are read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// Only messages with a smaller id; without `after`, the newest of those.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    before: Option<u64>,
    /// Only messages with a greater id; the oldest of those.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    after: Option<u64>,
    /// Messages before and after this id, and that with this id; without `before` and `after`.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    around: Option<u64>,
    /// How many at most; 50 if it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
}

/// A page of messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagesPage<'a> {
    /// Oldest first.
    #[schema(value_type = Vec<ReceiveMessage>)]
    messages: Vec<Cow<'a, RawValue>>,
    /// Whether there are more in the direction that was asked for; with `around`, older ones.
    more: bool,
    /// With `around`, whether there are newer ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_after: Option<bool>,
    /// Which incarnation of the room's log the ids belong to.
    epoch: &'a str,
}

/// The messages of a room
///
/// Without `before` and `after`, the newest.
#[utoipa::path(get, path = "/rooms/{room}/messages", tag = "rooms", operation_id = "listMessages",
    params(("room" = String, Path, description = "Name of the room"), MessagesQuery),
    responses((status = 200, description = "A page of messages", body = MessagesPage)))]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    RoomOfPath(room): RoomOfPath,
    ApiQuery(query): ApiQuery<MessagesQuery>,
) -> Result<Response, ApiError> {
    let limit = page_size(query.limit, MESSAGES, HISTORY_PAGE_MAX)?;
    if query.around.is_some() && query.before.max(query.after).is_some() {
        return Err(ApiError::invalid("give around, or before and after"));
    }
    let greatest = query.before.max(query.after).max(query.around);
    if greatest.is_some_and(|id| id > ID_MAX) {
        return Err(ApiError::invalid("no id is greater than 9007199254740991"));
    }
    let range = match (query.around, query.after) {
        (Some(around), _) => Range::before(Some(around.saturating_add(limit as u64)), limit),
        (None, Some(after)) => Range::after(after, limit),
        (None, None) => Range::before(query.before, limit),
    };
    let shared = &api.parts.shared;
    // Two copies exist while the page becomes JSON.
    if !shared.budget.has_room(room.page_bytes(range) * 2) {
        return Err(ApiError::no_memory());
    }
    let epoch = room.epoch();
    let (mut page, more_after) = match query.around {
        Some(around) => {
            let (page, more) = read_around(&*shared.store, &room, around, limit).await?;
            (page, Some(more))
        }
        None => (read_messages(&*shared.store, &room, range).await?, None),
    };
    if let Some(before) = query.before {
        let read = page.entries.len();
        page.entries.retain(|message| message.id < before);
        page.more &= page.entries.len() == read;
    }
    // ADMIN_TOKEN is no user's.
    let user_id = &*caller.actor.user_id;
    let reader = Some(user_id).filter(|user_id| *user_id != ROOT_USER);
    let body = MessagesPage {
        messages: page.payloads(&room.viewer(reader)),
        more: page.more,
        more_after,
        epoch: &epoch,
    };
    api.answer(&caller, &body)
}

/// A message by a program.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostBody {
    /// The name that it goes by.
    #[schema(min_length = 1, max_length = 128)]
    sender: String,
    /// The text.
    #[schema(min_length = 1)]
    text: String,
    /// A key of the caller's own: the same message sent again with it is not posted twice.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    client_id: Option<String>,
    /// Id of the message that it answers.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    reply_to: Option<u64>,
}

/// Posts a message by a program
///
/// Its `user_id` is `bot:` and that of the token, and it carries `bot: true`.
#[utoipa::path(post, path = "/rooms/{room}/messages", tag = "rooms", operation_id = "postMessage",
    params(("room" = String, Path, description = "Name of the room")), request_body = PostBody,
    responses((status = 200, description = "It is in the room", body = SentBody)))]
pub async fn post(
    State(api): State<Arc<Api>>,
    caller: Caller,
    RoomOfPath(room): RoomOfPath,
    JsonText(body): JsonText,
) -> Result<Response, ApiError> {
    let body: PostBody = serde_json::from_str(&body)
        .map_err(|error| ApiError::invalid(format!("the body is not valid: {error}")))?;
    let actor = &caller.actor;
    if !actor.may_enter(room.name()) {
        let message = "the token is not for this room";
        return Err(ApiError::new(ApiErrorCode::Forbidden, message));
    }
    let shared = &api.parts.shared;
    let invalid = |error: RequestError| ApiError::from(error);
    let username = Username::parse(&body.sender).map_err(|error| invalid(error.into()))?;
    let text = MessageText::parse(&body.text, &shared.settings.text)
        .map_err(|error| invalid(error.into()))?;
    let client_id = body.client_id.as_deref().map(ClientId::parse).transpose();
    let client_id = client_id.map_err(|error| invalid(error.into()))?;
    caller.account.take(Class::Message)?;
    let author = Member {
        user_id: format!("{BOT_USERS}{}", actor.user_id).into(),
        username,
    };
    let proposal = Proposal::Message {
        text,
        client_id,
        reply_to: body.reply_to,
    };
    let published = room
        .publish_for(&*shared.store, author, proposal)
        .get()
        .await?;
    let sent = SentBody {
        id: published.id,
        timestamp: &clock::rfc3339(published.at_ms),
        duplicate: published.duplicate,
    };
    api.answer(&caller, &sent)
}
