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
use crate::room::ID_MAX;

/// Bytes of the longest id of a token or a user.
const ID_BYTES_MAX: usize = 128;

/// Which tokens.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum RevokeBody {
    /// One token.
    Token {
        /// Its id, as `hubbub token --json` shows it, or a JWT's `jti`.
        #[schema(min_length = 1, max_length = 128)]
        token_id: String,
    },
    /// All tokens of a user that were made until now.
    User {
        /// The user.
        #[schema(min_length = 1, max_length = 128)]
        user_id: String,
    },
    /// All tokens that were made before a time.
    Before {
        /// Seconds since the Unix epoch.
        #[schema(minimum = 0, maximum = 9007199254740991_i64)]
        issued_before: u64,
    },
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
    let body: RevokeBody = serde_json::from_str(&body).map_err(|_| {
        ApiError::invalid("give one of token_id, user_id and issued_before (seconds since 1970)")
    })?;
    let id = |id: String| {
        let fits = (1..=ID_BYTES_MAX).contains(&id.len()) && !id.chars().any(char::is_control);
        fits.then(|| id.into())
            .ok_or_else(|| ApiError::invalid("an id has 1 to 128 bytes"))
    };
    let (key, at_s) = match body {
        RevokeBody::Token { token_id } => (DecisionKey::RevokedToken(id(token_id)?), None),
        RevokeBody::User { user_id } => (DecisionKey::RevokedUser(id(user_id)?), None),
        RevokeBody::Before { issued_before } if issued_before <= ID_MAX => {
            (DecisionKey::RevokedAll, i64::try_from(issued_before).ok())
        }
        RevokeBody::Before { .. } => {
            return Err(ApiError::invalid("issued_before is in seconds since 1970"));
        }
    };
    let moderation = &api.parts.shared.moderation;
    moderation.revoke(caller.author(), key, at_s).await?;
    api.answer(&caller, &Revoked { ok: true })
}
