//! The codes of refusals: a closed set.

use std::fmt;

/// The code of a [`RequestError`](super::RequestError), for programs to act on. The set is closed and part of the wire contract: a code is
/// never renamed, and a new one is an addition to the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestErrorCode {
    /// No room has that name.
    UnknownRoom,
    /// The payload is not what the event takes.
    InvalidPayload,
    /// No user can have this name.
    InvalidUsername,
    /// The text is blank or has characters that no message may have.
    InvalidText,
    /// The text has too many characters or bytes.
    TextTooLong,
    /// The request is about the current room, and there is none.
    NotInRoom,
    /// Too many messages in too short a time; `retry_after` says when the next is welcome.
    RateLimited,
    /// The queue is full: the request was not taken and can be sent again.
    Busy,
    /// Another user in the room has that name (only if names are unique).
    UsernameTaken,
    /// A moderator has muted this user.
    Muted,
    /// A moderator has banned this user.
    Banned,
    /// Moderators have set how often each user may write in the room; `retry_after` says when next.
    SlowMode,
    /// Only moderators may write in the room.
    Locked,
    /// The user may not do this.
    Forbidden,
    /// There is no such message or user.
    NotFound,
    /// The `client_id` was used before, for another text.
    Conflict,
    /// The user's token has expired, and the connection ends.
    TokenExpired,
    /// The room's log cannot take the message now.
    Unavailable,
    /// The message is too old to be edited.
    TooLate,
    /// The message waits until a moderator has seen it.
    Held,
}

impl RequestErrorCode {
    /// All codes, in the order of the contract.
    pub const ALL: [Self; 20] = [
        Self::UnknownRoom,
        Self::InvalidPayload,
        Self::InvalidUsername,
        Self::InvalidText,
        Self::TextTooLong,
        Self::NotInRoom,
        Self::RateLimited,
        Self::Busy,
        Self::UsernameTaken,
        Self::Muted,
        Self::Banned,
        Self::SlowMode,
        Self::Locked,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::TokenExpired,
        Self::Unavailable,
        Self::TooLate,
        Self::Held,
    ];

    /// The code as it stands on the wire and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownRoom => "unknown_room",
            Self::InvalidPayload => "invalid_payload",
            Self::InvalidUsername => "invalid_username",
            Self::InvalidText => "invalid_text",
            Self::TextTooLong => "text_too_long",
            Self::NotInRoom => "not_in_room",
            Self::RateLimited => "rate_limited",
            Self::Busy => "busy",
            Self::UsernameTaken => "username_taken",
            Self::Muted => "muted",
            Self::Banned => "banned",
            Self::SlowMode => "slow_mode",
            Self::Locked => "locked",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::TokenExpired => "token_expired",
            Self::Unavailable => "unavailable",
            Self::TooLate => "too_late",
            Self::Held => "held",
        }
    }
}

impl fmt::Display for RequestErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
