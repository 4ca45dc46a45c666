//! Tests of `username.rs`, one for each rule; `properties.rs` has what holds for every input.
#![allow(clippy::unwrap_used)]

use super::*;

fn parse(raw: &str) -> Result<Username, UsernameError> {
    Username::parse(raw)
}

fn assert_kept(raw: &str) {
    assert_eq!(
        parse(raw).as_ref().map(Username::as_str),
        Ok(raw),
        "{raw:?}"
    );
}

#[test]
fn names_of_many_languages_are_kept_as_they_are() {
    let names = "Alice alice_42 Jean-Luc O'Neill Zoë Łukasz Ольга Ελένη 李小龍 さくら 김민준 สมชาย नरेन्द्र \
                 தமிழ் אֱלִיעֶזֶר محمد እስክንድር Nguyễn ᐃᓄᒃ བོད མောင် ខ្មែរ";
    names.split(' ').for_each(assert_kept);
}

#[test]
fn punctuation_and_markup_are_ordinary_characters() {
    for raw in [
        "<b>",
        "&amp;",
        "\"; DROP TABLE",
        "{}",
        "../x",
        "System",
        "javascript:alert(1)",
        "\u{fffd}",
    ] {
        assert_kept(raw);
    }
}

#[test]
fn whitespace_around_a_name_is_trimmed() {
    for raw in [
        " Ann ",
        "\tAnn\n",
        "Ann\r\n",
        "\u{a0}\u{3000}Ann\u{2003}",
        "\u{2028}Ann\u{85}",
    ] {
        assert_eq!(parse(raw).unwrap().as_str(), "Ann", "{raw:?}");
    }
}

#[test]
fn spaces_within_a_name_are_kept() {
    for raw in ["Ann Lee", "Ann  Lee", "山田\u{3000}太郎"] {
        assert_kept(raw);
    }
}

#[test]
fn a_name_is_put_into_normalisation_form_c() {
    assert_eq!(parse("Zoe\u{308}").unwrap(), parse("Zoë").unwrap());
    assert_eq!(parse("\u{1112}\u{1161}\u{11ab}").unwrap().as_str(), "한");
    assert_eq!(parse("\u{212b}").unwrap().as_str(), "Å");
}

#[test]
fn a_compatible_form_is_another_name() {
    assert_kept("Ａｌｉｃｅ");
    assert_kept("ﬁ");
}

#[test]
fn a_name_without_a_visible_character_is_blank() {
    for raw in [
        "",
        " ",
        "\n\t",
        "\u{3000}",
        "\u{200b}",
        "\u{200d}\u{fe0f}",
        "\u{3164}",
        "\u{2800}",
        "\0",
        "\u{e0041}",
    ] {
        assert_eq!(parse(raw), Err(UsernameError::Blank), "{raw:?}");
    }
}

#[test]
fn thirty_two_characters_are_allowed_if_they_fit_into_the_bytes_and_no_more() {
    for c in [
        "a",
        "é",
        "語",
        "x\u{323}\u{332}",
        "🦀",
        "❤️",
        "🇩🇪",
        "1️⃣",
        "👍🏽",
        "👩‍💻",
        "👨‍👩‍👧‍👦",
        "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "क्ष",
    ] {
        let most = CHARS_MAX.min(BYTES_MAX / c.len());
        assert_kept(&c.repeat(most));
        let bytes = (most + 1) * c.len();
        let error = if bytes > BYTES_MAX {
            UsernameError::TooManyBytes { bytes }
        } else {
            UsernameError::TooLong { chars: 33 }
        };
        assert_eq!(parse(&c.repeat(most + 1)), Err(error), "{c:?}");
    }
}

#[test]
fn characters_are_counted_after_trimming() {
    let padded = format!("{}{}{}", " ".repeat(40), "a".repeat(32), " ".repeat(40));
    assert!(parse(&padded).is_ok());
}

