//! Who calls: the bearer token of a request, and the role that a call needs.

use axum::http::{HeaderMap, header};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::error::{ApiError, ApiErrorCode};
use crate::domain::Role;
use crate::random;
use crate::room::UserId;

/// Bytes of the longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 4096;
/// The user as whom the owner of ADMIN_TOKEN acts.
pub const ROOT_ADMIN: &str = "root-admin";

/// Knows ADMIN_TOKEN by a keyed digest. Comparing digests takes the same time for every token.
pub struct AdminKey {
    keyed: Hmac<Sha256>,
    digest: [u8; 32],
}

impl std::fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminKey").finish_non_exhaustive()
    }
}

impl AdminKey {
    /// Knows this token.
    #[must_use]
    pub fn new(token: &[u8]) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "HMAC takes keys of any length (RFC 2104, section 3)"
        )]
        let keyed = Hmac::<Sha256>::new_from_slice(&random::bytes::<32>()).expect("any length");
        let mut of_token = keyed.clone();
        of_token.update(token);
        Self {
            keyed,
            digest: of_token.finalize().into_bytes().into(),
        }
    }

    fn accepts(&self, token: &[u8]) -> bool {
        let mut given = self.keyed.clone();
        given.update(token);
        given.verify_slice(&self.digest).is_ok()
    }
}

/// The owner of a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// As whom they act.
    pub user_id: UserId,
    /// What they may do.
    pub role: Role,
}

/// The owner of the token in `Authorization`, who has at least the role `least`.
///
/// # Errors
/// `unauthorized` without a valid token, `forbidden` if the role is too small.
pub fn authorize(
    admin: Option<&AdminKey>,
    headers: &HeaderMap,
    least: Role,
) -> Result<Actor, ApiError> {
    let token = bearer(headers)?;
    let actor = match admin {
        Some(admin) if token.len() <= TOKEN_BYTES_MAX && admin.accepts(token) => Actor {
            user_id: ROOT_ADMIN.into(),
            role: Role::Admin,
        },
        _ => {
            let message = "the token is not valid";
            return Err(ApiError::new(ApiErrorCode::Unauthorized, message));
        }
    };
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
        let message = "send a token: Authorization: Bearer <ADMIN_TOKEN>";
        ApiError::new(ApiErrorCode::Unauthorized, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn code_of(admin: Option<&AdminKey>, authorization: &[u8]) -> Result<Role, ApiErrorCode> {
        let mut headers = HeaderMap::new();
        let value = axum::http::HeaderValue::from_bytes(authorization);
        headers.insert(
            header::AUTHORIZATION,
            value.unwrap_or_else(|e| panic!("{e}")),
        );
        let actor = authorize(admin, &headers, Role::Moderator);
        actor.map(|actor| actor.role).map_err(|error| error.code)
    }

    #[test]
    fn only_the_token_itself_is_accepted() {
        let admin = AdminKey::new(TOKEN.as_bytes());
        for accepted in ["Bearer", "bearer", "BEARER"] {
            let value = format!("{accepted} {TOKEN}");
            assert_eq!(code_of(Some(&admin), value.as_bytes()), Ok(Role::Admin));
        }
        let twice = format!("Bearer {TOKEN}{TOKEN}");
        let basic = format!("Basic {TOKEN}");
        let cut = format!("Bearer {}", &TOKEN[1..]);
        for refused in [
            &twice, &basic, &cut, TOKEN, "Bearer ", "Bearer", "", "Bearer x",
        ] {
            let code = code_of(Some(&admin), refused.as_bytes());
            assert_eq!(code, Err(ApiErrorCode::Unauthorized), "{refused}");
        }
        let bytes = code_of(Some(&admin), b"Bearer \xff\xfe");
        assert_eq!(bytes, Err(ApiErrorCode::Unauthorized));
        let none = code_of(None, format!("Bearer {TOKEN}").as_bytes());
        assert_eq!(none, Err(ApiErrorCode::Unauthorized));
    }
}
