//! `webhooks`: addresses that receive the entries of rooms.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::error::{ApiError, ApiErrorCode};
use super::extract::{ApiQuery, IdOfPath, JsonText, listed_id, page_size};
use super::state::Api;
use crate::clock;
use crate::domain::RoomName;
use crate::webhooks::{NewWebhook, ROOMS_MAX, WEBHOOKS_MAX, WebhookError, WebhookStatus};

/// Bytes of an answer that a test shows.
const SHOWN_BYTES_MAX: usize = 1024;

/// Which webhooks are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhooksQuery {
    /// Only those that were made after this one: an id.
    #[param(max_length = 64)]
    after: Option<String>,
    /// How many at most; 50 if it is not given.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<u64>,
}

/// A webhook, and how its deliveries go.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookBody {
    /// Its id.
    id: String,
    /// Where entries are sent.
    url: String,
    /// The rooms; absent if all.
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<Vec<String>>,
    /// The kinds of entries: `message`, `message_changed`, `system_message`.
    events: Vec<String>,
    /// When it was made (RFC 3339).
    created_at: String,
    /// Who made it.
    by: String,
    /// `active`, `retrying` while a delivery fails, `paused` until it is resumed.
    state: &'static str,
    /// Since when it is paused (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_since: Option<String>,
    /// Since when the next delivery fails (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// When the next attempt comes (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
    /// Entries that were delivered since it was made.
    delivered: u64,
    /// Entries of its rooms that it has not reached yet.
    behind: u64,
    /// What signatures are made with. Shown once, when the webhook is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl From<WebhookStatus> for WebhookBody {
    fn from(status: WebhookStatus) -> Self {
        let WebhookStatus {
            id,
            decision,
            webhook,
            progress,
            behind,
        } = status;
        let state = match (&webhook.paused, progress.failing_since_ms) {
            (Some(_), _) => "paused",
            (None, Some(_)) => "retrying",
            (None, None) => "active",
        };
        let reason = webhook.paused.as_ref().map(|paused| paused.reason.clone());
        Self {
            id: id.to_string(),
            url: webhook.url.0,
            rooms: webhook.rooms,
            events: webhook.events,
            created_at: clock::rfc3339(decision.at_ms),
            by: decision.by.clone(),
            state,
            paused_since: webhook.paused.map(|paused| clock::rfc3339(paused.at_ms)),
            failing_since: progress.failing_since_ms.map(clock::rfc3339),
            last_error: progress.last_error.or(reason),
            next_attempt_at: progress.next_attempt_ms.map(clock::rfc3339),
            delivered: progress.delivered,
            behind,
            secret: None,
        }
    }
}

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        let code = match error {
            WebhookError::Request(error) => return error.into(),
            WebhookError::NotFound => ApiErrorCode::NotFound,
            WebhookError::TooMany(_) => ApiErrorCode::Forbidden,
            WebhookError::Target(_) | WebhookError::UnknownEvent(_) => ApiErrorCode::InvalidRequest,
        };
        Self::new(code, error.to_string())
    }
}

/// A page of webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhooksPage {
    /// Oldest first.
    webhooks: Vec<WebhookBody>,
    /// Whether there are more after these.
    more: bool,
}

/// Outgoing webhooks
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", operation_id = "listWebhooks",
    params(WebhooksQuery),
    responses((status = 200, description = "A page of them", body = WebhooksPage)))]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    ApiQuery(query): ApiQuery<WebhooksQuery>,
) -> Result<Response, ApiError> {
    let limit = page_size(query.limit, WEBHOOKS_MAX, WEBHOOKS_MAX)?;
    let webhooks = &api.parts.webhooks;
    let mut listed = webhooks.list(listed_id(query.after.as_deref())?, limit + 1);
    let more = listed.len() > limit;
    listed.truncate(limit);
    let page = WebhooksPage {
        webhooks: listed.into_iter().map(WebhookBody::from).collect(),
        more,
    };
    api.answer(&caller, &page)
}

