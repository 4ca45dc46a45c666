//! The JSON array of an EVENT packet, `["name", payload?, …]`, taken apart without believing it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::EventName;

/// Bytes of an event that carries no message. The longest honest one is a join, well below one KiB.
pub const EVENT_BYTES_MAX: usize = 16 * 1024;

/// Whether an event of so many bytes is refused, whatever is in it. Messages have a bound of their
/// own, in characters.
#[must_use]
pub fn is_too_large(event: EventName, bytes: usize) -> bool {
    event != EventName::SendMessage && bytes > EVENT_BYTES_MAX
}

/// The event's name, if it is one of ours, and its first argument as JSON text. Where the array
/// cannot be read past the name, there is no payload, which every event that needs one refuses. One
/// that is too large is not read past its name.
#[must_use]
pub fn split_event(array: &str) -> (Option<EventName>, Option<Box<str>>) {
    let (mut event, mut payload) = (None, None);
    let read = serde_json::Deserializer::from_str(array).deserialize_seq(Event {
        bytes: array.len(),
        name: &mut event,
        payload: &mut payload,
    });
    (event, payload.filter(|_| read.is_ok()))
}

/// Where what is read goes, so that a mistake further on does not take the name away.
struct Event<'a> {
    bytes: usize,
    name: &'a mut Option<EventName>,
    payload: &'a mut Option<Box<str>>,
}

impl<'de> Visitor<'de> for Event<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array that starts with the event's name")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let name = seq.next_element::<Cow<'de, str>>()?.unwrap_or_default();
        *self.name = EventName::from_wire(&name);
        if self
            .name
            .is_some_and(|event| is_too_large(event, self.bytes))
        {
            return Ok(());
        }
        let payload = seq.next_element::<&RawValue>()?;
        *self.payload = payload.map(|raw| raw.get().into());
        // Further arguments are nobody's, as in the original.
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(array: &str) -> (Option<EventName>, Option<String>) {
        let (event, payload) = split_event(array);
        (event, payload.map(String::from))
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
            let expected = (Some(EventName::Typing), payload.map(str::to_owned));
            assert_eq!(split(array), expected, "{array}");
        }
    }

    #[test]
    fn a_name_of_nobody_is_no_event() {
        assert_eq!(split(r#"["nope",1]"#), (None, Some("1".to_owned())));
        for array in [
            "",
            "[]",
            "{}",
            "null",
            "[1,2]",
            r#"[["typing"]]"#,
            r#"["typing"#,
        ] {
            assert_eq!(split(array), (None, None), "{array:?}");
        }
    }

    #[test]
    fn an_event_that_is_too_large_is_not_read_past_its_name() {
        let padding = |bytes: usize| "x".repeat(bytes);
        let fits = format!(r#"["typing","{}"]"#, padding(EVENT_BYTES_MAX - 13));
        assert_eq!(fits.len(), EVENT_BYTES_MAX);
        assert!(split(&fits).1.is_some());
        for array in [
            format!(r#"["typing","{}"]"#, padding(EVENT_BYTES_MAX - 12)),
            format!(r#"["typing",{{}},"{}"]"#, padding(EVENT_BYTES_MAX)),
        ] {
            assert_eq!(split(&array), (Some(EventName::Typing), None));
            assert!(is_too_large(EventName::Typing, array.len()));
        }
        let message = format!(r#"["send_message","{}"]"#, padding(1_000_000));
        assert!(split(&message).1.is_some());
        assert!(!is_too_large(EventName::SendMessage, message.len()));
    }

    /// It used to be no event at all, and so nobody's mistake.
    #[test]
    fn an_event_that_cannot_be_read_past_its_name_has_no_payload() {
        for array in [
            r#"["typing""#,
            r#"["typing",]"#,
            r#"["typing",{"typing":}]"#,
            r#"["typing",{"typing":true}"#,
            r#"["typing",{"typing":true},nul]"#,
        ] {
            assert_eq!(split(array), (Some(EventName::Typing), None), "{array}");
        }
    }
}
