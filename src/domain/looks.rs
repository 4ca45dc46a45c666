//! How a name looks: whether two that differ could be taken for one another.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

use super::characters::is_invisible;
use super::refusal::{Refusal, sentence};
use super::username::Username;

/// What a name looks like: its skeleton (UTS #39, section 4) without regard to case, width and
/// invisible characters. Written in small letters and in capitals, because some characters are
/// confusable in one case only: `1` and `I` are, `1` and `i` are not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Looks {
    small: Box<str>,
    capital: Box<str>,
}

impl Looks {
    /// How this name looks.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let visible: String = name
            .nfkc()
            .filter(|c| !is_invisible(*c) && !c.is_whitespace())
            .collect();
        Self {
            small: skeleton(&visible.to_lowercase()).collect(),
            capital: skeleton(&visible.to_uppercase()).collect(),
        }
    }

    /// Both ways to write it. Two names look alike where they have either in common.
    pub fn forms(&self) -> [&str; 2] {
        [&self.small, &self.capital]
    }

    fn is_like(&self, other: &Self) -> bool {
        self.small == other.small || self.capital == other.capital
    }
}

/// Names that nobody may go by, nor by anything that looks like them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReservedNames(Vec<Looks>);

/// A name is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("name is reserved for the service, or looks like one that is: choose another")]
pub struct NameIsReserved;

impl From<NameIsReserved> for Refusal {
    fn from(error: NameIsReserved) -> Self {
        Self::invalid_username(sentence(&error))
    }
}

impl ReservedNames {
    /// Reads names separated by commas.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        Self(names.map(Looks::of).collect())
    }

    /// Whether somebody may go by this name.
    ///
    /// # Errors
    /// [`NameIsReserved`].
    pub fn check(&self, name: &Username) -> Result<(), NameIsReserved> {
        let looks = Looks::of(name.as_str());
        if self.0.iter().any(|reserved| reserved.is_like(&looks)) {
            Err(NameIsReserved)
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for ReservedNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(one: &str, other: &str) -> bool {
        Looks::of(one).is_like(&Looks::of(other))
    }

    #[test]
    fn names_that_could_be_taken_for_one_another_look_alike() {
        for name in [
            "Alice",
            "ALICE",
            "alice",
            "\u{410}lice",
            "Al1ce",
            "AL1CE",
            "\u{ff21}\u{ff4c}\u{ff49}\u{ff43}\u{ff45}",
            "A\u{200d}lice",
            "Al ice",
            "Al\u{456}ce",
            "\u{1d400}lice",
        ] {
            assert!(alike("Alice", name), "{name:?}");
        }
    }

    #[test]
    fn names_that_nobody_confuses_do_not_look_alike() {
        for name in ["Alicia", "Alice2", "Bob", "Älice", "爱丽丝", "Алиса"] {
            assert!(!alike("Alice", name), "{name:?}");
        }
    }

    #[test]
    fn reserved_names_are_reserved_however_they_are_written() {
        let reserved = ReservedNames::parse(" admin, System,");
        let name = |text| Username::parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        for text in ["admin", "ADMIN", "\u{430}dmin", "adm1n", "System", "system"] {
            assert_eq!(reserved.check(&name(text)), Err(NameIsReserved), "{text:?}");
        }
        for text in ["Ada", "administrator of nothing", "sys"] {
            assert_eq!(reserved.check(&name(text)), Ok(()), "{text:?}");
        }
        assert_eq!(ReservedNames::parse("").check(&name("admin")), Ok(()));
    }
}
