//! `held`: messages that the word filter holds until a moderator has seen them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::error::{ApiError, ApiErrorCode};
use super::extract::{ApiQuery, JsonText, page_size};
use super::state::Api;
use crate::clock;
use crate::decisions::{Decision, DecisionKey};
use crate::domain::RoomName;
use crate::moderation::Review;

/// Messages on one page.
const HELD_PAGE_MAX: usize = 100;

/// Which held messages are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HeldQuery {
    /// Only those after this one: the `id` of the last one of the page before.
    #[param(max_length = 128)]
    after: Option<String>,
    /// How many at most; 100 if it is not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
}

/// A message that is held.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldMessage {
    /// Its name in this list.
    id: String,
    /// Where it was sent.
    room: String,
    /// Who sent it.
    user_id: String,
    /// Under which name.
    username: String,
    /// Its text.
    text: String,
    /// When (RFC 3339).
    at: String,
    /// When it is thrown away, unless it is released (RFC 3339).
    until: String,
    /// What the filter found.
    matched: String,
}

impl HeldMessage {
    fn of(key: &DecisionKey, held: &Decision) -> Option<Self> {
        let DecisionKey::Held(id) = key else {
            return None;
        };
        Some(Self {
            id: id.to_string(),
            room: held.room.clone()?,
            user_id: held.user_id.clone()?,
            username: held.username.clone()?,
            text: held.text.clone()?,
            at: clock::rfc3339(held.at_ms),
            until: clock::rfc3339(held.until_ms?),
            matched: held.reason.clone()?,
        })
    }
}

/// A page of held messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldPage {
    /// In no order that means anything.
    held: Vec<HeldMessage>,
    /// Whether there are more after these.
    more: bool,
}

/// Messages that wait for a moderator
#[utoipa::path(get, path = "/held", tag = "moderation", operation_id = "listHeld",
    params(HeldQuery), responses((status = 200, description = "A page of them", body = HeldPage)))]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    ApiQuery(query): ApiQuery<HeldQuery>,
) -> Result<Response, ApiError> {
    let limit = page_size(query.limit, HELD_PAGE_MAX, HELD_PAGE_MAX)?;
    let after = query.after.as_deref().map(key_of).transpose()?;
    let listed = api.parts.shared.moderation.held(after.as_ref(), limit + 1);
    let may_see = |held: &Decision| {
        let room = held
            .room
            .as_deref()
            .and_then(|name| RoomName::parse(name).ok());
        room.is_some_and(|room| caller.actor.may_enter(&room))
    };
    let page = listed.iter().take(limit).filter(|(_, held)| may_see(held));
    let page = HeldPage {
        more: listed.len() > limit,
        held: page
            .filter_map(|(key, held)| HeldMessage::of(key, held))
            .collect(),
    };
    api.answer(&caller, &page)
}

/// What becomes of a held message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewBody {
    /// What to do.
    action: ReviewAction,
}

/// What to do with a held message.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewAction {
    /// Publish it.
    Release,
    /// Throw it away.
    Discard,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reviewed {
    /// Always true.
    ok: bool,
}

/// Releases a held message, or throws it away
#[utoipa::path(post, path = "/held/{id}", tag = "moderation", operation_id = "reviewHeld",
    params(("id" = String, Path, description = "Its `id` in the list", max_length = 128)),
    request_body = ReviewBody,
    responses((status = 200, description = "It is done, and in the audit log", body = Reviewed)))]
pub async fn review(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Path(id): Path<String>,
    JsonText(body): JsonText,
) -> Result<Response, ApiError> {
    let body: ReviewBody = serde_json::from_str(&body)
        .map_err(|_| ApiError::invalid("give an action: release or discard"))?;
    let review = match body.action {
        ReviewAction::Release => Review::Release,
        ReviewAction::Discard => Review::Discard,
    };
    let key = key_of(&id)?;
    let moderation = &api.parts.shared.moderation;
    moderation.review(caller.author(), key, review).await?;
    api.answer(&caller, &Reviewed { ok: true })
}

fn key_of(id: &str) -> Result<DecisionKey, ApiError> {
    let key = format!("held/{id}").parse();
    key.map_err(|_| ApiError::new(ApiErrorCode::NotFound, "no held message has this id"))
}
