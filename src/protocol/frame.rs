//! Packets as a server's WebSocket carries them: one final, unmasked text frame each (RFC 6455,
//! section 5.2), in it an Engine.IO message with a Socket.IO event or acknowledgement.

use serde_json::value::RawValue;

const FINAL_TEXT: u8 = 0x81;

/// Appends the frame of an event.
pub fn push_event(frames: &mut Vec<u8>, event: &str, payload: &RawValue) {
    push(frames, &[r#"42[""#, event, r#"","#, payload.get(), "]"]);
}

/// Appends the frame of an acknowledgement.
pub fn push_ack(frames: &mut Vec<u8>, id: i64, payload: &RawValue) {
    push(frames, &["43", &id.to_string(), "[", payload.get(), "]"]);
}

/// Appends the frame of one packet.
pub fn push_text(frames: &mut Vec<u8>, packet: &str) {
    push(frames, &[packet]);
}

fn push(frames: &mut Vec<u8>, parts: &[&str]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    frames.reserve(length + 10);
    frames.push(FINAL_TEXT);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=125), _) => frames.push(length),
        (_, Ok(length)) => {
            frames.push(126);
            frames.extend(length.to_be_bytes());
        }
        _ => {
            frames.push(127);
            frames.extend((length as u64).to_be_bytes());
        }
    }
    for part in parts {
        frames.extend(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn each_length_has_its_header() {
        let fixed = r#"42["e",""]"#.len();
        for (length, header) in [
            (fixed, vec![0x81, 10]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 255, 255]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let text = format!("\"{}\"", "x".repeat(length - fixed));
            let mut frames = Vec::new();
            push_event(&mut frames, "e", &payload(&text));
            assert!(frames.starts_with(&header), "{length}");
            let body = &frames[header.len()..];
            assert_eq!(body, format!("42[\"e\",{text}]").as_bytes(), "{length}");
        }
    }

    #[test]
    fn an_acknowledgement_names_what_it_answers() {
        let mut frames = Vec::new();
        push_ack(&mut frames, 17, &payload("{}"));
        push_ack(&mut frames, 0, &payload("1"));
        assert_eq!(frames, b"\x81\x084317[{}]\x81\x06430[1]");
    }
}
