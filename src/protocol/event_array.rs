//! The JSON array of an EVENT packet, `["name", payload?, …]`, parsed as untrusted input.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Bytes of an event that carries no message. The longest honest one is a join, well below one KiB.
pub const EVENT_BYTES_MAX: usize = 16 * 1024;

/// The parts of an event's array.
#[derive(Debug, PartialEq, Eq)]
pub struct SplitEvent<E> {
    /// The event, if its name is a known one.
    pub event: Option<E>,
    /// The first argument as JSON text. `None` for an event that is not known, is too large, or
    /// cannot be read past its name; every event that needs a payload refuses that.
    pub payload: Option<Box<str>>,
    /// Whether the array has more bytes than this event may have.
    pub is_too_large: bool,
}

/// Splits the array of an event. `find` returns the event of a name and how many bytes its array
/// may have. An array with more is not read past the name.
pub fn split_event<E>(array: &str, find: impl FnOnce(&str) -> Option<(E, usize)>) -> SplitEvent<E> {
    let mut parts = SplitEvent {
        event: None,
        payload: None,
        is_too_large: false,
    };
    let read = serde_json::Deserializer::from_str(array).deserialize_seq(EventVisitor {
        bytes: array.len(),
        find,
        parts: &mut parts,
    });
    parts.payload = parts.payload.filter(|_| read.is_ok());
    parts
}

/// Writes what it reads to `parts`, so that a mistake further on does not take the name away.
struct EventVisitor<'a, E, F> {
    bytes: usize,
    find: F,
    parts: &'a mut SplitEvent<E>,
}

impl<'de, E, F: FnOnce(&str) -> Option<(E, usize)>> Visitor<'de> for EventVisitor<'_, E, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array that starts with the event's name")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let name = seq.next_element::<Cow<'de, str>>()?.unwrap_or_default();
        let Some((event, bytes_max)) = (self.find)(&name) else {
            return Ok(());
        };
        self.parts.event = Some(event);
        self.parts.is_too_large = self.bytes > bytes_max;
        if self.parts.is_too_large {
            return Ok(());
        }
        let payload = seq.next_element::<&RawValue>()?;
        self.parts.payload = payload.map(|raw| raw.get().into());
        // Further arguments are ignored, as in the original.
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(array: &str) -> SplitEvent<&'static str> {
        split_event(array, |name| match name {
            "typing" => Some(("typing", EVENT_BYTES_MAX)),
            "send_message" => Some(("send_message", usize::MAX)),
            _ => None,
        })
    }

    fn parts(event: Option<&'static str>, payload: Option<&str>) -> SplitEvent<&'static str> {
        SplitEvent {
            event,
            payload: payload.map(Box::from),
            is_too_large: false,
        }
    }

    #[test]
    fn an_event_is_its_name_and_its_first_argument() {
        for (array, payload) in [
            (r#"["typing"]"#, None),
            (r#"["typing",{"typing":true}]"#, Some(r#"{"typing":true}"#)),
            (r#" [ "typing" , [ 1 ] ] "#, Some("[ 1 ]")),
            (r#"["typing",1,2,{"a":[]}]"#, Some("1")),
            (r#"["typin\u0067",null]"#, Some("null")),
        ] {
            assert_eq!(split(array), parts(Some("typing"), payload), "{array}");
        }
    }

    #[test]
    fn an_unknown_name_is_no_event() {
        for array in [
            r#"["nope",1]"#,
            "",
            "[]",
            "{}",
            "null",
            "[1,2]",
            r#"[["typing"]]"#,
            r#"["typing"#,
        ] {
            assert_eq!(split(array), parts(None, None), "{array:?}");
        }
    }

    #[test]
    fn an_event_that_is_too_large_is_not_read_past_its_name() {
        let padding = |bytes: usize| "x".repeat(bytes);
        let fits = format!(r#"["typing","{}"]"#, padding(EVENT_BYTES_MAX - 13));
        assert_eq!(fits.len(), EVENT_BYTES_MAX);
        assert!(split(&fits).payload.is_some());
        for array in [
            format!(r#"["typing","{}"]"#, padding(EVENT_BYTES_MAX - 12)),
            format!(r#"["typing",{{}},"{}"]"#, padding(EVENT_BYTES_MAX)),
        ] {
            let too_large = SplitEvent {
                is_too_large: true,
                ..parts(Some("typing"), None)
            };
            assert_eq!(split(&array), too_large);
        }
        let message = format!(r#"["send_message","{}"]"#, padding(1_000_000));
        let message = split(&message);
        assert!(message.payload.is_some() && !message.is_too_large);
    }

    /// It used to be no event at all, and so no mistake.
    #[test]
    fn an_event_that_cannot_be_read_past_its_name_has_no_payload() {
        for array in [
            r#"["typing""#,
            r#"["typing",]"#,
            r#"["typing",{"typing":}]"#,
            r#"["typing",{"typing":true}"#,
            r#"["typing",{"typing":true},nul]"#,
        ] {
            assert_eq!(split(array), parts(Some("typing"), None), "{array}");
        }
    }
}
