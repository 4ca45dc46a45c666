//! Engine.IO and Socket.IO packets as a client sees them, read from the raw text.

use std::ops::Index;

use serde_json::Value;
use serde_json::value::RawValue;

/// One packet from the server, or the end of the connection.
#[derive(Debug, Clone)]
pub enum Packet {
    /// Engine.IO open: the handshake.
    Open(Value),
    /// Engine.IO close.
    Close,
    /// A heartbeat; the transports answer it.
    Ping,
    /// The answer to an upgrade's probe.
    ProbeAnswer,
    /// Engine.IO noop: ends a poll.
    Noop,
    /// Socket.IO CONNECT: accepted.
    Connected(Value),
    /// Socket.IO CONNECT_ERROR, its text after the packet type.
    ConnectError(String),
    /// Socket.IO DISCONNECT: clients do not come back after it.
    Disconnected,
    /// An event of the chat.
    Event(Event),
    /// The answer to the event that asked for it under `id`.
    Ack {
        /// The number the client chose.
        id: u64,
        /// The first argument.
        body: Value,
    },
    /// The transport is gone; nothing follows.
    TransportClosed(String),
    /// Nothing this service should ever send.
    Unexpected(String),
}

/// An event of the chat: its name and its one payload.
#[derive(Debug, Clone)]
pub struct Event {
    /// Which event.
    pub name: String,
    /// The payload, parsed.
    pub payload: Value,
    /// The payload, as it was on the wire.
    pub raw: String,
}

impl Index<&str> for Event {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        &self.payload[key]
    }
}

impl Packet {
    /// Reads one Engine.IO packet in its text form.
    pub fn parse(frame: &str) -> Self {
        let unexpected = || Self::Unexpected(frame.to_owned());
        match frame.split_at_checked(1) {
            Some(("0", open)) => {
                serde_json::from_str(open).map_or_else(|_| unexpected(), Self::Open)
            }
            Some(("1", "")) => Self::Close,
            Some(("2", "")) => Self::Ping,
            Some(("3", "probe")) => Self::ProbeAnswer,
            Some(("4", message)) => parse_message(message).unwrap_or_else(unexpected),
            Some(("6", "")) => Self::Noop,
            _ => unexpected(),
        }
    }
}

/// A Socket.IO packet in the default namespace, the only one there is.
fn parse_message(message: &str) -> Option<Packet> {
    let (kind, rest) = message.split_at_checked(1)?;
    match kind {
        "0" => serde_json::from_str(rest).ok().map(Packet::Connected),
        "1" if rest.is_empty() => Some(Packet::Disconnected),
        "2" => parse_event(rest),
        "3" => parse_ack(rest),
        "4" => Some(Packet::ConnectError(rest.to_owned())),
        _ => None,
    }
}

/// `["name",payload]`: every event has exactly one payload, and none asks the client to answer.
fn parse_event(text: &str) -> Option<Packet> {
    let arguments: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let [name, payload] = arguments[..] else {
        return None;
    };
    Some(Packet::Event(Event {
        name: serde_json::from_str(name.get()).ok()?,
        payload: serde_json::from_str(payload.get()).ok()?,
        raw: payload.get().to_owned(),
    }))
}

/// `17[body]`: every acknowledgement has exactly one body.
fn parse_ack(text: &str) -> Option<Packet> {
    let (id, arguments) = text.split_at(text.find('[')?);
    let mut arguments: Vec<Value> = serde_json::from_str(arguments).ok()?;
    let body = arguments.pop().filter(|_| arguments.is_empty())?;
    Some(Packet::Ack {
        id: id.parse().ok()?,
        body,
    })
}

/// The text of an EVENT packet. `payload` is JSON text, so that tests can send what no serialiser
/// would write; without one the event has no argument at all.
pub fn event_frame(name: &str, payload: Option<&str>, ack: Option<u64>) -> String {
    let ack = ack.map(|id| id.to_string()).unwrap_or_default();
    match payload {
        Some(payload) => format!("42{ack}[\"{name}\",{payload}]"),
        None => format!("42{ack}[\"{name}\"]"),
    }
}
