//! What payloads must look like.

use std::fmt;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::packet::Event;

/// The rooms of the original, in its order.
pub const ROOMS: [&str; 5] = ["general", "tech", "sports", "music", "gaming"];

/// The keys of an object's JSON text, in the order they stand there (which `Value` forgets).
pub fn keys(raw: &str) -> Vec<String> {
    serde_json::Deserializer::from_str(raw)
        .deserialize_map(Keys)
        .unwrap()
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = map.next_entry()? {
            keys.push(key);
        }
        Ok(keys)
    }
}

/// The JSON text of a map of rooms without any white space: every byte of `room_list` and
/// `room_update` is known.
pub fn rooms_json(counts: &[(&str, u64)]) -> String {
    let rooms = counts
        .iter()
        .map(|(name, count)| format!("\"{name}\":{{\"count\":{count},\"name\":\"{name}\"}}"));
    format!("{{{}}}", rooms.collect::<Vec<_>>().join(","))
}

/// [`rooms_json`] for the original's rooms, all empty but for those given.
pub fn default_rooms_json(counts: &[(&str, u64)]) -> String {
    let count = |room| {
        counts
            .iter()
            .find(|(name, _)| *name == room)
            .map_or(0, |(_, n)| *n)
    };
    rooms_json(&ROOMS.map(|room| (room, count(room))))
}

/// The count of one room in a `room_list` or `room_update`.
pub fn count(event: &Event, room: &str) -> u64 {
    event[room]["count"]
        .as_u64()
        .unwrap_or_else(|| panic!("no count of {room} in {event:?}"))
}

/// RFC 3339 in UTC with milliseconds and `Z`.
pub fn assert_timestamp(value: &Value) {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("no timestamp: {value}"));
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{text}");
}

/// A refusal in an acknowledgement.
#[track_caller]
pub fn assert_refused(ack: &Value, code: &str) {
    assert_eq!(ack["ok"], false, "{ack}");
    assert_refusal_body(&ack["error"], code);
    assert_eq!(ack.as_object().unwrap().len(), 2, "{ack}");
}

/// A refusal as an event.
#[track_caller]
pub fn assert_error(error: &Event, event: &str, code: &str) {
    assert_eq!(error.name, "error", "{error:?}");
    assert_eq!(error["event"], event, "{error:?}");
    assert_refusal_body(&error.payload, code);
}

#[track_caller]
fn assert_refusal_body(body: &Value, code: &str) {
    assert_eq!(body["code"], code, "{body}");
    assert!(
        body["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "{body}"
    );
    let waits = body.get("retry_after_ms");
    let is_wait = code == "rate_limited";
    assert!(
        !is_wait || waits.and_then(Value::as_u64).is_some_and(|ms| ms > 0),
        "{body}"
    );
}

/// An acknowledgement that says yes.
#[track_caller]
pub fn assert_accepted(ack: &Value) {
    assert_eq!(ack["ok"], true, "{ack}");
    assert!(ack.get("error").is_none(), "{ack}");
}
