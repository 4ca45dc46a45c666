//! One emoji, with which a user reacts to a message.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use unicode_properties::{EmojiStatus, UnicodeEmoji};
use unicode_segmentation::UnicodeSegmentation;

use super::request_error::RequestError;

/// Bytes of the longest emoji: the longest that Unicode recommends have 35.
pub const EMOJI_BYTES_MAX: usize = 64;

const JOINER: char = '\u{200d}';
const EMOJI_STYLE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const BLACK_FLAG: char = '\u{1f3f4}';
const TAG_END: char = '\u{e007f}';

/// One emoji of UTS #51: a single one, perhaps with a skin tone, a flag, a keycap, or several that are joined. It is
/// one grapheme, and fully qualified: the selector for the emoji style is there if and only if the standard wants it,
/// so that one emoji is never two. Which joined sequences have a picture of their own, the reader's font knows.
///
/// Cloning is cheap: the characters are shared.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Emoji(Arc<str>);

/// A text is not one emoji.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("emoji must be one emoji of Unicode")]
pub struct EmojiError;

impl Emoji {
    /// Makes an emoji of `raw`.
    ///
    /// # Errors
    /// [`EmojiError`].
    pub fn parse(raw: &str) -> Result<Self, EmojiError> {
        if raw.is_empty() || raw.len() > EMOJI_BYTES_MAX || raw.graphemes(true).nth(1).is_some() {
            return Err(EmojiError);
        }
        let chars: Vec<char> = raw.chars().collect();
        let qualified = match chars[..] {
            [first, second] if is_flag_letter(first) && is_flag_letter(second) => raw.to_owned(),
            [key @ ('0'..='9' | '#' | '*'), KEYCAP]
            | [key @ ('0'..='9' | '#' | '*'), EMOJI_STYLE, KEYCAP] => {
                String::from_iter([key, EMOJI_STYLE, KEYCAP])
            }
            _ => {
                let mut qualified = String::new();
                for (index, part) in chars.split(|c| *c == JOINER).enumerate() {
                    if index > 0 {
                        qualified.push(JOINER);
                    }
                    push_qualified(&mut qualified, part)?;
                }
                qualified
            }
        };
        if qualified.len() > EMOJI_BYTES_MAX {
            return Err(EmojiError);
        }
        Ok(Self(qualified.into()))
    }

    /// The emoji.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Emoji {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl From<EmojiError> for RequestError {
    fn from(error: EmojiError) -> Self {
        Self::invalid_payload(format!("react: {error}"))
    }
}

/// Appends one part of a joined sequence, fully qualified.
fn push_qualified(qualified: &mut String, part: &[char]) -> Result<(), EmojiError> {
    let (&base, rest) = part.split_first().ok_or(EmojiError)?;
    if base.is_ascii() || is_flag_letter(base) || !base.is_emoji_char() {
        return Err(EmojiError);
    }
    qualified.push(base);
    match rest {
        [] | [EMOJI_STYLE] => {
            if !has_emoji_style(base) {
                qualified.push(EMOJI_STYLE);
            }
        }
        [tone] | [EMOJI_STYLE, tone] if is_skin_tone(*tone) && takes_skin_tone(base) => {
            qualified.push(*tone)
        }
        // The flag of a region of a country.
        [tags @ .., TAG_END]
            if base == BLACK_FLAG && !tags.is_empty() && tags.iter().all(is_tag) =>
        {
            qualified.extend(rest);
        }
        _ => return Err(EmojiError),
    }
    Ok(())
}

fn is_flag_letter(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

fn is_tag(c: &char) -> bool {
    matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}')
}

fn takes_skin_tone(c: char) -> bool {
    matches!(
        c.emoji_status(),
        EmojiStatus::EmojiModifierBase | EmojiStatus::EmojiPresentationAndModifierBase
    )
}

/// Whether the character is shown as an emoji without a selector.
fn has_emoji_style(c: char) -> bool {
    matches!(
        c.emoji_status(),
        EmojiStatus::EmojiPresentation
            | EmojiStatus::EmojiPresentationAndModifierBase
            | EmojiStatus::EmojiPresentationAndEmojiComponent
            | EmojiStatus::EmojiPresentationAndModifierAndEmojiComponent
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn qualified(raw: &str) -> Option<String> {
        Emoji::parse(raw)
            .ok()
            .map(|emoji| emoji.as_str().to_owned())
    }

    #[test]
    fn single_joined_and_toned_emoji_flags_and_keycaps_are_emoji() {
        for emoji in [
            "👍",
            "👍🏽",
            "❤️",
            "☝🏿",
            "👩‍💻",
            "👩🏻‍❤️‍💋‍👨🏼",
            "👨‍👩‍👧‍👦",
            "🏳️‍🌈",
            "🏴‍☠️",
            "🇨🇭",
            "🏴󠁧󠁢󠁷󠁬󠁳󠁿",
            "1️⃣",
            "#️⃣",
            "©️",
            "🧔🏽‍♂️",
            "🫠",
        ] {
            assert_eq!(qualified(emoji).as_deref(), Some(emoji));
        }
    }

    #[test]
    fn one_emoji_is_the_same_however_it_is_written() {
        for (written, meant) in [
            ("❤", "❤️"),
            ("👍\u{fe0f}", "👍"),
            ("1\u{20e3}", "1️⃣"),
            ("🏳‍🌈", "🏳️‍🌈"),
            ("🧔‍♂", "🧔‍♂️"),
            ("☝\u{fe0f}🏿", "☝🏿"),
        ] {
            assert_eq!(qualified(written).as_deref(), Some(meant), "{written}");
        }
    }

    #[test]
    fn everything_else_is_none() {
        for text in [
            "",
            " ",
            "a",
            "1",
            "#",
            "👍👍",
            "👍 ",
            "a👍",
            "🇨",
            "🇨🇭🇨🇭",
            "❤\u{fe0e}",
            "\u{200d}",
            "👩\u{200d}",
            "\u{200d}💻",
            "👍\u{301}",
            "🏽🏽",
            "🍕🏽",
            "🏴\u{e007f}",
            "\u{fe0f}",
            "é",
            "<b>",
            "👍\u{e0067}\u{e007f}",
            ":+1:",
        ] {
            assert_eq!(qualified(text), None, "{text:?}");
        }
        let family = ["👨"; 20].join("\u{200d}");
        assert_eq!(qualified(&family), None, "too long");
    }

    proptest! {
        #[test]
        fn what_is_an_emoji_stays_the_same_when_it_is_read_again(raw in "[👍👩❤🏽\u{200d}\u{fe0f}🇨1💻]{1,6}") {
            if let Some(emoji) = qualified(&raw) {
                prop_assert_eq!(qualified(&emoji), Some(emoji.clone()));
                prop_assert_eq!(emoji.graphemes(true).count(), 1);
            }
        }
    }
}
