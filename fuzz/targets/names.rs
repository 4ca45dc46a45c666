//! Names: what a room name, a user's name, an idempotency key and an origin are made of.
//!
//! Whatever parses has the properties its type promises, put differently from how the parser
//! checks them, and parses to itself. No refusal quotes what was given.
#![no_main]

use std::sync::LazyLock;

use hubbub::domain::{AllowedOrigins, ClientId, ReservedNames, RoomName, Username};
use libfuzzer_sys::fuzz_target;
use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_segmentation::UnicodeSegmentation;

const ORIGINS: &str = "https://chat.example,http://localhost:3000,null";
static ALLOWED: LazyLock<AllowedOrigins> =
    LazyLock::new(|| AllowedOrigins::parse(ORIGINS).expect("origins"));
static RESERVED: LazyLock<ReservedNames> = LazyLock::new(|| ReservedNames::parse("admin, System"));

fuzz_target!(|raw: &[u8]| {
    let raw = String::from_utf8_lossy(raw);
    username(&raw);
    room_name(&raw);
    client_id(&raw);
    origin(&raw);
});

fn username(raw: &str) {
    let name = match Username::parse(raw) {
        Ok(name) => name,
        Err(error) => return assert_fit_to_show(&error.to_string()),
    };
    let text = name.as_str();
    assert_eq!(
        Username::parse(text).as_ref(),
        Ok(&name),
        "parses to itself"
    );
    assert_eq!(text.trim(), text);
    assert!(is_nfc(text));
    assert!((1..=32).contains(&text.graphemes(true).count()));
    assert!(text.len() <= 128);
    assert!(!text.contains(acts_on_its_surroundings));
    assert!(text.contains(is_drawn));
    let reserved = ["admin", "system"]
        .iter()
        .any(|name| text.eq_ignore_ascii_case(name));
    assert!(RESERVED.check(&name).is_err() || !reserved);
    // It is the same name, however it was written.
    let nfd: String = raw.nfd().collect();
    if let Ok(same) = Username::parse(&nfd) {
        assert_eq!(same, name);
    }
    assert_eq!(Username::parse(&format!(" {raw}\u{3000}")), Ok(name));
}

/// Controls, line and paragraph separators, and everything that turns the direction of text.
fn acts_on_its_surroundings(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn is_drawn(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

fn room_name(raw: &str) {
    let ours = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_name = (1..=64).contains(&raw.len()) && raw.bytes().all(ours);
    match RoomName::parse(raw) {
        Ok(name) => assert!(is_name && name.as_str() == raw),
        Err(error) => {
            assert!(!is_name);
            assert_fit_to_show(&error.to_string());
        }
    }
}

fn client_id(raw: &str) {
    let is_key = (1..=64).contains(&raw.chars().count()) && !raw.contains(char::is_control);
    match ClientId::parse(raw) {
        Ok(key) => assert!(is_key && key.as_str() == raw),
        Err(error) => {
            assert!(!is_key);
            assert_fit_to_show(&error.to_string());
        }
    }
}

/// Where pages may come from is the operator's to say; what a page says of itself is a stranger's.
fn origin(raw: &str) {
    let listed = ORIGINS
        .split(',')
        .any(|origin| origin == raw || origin != "null" && origin.eq_ignore_ascii_case(raw));
    let allowed = ALLOWED.allows(raw);
    assert!(allowed || !listed);
    // Another form of one that is listed: nothing that is not drawn, and its host is in it.
    assert!(!allowed || raw.chars().all(|c| !c.is_control() && !c.is_whitespace()));
    assert!(!allowed || AllowedOrigins::parse(raw).is_ok());
}

/// Of characters only their numbers are told, so a message is plain ASCII on one line.
fn assert_fit_to_show(message: &str) {
    assert!(
        message.bytes().all(|b| (b' '..=b'~').contains(&b)),
        "{message:?}"
    );
    assert!(message.len() < 200, "{message:?}");
}
