//! The text of a message, kept byte for byte.

use std::fmt;
use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;

use super::characters::is_blank;

/// How much text a message may have. Both bounds are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextLimits {
    /// The most characters as people count them (extended grapheme clusters); 0 means no such limit.
    pub chars_max: usize,
    /// The most bytes of UTF-8. Always in force, also where `chars_max` is 0: one character can have any number of
    /// bytes, so only this bounds memory. (0 therefore refuses everything.)
    pub bytes_max: usize,
}

/// The text of a message: not blank, within its [`TextLimits`], and without control characters other than tab, line
/// feed and the pair carriage return + line feed.
///
/// The text is exactly what was sent: it is neither trimmed nor normalised, and HTML is text like any other. What a
/// sender gets back is then equal to what it sent, whitespace and code keep their shape, and clients may compare.
/// Hence also the rule for line ends: `\r\n` is what programs on Windows and submitted forms send, so it is allowed and
/// kept; a carriage return alone ends no line today but, on a terminal, lets the text overwrite its sender's name, so
/// it is refused like the other controls. Bidirectional and invisible characters are legitimate in prose and in emoji;
/// they are the client's to isolate.
///
/// Cloning is cheap: the characters are shared. `Debug` prints the length only, so that no message reaches a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageText(Arc<str>);

/// Why a string cannot be a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageTextError {
    /// It is empty, or has nothing but whitespace and invisible characters.
    #[error("message is empty: write something")]
    Blank,
    /// It has a control character that no message may have; this is the first.
    #[error("message has a control character (U+{:04X}): remove it", u32::from(*.0))]
    Control(char),
    /// It has more characters than allowed.
    #[error("message is longer than {max} characters (it has {chars}): shorten or split it")]
    TooLong {
        /// How many characters (graphemes) it has.
        chars: usize,
        /// How many it may have.
        max: usize,
    },
    /// It has more bytes than allowed.
    #[error("message is larger than {max} bytes (it has {bytes}): shorten or split it")]
    TooManyBytes {
        /// How many bytes of UTF-8 it has.
        bytes: usize,
        /// How many it may have.
        max: usize,
    },
}

impl MessageText {
    /// Makes a message's text of `raw`, unchanged.
    ///
    /// # Errors
    ///
    /// The first rule that `raw` breaks: bytes, then controls, blankness, characters. Bytes come first because that
    /// costs nothing however large the input is; characters, the dearest to count, come last.
    pub fn parse(raw: &str, limits: &TextLimits) -> Result<Self, MessageTextError> {
        if raw.len() > limits.bytes_max {
            return Err(MessageTextError::TooManyBytes {
                bytes: raw.len(),
                max: limits.bytes_max,
            });
        }
        if let Some(control) = first_forbidden_control(raw) {
            return Err(MessageTextError::Control(control));
        }
        if raw.chars().all(is_blank) {
            return Err(MessageTextError::Blank);
        }
        check_length(raw, limits.chars_max)?;
        Ok(Self(Arc::from(raw)))
    }

    /// The text, exactly as it was sent. Plain text: never to be taken for HTML.
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

fn first_forbidden_control(raw: &str) -> Option<char> {
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        let allowed = match c {
            '\n' | '\t' => true,
            '\r' => chars.peek() == Some(&'\n'),
            _ => !c.is_control(),
        };
        if !allowed {
            return Some(c);
        }
    }
    None
}

fn check_length(raw: &str, max: usize) -> Result<(), MessageTextError> {
    // A character has at least one byte, so a text of no more bytes than that need not be counted: most are not.
    if max == 0 || raw.len() <= max {
        return Ok(());
    }
    let chars = raw.graphemes(true).count();
    if chars > max {
        Err(MessageTextError::TooLong { chars, max })
    } else {
        Ok(())
    }
}

impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageText({} bytes)", self.0.len())
    }
}

impl AsRef<str> for MessageText {
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

    const LIMITS: TextLimits = TextLimits {
        chars_max: 2000,
        bytes_max: 16_384,
    };

