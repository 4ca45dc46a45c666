//! `tokens/revoke`: tokens that are not accepted any more.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::error::ApiError;
use super::extract::JsonText;
use super::state::Api;
use crate::decisions::DecisionKey;

/// Bytes of the longest id of a token or a user.
const ID_BYTES_MAX: usize = 128;

/// Which tokens: exactly one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeBody {
    /// The token with this id, as `hubbub token --json` shows it, or a JWT's `jti`.
    #[serde(default)]
    #[schema(max_length = 128)]
    token_id: Option<String>,
    /// All tokens of this user that were made until now.
    #[serde(default)]
    #[schema(max_length = 128)]
    user_id: Option<String>,
    /// All tokens that were made before this time: seconds since the Unix epoch.
    #[serde(default)]
    #[schema(minimum = 0)]
    issued_before: Option<i64>,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revoked {
    /// Always true.
    ok: bool,
}

/// Revokes one token, those of a user, or all from before a time
#[utoipa::path(post, path = "/tokens/revoke", tag = "tokens", operation_id = "revokeTokens",
    request_body = RevokeBody,
    responses((status = 200, description = "They are not accepted any more", body = Revoked)))]
pub async fn revoke(
    State(api): State<Arc<Api>>,
    caller: Caller,
    JsonText(body): JsonText,
) -> Result<Response, ApiError> {
    let body: RevokeBody = serde_json::from_str(&body)
        .map_err(|error| ApiError::invalid(format!("the body is not valid: {error}")))?;
    let id = |id: String| {
        let fits = (1..=ID_BYTES_MAX).contains(&id.len()) && !id.chars().any(char::is_control);
        fits.then(|| id.into())
            .ok_or_else(|| ApiError::invalid("an id has 1 to 128 bytes"))
    };
    let (key, at_s) = match (body.token_id, body.user_id, body.issued_before) {
        (Some(token_id), None, None) => (DecisionKey::RevokedToken(id(token_id)?), None),
        (None, Some(user_id), None) => (DecisionKey::RevokedUser(id(user_id)?), None),
        (None, None, Some(at_s @ 0..)) => (DecisionKey::RevokedAll, Some(at_s)),
        _ => {
            return Err(ApiError::invalid(
                "give one of token_id, user_id and issued_before (seconds since 1970)",
            ));
        }
    };
    let moderation = &api.parts.shared.moderation;
    moderation.revoke(caller.author(), key, at_s).await?;
    api.answer(&caller, &Revoked { ok: true })
}
