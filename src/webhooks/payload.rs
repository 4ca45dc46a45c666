//! What a receiver gets.

use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock;
use crate::json;
use crate::random;
use crate::room::{Entry, EntryKind};

/// The kinds of entries, as the field `type` of a payload names them.
pub const EVENTS: [&str; 3] = ["message", "message_changed", "system_message"];

/// A payload and its id, which is the same for each attempt.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// `webhook-id`.
    pub id: String,
    /// JSON.
    pub body: String,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    timestamp: &'a str,
    data: &'a RawValue,
}

#[derive(Serialize)]
struct GapData<'a> {
    room: &'a str,
    from: u64,
    to: u64,
}

#[derive(Deserialize)]
struct Timestamped<'a> {
    #[serde(borrow)]
    timestamp: &'a str,
}

impl Outgoing {
    /// An entry of a room's log.
    #[must_use]
    pub fn entry(webhook: &str, room: &str, epoch: &str, entry: &Entry) -> Self {
        let stamped = serde_json::from_str::<Timestamped<'_>>(entry.payload.get());
        let now = || clock::rfc3339(clock::unix_ms());
        let timestamp = stamped.map_or_else(|_| now(), |stamped| stamped.timestamp.to_owned());
        Self {
            id: id_of(&[webhook, room, epoch, &entry.id.to_string()]),
            body: body(type_of(entry.kind), &timestamp, &entry.payload),
        }
    }

    /// Entries that are gone: the ids `from` to `to`, both included.
    #[must_use]
    pub fn gap(webhook: &str, room: &str, epoch: &str, from: u64, to: u64) -> Self {
        let data = json::raw(&GapData { room, from, to });
        Self {
            id: id_of(&[webhook, room, epoch, &from.to_string(), &to.to_string()]),
            body: body("gap", &clock::rfc3339(clock::unix_ms()), &data),
        }
    }

    /// A test.
    #[must_use]
    pub fn ping(webhook: &str) -> Self {
        let data = json::raw(&serde_json::json!({ "webhook": webhook }));
        Self {
            id: format!("msg_{}", random::id()),
            body: body("ping", &clock::rfc3339(clock::unix_ms()), &data),
        }
    }
}

/// The name of a kind of entries.
#[must_use]
pub const fn type_of(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Message | EntryKind::Tombstone => EVENTS[0],
        EntryKind::Change { .. } | EntryKind::Reaction { .. } => EVENTS[1],
        EntryKind::Notice => EVENTS[2],
    }
}

fn body(kind: &str, timestamp: &str, data: &RawValue) -> String {
    let body = Body {
        r#type: kind,
        timestamp,
        data,
    };
    Box::<str>::from(json::raw(&body)).into()
}

/// An id that is the same whenever, and from whichever node, the same thing is sent.
fn id_of(parts: &[&str]) -> String {
    // No part has a line break.
    let digest = digest::digest(&digest::SHA256, parts.join("\n").as_bytes());
    format!("msg_{}", random::hex(&digest.as_ref()[..16]))
}