    fn parse(raw: &str) -> Result<MessageText, MessageTextError> {
        MessageText::parse(raw, &LIMITS)
    }

    #[test]
    fn a_plain_sentence_is_a_message() {
        assert_eq!(parse("Hello, world!").unwrap().as_str(), "Hello, world!");
    }

    #[test]
    fn an_empty_text_is_blank() {
        assert_eq!(parse(""), Err(MessageTextError::Blank));
    }

    #[test]
    fn whitespace_alone_is_blank() {
        for raw in [
            " ",
            "   ",
            "\n",
            "\t\r\n ",
            "\u{a0}",
            "\u{3000}\u{2003}",
            "\u{2028}\u{2029}",
            "\u{1680}",
        ] {
            assert_eq!(parse(raw), Err(MessageTextError::Blank), "{raw:?}");
        }
    }

    #[test]
    fn invisible_characters_alone_are_blank() {
        for raw in [
            "\u{200b}",
            "\u{200d}\u{200c}",
            "\u{2060}\u{feff}",
            "\u{202e}\u{2066}",
            "\u{fe0f}",
            "\u{ad}",
            "\u{3164}",
            "\u{115f}\u{1160}",
            "\u{2800}",
            "\u{e0041}\u{e0042}",
            "\u{180e}",
            "\u{34f}",
            " \u{200b}\n\u{200b} ",
        ] {
            assert_eq!(parse(raw), Err(MessageTextError::Blank), "{raw:?}");
        }
    }

    #[test]
    fn one_visible_character_is_enough() {
        for raw in [".", " \u{200b}x\u{200b} ", "🦀", "\n\n。", "\u{301}"] {
            assert!(parse(raw).is_ok(), "{raw:?}");
        }
    }

    #[test]
    fn nul_and_other_controls_are_refused_and_named() {
        for c in "\0\u{1}\u{7}\u{8}\u{b}\u{c}\u{1b}\u{1f}\u{7f}\u{85}\u{9b}".chars() {
            assert_eq!(
                parse(&format!("a{c}b")),
                Err(MessageTextError::Control(c)),
                "{c:?}"
            );
        }
    }

    #[test]
    fn newline_tab_and_crlf_are_kept() {
        let raw = "fn main() {\r\n\tprintln!();\n}\r\n";
        assert_eq!(parse(raw).unwrap().as_str(), raw);
    }

    #[test]
    fn a_carriage_return_without_a_line_feed_is_refused() {
        for raw in ["a\rb", "a\r", "\r\r\na", "a\n\rb"] {
            assert_eq!(parse(raw), Err(MessageTextError::Control('\r')), "{raw:?}");
        }
    }

    #[test]
    fn text_is_neither_trimmed_nor_normalised_nor_escaped() {
        for raw in [
            "  x  ",
            "e\u{301}",
            "<script>alert(1)</script>",
            "&amp;",
            "\u{202e}abc",
            "ﬁ",
            "\u{fffd}\u{e000}",
        ] {
            assert_eq!(parse(raw).unwrap().as_str(), raw);
        }
    }

    #[test]
    fn two_thousand_characters_are_allowed_and_one_more_refused() {
        for c in ["a", "é", "e\u{301}", "語", "🦀", "🇩🇪", "\r\n"] {
            let limits = TextLimits {
                chars_max: 2000,
                bytes_max: usize::MAX,
            };
            let text = |n: usize| format!("x{}", c.repeat(n - 1));
            assert!(MessageText::parse(&text(2000), &limits).is_ok(), "{c:?}");
            let refused = MessageText::parse(&text(2001), &limits);
            // A combining mark after the `x` belongs to it; none of these begins with one.
            assert_eq!(
                refused,
                Err(MessageTextError::TooLong {
                    chars: 2001,
                    max: 2000
                }),
                "{c:?}"
            );
        }
    }

    #[test]
    fn a_family_emoji_is_one_character() {
        let limits = TextLimits {
            chars_max: 1,
            bytes_max: 64,
        };
        assert!(MessageText::parse("👨‍👩‍👧‍👦", &limits).is_ok());
    }