#[test]
fn bytes_are_bounded_whatever_the_characters() {
    // Four-byte letters with three marks of four bytes each: 16 bytes a character.
    let heavy = "\u{10a00}\u{10a01}\u{10a02}\u{10a03}";
    assert_kept(&heavy.repeat(8));
    assert_eq!(
        parse(&heavy.repeat(9)),
        Err(UsernameError::TooManyBytes { bytes: 144 })
    );
    assert_eq!(
        parse(&"x".repeat(1_000_000)),
        Err(UsernameError::TooManyBytes { bytes: 1_000_000 })
    );
}

#[test]
fn bytes_are_bounded_before_the_work_of_normalising() {
    // 9 bytes each, 3 once composed.
    let raw = "\u{1112}\u{1161}\u{11ab}".repeat(114);
    assert_eq!(
        parse(&raw),
        Err(UsernameError::TooManyBytes { bytes: 1026 })
    );
}

#[test]
fn bytes_are_bounded_after_normalisation_too() {
    // U+1D160 has a decomposed normal form only: 4 bytes become 12.
    assert_eq!(
        parse(&"\u{1d160}".repeat(32)),
        Err(UsernameError::TooManyBytes { bytes: 384 })
    );
}

#[test]
fn control_characters_and_line_breaks_are_refused() {
    for c in "\0\n\r\t\u{b}\u{1b}\u{7f}\u{85}\u{9b}\u{2028}\u{2029}".chars() {
        assert_eq!(
            parse(&format!("a{c}b")),
            Err(UsernameError::Control(c)),
            "{c:?}"
        );
    }
}

#[test]
fn a_forged_log_line_is_refused() {
    assert_eq!(
        parse("bob\r\n2026-01-01 ERROR x"),
        Err(UsernameError::Control('\r'))
    );
    assert_eq!(parse("bob\u{1b}[2J"), Err(UsernameError::Control('\u{1b}')));
}

#[test]
fn direction_controls_are_refused() {
    let controls = ['\u{61c}', '\u{200e}', '\u{200f}']
        .into_iter()
        .chain('\u{202a}'..='\u{202e}')
        .chain('\u{2066}'..='\u{2069}');
    for c in controls {
        assert_eq!(
            parse(&format!("a{c}b")),
            Err(UsernameError::Direction(c)),
            "{c:?}"
        );
        assert_eq!(
            parse(&format!("ab{c}")),
            Err(UsernameError::Direction(c)),
            "{c:?}"
        );
    }
}

#[test]
fn invisible_characters_are_refused() {
    let invisible = "\u{ad}\u{34f}\u{115f}\u{1160}\u{17b4}\u{180e}\u{200b}\u{200c}\u{200d}\u{2060}\u{2064}\u{206a}\
                     \u{2800}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{fffc}\u{1d159}\u{1d173}\u{e0001}\
                     \u{e0041}\u{e007f}\u{e0100}\u{600}";
    for c in invisible.chars() {
        assert_eq!(
            parse(&format!("a{c}b")),
            Err(UsernameError::Invisible(c)),
            "{c:?}"
        );
        assert_eq!(
            parse(&format!("ab{c}")),
            Err(UsernameError::Invisible(c)),
            "{c:?}"
        );
    }
}

#[test]
fn emoji_keep_the_joiners_and_selectors_that_make_them() {
    let emoji = "👩‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 ❤️‍🔥 👁️‍🗨️ 👩🏽‍🚀 🕵🏽‍♂️ 👩🏻‍❤️‍💋‍👩🏿 ☕︎ #️⃣";
    emoji.split(' ').for_each(assert_kept);
    assert_kept("❤️ Ann ❤️");
}

#[test]
fn the_three_flags_of_tags_are_kept_and_other_tags_refused() {
    for flag in TAG_FLAGS {
        assert_kept(flag);
    }
    // The flag of Texas is well formed, but not recommended; the others hide text.
    for raw in [
        "🏴\u{e0075}\u{e0073}\u{e0074}\u{e0078}\u{e007f}",
        "a\u{e0067}\u{e0062}",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}",
    ] {
        assert!(
            matches!(parse(raw), Err(UsernameError::Invisible(_))),
            "{raw:?}"
        );
    }
}

