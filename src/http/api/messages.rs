//! `rooms/{room}/messages`: the messages of a room.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::error::ApiError;
use super::extract::{ApiQuery, RoomOfPath, page_size};
use super::state::Api;
use crate::protocol::{HISTORY_PAGE_MAX, ReceiveMessage};
use crate::room::{ID_MAX, Range, read_messages};

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
    /// How many at most; 50 if it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
}

/// A page of messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagesPage<'a> {
    /// Oldest first.
    #[schema(value_type = Vec<ReceiveMessage>)]
    messages: Vec<&'a RawValue>,
    /// Whether there are more in the direction that was asked for.
    more: bool,
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
    if query.before.max(query.after).is_some_and(|id| id > ID_MAX) {
        return Err(ApiError::invalid("no id is greater than 9007199254740991"));
    }
    let range = match query.after {
        Some(after) => Range::after(after, limit),
        None => Range::before(query.before, limit),
    };
    let shared = &api.parts.shared;
    // Two copies exist while the page becomes JSON.
    if !shared.budget.has_room(room.page_bytes(range) * 2) {
        return Err(ApiError::no_memory());
    }
    let epoch = room.epoch();
    let mut page = read_messages(&*shared.store, &room, range).await?;
    if let Some(before) = query.before {
        let read = page.entries.len();
        page.entries.retain(|message| message.id < before);
        page.more &= page.entries.len() == read;
    }
    let body = MessagesPage {
        messages: page.payloads(),
        more: page.more,
        epoch: &epoch,
    };
    api.answer(&caller, &body)
}
