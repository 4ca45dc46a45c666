//! Packets in and out of one Socket.IO connection, in the library's terms.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;
use socketioxide::extract::{AckSender, SocketRef};
use socketioxide::handler::{FromMessageParts, Value};
use socketioxide::socket::Socket;
use socketioxide::{SendError, SocketError};

use super::adapter::{Adapter, Sender};
use super::ticket::Ticket;
use crate::metrics::Metrics;
use crate::protocol::{EventName, is_too_large, split_event};
use crate::room::Entry;
use crate::session::{Connection, Door, Undeliverable};

/// One event as it arrived: `["name", payload?, …]`, and where its answer goes.
pub struct Inbound {
    event: Option<EventName>,
    payload: Option<Box<str>>,
    is_too_large: bool,
    ack: Option<AckSender<Adapter>>,
    /// Whether the session is open, as the library sees it.
    pub is_open: bool,
}

impl Inbound {
    /// Hands the event to the session. Events that are not in the contract are ignored.
    pub fn hand_to(self, door: &Door<AckSender<Adapter>>, metrics: &Metrics) {
        match self.event {
            Some(event) if self.is_too_large => door.refuse_too_large(event, self.ack),
            Some(event) => door.receive(event, self.payload.as_deref(), self.ack),
            None => metrics.reject("unknown_event"),
        }
    }
}

impl FromMessageParts<Adapter> for Inbound {
    type Error = Infallible;

    fn from_message_parts(
        socket: &Arc<Socket<Adapter>>,
        value: &mut Value,
        ack_id: &Option<i64>,
    ) -> Result<Self, Infallible> {
        let text = value.as_str().map_or("", |text| text.as_str());
        let (event, payload) = split_event(text);
        let is_too_large = event.is_some_and(|event| is_too_large(event, text.len()));
        let ack = match ack_id {
            Some(_) => Some(AckSender::from_message_parts(socket, value, ack_id)?),
            None => None,
        };
        Ok(Self {
            event,
            payload,
            is_too_large,
            ack,
            is_open: socket.connected(),
        })
    }
}

/// A session's connection over the library's socket.
pub struct Wire {
    socket: SocketRef<Adapter>,
    sender: Sender,
    ticket: Arc<Ticket>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the socket: its id is a secret, who knows it can speak for a polling client.
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Wire {
    /// Speaks over `socket`.
    pub const fn new(socket: SocketRef<Adapter>, sender: Sender, ticket: Arc<Ticket>) -> Self {
        Self {
            socket,
            sender,
            ticket,
        }
    }

    fn settle(&self, sent: Result<(), SendError>) -> Result<(), Undeliverable> {
        match sent {
            Ok(()) => Ok(()),
            Err(SendError::Socket(SocketError::Closed)) => Err(Undeliverable),
            // The session keeps less on its way than the queue holds, and serialises to valid
            // JSON: neither can happen. If one does, ending the transport loses nothing, because
            // the client comes back and resumes; going on would.
            Err(error) => {
                tracing::warn!(%error, "could not hand over a packet: ending the transport");
                self.ticket.close_transport();
                Err(Undeliverable)
            }
        }
    }
}

impl Connection for Wire {
    type Ack = AckSender<Adapter>;

    fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), Undeliverable> {
        self.settle(self.socket.emit(event, payload))
    }

    fn tell(&self, entry: &Entry) -> Result<(), Undeliverable> {
        self.settle(
            self.sender
                .send(entry, self.socket.id)
                .map_err(SendError::Socket),
        )
    }

    fn broadcast(&self, channel: &str, entry: &Entry) -> Result<(), Undeliverable> {
        self.sender.broadcast(entry, channel).map_err(|error| {
            tracing::error!(%error, "a broadcast was not handed over: ending all its transports");
            Undeliverable
        })
    }

    fn subscribe(&self, channel: &str) {
        self.sender.subscribe(self.socket.id, channel);
    }

    fn unsubscribe(&self) {
        self.sender.unsubscribe(self.socket.id);
    }

    fn acknowledge(
        &self,
        ack: AckSender<Adapter>,
        payload: &RawValue,
    ) -> Result<(), Undeliverable> {
        self.settle(ack.send(payload))
    }

    fn close_transport(&self) {
        self.ticket.close_transport();
    }

    fn disconnect(&self) {
        forget(self.socket.clone());
    }
}

/// Makes the library forget a socket whose transport is gone.
pub fn forget(socket: SocketRef<Adapter>) {
    if socket.connected()
        && let Err(error) = socket.disconnect()
    {
        tracing::debug!(%error, "a gone socket could not be forgotten");
    }
}
