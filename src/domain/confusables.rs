//! How a name looks: whether two that differ could be taken for one another.

use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

use super::characters::is_invisible;
use super::letters::drawn_as;

/// What a name looks like: its skeleton (UTS #39, section 4) without regard to case, width and
/// invisible characters. Written in small letters and in capitals, because some characters are
/// confusable in one case only: `1` and `I` are, `1` and `i` are not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Skeleton {
    small: Box<str>,
    capital: Box<str>,
}

impl Skeleton {
    /// How this name looks.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let visible: String = name
            .nfkc()
            .filter(|c| !is_invisible(*c) && !c.is_whitespace())
            .map(|c| drawn_as(c).unwrap_or(c))
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

    /// Whether one could be taken for the other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.small == other.small || self.capital == other.capital
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(one: &str, other: &str) -> bool {
        Skeleton::of(one).is_like(&Skeleton::of(other))
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
            "ᴀʟɪᴄᴇ",
            "🄰🅛🅸🄲🅔",
        ] {
            assert!(alike("Alice", name), "{name:?}");
        }
    }

    #[test]
    fn names_that_nobody_confuses_do_not_look_alike() {
        for name in [
            "Alicia",
            "Alice2",
            "Bob",
            "Älice",
            "爱丽丝",
            "Алиса",
            "Ия",
            "NR",
        ] {
            assert!(!alike("Alice", name), "{name:?}");
        }
    }
}
