//! `me`: whose token a call has, for programs that show what it may do.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::error::ApiError;
use super::state::Api;
use crate::clock;
use crate::peer::ClientAddress;

/// Whose token it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The token's user.
    user_id: String,
    /// The name that the token fixes.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// `moderator` or `admin`.
    role: &'static str,
    /// The only rooms in which the token's owner may act; absent = all.
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<Vec<String>>,
    /// The token's id, by which it can be revoked; absent for ADMIN_TOKEN.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<String>,
    /// When the token expires (RFC 3339); absent = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// The address that the call comes from, as limits and bans see it. Behind a proxy it is the
    /// proxy's own unless TRUSTED_PROXIES names the proxy. Absent if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

/// Whose token this call has
#[utoipa::path(get, path = "/me", tag = "tokens", operation_id = "getMe",
    responses((status = 200, description = "The owner of the token", body = Me)))]
pub async fn get(State(api): State<Arc<Api>>, caller: Caller) -> Result<Response, ApiError> {
    let actor = &caller.actor;
    let rooms = actor.rooms.as_deref();
    let me = Me {
        user_id: actor.user_id.to_string(),
        name: actor.name.as_ref().map(|name| name.as_str().to_owned()),
        role: actor.role.as_str(),
        rooms: rooms.map(|rooms| rooms.iter().map(|room| room.as_str().to_owned()).collect()),
        token_id: actor.token_id.as_deref().map(str::to_owned),
        expires: actor
            .expires_s
            .map(|expires_s| clock::rfc3339(expires_s.saturating_mul(1000))),
        address: caller
            .client
            .map(|ClientAddress(address)| address.to_string()),
    };
    api.answer(&caller, &me)
}
