//! What Unicode says about characters that readers cannot see, as far as the types of this module ask.
//!
//! The tables written out here are properties that Unicode keeps stable or that concern old, settled blocks; everything
//! that grows with each version (categories, pictographs, combining classes) is asked of the `unicode-*` crates.

use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// Whether a reader sees nothing where `c` stands: whitespace, controls and invisible characters.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}

/// Whether `c` is no whitespace, yet draws nothing by itself.
///
/// Unicode's `Default_Ignorable_Code_Point` (UAX #44; its ranges are stable by policy), and the few others that are
/// drawn empty: the object replacement character, the interlinear annotation marks, the blank Braille pattern, the
/// null notehead and the blank hieroglyphs.
pub fn is_invisible(c: char) -> bool {
    is_default_ignorable(c)
        || matches!(c, '\u{2800}' | '\u{fff9}'..='\u{fffc}' | '\u{13430}'..='\u{13442}' | '\u{1d159}')
}

fn is_default_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether `c` changes the direction of the text around it: the marks, embeddings, overrides and isolates.
pub fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether `c` stacks on the character before it without taking room (general categories Mn and Me).
pub fn is_nonspacing_mark(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
    )
}

/// Whether `c` is `Extended_Pictographic` (UTS #51): an emoji that can take part in a joined sequence, or a code point
/// that is reserved for one.
///
/// Asks the segmentation rules, which have the table, instead of a second copy of it. By rule GB11 of UAX #29 the three
/// characters `c`, zero width joiner, `c` are one cluster if `c` is pictographic; apart from that only if `c` extends
/// whatever is before it (marks, skin tones), which the second question rules out.
pub fn is_pictographic(c: char) -> bool {
    // Looking is cheaper than segmenting, and there are none in ASCII.
    !c.is_ascii() && is_one_cluster(&[c, ZERO_WIDTH_JOINER, c]) && !is_one_cluster(&['a', c])
}

fn is_one_cluster(chars: &[char]) -> bool {
    let probe: String = chars.iter().collect();
    probe.graphemes(true).count() == 1
}

/// Whether `c`, invisible by itself, changes what a reader sees where it stands between `before` and `after`: the
/// joiners and variation selectors without which some emoji and some words of living languages cannot be written.
///
/// - Zero width joiner between two emoji (`👩‍💻`), the first perhaps with a selector or a skin tone (UTS #51).
/// - Either joiner after a virama, where it picks the form of the consonant (`ශ්‍රී`): RFC 5892, appendices A.1 and A.2.
/// - Zero width non-joiner between two Arabic letters that would connect otherwise (`علی‌رضا`): RFC 5892, appendix A.1.
/// - Emoji and text selectors directly after an emoji (`❤️`), or within a keycap (`1️⃣`).
///
/// "Changes" is what the standards say; a font may still draw both the same. Code that compares the looks of two
/// names has to drop these characters first.
pub fn is_shown_in_context(before: &str, c: char, after: &str) -> bool {
    match c {
        ZERO_WIDTH_JOINER => follows_virama(before) || joins_emoji(before, after),
        ZERO_WIDTH_NON_JOINER => follows_virama(before) || parts_arabic_letters(before, after),
        '\u{fe0e}' | '\u{fe0f}' => selects_emoji_style(before, after),
        _ => false,
    }
}

/// A virama takes the vowel off a letter of an Indic script; Unicode gives them all combining class 9.
fn follows_virama(before: &str) -> bool {
    before
        .chars()
        .next_back()
        .is_some_and(|c| canonical_combining_class(c) == 9)
}