    #[test]
    fn zero_characters_means_no_limit_of_characters() {
        let limits = TextLimits {
            chars_max: 0,
            bytes_max: 100_000,
        };
        assert!(MessageText::parse(&"a".repeat(100_000), &limits).is_ok());
    }

    #[test]
    fn bytes_are_bounded_also_without_a_limit_of_characters() {
        let limits = TextLimits {
            chars_max: 0,
            bytes_max: 10,
        };
        assert!(MessageText::parse("ééééé", &limits).is_ok());
        let refused = MessageText::parse("éééééé", &limits);
        assert_eq!(
            refused,
            Err(MessageTextError::TooManyBytes { bytes: 12, max: 10 })
        );
    }

    #[test]
    fn one_character_of_many_bytes_is_refused_by_its_bytes() {
        let zalgo = format!("a{}", "\u{301}".repeat(50_000));
        assert_eq!(
            parse(&zalgo),
            Err(MessageTextError::TooManyBytes {
                bytes: 100_001,
                max: 16_384
            })
        );
    }

    #[test]
    fn bytes_are_checked_before_anything_else() {
        let raw = "\0".repeat(1_000_000);
        assert_eq!(
            parse(&raw),
            Err(MessageTextError::TooManyBytes {
                bytes: 1_000_000,
                max: 16_384
            })
        );
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_what_to_do() {
        let limits = TextLimits {
            chars_max: 2,
            bytes_max: 10,
        };
        let message = |raw: &str| MessageText::parse(raw, &limits).unwrap_err().to_string();
        assert_eq!(message(" "), "message is empty: write something");
        assert_eq!(
            message("a\u{1b}"),
            "message has a control character (U+001B): remove it"
        );
        assert_eq!(
            message("abc"),
            "message is longer than 2 characters (it has 3): shorten or split it"
        );
        assert_eq!(
            message("0123456789a"),
            "message is larger than 10 bytes (it has 11): shorten or split it"
        );
    }

    #[test]
    fn debug_output_does_not_show_the_text() {
        assert_eq!(
            format!("{:?}", parse("a secret").unwrap()),
            "MessageText(8 bytes)"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn whatever_parses_comes_back_as_it_was_and_keeps_the_rules(
            raw in prop_oneof![tricky_text(), any::<String>()], chars_max in 0usize..60, bytes_max in 0usize..400,
        ) {
            let limits = TextLimits { chars_max, bytes_max };
            if let Ok(text) = MessageText::parse(&raw, &limits) {
                prop_assert_eq!(text.as_str(), &raw);
                prop_assert!(raw.len() <= bytes_max);
                prop_assert!(chars_max == 0 || raw.graphemes(true).count() <= chars_max);
                prop_assert!(raw.replace("\r\n", "").chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
                prop_assert!(!raw.trim().is_empty());
                prop_assert_eq!(MessageText::parse(text.as_str(), &limits), Ok(text.clone()));
            }
        }

        #[test]
        fn what_is_refused_breaks_the_rule_that_is_named(raw in tricky_text(), chars_max in 1usize..60) {
            let limits = TextLimits { chars_max, bytes_max: 400 };
            match MessageText::parse(&raw, &limits) {
                Ok(_) => {}
                Err(MessageTextError::TooManyBytes { bytes, max }) => prop_assert!(bytes == raw.len() && bytes > max),
                Err(MessageTextError::TooLong { chars, max }) => {
                    prop_assert!(chars == raw.graphemes(true).count() && chars > max);
                }
                Err(MessageTextError::Control(c)) => prop_assert!(c.is_control() && raw.contains(c)),
                Err(MessageTextError::Blank) => prop_assert!(raw.chars().all(is_blank)),
            }
        }

        #[test]
        fn letters_are_counted_as_graphemes_not_as_bytes(n in 1usize..200, max in 1usize..200) {
            let limits = TextLimits { chars_max: max, bytes_max: 100_000 };
            for letter in ["a", "語", "o\u{308}", "👩‍💻"] {
                prop_assert_eq!(MessageText::parse(&letter.repeat(n), &limits).is_ok(), n <= max);
            }
        }
    }
}