/// A webhook to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddWebhookBody {
    /// Where entries are sent: `https://…` or `http://…`, without a user and a password.
    #[schema(min_length = 1, max_length = 2048)]
    url: String,
    /// The rooms; all if it is absent.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 50)]
    rooms: Option<Vec<String>>,
    /// The kinds of entries; all three if it is absent.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 3)]
    events: Option<Vec<String>>,
}

/// Makes an outgoing webhook
///
/// It receives what comes from now on. The answer has its secret, which is not shown again.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", operation_id = "addWebhook",
    request_body = AddWebhookBody,
    responses((status = 200, description = "The webhook, with its secret", body = WebhookBody)))]
pub async fn add(
    State(api): State<Arc<Api>>,
    caller: Caller,
    JsonText(body): JsonText,
) -> Result<Response, ApiError> {
    let body: AddWebhookBody = serde_json::from_str(&body)
        .map_err(|error| ApiError::invalid(format!("the body is not valid: {error}")))?;
    let rooms = body.rooms.map(|names| rooms_of(&api, &names)).transpose()?;
    if body
        .events
        .as_ref()
        .is_some_and(|events| !(1..=3).contains(&events.len()))
    {
        return Err(ApiError::invalid(
            "events has 1 to 3 kinds; leave it out for all",
        ));
    }
    let new = NewWebhook {
        url: body.url,
        rooms,
        events: body.events,
    };
    let made = api.parts.webhooks.add(caller.author(), new).await?;
    let secret = made.webhook.secret.0.clone();
    let body = WebhookBody {
        secret: Some(secret),
        ..made.into()
    };
    api.answer(&caller, &body)
}

/// The rooms of these names, which must exist.
fn rooms_of(api: &Api, names: &[String]) -> Result<Vec<RoomName>, ApiError> {
    if !(1..=ROOMS_MAX).contains(&names.len()) {
        let message = format!("rooms has 1 to {ROOMS_MAX} names; leave it out for all rooms");
        return Err(ApiError::invalid(message));
    }
    let rooms = &api.parts.shared.rooms;
    let room = |name: &String| {
        let name = RoomName::parse(name).ok()?;
        rooms.get(&name).map(|room| room.name().clone())
    };
    let found: Option<Vec<_>> = names.iter().map(room).collect();
    found.ok_or_else(ApiError::unknown_room)
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDone {
    /// Always true.
    pub ok: bool,
}

/// Removes an outgoing webhook
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "webhooks", operation_id = "removeWebhook",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "It sends nothing more", body = WebhookDone)))]
pub async fn remove(
    State(api): State<Arc<Api>>,
    caller: Caller,
    IdOfPath(id): IdOfPath,
) -> Result<Response, ApiError> {
    api.parts.webhooks.remove(caller.author(), &id).await?;
    api.answer(&caller, &WebhookDone { ok: true })
}

/// Resumes an outgoing webhook that is paused, from where it was
#[utoipa::path(post, path = "/webhooks/{id}/resume", tag = "webhooks",
    operation_id = "resumeWebhook", params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "It is not paused", body = WebhookDone)))]
pub async fn resume(
    State(api): State<Arc<Api>>,
    caller: Caller,
    IdOfPath(id): IdOfPath,
) -> Result<Response, ApiError> {
    api.parts.webhooks.resume(caller.author(), &id).await?;
    api.answer(&caller, &WebhookDone { ok: true })
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookTest {
    /// Whether the receiver has accepted it.
    delivered: bool,
    /// The status of its answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The beginning of the answer's body.
    body: String,
}

/// Sends a signed `ping` to an outgoing webhook, paused or not
#[utoipa::path(post, path = "/webhooks/{id}/test", tag = "webhooks", operation_id = "testWebhook",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "What the receiver answered", body = WebhookTest)))]
pub async fn test(
    State(api): State<Arc<Api>>,
    caller: Caller,
    IdOfPath(id): IdOfPath,
) -> Result<Response, ApiError> {
    let attempt = api.parts.webhooks.test(&id).await?;
    let mut body = attempt.body;
    body.truncate(body.floor_char_boundary(SHOWN_BYTES_MAX));
    let test = WebhookTest {
        delivered: attempt.error.is_none(),
        status: attempt.status,
        error: attempt.error,
        body,
    };
    api.answer(&caller, &test)
}
