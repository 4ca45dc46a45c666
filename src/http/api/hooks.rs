//! `hooks`: keys with which programs post to a room without a token.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::error::ApiError;
use super::extract::{ApiQuery, IdOfPath, JsonText, listed_id, page_size};
use super::state::Api;
use super::webhooks::WebhookDone;
use crate::clock;
use crate::domain::{RequestError, RoomName, Username};
use crate::webhooks::hooks::KnownHook;

/// Hooks on one page, and if the caller does not say.
const HOOKS_MAX: usize = 200;
const HOOKS: usize = 50;
/// The name of messages if a hook has none.
const USERNAME: &str = "Webhook";

/// Which hooks are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HooksQuery {
    /// Only those that were made after this one: an id.
    #[param(max_length = 64)]
    after: Option<String>,
    /// How many at most; 50 if it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
}

/// An incoming webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct HookBody {
    /// Its id.
    id: String,
    /// The room it posts to.
    room: String,
    /// The name of its messages, unless they name another.
    username: String,
    /// The `user_id` of its messages.
    user_id: String,
    /// When it was made (RFC 3339).
    created_at: String,
    /// Who made it.
    by: String,
    /// Where programs post, with the key. Shown once, when the hook is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

impl From<KnownHook> for HookBody {
    fn from(known: KnownHook) -> Self {
        let user_id = known.user_id().to_string();
        let KnownHook { id, decision, hook } = known;
        Self {
            id: id.to_string(),
            room: hook.room,
            username: hook.username,
            user_id,
            created_at: clock::rfc3339(decision.at_ms),
            by: decision.by.clone(),
            path: None,
        }
    }
}

/// A page of incoming webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub struct HooksPage {
    /// Oldest first.
    hooks: Vec<HookBody>,
    /// Whether there are more after these.
    more: bool,
}

/// Incoming webhooks
#[utoipa::path(get, path = "/hooks", tag = "webhooks", operation_id = "listHooks",
    params(HooksQuery), responses((status = 200, description = "A page of them", body = HooksPage)))]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    ApiQuery(query): ApiQuery<HooksQuery>,
) -> Result<Response, ApiError> {
    let limit = page_size(query.limit, HOOKS, HOOKS_MAX)?;
    let webhooks = &api.parts.webhooks;
    let mut listed = webhooks.list_hooks(listed_id(query.after.as_deref())?, limit + 1);
    let more = listed.len() > limit;
    listed.truncate(limit);
    let page = HooksPage {
        hooks: listed.into_iter().map(HookBody::from).collect(),
        more,
    };
    api.answer(&caller, &page)
}

/// An incoming webhook to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddHookBody {
    /// The room it posts to.
    #[schema(min_length = 1)]
    room: String,
    /// The name of its messages, unless they name another; `Webhook` if it is absent.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128)]
    username: Option<String>,
}

/// Makes an incoming webhook
///
/// The answer has its path with the key, which is not shown again.
#[utoipa::path(post, path = "/hooks", tag = "webhooks", operation_id = "addHook",
    request_body = AddHookBody,
    responses((status = 200, description = "The hook, with its path", body = HookBody)))]
pub async fn add(
    State(api): State<Arc<Api>>,
    caller: Caller,
    JsonText(body): JsonText,
) -> Result<Response, ApiError> {
    let body: AddHookBody = serde_json::from_str(&body)
        .map_err(|error| ApiError::invalid(format!("the body is not valid: {error}")))?;
    let room = RoomName::parse(&body.room).map_err(|_| ApiError::unknown_room())?;
    if api.parts.shared.rooms.get(&room).is_none() {
        return Err(ApiError::unknown_room());
    }
    let username = Username::parse(body.username.as_deref().unwrap_or(USERNAME))
        .map_err(|error| ApiError::from(RequestError::from(error)))?;
    let webhooks = &api.parts.webhooks;
    let (known, key) = webhooks.add_hook(caller.author(), &room, &username).await?;
    let encoded = utf8_percent_encode(room.as_str(), NON_ALPHANUMERIC);
    let body = HookBody {
        path: Some(format!("/hooks/{encoded}/{key}")),
        ..known.into()
    };
    api.answer(&caller, &body)
}

/// Removes an incoming webhook
#[utoipa::path(delete, path = "/hooks/{id}", tag = "webhooks", operation_id = "removeHook",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "Its key is not accepted any more", body = WebhookDone)))]
pub async fn remove(
    State(api): State<Arc<Api>>,
    caller: Caller,
    IdOfPath(id): IdOfPath,
) -> Result<Response, ApiError> {
    api.parts.webhooks.remove_hook(caller.author(), &id).await?;
    api.answer(&caller, &WebhookDone { ok: true })
}
