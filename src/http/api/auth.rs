//! Who calls: the bearer token of a request, and the role that a call needs.

use axum::http::{HeaderMap, header};

use super::error::{ApiError, ApiErrorCode};
use crate::domain::Role;
use crate::session::Identities;
use crate::session::identity::Actor;

/// The owner of the token in `Authorization`, who has at least the role `least`.
///
/// # Errors
/// `unauthorized` without a valid token, `forbidden` if the role is too small.
pub fn authorize(
    identities: &Identities,
    headers: &HeaderMap,
    least: Role,
) -> Result<Actor, ApiError> {
    let token = std::str::from_utf8(bearer(headers)?).unwrap_or_default();
    let actor = identities
        .actor_of(token)
        .map_err(|error| ApiError::new(ApiErrorCode::Unauthorized, error.to_string()))?;
    if actor.role < least {
        let message = format!("this call needs a token with the role {least}");
        return Err(ApiError::new(ApiErrorCode::Forbidden, message));
    }
    Ok(actor)
}

/// The token of `Authorization: Bearer <token>`. The scheme's name may be in any case (RFC 9110).
fn bearer(headers: &HeaderMap) -> Result<&[u8], ApiError> {
    let value = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.as_bytes());
    let token = value.and_then(|value| {
        let (scheme, token) = value.split_at_checked("Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
    });
    token.map(<[u8]>::trim_ascii).ok_or_else(|| {
        let message = "send a token: Authorization: Bearer <token>";
        ApiError::new(ApiErrorCode::Unauthorized, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn code_of(identities: &Identities, authorization: &[u8]) -> Result<Role, ApiErrorCode> {
        let mut headers = HeaderMap::new();
        let value = axum::http::HeaderValue::from_bytes(authorization);
        headers.insert(
            header::AUTHORIZATION,
            value.unwrap_or_else(|e| panic!("{e}")),
        );
        let actor = authorize(identities, &headers, Role::Moderator);
        actor.map(|actor| actor.role).map_err(|error| error.code)
    }

    #[test]
    fn only_the_token_itself_is_accepted() {
        let without = || Identities::new(b"a key of this test, 32 bytes long");
        let identities = without().with_admin_token(TOKEN);
        for accepted in ["Bearer", "bearer", "BEARER"] {
            let value = format!("{accepted} {TOKEN}");
            assert_eq!(code_of(&identities, value.as_bytes()), Ok(Role::Admin));
        }
        let twice = format!("Bearer {TOKEN}{TOKEN}");
        let basic = format!("Basic {TOKEN}");
        let cut = format!("Bearer {}", &TOKEN[1..]);
        for refused in [
            &twice, &basic, &cut, TOKEN, "Bearer ", "Bearer", "", "Bearer x",
        ] {
            let code = code_of(&identities, refused.as_bytes());
            assert_eq!(code, Err(ApiErrorCode::Unauthorized), "{refused}");
        }
        let bytes = code_of(&identities, b"Bearer \xff\xfe");
        assert_eq!(bytes, Err(ApiErrorCode::Unauthorized));
        let none = code_of(&without(), format!("Bearer {TOKEN}").as_bytes());
        assert_eq!(none, Err(ApiErrorCode::Unauthorized));
        // Every client has a token of its own, which allows nothing here.
        let issued = format!("Bearer {}", identities.issue("u1"));
        let code = code_of(&identities, issued.as_bytes());
        assert_eq!(code, Err(ApiErrorCode::Forbidden));
    }
}
