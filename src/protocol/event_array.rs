//! The JSON array of an EVENT packet, `["name", payload?, …]`, taken apart without believing it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::EventName;

/// The event's name, if it is one of ours, and its first argument as JSON text. Where the array
/// cannot be read past the name, there is no payload, which every event that needs one refuses.
#[must_use]
pub fn split_event(array: &str) -> (Option<EventName>, Option<Box<str>>) {
    let (mut event, mut payload) = (None, None);
    let read = serde_json::Deserializer::from_str(array).deserialize_seq(Event {
        name: &mut event,
        payload: &mut payload,
    });
    (event, payload.filter(|_| read.is_ok()))
}

/// Where what is read goes, so that a mistake further on does not take the name away.
struct Event<'a> {
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