fn joins_emoji(before: &str, after: &str) -> bool {
    let is_emoji_part = |c| matches!(c, '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    let emoji = before.strip_suffix(is_emoji_part).unwrap_or(before);
    emoji.chars().next_back().is_some_and(is_pictographic)
        && after.chars().next().is_some_and(is_pictographic)
}

fn parts_arabic_letters(before: &str, after: &str) -> bool {
    // Vowel signs do not keep letters from connecting.
    let is_letter = |c: &char| !is_nonspacing_mark(*c);
    before
        .chars()
        .rev()
        .find(is_letter)
        .is_some_and(joins_forward)
        && after.chars().find(is_letter).is_some_and(joins_backward)
}

fn selects_emoji_style(before: &str, after: &str) -> bool {
    before.chars().next_back().is_some_and(|base| match base {
        '0'..='9' | '#' | '*' => after.starts_with('\u{20e3}'),
        _ => is_pictographic(base),
    })
}

/// Whether `c` is an Arabic letter that connects to the letter after it (`Joining_Type` D, Arabic block).
fn joins_forward(c: char) -> bool {
    matches!(c,
        '\u{620}' | '\u{626}' | '\u{628}' | '\u{62a}'..='\u{62e}' | '\u{633}'..='\u{63f}' | '\u{641}'..='\u{647}'
        | '\u{649}'..='\u{64a}' | '\u{66e}'..='\u{66f}' | '\u{678}'..='\u{687}' | '\u{69a}'..='\u{6bf}'
        | '\u{6c1}'..='\u{6c2}' | '\u{6cc}' | '\u{6ce}' | '\u{6d0}'..='\u{6d1}' | '\u{6fa}'..='\u{6fc}' | '\u{6ff}')
}

/// Whether `c` is an Arabic letter that connects to the letter before it (`Joining_Type` D or R, Arabic block).
fn joins_backward(c: char) -> bool {
    joins_forward(c)
        || matches!(c,
            '\u{622}'..='\u{625}' | '\u{627}' | '\u{629}' | '\u{62f}'..='\u{632}' | '\u{648}'
            | '\u{671}'..='\u{673}' | '\u{675}'..='\u{677}' | '\u{688}'..='\u{699}' | '\u{6c0}'
            | '\u{6c3}'..='\u{6cb}' | '\u{6cd}' | '\u{6cf}' | '\u{6d2}'..='\u{6d3}' | '\u{6d5}'
            | '\u{6ee}'..='\u{6ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_are_pictographic_and_their_parts_are_not() {
        for c in ['🦀', '👩', '❤', '©', '‼', '♂', '🏴', '\u{1faff}'] {
            assert!(is_pictographic(c), "{c:?}");
        }
        for c in [
            'a',
            '7',
            'é',
            '語',
            'क',
            '\u{1f3fd}',
            '\u{fe0f}',
            '\u{200d}',
            '\u{301}',
            '\u{903}',
            '\u{ff9e}',
            '🇩',
        ] {
            assert!(!is_pictographic(c), "{c:?}");
        }
    }

    #[test]
    fn what_draws_nothing_is_blank_and_what_draws_is_not() {
        for c in [
            ' ',
            '\n',
            '\0',
            '\u{a0}',
            '\u{3000}',
            '\u{2028}',
            '\u{200b}',
            '\u{3164}',
            '\u{2800}',
            '\u{e0041}',
        ] {
            assert!(is_blank(c), "{c:?}");
        }
        for c in [
            'a', '.', '語', '🦀', '\u{301}', '\u{600}', '\u{fffd}', '\u{e000}',
        ] {
            assert!(!is_blank(c), "{c:?}");
        }
    }

    #[test]
    fn every_direction_control_is_invisible_too() {
        let controls = (0..0x11_0000)
            .filter_map(char::from_u32)
            .filter(|&c| is_direction_control(c));
        assert_eq!(controls.filter(|&c| is_invisible(c)).count(), 12);
    }

    #[test]
    fn a_joiner_is_shown_between_emoji_only() {
        for (before, after) in [
            ("👩", "💻"),
            ("👩🏽", "💻"),
            ("❤\u{fe0f}", "🔥"),
            ("x👩", "💻x"),
        ] {
            assert!(
                is_shown_in_context(before, ZERO_WIDTH_JOINER, after),
                "{before:?} {after:?}"
            );
        }
        for (before, after) in [
            ("a", "b"),
            ("👩", "b"),
            ("a", "💻"),
            ("", "💻"),
            ("👩", ""),
            ("👩\u{200d}", "💻"),
        ] {
            assert!(
                !is_shown_in_context(before, ZERO_WIDTH_JOINER, after),
                "{before:?} {after:?}"
            );
        }
    }

    #[test]
    fn joiners_are_shown_after_a_virama_but_once() {
        for joiner in [ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER] {
            assert!(is_shown_in_context("ශ\u{dca}", joiner, "ර"));
            assert!(!is_shown_in_context("ශ", joiner, "ර"));
            assert!(!is_shown_in_context("ශ\u{dca}\u{200d}", joiner, "ර"));
        }
    }

    #[test]
    fn a_non_joiner_is_shown_between_arabic_letters_that_connect() {
        for (before, after) in [("ی", "ر"), ("ی\u{64e}", "ر"), ("می", "خ")] {
            assert!(
                is_shown_in_context(before, ZERO_WIDTH_NON_JOINER, after),
                "{before:?} {after:?}"
            );
        }
        for (before, after) in [
            ("ر", "ی"),
            ("ا", "ا"),
            ("ی", "x"),
            ("x", "ر"),
            ("ی", ""),
            ("ی\u{200c}", "ر"),
        ] {
            assert!(
                !is_shown_in_context(before, ZERO_WIDTH_NON_JOINER, after),
                "{before:?} {after:?}"
            );
        }
    }

    #[test]
    fn a_selector_is_shown_after_an_emoji_and_within_a_keycap() {
        for (before, after) in [
            ("❤", ""),
            ("👁", "\u{200d}"),
            ("1", "\u{20e3}"),
            ("#", "\u{20e3}"),
        ] {
            assert!(
                is_shown_in_context(before, '\u{fe0f}', after),
                "{before:?} {after:?}"
            );
        }
        for (before, after) in [
            ("a", ""),
            ("1", ""),
            ("a", "\u{20e3}"),
            ("", "x"),
            ("❤\u{fe0f}", ""),
            ("語", ""),
        ] {
            assert!(
                !is_shown_in_context(before, '\u{fe0f}', after),
                "{before:?} {after:?}"
            );
        }
    }
}
