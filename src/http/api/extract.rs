//! What calls take out of a request. Whatever is not valid becomes an [`ApiError`].

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::{ApiError, ApiErrorCode};
use super::state::Api;
use crate::domain::RoomName;
use crate::room::Room;

/// The parameters behind the `?`.
#[derive(Debug)]
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Api>> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, ApiError> {
        let parsed: Result<Query<T>, QueryRejection> = Query::try_from_uri(&parts.uri);
        match parsed {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let text = rejection.body_text();
                let why = text.split_once(": ").map_or(&*text, |(_, why)| why);
                Err(ApiError::invalid(format!("the query is not valid: {why}")))
            }
        }
    }
}

/// Bytes of the longest body that is read.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The body of a call, which is JSON: checked by its `Content-Type`, and by the handler.
#[derive(Debug)]
pub struct JsonText(pub String);

impl FromRequest<Arc<Api>> for JsonText {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<Api>) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            let message = "send JSON, with the header Content-Type: application/json";
            return Err(ApiError::invalid(message));
        }
        let body = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX).await;
        let body = body.map_err(|_| {
            ApiError::invalid(format!(
                "the body is not whole, or has over {BODY_BYTES_MAX} bytes"
            ))
        })?;
        String::from_utf8(body.into())
            .map(Self)
            .map_err(|_| ApiError::invalid("the body is not UTF-8"))
    }
}

/// The room that the path names.
#[derive(Debug)]
pub struct RoomOfPath(pub Arc<Room>);

#[derive(Deserialize)]
struct RoomParameter {
    room: String,
}

impl FromRequestParts<Arc<Api>> for RoomOfPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let path = Path::<RoomParameter>::from_request_parts(parts, api).await;
        // A name that cannot exist is a room that does not.
        let Path(RoomParameter { room }) = path.map_err(|_| ApiError::unknown_room())?;
        let name = RoomName::parse(&room).map_err(|_| ApiError::unknown_room())?;
        let room = api.parts.shared.rooms.get(&name);
        room.cloned().map(Self).ok_or_else(ApiError::unknown_room)
    }
}

/// The id that the path names.
#[derive(Debug)]
pub struct IdOfPath(pub String);

#[derive(Deserialize)]
struct IdParameter {
    id: String,
}

impl FromRequestParts<Arc<Api>> for IdOfPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let path = Path::<IdParameter>::from_request_parts(parts, api).await;
        let no_id = |_| ApiError::new(ApiErrorCode::NotFound, "there is nothing of this id");
        path.map(|Path(IdParameter { id })| Self(id)).map_err(no_id)
    }
}

/// Characters of the longest id in `after` of a list of webhooks.
const LISTED_ID_MAX: usize = 64;

/// `after`, an id of a list of webhooks.
pub fn listed_id(after: Option<&str>) -> Result<Option<&str>, ApiError> {
    let is_id = |id: &str| {
        let fits = (1..=LISTED_ID_MAX).contains(&id.len());
        fits && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    match after {
        Some(id) if !is_id(id) => {
            let message = "after is no id of this list";
            Err(ApiError::new(ApiErrorCode::NotFound, message))
        }
        after => Ok(after),
    }
}

/// `limit`, which is between 1 and `max`; `default` if it is not given.
pub fn page_size(limit: Option<u64>, default: usize, max: usize) -> Result<usize, ApiError> {
    let Some(limit) = limit else {
        return Ok(default);
    };
    match usize::try_from(limit) {
        Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
        _ => {
            let message = format!("limit must be between 1 and {max}");
            Err(ApiError::invalid(message))
        }
    }
}
