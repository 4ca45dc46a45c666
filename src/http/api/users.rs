//! `rooms/{room}/users`: who is in a room.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::caller::Caller;
use super::error::{ApiError, ApiErrorCode};
use super::extract::{ApiQuery, RoomOfPath, page_size};
use super::state::Api;
use crate::protocol::{USERS_MAX, UsersBody};

/// Users on one page, if the caller does not say.
const USERS: usize = 100;

/// Which users are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// Only users who joined after this one: a `user_id` of the room.
    #[param(max_length = 128)]
    after: Option<String>,
    /// How many at most; 100 if it is not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

/// The users of a room
#[utoipa::path(get, path = "/rooms/{room}/users", tag = "rooms", operation_id = "listUsers",
    params(("room" = String, Path, description = "Name of the room"), UsersQuery),
    responses((status = 200, description = "A page of users, in order of joining", body = UsersBody)))]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    RoomOfPath(room): RoomOfPath,
    ApiQuery(query): ApiQuery<UsersQuery>,
) -> Result<Response, ApiError> {
    let limit = page_size(query.limit, USERS, USERS_MAX)?;
    let page = room.users(query.after.as_deref(), limit).ok_or_else(|| {
        let message = "after names no user of this room (any more); start again without it";
        ApiError::new(ApiErrorCode::NotFound, message)
    })?;
    let body = UsersBody {
        users: &page.users,
        total: page.total,
        more: page.more,
    };
    api.answer(&caller, &body)
}
