//! The name of a room: `[a-z0-9-]{1,64}`.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The most characters (and bytes, all being ASCII) that a room's name may have.
pub const CHARS_MAX: usize = 64;

/// The name of a room: 1 to 64 of the characters `a`–`z`, `0`–`9` and `-`.
///
/// The alphabet is closed so that a name is safe everywhere it goes without escaping (a path, a Redis key, a label of
/// a metric, a log line) and so that no two names can look alike by case, spacing or script. Nothing is trimmed or
/// folded: `General` is not `general`.
///
/// Cloning is cheap: the characters are shared. A map keyed by `RoomName` can be asked with a `&str`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName(Arc<str>);

/// Why a string is no room name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomNameError {
    /// There is nothing in it.
    #[error("room name is empty: use 1 to {CHARS_MAX} of a-z, 0-9 and -")]
    Empty,
    /// It is longer than [`CHARS_MAX`].
    #[error("room name is longer than {CHARS_MAX} characters: shorten it")]
    TooLong,
    /// It has a character outside the alphabet; this is the first.
    #[error("room name has the character U+{:04X}: use only a-z, 0-9 and -", u32::from(*.0))]
    Character(char),
}

impl RoomName {
    /// Makes a room name of `raw`.
    ///
    /// # Errors
    ///
    /// The first rule that `raw` breaks, length before alphabet, so that a huge input costs nothing.
    pub fn parse(raw: &str) -> Result<Self, RoomNameError> {
        if raw.is_empty() {
            return Err(RoomNameError::Empty);
        }
        // Bytes: whatever is within the alphabet has one for each character.
        if raw.len() > CHARS_MAX {
            return Err(RoomNameError::TooLong);
        }
        match raw.chars().find(|&c| !is_allowed(c)) {
            Some(stray) => Err(RoomNameError::Character(stray)),
            None => Ok(Self(Arc::from(raw))),
        }
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '-')
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// Sound because the derived `Eq`, `Ord` and `Hash` are those of the `str` inside.
impl Borrow<str> for RoomName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for RoomName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use proptest::prelude::*;

    use super::super::strategies::tricky_text;
    use super::*;

    #[test]
    fn the_rooms_of_the_original_are_room_names() {
        for name in ["general", "tech", "sports", "music", "gaming"] {
            assert_eq!(RoomName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn digits_and_hyphens_are_allowed_anywhere() {
        for name in ["-", "0", "2026-plans", "-a-", "---"] {
            assert!(RoomName::parse(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn an_empty_name_is_refused() {
        assert_eq!(RoomName::parse(""), Err(RoomNameError::Empty));
    }

    #[test]
    fn sixty_four_characters_are_allowed_and_sixty_five_refused() {
        assert!(RoomName::parse(&"a".repeat(64)).is_ok());
        assert_eq!(
            RoomName::parse(&"a".repeat(65)),
            Err(RoomNameError::TooLong)
        );
    }

    #[test]
    fn a_huge_name_is_refused_by_its_length_alone() {
        assert_eq!(
            RoomName::parse(&"é".repeat(10_000)),
            Err(RoomNameError::TooLong)
        );
    }

    #[test]
    fn characters_outside_the_alphabet_are_refused_and_named() {
        for (raw, stray) in [
            ("General", 'G'),
            ("a b", ' '),
            (" general", ' '),
            ("../x", '.'),
            ("a_b", '_'),
            ("general\0", '\0'),
            ("general\n", '\n'),
            ("general\u{200b}", '\u{200b}'),
            ("gеneral", 'е'), // Cyrillic
            ("gene{r}al", '{'),
        ] {
            assert_eq!(
                RoomName::parse(raw),
                Err(RoomNameError::Character(stray)),
                "{raw:?}"
            );
        }
    }

    #[test]
    fn a_refusal_never_repeats_the_character_raw() {
        let error = RoomName::parse("a\u{1b}[2J").unwrap_err();
        assert_eq!(
            error.to_string(),
            "room name has the character U+001B: use only a-z, 0-9 and -"
        );
    }

    #[test]
    fn a_map_of_rooms_can_be_asked_with_a_plain_str() {
        let name = RoomName::parse("general").unwrap();
        assert_eq!(HashMap::from([(name.clone(), 1)]).get("general"), Some(&1));
        assert_eq!(BTreeMap::from([(name, 1)]).get("general"), Some(&1));
    }

    #[test]
    fn a_clone_shares_the_characters() {
        let name = RoomName::parse("general").unwrap();
        assert!(std::ptr::eq(name.as_str(), name.clone().as_str()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn every_string_of_the_alphabet_is_kept_as_it_is(raw in "[a-z0-9-]{1,64}") {
            let name = RoomName::parse(&raw).unwrap();
            prop_assert_eq!(name.as_str(), &raw);
            prop_assert_eq!(name.to_string(), raw);
        }

        #[test]
        fn whatever_parses_is_within_the_alphabet_and_the_length(raw in prop_oneof![tricky_text(), "[ -~]{0,70}"]) {
            if let Ok(name) = RoomName::parse(&raw) {
                prop_assert!((1..=CHARS_MAX).contains(&name.as_str().len()));
                prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
                prop_assert_eq!(RoomName::parse(name.as_str()), Ok(name.clone()));
            }
        }

        #[test]
        fn one_stray_character_spoils_a_name(
            head in "[a-z0-9-]{0,20}",
            stray in any::<char>().prop_filter("outside the alphabet", |&c| !is_allowed(c)),
            tail in "[a-z0-9-]{0,20}",
        ) {
            let parsed = RoomName::parse(&format!("{head}{stray}{tail}"));
            prop_assert_eq!(parsed, Err(RoomNameError::Character(stray)));
        }
    }
}
