//! The name that a user goes by in a room.

use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

use super::characters::{
    is_blank, is_direction_control, is_invisible, is_nonspacing_mark, is_pictographic,
    is_shown_in_context,
};

/// The most characters (extended grapheme clusters) that a name may have.
pub const CHARS_MAX: usize = 32;

/// The most bytes of UTF-8 that a name may have: 4 for each character, as much as the letters of any script need. A
/// character can be many code points, so a bound on characters alone would let lists of names grow to many times that.
pub const BYTES_MAX: usize = 128;

/// The most bytes that are put into normalisation form: what a name of [`BYTES_MAX`] can have been in any other form.
const RAW_BYTES_MAX: usize = 1024;

/// The most nonspacing marks in a row: the bound that UTS #39 (section 5.4) gives against marks stacked out of the
/// line. After normalisation the names of living languages stay within it.
pub const MARKS_MAX: usize = 4;

/// The most code points in one character. The longest emoji in use has 10, and so have the longest Indic conjuncts;
/// without a bound a chain of joined emoji would count as one character however long it is.
pub const CODE_POINTS_MAX: usize = 16;

/// The flags of England, Scotland and Wales: the only sequences of tag characters that Unicode recommends for
/// interchange. All other tags are invisible, and a known way to smuggle text past a reader.
const TAG_FLAGS: [&str; 3] = [
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// The name of a user: 1 to 32 characters (extended grapheme clusters), trimmed of whitespace and in normalisation form
/// C, so that names which are the same to Unicode are equal here.
///
/// A name stands beside the words of others, in lists and in logs, so nothing in it may act outside itself or go unseen:
/// no control characters or line breaks, no direction controls, no characters without a public meaning, no stacks of
/// marks, and of the invisible characters only joiners and selectors where they change what is seen. The first
/// character is always one that is drawn: whitespace is trimmed, and the invisible and combining are refused there.
///
/// Not promised: that two different names look different (`Alice` with a Cyrillic `А` is a name), nor that a name is
/// safe as HTML (`<b>` is a name). Clients identify users by their id and escape the names they show.
///
/// Cloning is cheap: the characters are shared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Username(Arc<str>);

/// Why a string cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// It is empty, or has nothing but whitespace and invisible characters.
    #[error("name is empty: choose one of 1 to {CHARS_MAX} characters")]
    Blank,
    /// It has more than [`CHARS_MAX`] characters.
    #[error("name is longer than {CHARS_MAX} characters (it has {chars}): shorten it")]
    TooLong {
        /// How many characters (graphemes) it has.
        chars: usize,
    },
    /// It has more than [`BYTES_MAX`] bytes.
    #[error("name is larger than {BYTES_MAX} bytes (it has {bytes}): shorten it")]
    TooManyBytes {
        /// How many bytes of UTF-8 it has.
        bytes: usize,
    },
    /// It has a control character or a line break; this is the first.
    #[error("name has a control character or line break (U+{:04X}): remove it", u32::from(*.0))]
    Control(char),
    /// It has a character that changes the direction of the text around it; this is the first.
    #[error("name has a character that changes the direction of text (U+{:04X}): remove it", u32::from(*.0))]
    Direction(char),
    /// It has an invisible character where that has no visible effect; this is the first.
    #[error("name has an invisible character (U+{:04X}): remove it", u32::from(*.0))]
    Invisible(char),
    /// It has a character that means nothing to others (private use, unassigned, noncharacter); this is the first.
    #[error("name has a character that means nothing to others (U+{:04X}): remove it", u32::from(*.0))]
    Unassigned(char),
    /// It begins with a combining mark, which would land on whatever stands before the name.
    #[error("name begins with a combining mark (U+{:04X}): put a letter before it", u32::from(*.0))]
    LeadingMark(char),
    /// One of its characters is stacked too high: [`MARKS_MAX`] or [`CODE_POINTS_MAX`] is exceeded.
    #[error("name has a character with too many marks on it: remove some")]
    Stacked,
}

impl Username {
    /// Makes a name of `raw`: trims it, puts it into normalisation form C and checks what is left.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks: bytes, blankness, characters, marks, length.
    pub fn parse(raw: &str) -> Result<Self, UsernameError> {
        let trimmed = raw.trim();
        check_bytes(trimmed, RAW_BYTES_MAX)?;
        if trimmed.chars().all(is_blank) {
            return Err(UsernameError::Blank);
        }
        let name: String = trimmed.nfc().collect();
        check_bytes(&name, BYTES_MAX)?;
        check_characters(&name)?;
        check_marks(&name)?;
        check_length(&name)?;
        Ok(Self(Arc::from(name)))
    }

    /// The name of a user who gives none: `Anonymous`.
    #[must_use]
    pub fn anonymous() -> Self {
        Self(Arc::from("Anonymous"))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_bytes(name: &str, max: usize) -> Result<(), UsernameError> {
    let bytes = name.len();
    if bytes > max {
        Err(UsernameError::TooManyBytes { bytes })
    } else {
        Ok(())
    }
}

fn check_characters(name: &str) -> Result<(), UsernameError> {
    for (start, grapheme) in name.grapheme_indices(true) {
        if TAG_FLAGS.contains(&grapheme) {
            continue;
        }
        for (offset, c) in grapheme.char_indices() {
            let (before, rest) = name.split_at(start + offset);
            check_character(before, c, &rest[c.len_utf8()..])?;
        }
    }
    Ok(())
}

fn check_character(before: &str, c: char, after: &str) -> Result<(), UsernameError> {
    let category = c.general_category();
    if is_direction_control(c) {
        return Err(UsernameError::Direction(c));
    }
    // Some `Format` characters are drawn (Arabic number signs), but none is part of a name.
    if (is_invisible(c) || category == GeneralCategory::Format)
        && !is_shown_in_context(before, c, after)
    {
        return Err(UsernameError::Invisible(c));
    }
    match category {
        GeneralCategory::Control
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator => Err(UsernameError::Control(c)),
        // An unassigned code point may yet get a normalised form or become invisible. Those reserved for emoji will do
        // neither, and a user's phone may be newer than this program.
        GeneralCategory::Unassigned if is_pictographic(c) => Ok(()),
        GeneralCategory::Unassigned | GeneralCategory::PrivateUse | GeneralCategory::Surrogate => {
            Err(UsernameError::Unassigned(c))
        }
        _ => Ok(()),
    }
}

fn check_marks(name: &str) -> Result<(), UsernameError> {
    if let Some(first) = name.chars().next()
        && first.general_category_group() == GeneralCategoryGroup::Mark
    {
        return Err(UsernameError::LeadingMark(first));
    }
    let mut in_a_row = 0;
    for c in name.chars() {
        in_a_row = if is_nonspacing_mark(c) {
            in_a_row + 1
        } else {
            0
        };
        if in_a_row > MARKS_MAX {
            return Err(UsernameError::Stacked);
        }
    }
    Ok(())
}

fn check_length(name: &str) -> Result<(), UsernameError> {
    let mut chars = 0;
    for grapheme in name.graphemes(true) {
        chars += 1;
        if grapheme.chars().nth(CODE_POINTS_MAX).is_some() {
            return Err(UsernameError::Stacked);
        }
    }
    if chars > CHARS_MAX {
        Err(UsernameError::TooLong { chars })
    } else {
        Ok(())
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl AsRef<str> for Username {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
