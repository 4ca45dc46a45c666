//! Every way in which the service says no: a code, and a message for people.

use std::borrow::Cow;
use std::time::Duration;

use super::client_id::ClientIdError;
use super::message_text::MessageTextError;
use super::request_error_code::RequestErrorCode;
use super::room_name::RoomNameError;
use super::username::UsernameError;

/// A request that was refused: the code for programs, the message for people.
///
/// The message says what is wrong and what to do about it; it is fit to be shown as it is and never quotes what the
/// client sent. Displays as the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// What happened, for programs.
    pub code: RequestErrorCode,
    /// What happened and what to do, for people: one sentence, plain text.
    pub message: Cow<'static, str>,
    /// How long to wait before the same request can succeed, if that is known.
    pub retry_after: Option<Duration>,
}

impl RequestError {
    fn new(code: RequestErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    /// The message, or nothing if it was made for this request: then it may contain what the client
    /// sent.
    #[must_use]
    pub const fn fixed_message(&self) -> &'static str {
        match self.message {
            Cow::Borrowed(text) => text,
            Cow::Owned(_) => "",
        }
    }

    /// The same refusal with the time after which the request is welcome again.
    #[must_use]
    pub fn with_retry_after(self, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..self
        }
    }

    /// No such room. The message is the original's, to the letter: its clients may compare it.
    #[must_use]
    pub fn unknown_room() -> Self {
        Self::new(RequestErrorCode::UnknownRoom, "Invalid room name")
    }

    /// The payload is not what the event takes; `detail` says how, without quoting the payload.
    #[must_use]
    pub fn invalid_payload(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RequestErrorCode::InvalidPayload, detail)
    }

    /// The name cannot be used; `detail` says why. For what [`UsernameError`] knows use `From`.
    #[must_use]
    pub fn invalid_username(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RequestErrorCode::InvalidUsername, detail)
    }

    /// The text cannot be sent; `detail` says why (a lone surrogate, for instance, which never becomes a `str`). For
    /// what [`MessageTextError`] knows use `From`.
    #[must_use]
    pub fn invalid_text(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RequestErrorCode::InvalidText, detail)
    }

    /// A request about the current room from a user who is in none.
    #[must_use]
    pub fn not_in_room() -> Self {
        Self::new(
            RequestErrorCode::NotInRoom,
            "You are not in a room: join one first",
        )
    }

    /// Too fast; the next message is welcome after `retry_after`.
    #[must_use]
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self::new(
            RequestErrorCode::RateLimited,
            "You are sending messages too fast: wait a moment and send it again",
        )
        .with_retry_after(retry_after)
    }

    /// The connection's mailbox is full: the request was not taken.
    #[must_use]
    pub fn busy() -> Self {
        Self::new(
            RequestErrorCode::Busy,
            "Too many of your requests are waiting: send this one again in a moment",
        )
    }

    /// The name is in use in the room (only if names are unique).
    #[must_use]
    pub fn username_taken() -> Self {
        Self::new(
            RequestErrorCode::UsernameTaken,
            "That name is taken: choose another one",
        )
    }

    /// The user is muted, until `retry_after` if the mute ends by itself.
    #[must_use]
    pub fn muted(retry_after: Option<Duration>) -> Self {
        let refusal = Self::new(
            RequestErrorCode::Muted,
            "You are muted: you can read but not write",
        );
        Self {
            retry_after,
            ..refusal
        }
    }

    /// The user is banned, until `retry_after` if the ban ends by itself.
    #[must_use]
    pub fn banned(retry_after: Option<Duration>) -> Self {
        let refusal = Self::new(RequestErrorCode::Banned, "You are banned from this service");
        Self {
            retry_after,
            ..refusal
        }
    }

    /// The room is in slow mode; the user's next message is welcome after `retry_after`.
    #[must_use]
    pub fn slow_mode(retry_after: Duration) -> Self {
        Self::new(
            RequestErrorCode::SlowMode,
            "This room is in slow mode: wait a little and send it again",
        )
        .with_retry_after(retry_after)
    }

    /// Only moderators may write in the room.
    #[must_use]
    pub fn locked() -> Self {
        Self::new(
            RequestErrorCode::Locked,
            "This room is locked: only moderators may write",
        )
    }

    /// The user may not do this; `detail` says why.
    #[must_use]
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RequestErrorCode::Forbidden, detail)
    }

    /// The message is another user's.
    #[must_use]
    pub fn not_own_message() -> Self {
        Self::forbidden("You can only change your own messages")
    }

    /// The message has as many different emoji as it may.
    #[must_use]
    pub fn too_many_emoji() -> Self {
        Self::forbidden("This message has enough different emoji: react with one of those")
    }

    /// The message has as many reactions as it may.
    #[must_use]
    pub fn too_many_reactions() -> Self {
        Self::forbidden("This message has as many reactions as a message may have")
    }

    /// There is no such message.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            RequestErrorCode::NotFound,
            "There is no such message in this room",
        )
    }

    /// There is no such user.
    #[must_use]
    pub fn no_such_user() -> Self {
        Self::new(
            RequestErrorCode::NotFound,
            "There is no such user in this room",
        )
    }

    /// The `client_id` was used before for another text.
    #[must_use]
    pub fn conflict() -> Self {
        Self::new(
            RequestErrorCode::Conflict,
            "This client_id was used before for another text: use a new one",
        )
    }

    /// The room's log cannot take the message now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(
            RequestErrorCode::Unavailable,
            "The room cannot take your message now: send it again in a moment",
        )
    }

    /// The user's token has expired, and the connection ends.
    #[must_use]
    pub fn token_expired() -> Self {
        Self::new(
            RequestErrorCode::TokenExpired,
            "Your token has expired: connect with a new one",
        )
    }

    /// The message can no longer be edited.
    #[must_use]
    pub fn too_late() -> Self {
        Self::new(
            RequestErrorCode::TooLate,
            "This message can no longer be edited: send another one",
        )
    }

    /// The message waits until a moderator has seen it.
    #[must_use]
    pub fn held() -> Self {
        Self::new(
            RequestErrorCode::Held,
            "A moderator has to see your message first: it appears once it is released",
        )
    }

    /// No such message is held.
    #[must_use]
    pub fn not_held() -> Self {
        Self::new(
            RequestErrorCode::NotFound,
            "No such message is held: it has been released or discarded",
        )
    }
}

// To a client a name that cannot exist is a room that does not, and the original's message is part of the contract.
impl From<RoomNameError> for RequestError {
    fn from(_: RoomNameError) -> Self {
        Self::unknown_room()
    }
}

impl From<UsernameError> for RequestError {
    fn from(error: UsernameError) -> Self {
        Self::invalid_username(sentence(&error))
    }
}

impl From<MessageTextError> for RequestError {
    fn from(error: MessageTextError) -> Self {
        let code = match error {
            MessageTextError::TooLong { .. } | MessageTextError::TooManyBytes { .. } => {
                RequestErrorCode::TextTooLong
            }
            MessageTextError::Blank | MessageTextError::Control(_) => RequestErrorCode::InvalidText,
        };
        Self::new(code, sentence(&error))
    }
}

impl From<ClientIdError> for RequestError {
    fn from(error: ClientIdError) -> Self {
        Self::invalid_payload(error.to_string())
    }
}

/// Errors begin in lower case, as is usual in Rust; what a person reads begins like a sentence.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

#[cfg(test)]
#[path = "request_error_tests.rs"]
mod tests;
