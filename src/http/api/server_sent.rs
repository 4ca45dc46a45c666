//! Server-Sent Events as text (HTML, section 9.2), and positions as event ids.

use std::fmt::Write;

use serde_json::value::RawValue;

use super::error::ApiError;
use crate::room::ID_MAX;

/// A comment, which clients skip: it shows proxies and clients that the connection lives.
pub const HEARTBEAT: &str = ":\n\n";
/// Characters of the longest epoch there can be; ours have 32.
const EPOCH_MAX: usize = 64;

/// The position after which a client wants to read: an event id, `<epoch>:<id>`, or only an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Which incarnation of the log the id belongs to; `None` = the present one.
    pub epoch: Option<String>,
    /// Id of the last entry that the client has.
    pub id: u64,
}

impl Position {
    /// Reads a position.
    ///
    /// # Errors
    /// `invalid_request` that says what a position looks like.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let (epoch, id) = match text.rsplit_once(':') {
            Some((epoch, id)) => (Some(epoch), id),
            None => (None, text),
        };
        let is_epoch = |epoch: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=EPOCH_MAX).contains(&epoch.len()) && epoch.bytes().all(is_plain)
        };
        let is_digits = id.bytes().all(|byte| byte.is_ascii_digit());
        match id.parse() {
            Ok(id) if is_digits && id <= ID_MAX && epoch.is_none_or(is_epoch) => Ok(Self {
                epoch: epoch.map(str::to_owned),
                id,
            }),
            _ => Err(ApiError::invalid(
                "give the id of an event, like 0123abcd:42, or of a message, like 42",
            )),
        }
    }
}

/// Adds an event at a position. `payload` is JSON without line breaks, as serde writes it.
pub fn push_event(text: &mut String, event: &str, epoch: &str, id: u64, payload: &RawValue) {
    let payload = payload.get();
    let written = write!(
        text,
        "event: {event}\nid: {epoch}:{id}\ndata: {payload}\n\n"
    );
    debug_assert!(written.is_ok(), "a String takes everything");
}

/// When a client connects again after its connection has ended.
pub fn push_retry(text: &mut String, milliseconds: u64) {
    let written = write!(text, "retry: {milliseconds}\n\n");
    debug_assert!(written.is_ok(), "a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_an_id_with_or_without_its_epoch() {
        for (text, epoch, id) in [
            ("0", None, 0),
            ("42", None, 42),
            ("9007199254740991", None, ID_MAX),
            ("0a1b:7", Some("0a1b"), 7),
        ] {
            let epoch = epoch.map(str::to_owned);
            assert_eq!(Position::parse(text), Ok(Position { epoch, id }), "{text}");
        }
        let long = format!("{}:1", "a".repeat(65));
        for text in [
            "",
            ":",
            "a:",
            ":1",
            "-1",
            "+1",
            "1.0",
            " 1",
            "9007199254740992",
            "a b:1",
            "a:b:1",
            "\u{661}",
            &long,
        ] {
            assert!(Position::parse(text).is_err(), "{text}");
        }
    }
}
