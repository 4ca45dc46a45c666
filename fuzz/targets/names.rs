//! Names: what a room name, a user's name, an idempotency key and a list of origins are made of.
//!
//! Whatever parses has the properties its type promises, put differently from how the parser
//! checks them, and parses to itself. No refusal quotes what was given.
#![no_main]

use hubbub::domain::{AllowedOrigins, ClientId, RoomName, Username};
use libfuzzer_sys::fuzz_target;
use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_segmentation::UnicodeSegmentation;

fuzz_target!(|raw: &[u8]| {
    let raw = String::from_utf8_lossy(raw);
    username(&raw);
    room_name(&raw);
    client_id(&raw);
    origins(&raw);
});

fn username(raw: &str) {
    let name = match Username::parse(raw) {
        Ok(name) => name,
        Err(error) => return assert_fit_to_show(&error.to_string()),
    };
    let text = name.as_str();
    assert_eq!(Username::parse(text).as_ref(), Ok(&name), "parses to itself");
    assert_eq!(text.trim(), text);
    assert!(is_nfc(text));
    assert!((1..=32).contains(&text.graphemes(true).count()));
    assert!(text.len() <= 1024);
    assert!(!text.contains(acts_on_its_surroundings));
    assert!(text.contains(is_drawn));
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
    !c.is_whitespace() && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
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

fn origins(raw: &str) {
    let Ok(origins) = AllowedOrigins::parse(raw) else {
        return;
    };
    for origin in raw.split(',').map(str::trim).filter(|o| !o.is_empty()) {
        assert!(origins.allows(origin), "what is listed is allowed");
        let any = origins == AllowedOrigins::Any;
        for foreign in [format!("{origin}.evil.test"), format!("https://evil.test/{origin}"), format!("{origin}/")] {
            let listed = raw.split(',').any(|o| o.trim().eq_ignore_ascii_case(&foreign));
            assert!(any || listed || !origins.allows(&foreign), "{foreign:?}");
        }
    }
    if !raw.contains("null") {
        assert_eq!(AllowedOrigins::parse(&raw.to_ascii_uppercase()), Ok(origins));
    }
}

/// Of characters only their numbers are told, so a message is plain ASCII on one line.
fn assert_fit_to_show(message: &str) {
    assert!(message.bytes().all(|b| (b' '..=b'~').contains(&b)), "{message:?}");
    assert!(message.len() < 200, "{message:?}");
}
