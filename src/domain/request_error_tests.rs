//! Every code has a text of its own, and messages are sentences.

use std::collections::HashSet;

use super::*;

#[test]
fn the_codes_are_those_of_the_contract() {
    assert_eq!(
        RequestErrorCode::ALL.map(RequestErrorCode::as_str),
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
            "slow_mode",
            "locked",
            "forbidden",
            "not_found",
            "conflict",
            "token_expired",
            "unavailable",
            "too_late",
            "held",
        ]
    );
}

#[test]
fn every_code_is_listed_once() {
    let distinct: HashSet<_> = RequestErrorCode::ALL.into_iter().collect();
    assert_eq!(distinct.len(), RequestErrorCode::ALL.len());
    assert_eq!(
        RequestErrorCode::Held as usize + 1,
        RequestErrorCode::ALL.len(),
        "a variant is missing from ALL"
    );
}

#[test]
fn an_unknown_room_keeps_the_message_of_the_original() {
    assert_eq!(RequestError::unknown_room().message, "Invalid room name");
    assert_eq!(
        RequestError::from(RoomNameError::Empty),
        RequestError::unknown_room()
    );
    assert_eq!(
        RequestError::from(RoomNameError::Character('\0')),
        RequestError::unknown_room()
    );
}

#[test]
fn every_constructor_has_its_own_code() {
    let second = Duration::from_secs(1);
    let refusals = [
        (RequestError::unknown_room(), RequestErrorCode::UnknownRoom),
        (
            RequestError::invalid_payload("x"),
            RequestErrorCode::InvalidPayload,
        ),
        (
            RequestError::invalid_username("x"),
            RequestErrorCode::InvalidUsername,
        ),
        (
            RequestError::invalid_text("x"),
            RequestErrorCode::InvalidText,
        ),
        (RequestError::not_in_room(), RequestErrorCode::NotInRoom),
        (
            RequestError::rate_limited(second),
            RequestErrorCode::RateLimited,
        ),
        (RequestError::busy(), RequestErrorCode::Busy),
        (
            RequestError::username_taken(),
            RequestErrorCode::UsernameTaken,
        ),
        (RequestError::forbidden("x"), RequestErrorCode::Forbidden),
        (
            RequestError::token_expired(),
            RequestErrorCode::TokenExpired,
        ),
        (RequestError::muted(None), RequestErrorCode::Muted),
        (RequestError::banned(None), RequestErrorCode::Banned),
        (RequestError::conflict(), RequestErrorCode::Conflict),
        (RequestError::unavailable(), RequestErrorCode::Unavailable),
        (RequestError::not_found(), RequestErrorCode::NotFound),
        (RequestError::not_own_message(), RequestErrorCode::Forbidden),
        (RequestError::too_late(), RequestErrorCode::TooLate),
        (RequestError::held(), RequestErrorCode::Held),
    ];
    for (refusal, code) in refusals {
        assert_eq!(refusal.code, code);
        assert!(!refusal.message.is_empty());
    }
}

#[test]
fn a_time_to_wait_is_given_where_it_is_known() {
    let second = Duration::from_secs(1);
    assert_eq!(RequestError::rate_limited(second).retry_after, Some(second));
    assert_eq!(RequestError::muted(Some(second)).retry_after, Some(second));
    assert_eq!(RequestError::banned(Some(second)).retry_after, Some(second));
    assert_eq!(RequestError::busy().retry_after, None);
    assert_eq!(
        RequestError::busy().with_retry_after(second).retry_after,
        Some(second)
    );
}

#[test]
fn a_bad_name_is_an_invalid_username_with_its_reason() {
    let refusal = RequestError::from(UsernameError::TooLong { chars: 40 });
    assert_eq!(refusal.code, RequestErrorCode::InvalidUsername);
    assert!(
        refusal
            .message
            .starts_with("Name is longer than 32 characters"),
        "{refusal}"
    );
}

#[test]
fn a_long_text_and_a_bad_text_have_different_codes() {
    let code = |error: MessageTextError| RequestError::from(error).code;
    assert_eq!(
        code(MessageTextError::TooLong { chars: 3, max: 2 }),
        RequestErrorCode::TextTooLong
    );
    assert_eq!(
        code(MessageTextError::TooManyBytes { bytes: 3, max: 2 }),
        RequestErrorCode::TextTooLong
    );
    assert_eq!(code(MessageTextError::Blank), RequestErrorCode::InvalidText);
    assert_eq!(
        code(MessageTextError::Control('\0')),
        RequestErrorCode::InvalidText
    );
}

#[test]
fn a_bad_client_id_is_an_invalid_payload() {
    assert_eq!(
        RequestError::from(ClientIdError::Empty).code,
        RequestErrorCode::InvalidPayload
    );
}

#[test]
fn a_refusal_is_an_error_that_displays_its_message() {
    let error: Box<dyn std::error::Error> = Box::new(RequestError::not_in_room());
    assert_eq!(error.to_string(), "You are not in a room: join one first");
}
