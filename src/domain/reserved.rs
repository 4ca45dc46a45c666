//! Names that no user may have, because they would be taken for the service.
//!
//! A reader does not see code points. So a name is taken apart into what a reader sees of it, and a reserved name is
//! looked for among its words: `Server notice` and `✔ ᴀᴅᴍɪɴ` are refused, `Serverin` and `Administrate` are names.

use std::fmt;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::characters::is_invisible;
use super::confusables::Skeleton;
use super::letters::{is_mark, looks_of};
use super::request_error::{RequestError, sentence};
use super::username::Username;

/// Names that no user may have, nor any name that contains them or looks like them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReservedNames(Vec<Reserved>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Reserved {
    looks: Skeleton,
    /// As a reader would spell it; empty if there is no letter in it.
    spelled: String,
}

/// A name is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("name is reserved for the service, or looks like one that is: choose another")]
pub struct ReservedNameError;

impl From<ReservedNameError> for RequestError {
    fn from(error: ReservedNameError) -> Self {
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
        let reserved = |name: &str| Reserved {
            looks: Skeleton::of(name),
            spelled: signs_of(name).iter().filter_map(Sign::spelled).collect(),
        };
        Self(names.map(reserved).collect())
    }

    /// Whether a user may have this name.
    ///
    /// # Errors
    /// [`ReservedNameError`].
    pub fn check(&self, name: &Username) -> Result<(), ReservedNameError> {
        let looks = Skeleton::of(name.as_str());
        let signs = signs_of(name.as_str());
        let is_like = |reserved: &Reserved| {
            reserved.looks.is_like(&looks) || has_word(&signs, &reserved.spelled)
        };
        if self.0.iter().any(is_like) {
            Err(ReservedNameError)
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

/// One sign that a reader sees.
#[derive(Debug)]
struct Sign {
    /// The letters that it may be read as, in several ways.
    looks: Vec<String>,
    kind: Kind,
    is_latin: bool,
    is_upper: bool,
    is_lower: bool,
}

/// How a sign stands among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A letter of a word.
    Letter,
    /// A letter of a script that puts no space between words.
    Ideograph,
    /// A digit: perhaps a letter, and perhaps what a word ends at.
    Digit,
    /// Anything else: space, punctuation, emoji. It may stand between letters, and still they are read together; and
    /// some of it may be read as a letter.
    Other,
}

impl Sign {
    fn of(c: char) -> Self {
        let kind = kind_of(c);
        let mut looks = looks_of(c);
        let is_latin = !looks.is_empty();
        if !is_latin && matches!(kind, Kind::Letter | Kind::Ideograph) {
            looks.push(c.to_lowercase().collect());
        }
        Self {
            looks,
            kind,
            is_latin,
            is_upper: c.is_uppercase(),
            is_lower: c.is_lowercase(),
        }
    }

    fn spelled(&self) -> Option<&str> {
        self.looks
            .first()
            .map(String::as_str)
            .filter(|_| self.kind != Kind::Other)
    }

    /// Whether a word may end before this sign and begin with it, or end with the one before.
    fn is_apart_from(&self, before: &Self) -> bool {
        let ends_words = |sign: &Self| matches!(sign.kind, Kind::Digit | Kind::Other);
        let both = |kind| self.kind == kind && before.kind == kind;
        ends_words(self)
            || ends_words(before)
            || self.is_latin != before.is_latin
            || both(Kind::Ideograph)
            || before.is_lower && self.is_upper
    }
}

fn kind_of(c: char) -> Kind {
    match c.general_category() {
        GeneralCategory::UppercaseLetter
        | GeneralCategory::LowercaseLetter
        | GeneralCategory::TitlecaseLetter => Kind::Letter,
        GeneralCategory::OtherLetter if is_ideograph(c) => Kind::Ideograph,
        // Ordinal indicators stand after a word.
        GeneralCategory::OtherLetter if matches!(c, 'ª' | 'º') => Kind::Other,
        GeneralCategory::OtherLetter => Kind::Letter,
        GeneralCategory::DecimalNumber => Kind::Digit,
        _ => Kind::Other,
    }
}

/// Whether `c` is of a script without spaces between words: Thai and its neighbours, Chinese, Japanese, Korean.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ffdc}' | '\u{20000}'..='\u{3ffff}')
}

fn signs_of(name: &str) -> Vec<Sign> {
    let seen = name.chars().filter(|c| !is_mark(*c) && !is_invisible(*c));
    seen.map(Sign::of).collect()
}

/// Whether a word is spelled somewhere, from a place at which a word may begin to one at which it may end.
fn has_word(signs: &[Sign], word: &str) -> bool {
    // How much of the word has been spelled, in each way to read it.
    let mut spelled: Vec<usize> = Vec::new();
    for (at, sign) in signs.iter().enumerate() {
        let may_begin = at == 0 || sign.is_apart_from(&signs[at - 1]);
        let begun = may_begin.then_some(0);
        let mut next: Vec<usize> = if sign.kind == Kind::Other {
            spelled.clone()
        } else {
            Vec::new()
        };
        for so_far in spelled.into_iter().chain(begun) {
            let rest = &word[so_far..];
            let read = sign
                .looks
                .iter()
                .filter(|look| rest.starts_with(look.as_str()));
            next.extend(read.map(|look| so_far + look.len()));
        }
        next.sort_unstable();
        next.dedup();
        if may_end(signs, at) && !word.is_empty() && next.contains(&word.len()) {
            return true;
        }
        next.retain(|so_far| *so_far < word.len());
        spelled = next;
    }
    false
}

/// Whether a word may end with the sign at this place.
fn may_end(signs: &[Sign], at: usize) -> bool {
    let (sign, after) = (&signs[at], signs.get(at + 1));
    // `ADMINbot`
    let ends_in_capitals = |after: &Sign| {
        let are_capitals = at > 0 && signs[at - 1].is_upper && sign.is_upper;
        are_capitals && after.is_lower
    };
    after.is_none_or(|after| after.is_apart_from(sign) || ends_in_capitals(after))
}

#[cfg(test)]
#[path = "reserved_tests.rs"]
mod tests;
