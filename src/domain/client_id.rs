//! The idempotency key that a client gives a message so that it can send it again.

use std::fmt;
use std::sync::Arc;

/// The most characters (Unicode scalar values) that a key may have.
pub const CHARS_MAX: usize = 64;

/// An idempotency key: 1 to 64 Unicode scalar values, none of them a control character.
///
/// The key is opaque: it is compared and returned byte for byte, never trimmed, normalised or shown to people. It is
/// therefore counted in scalar values, which bound its bytes (at most 256), and not in graphemes, which would not. A
/// JavaScript client that counts `length` (UTF-16 units) never counts fewer, so 64 there is always allowed here.
///
/// Cloning is cheap: the characters are shared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(Arc<str>);

/// Why a string is no idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientIdError {
    /// There is nothing in it.
    #[error("client_id is empty: leave it out or use 1 to {CHARS_MAX} characters")]
    Empty,
    /// It is longer than [`CHARS_MAX`].
    #[error(
        "client_id is longer than {CHARS_MAX} characters: use a shorter one, a UUID for instance"
    )]
    TooLong,
    /// It has a control character; this is the first.
    #[error("client_id has a control character (U+{:04X}): use printable characters", u32::from(*.0))]
    Control(char),
}

impl ClientId {
    /// Makes an idempotency key of `raw`.
    ///
    /// # Errors
    ///
    /// The first rule that `raw` breaks. At most 65 characters of it are looked at.
    pub fn parse(raw: &str) -> Result<Self, ClientIdError> {
        if raw.is_empty() {
            return Err(ClientIdError::Empty);
        }
        if raw.chars().nth(CHARS_MAX).is_some() {
            return Err(ClientIdError::TooLong);
        }
        match raw.chars().find(|c| c.is_control()) {
            Some(control) => Err(ClientIdError::Control(control)),
            None => Ok(Self(Arc::from(raw))),
        }
    }

    /// The key itself, as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, shared.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl AsRef<str> for ClientId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::strategies::tricky_text;
    use super::*;

    #[test]
    fn a_uuid_is_a_key() {
        let raw = "6fa459ea-ee8a-3ca4-894e-db77e160355e";
        assert_eq!(ClientId::parse(raw).unwrap().as_str(), raw);
    }

    #[test]
    fn an_empty_key_is_refused() {
        assert_eq!(ClientId::parse(""), Err(ClientIdError::Empty));
    }

    #[test]
    fn sixty_four_characters_are_allowed_and_sixty_five_refused() {
        for c in ["k", "é", "語", "🦀"] {
            assert!(ClientId::parse(&c.repeat(64)).is_ok(), "{c}");
            assert_eq!(
                ClientId::parse(&c.repeat(65)),
                Err(ClientIdError::TooLong),
                "{c}"
            );
        }
    }

    #[test]
    fn control_characters_are_refused_and_named() {
        for c in ['\0', '\n', '\r', '\t', '\u{1b}', '\u{7f}', '\u{85}'] {
            assert_eq!(
                ClientId::parse(&format!("a{c}b")),
                Err(ClientIdError::Control(c)),
                "{c:?}"
            );
        }
    }

    #[test]
    fn a_key_is_neither_trimmed_nor_normalised() {
        for raw in [" k ", "e\u{301}", "É"] {
            assert_eq!(ClientId::parse(raw).unwrap().as_str(), raw);
        }
    }

    #[test]
    fn keys_that_only_look_alike_differ() {
        assert_ne!(ClientId::parse("e\u{301}"), ClientId::parse("é"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_string_is_a_key_exactly_when_its_length_and_characters_say_so(
            raw in prop_oneof![tricky_text(), "\\PC{60,68}", any::<String>()],
        ) {
            let chars = raw.chars().count();
            let sound = (1..=CHARS_MAX).contains(&chars) && !raw.chars().any(char::is_control);
            let parsed = ClientId::parse(&raw);
            prop_assert_eq!(parsed.is_ok(), sound);
            if let Ok(key) = parsed {
                prop_assert_eq!(key.as_str(), &raw);
                prop_assert!(key.as_str().len() <= 4 * CHARS_MAX);
            }
        }
    }
}