#[test]
fn text_hidden_in_variation_selectors_is_refused() {
    assert_eq!(
        parse("😀\u{e0150}\u{e0158}"),
        Err(UsernameError::Invisible('\u{e0150}'))
    );
    assert_eq!(
        parse("❤\u{fe0f}\u{fe0f}"),
        Err(UsernameError::Invisible('\u{fe0f}'))
    );
}

#[test]
fn words_that_need_a_joiner_keep_it() {
    for raw in ["ශ්‍රී", "علی‌رضا", "ക്‍"] {
        assert!(raw.contains(['\u{200c}', '\u{200d}']));
        assert_kept(raw);
    }
}

#[test]
fn characters_without_a_public_meaning_are_refused() {
    for c in [
        '\u{e000}',
        '\u{f8ff}',
        '\u{100000}',
        '\u{fdd0}',
        '\u{ffff}',
        '\u{10ffff}',
        '\u{378}',
        '\u{e0fff}',
    ] {
        let refused = parse(&format!("a{c}b"));
        assert!(
            matches!(
                refused,
                Err(UsernameError::Unassigned(_) | UsernameError::Invisible(_))
            ),
            "{c:?} {refused:?}"
        );
    }
}

#[test]
fn emoji_of_a_later_unicode_version_are_allowed() {
    assert_kept("a\u{1fffd}"); // reserved as pictographic
}

#[test]
fn a_name_does_not_begin_with_a_combining_mark() {
    for raw in ["\u{301}a", " \u{301}a", "\u{20e3}", "\u{903}a"] {
        assert!(
            matches!(parse(raw), Err(UsernameError::LeadingMark(_))),
            "{raw:?}"
        );
    }
}

#[test]
fn four_marks_on_a_letter_are_allowed_and_five_refused() {
    assert_kept("x\u{316}\u{317}\u{318}\u{319}");
    assert_eq!(
        parse("x\u{316}\u{317}\u{318}\u{319}\u{31c}"),
        Err(UsernameError::Stacked)
    );
    assert_eq!(
        parse(&format!("a{}", "\u{301}".repeat(60))),
        Err(UsernameError::Stacked)
    );
}

#[test]
fn a_chain_of_joined_emoji_is_not_one_character_of_any_length() {
    assert_kept(&format!("👩{}", "\u{200d}👩".repeat(7)));
    assert_eq!(
        parse(&format!("👩{}", "\u{200d}👩".repeat(8))),
        Err(UsernameError::Stacked)
    );
    assert_eq!(parse(&"\u{1100}".repeat(17)), Err(UsernameError::Stacked));
}

#[test]
fn whoever_gives_no_name_is_anonymous() {
    assert_eq!(Username::anonymous().as_str(), "Anonymous");
    assert_eq!(parse("Anonymous"), Ok(Username::anonymous()));
}

#[test]
fn a_clone_shares_the_characters() {
    let name = parse("Ann").unwrap();
    assert!(std::ptr::eq(name.as_str(), name.clone().as_str()));
}

#[test]
fn a_refusal_says_what_is_wrong_and_what_to_do_without_repeating_it() {
    let message = |raw: &str| parse(raw).unwrap_err().to_string();
    assert_eq!(
        message(""),
        "name is empty: choose one of 1 to 32 characters"
    );
    assert_eq!(
        message(&"a".repeat(33)),
        "name is longer than 32 characters (it has 33): shorten it"
    );
    assert_eq!(
        message("a\u{1b}b"),
        "name has a control character or line break (U+001B): remove it"
    );
    assert_eq!(
        message("a\u{202e}b"),
        "name has a character that changes the direction of text (U+202E): remove it"
    );
    assert_eq!(
        message("a\u{200b}b"),
        "name has an invisible character (U+200B): remove it"
    );
}
