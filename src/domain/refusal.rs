//! Every way in which the service says no: a closed set of codes, and a message for people with each.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::client_id::ClientIdError;
use super::message_text::MessageTextError;
use super::room_name::RoomNameError;
use super::username::UsernameError;

/// The code of a refusal, for programs to act on. The set is closed and part of the wire contract: a code is never
/// renamed, and a new one is an addition to the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    /// No room has that name.
    UnknownRoom,
    /// The payload is not what the event takes.
    InvalidPayload,
    /// The name cannot be used by anybody.
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
    /// Somebody else in the room has that name (only where names are unique).
    UsernameTaken,
    /// A moderator has muted this user.
    Muted,
    /// A moderator has banned this user.
    Banned,
    /// The `client_id` was used before, for another text.
    Conflict,
    /// The room's log cannot take the message now.
    Unavailable,
}

impl RefusalCode {
    /// All codes, in the order of the contract.
    pub const ALL: [Self; 13] = [
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
        Self::Conflict,
        Self::Unavailable,
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
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A request that was refused: the code for programs, the message for people.
///
/// The message says what is wrong and what to do about it; it is fit to be shown as it is and never quotes what the
/// client sent. Displays as the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What happened, for programs.
    pub code: RefusalCode,
    /// What happened and what to do, for people: one sentence, plain text.
    pub message: Cow<'static, str>,
    /// How long to wait before the same request can succeed, where that is known.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    fn new(code: RefusalCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
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
        Self::new(RefusalCode::UnknownRoom, "Invalid room name")
    }

    /// The payload is not what the event takes; `detail` says how, without quoting the payload.
    #[must_use]
    pub fn invalid_payload(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RefusalCode::InvalidPayload, detail)
    }

    /// The name cannot be used; `detail` says why. For what [`UsernameError`] knows use `From`.
    #[must_use]
    pub fn invalid_username(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RefusalCode::InvalidUsername, detail)
    }

    /// The text cannot be sent; `detail` says why (a lone surrogate, for instance, which never becomes a `str`). For
    /// what [`MessageTextError`] knows use `From`.
    #[must_use]
    pub fn invalid_text(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RefusalCode::InvalidText, detail)
    }

    /// A request about the current room from somebody who is in none.
    #[must_use]
    pub fn not_in_room() -> Self {
        Self::new(
            RefusalCode::NotInRoom,
            "You are not in a room: join one first",
        )
    }

    /// Too fast; the next message is welcome after `retry_after`.
    #[must_use]
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self::new(
            RefusalCode::RateLimited,
            "You are sending messages too fast: wait a moment and send it again",
        )
        .with_retry_after(retry_after)
    }

    /// The connection's mailbox is full: the request was not taken.
    #[must_use]
    pub fn busy() -> Self {
        Self::new(
            RefusalCode::Busy,
            "Too many of your requests are waiting: send this one again in a moment",
        )
    }

    /// The name is in use in the room (only where names are unique).
    #[must_use]
    pub fn username_taken() -> Self {
        Self::new(
            RefusalCode::UsernameTaken,
            "That name is taken: choose another one",
        )
    }

    /// The user is muted, until `retry_after` where the mute ends by itself.
    #[must_use]
    pub fn muted(retry_after: Option<Duration>) -> Self {
        let refusal = Self::new(
            RefusalCode::Muted,
            "You are muted: you can read but not write",
        );
        Self {
            retry_after,
            ..refusal
        }
    }

    /// The user is banned, until `retry_after` where the ban ends by itself.
    #[must_use]
    pub fn banned(retry_after: Option<Duration>) -> Self {
        let refusal = Self::new(RefusalCode::Banned, "You are banned from this service");
        Self {
            retry_after,
            ..refusal
        }
    }

    /// The `client_id` was used before for another text.
    #[must_use]
    pub fn conflict() -> Self {
        Self::new(
            RefusalCode::Conflict,
            "This client_id was used before for another text: use a new one",
        )
    }

    /// The room's log cannot take the message now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(
            RefusalCode::Unavailable,
            "The room cannot take your message now: send it again in a moment",
        )
    }
}

// To a client a name that cannot exist is a room that does not, and the original's message is part of the contract.
impl From<RoomNameError> for Refusal {
    fn from(_: RoomNameError) -> Self {
        Self::unknown_room()
    }
}

impl From<UsernameError> for Refusal {
    fn from(error: UsernameError) -> Self {
        Self::invalid_username(sentence(&error))
    }
}

