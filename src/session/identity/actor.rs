//! Who a token names, and what it allows them.

use crate::domain::{Role, RoomName, Username};
use crate::room::UserId;

/// Bytes of the longest `user_id` that a token may name, without the prefix of [`JWT_USERS`].
pub const USER_ID_BYTES_MAX: usize = 100;
/// What the `user_id` of every user of a JWT begins with. No other `user_id` that the server makes has
/// a colon, so neither can be taken for the other.
pub const JWT_USERS: &str = "jwt:";
/// Bytes of the longest id of a token.
const TOKEN_ID_BYTES_MAX: usize = 128;
/// Who presents ADMIN_TOKEN.
pub const ROOT_USER: &str = "root-admin";

/// Why a token is not accepted, as clients receive it in `session.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Forged, cut off, or made with another key or version.
    #[error("the token is not valid")]
    Invalid,
    /// It was valid once.
    #[error("the token has expired")]
    Expired,
    /// It was taken back.
    #[error("the token was revoked")]
    Revoked,
}

impl TokenError {
    /// The code on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "token_invalid",
            Self::Expired => "token_expired",
            Self::Revoked => "token_revoked",
        }
    }
}

/// Where a token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenSource {
    /// The server gave it to a connection that presented none, and renews it.
    Issued,
    /// `hubbub token` made it.
    Signed,
    /// Another service made it: a JWT.
    Jwt,
    /// It is ADMIN_TOKEN.
    Root,
}

/// Who acts, by the token that they presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub user_id: UserId,
    /// What they may do to others.
    pub role: Role,
    /// The only name that they may use; `None` = any.
    pub name: Option<Username>,
    /// The only rooms that they may enter; `None` = all.
    pub rooms: Option<Box<[RoomName]>>,
    /// The token's id, by which it can be revoked.
    pub token_id: Option<Box<str>>,
    /// When the token was made (seconds since the Unix epoch); 0 if it does not say.
    pub issued_s: i64,
    /// When it expires; `None` = never.
    pub expires_s: Option<i64>,
    /// Where it comes from.
    pub source: TokenSource,
}

impl Actor {
    /// Who presents ADMIN_TOKEN.
    pub(super) fn root() -> Self {
        Self {
            user_id: ROOT_USER.into(),
            role: Role::Admin,
            name: None,
            rooms: None,
            token_id: None,
            issued_s: 0,
            expires_s: None,
            source: TokenSource::Root,
        }
    }

    /// Whether they may enter this room.
    #[must_use]
    pub fn may_enter(&self, room: &RoomName) -> bool {
        self.rooms.as_ref().is_none_or(|rooms| rooms.contains(room))
    }
}

/// A string cannot be the `user_id` of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give 1 to {USER_ID_BYTES_MAX} letters, digits or signs of ASCII, without spaces")]
pub struct UserIdError;

/// Reads a `user_id` that a token may name.
///
/// # Errors
/// [`UserIdError`] if it is empty, too long, or has anything but visible ASCII.
pub fn parse_user_id(raw: &str) -> Result<&str, UserIdError> {
    let fits = (1..=USER_ID_BYTES_MAX).contains(&raw.len());
    let is_visible = raw.bytes().all(|byte| byte.is_ascii_graphic());
    if fits && is_visible {
        Ok(raw)
    } else {
        Err(UserIdError)
    }
}

/// Reads the id of a token.
pub(super) fn token_id_of(raw: Option<String>) -> Result<Option<Box<str>>, TokenError> {
    match raw {
        Some(id) if id.is_empty() || id.len() > TOKEN_ID_BYTES_MAX => Err(TokenError::Invalid),
        id => Ok(id.map(Into::into)),
    }
}

/// Reads the name that a token fixes.
pub(super) fn name_of(raw: Option<&str>) -> Result<Option<Username>, TokenError> {
    let name = raw.map(Username::parse).transpose();
    name.map_err(|error| {
        tracing::debug!(%error, "a token has a name that no user can have");
        TokenError::Invalid
    })
}

/// Reads the rooms that a token allows. Names that no room can have are left out: they allow nothing.
pub(super) fn rooms_of(raw: Option<Vec<String>>) -> Option<Box<[RoomName]>> {
    let parsed = |name: String| RoomName::parse(&name).ok();
    Some(raw?.into_iter().filter_map(parsed).collect())
}
