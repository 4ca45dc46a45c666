//! Properties of `username.rs` that hold for every input; `tests.rs` has the rules one by one.

use proptest::prelude::*;
use unicode_normalization::is_nfc;

use super::super::strategies::tricky_text;
use super::*;

fn parse(raw: &str) -> Result<Username, UsernameError> {
    Username::parse(raw)
}

/// What every name keeps, put differently from how `parse` checks it.
fn assert_sound(name: &str) -> Result<(), TestCaseError> {
    prop_assert!((1..=CHARS_MAX).contains(&name.graphemes(true).count()));
    prop_assert!(name.len() <= BYTES_MAX);
    prop_assert!(is_nfc(name));
    prop_assert_eq!(name.trim(), name);
    let acts =
        |c: char| c.is_control() || is_direction_control(c) || "\u{2028}\u{2029}".contains(c);
    prop_assert!(!name.contains(acts));
    prop_assert!(!name.starts_with(is_blank));
    let (mut marks, mut before) = (0, None);
    for c in name.chars() {
        marks = if is_nonspacing_mark(c) { marks + 1 } else { 0 };
        prop_assert!(marks <= MARKS_MAX);
        // No two characters that draw nothing stand side by side, but for the tags of a flag.
        let hidden = |c: char| is_invisible(c) && !('\u{e0020}'..='\u{e007f}').contains(&c);
        let selector_then_joiner = before == Some('\u{fe0f}') && c == '\u{200d}';
        prop_assert!(!(hidden(c) && before.is_some_and(hidden)) || selector_then_joiner);
        before = Some(c);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_parses_is_sound_and_parses_to_itself(raw in prop_oneof![tricky_text(), any::<String>(), "\\PC{0,40}"]) {
        if let Ok(name) = parse(&raw) {
            assert_sound(name.as_str())?;
            prop_assert_eq!(parse(name.as_str()), Ok(name.clone()));
        }
    }

    #[test]
    fn letters_in_any_number_are_a_name_up_to_the_bound(n in 1usize..70) {
        for letter in ["a", "語", "o\u{308}", "x\u{323}", "👩‍💻", "🇩🇪"] {
            let parsed = parse(&letter.repeat(n));
            let bytes = letter.nfc().map(char::len_utf8).sum::<usize>();
            let fits = n <= CHARS_MAX && n * bytes <= BYTES_MAX;
            prop_assert_eq!(parsed.is_ok(), fits, "{} times {:?}: {:?}", n, letter, parsed);
        }
    }

    #[test]
    fn canonically_equal_strings_are_the_same_name(raw in "[a-zà-žḁ-ỹ가-각 ]{1,32}") {
        let decomposed: String = raw.nfd().collect();
        prop_assert_eq!(parse(&decomposed), parse(&raw));
    }

    #[test]
    fn whitespace_around_a_name_makes_no_difference(raw in tricky_text(), pad in "[ \t\n\u{a0}\u{2003}\u{3000}]{0,8}") {
        let parsed = parse(&format!("{pad}{raw}{pad}"));
        prop_assert_eq!(parsed, parse(&raw));
    }

    #[test]
    fn a_control_or_direction_character_spoils_any_name(
        head in "[a-z]{1,10}",
        c in prop_oneof![Just('\0'), Just('\n'), Just('\u{85}'), Just('\u{2028}'), Just('\u{202e}'), Just('\u{2066}'), Just('\u{200f}')],
        tail in "[a-z]{1,10}",
    ) {
        let spoilt = parse(&format!("{head}{c}{tail}"));
        prop_assert_eq!(spoilt, Err(if is_direction_control(c) { UsernameError::Direction(c) } else { UsernameError::Control(c) }));
    }
}