impl From<MessageTextError> for Refusal {
    fn from(error: MessageTextError) -> Self {
        let code = match error {
            MessageTextError::TooLong { .. } | MessageTextError::TooManyBytes { .. } => {
                RefusalCode::TextTooLong
            }
            MessageTextError::Blank | MessageTextError::Control(_) => RefusalCode::InvalidText,
        };
        Self::new(code, sentence(&error))
    }
}

impl From<ClientIdError> for Refusal {
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
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_codes_are_those_of_the_contract() {
        assert_eq!(
            RefusalCode::ALL.map(RefusalCode::as_str),
            [
                "unknown_room",
                "invalid_payload",
                "invalid_username",
                "invalid_text",
                "text_too_long",
                "not_in_room",
                "rate_limited",
                "busy",
                "username_taken",
                "muted",
                "banned",
                "conflict",
                "unavailable",
            ]
        );
    }

    #[test]
    fn every_code_is_listed_once() {
        let distinct: HashSet<_> = RefusalCode::ALL.into_iter().collect();
        assert_eq!(distinct.len(), RefusalCode::ALL.len());
        assert_eq!(
            RefusalCode::Unavailable as usize + 1,
            RefusalCode::ALL.len(),
            "a variant is missing from ALL"
        );
    }

    #[test]
    fn an_unknown_room_keeps_the_message_of_the_original() {
        assert_eq!(Refusal::unknown_room().message, "Invalid room name");
        assert_eq!(Refusal::from(RoomNameError::Empty), Refusal::unknown_room());
        assert_eq!(
            Refusal::from(RoomNameError::Character('\0')),
            Refusal::unknown_room()
        );
    }

    #[test]
    fn every_constructor_has_its_own_code() {
        let second = Duration::from_secs(1);
        let refusals = [
            (Refusal::unknown_room(), RefusalCode::UnknownRoom),
            (Refusal::invalid_payload("x"), RefusalCode::InvalidPayload),
            (Refusal::invalid_username("x"), RefusalCode::InvalidUsername),
            (Refusal::invalid_text("x"), RefusalCode::InvalidText),
            (Refusal::not_in_room(), RefusalCode::NotInRoom),
            (Refusal::rate_limited(second), RefusalCode::RateLimited),
            (Refusal::busy(), RefusalCode::Busy),
            (Refusal::username_taken(), RefusalCode::UsernameTaken),
            (Refusal::muted(None), RefusalCode::Muted),
            (Refusal::banned(None), RefusalCode::Banned),
            (Refusal::conflict(), RefusalCode::Conflict),
            (Refusal::unavailable(), RefusalCode::Unavailable),
        ];
        for (refusal, code) in refusals {
            assert_eq!(refusal.code, code);
            assert!(!refusal.message.is_empty());
        }
    }

    #[test]
    fn a_time_to_wait_is_given_where_it_is_known() {
        let second = Duration::from_secs(1);
        assert_eq!(Refusal::rate_limited(second).retry_after, Some(second));
        assert_eq!(Refusal::muted(Some(second)).retry_after, Some(second));
        assert_eq!(Refusal::banned(Some(second)).retry_after, Some(second));
        assert_eq!(Refusal::busy().retry_after, None);
        assert_eq!(
            Refusal::busy().with_retry_after(second).retry_after,
            Some(second)
        );
    }

    #[test]
    fn a_bad_name_is_an_invalid_username_with_its_reason() {
        let refusal = Refusal::from(UsernameError::TooLong { chars: 40 });
        assert_eq!(refusal.code, RefusalCode::InvalidUsername);
        assert!(
            refusal
                .message
                .starts_with("Name is longer than 32 characters"),
            "{refusal}"
        );
    }

    #[test]
    fn a_long_text_and_a_bad_text_have_different_codes() {
        let code = |error: MessageTextError| Refusal::from(error).code;
        assert_eq!(
            code(MessageTextError::TooLong { chars: 3, max: 2 }),
            RefusalCode::TextTooLong
        );
        assert_eq!(
            code(MessageTextError::TooManyBytes { bytes: 3, max: 2 }),
            RefusalCode::TextTooLong
        );
        assert_eq!(code(MessageTextError::Blank), RefusalCode::InvalidText);
        assert_eq!(
            code(MessageTextError::Control('\0')),
            RefusalCode::InvalidText
        );
    }

    #[test]
    fn a_bad_client_id_is_an_invalid_payload() {
        assert_eq!(
            Refusal::from(ClientIdError::Empty).code,
            RefusalCode::InvalidPayload
        );
    }

    #[test]
    fn a_refusal_is_an_error_that_displays_its_message() {
        let error: Box<dyn std::error::Error> = Box::new(Refusal::not_in_room());
        assert_eq!(error.to_string(), "You are not in a room: join one first");
    }
}
