//! Texts: what somebody said.
//!
//! The first bytes choose the limits, the rest is said. What is accepted is kept byte for byte,
//! within its limits and without forbidden controls; what is refused breaks the rule that is named.
#![no_main]

use hubbub::domain::message_text::MessageTextError;
use hubbub::domain::{MessageText, RequestError, RequestErrorCode, TextLimits};
use libfuzzer_sys::fuzz_target;
use unicode_segmentation::UnicodeSegmentation;

fuzz_target!(|input: &[u8]| {
    let [chars_max, bytes_max, raw @ ..] = input else {
        return;
    };
    let raw = String::from_utf8_lossy(raw);
    let limits = TextLimits {
        chars_max: usize::from(*chars_max),
        bytes_max: usize::from(*bytes_max) * 16,
    };
    let chars = raw.graphemes(true).count();
    let too_long = limits.chars_max > 0 && chars > limits.chars_max;
    match MessageText::parse(&raw, &limits) {
        Ok(text) => {
            assert_eq!(text.as_str(), raw);
            assert!(raw.len() <= limits.bytes_max && !too_long);
            assert!(!has_forbidden_control(&raw));
            assert!(!raw.trim().is_empty());
            assert_eq!(
                MessageText::parse(text.as_str(), &limits).as_ref(),
                Ok(&text)
            );
            let shown = format!("{text:?}");
            assert_eq!(shown, format!("MessageText({} bytes)", raw.len()));
        }
        Err(error) => {
            match error {
                MessageTextError::Blank => assert!(!raw.contains(|c: char| c.is_ascii_graphic())),
                MessageTextError::Control(c) => {
                    assert!(has_forbidden_control(&raw) && c.is_control() && raw.contains(c))
                }
                MessageTextError::TooLong { chars: told, max } => {
                    assert!(too_long && (told, max) == (chars, limits.chars_max))
                }
                MessageTextError::TooManyBytes { bytes, max } => {
                    assert!(raw.len() > max && (bytes, max) == (raw.len(), limits.bytes_max))
                }
            }
            let refusal = RequestError::from(error);
            assert!(matches!(
                refusal.code,
                RequestErrorCode::InvalidText | RequestErrorCode::TextTooLong
            ));
            assert!(refusal.message.bytes().all(|b| (b' '..=b'~').contains(&b)));
        }
    }
});

/// Any control but tab, line feed, and carriage return right before a line feed.
fn has_forbidden_control(raw: &str) -> bool {
    raw.replace("\r\n", "\n")
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
}
