//! `whoami`: who the caller is to the service.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::error::ApiError;
use super::state::Api;
use crate::peer::ClientAddress;

/// Who calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct Whoami {
    /// The user whose token it is.
    user_id: String,
    /// The only name that the token allows; absent if it allows any.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// `moderator` or `admin`.
    role: &'static str,
    /// The address that the call comes from, as limits and bans see it. Behind a proxy it is the
    /// proxy's own unless TRUSTED_PROXIES names the proxy. Absent if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

/// Who the caller is
#[utoipa::path(get, path = "/whoami", tag = "service", operation_id = "whoami",
    responses((status = 200, description = "The owner of the token", body = Whoami)))]
pub async fn get(State(api): State<Arc<Api>>, caller: Caller) -> Result<Response, ApiError> {
    let actor = &caller.actor;
    let whoami = Whoami {
        user_id: actor.user_id.to_string(),
        name: actor.name.as_ref().map(|name| name.as_str().to_owned()),
        role: actor.role.as_str(),
        address: caller
            .client
            .map(|ClientAddress(address)| address.to_string()),
    };
    api.answer(&caller, &whoami)
}
