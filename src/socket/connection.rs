//! Packets in and out of one Socket.IO connection, in the library's terms.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::{AckSender, SocketRef};
use socketioxide::handler::{FromMessageParts, Value};
use socketioxide::socket::Socket;
use socketioxide::{SendError as LibraryError, SocketError};

use super::context::ConnectionContext;
use crate::protocol::{SplitEvent, split_event};
use crate::session::commands::{self, CommandSpec};
use crate::session::{Connection, InboxSender, SendError};

/// An event as it arrived: `["name", payload?, …]`, and the handle for its acknowledgement.
pub struct InboundEvent {
    parts: SplitEvent<&'static CommandSpec>,
    bytes: usize,
    ack: Option<Ack>,
    /// Whether the session is open, as the library sees it.
    pub is_open: bool,
}

impl InboundEvent {
    /// Queues the event in the session's inbox.
    pub fn deliver_to(self, inbox: &InboxSender<Ack>) {
        let SplitEvent {
            event,
            payload,
            is_too_large,
        } = self.parts;
        match event {
            Some(spec) if is_too_large => inbox.refuse_too_large(spec, self.bytes, self.ack),
            Some(spec) => inbox.receive(spec, payload.as_deref(), self.ack),
            None => inbox.receive_unknown(self.bytes),
        }
    }
}

/// Handle for sending one acknowledgement.
pub struct Ack {
    sender: AckSender,
    id: i64,
}

impl FromMessageParts<LocalAdapter> for InboundEvent {
    type Error = Infallible;

    fn from_message_parts(
        socket: &Arc<Socket>,
        value: &mut Value,
        ack_id: &Option<i64>,
    ) -> Result<Self, Infallible> {
        let array = value.as_str().map_or("", |text| text.as_str());
        let bytes = array.len();
        let parts = split_event(array, |name| {
            commands::find(name).map(|spec| (spec, spec.event_bytes_max))
        });
        let ack = match *ack_id {
            Some(id) => {
                let sender = AckSender::from_message_parts(socket, value, ack_id)?;
                Some(Ack { sender, id })
            }
            None => None,
        };
        Ok(Self {
            parts,
            bytes,
            ack,
            is_open: socket.connected(),
        })
    }
}

/// A session's connection over the library's socket.
pub struct SocketIoConnection {
    socket: SocketRef,
    context: Arc<ConnectionContext>,
}

impl fmt::Debug for SocketIoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the socket: its id is a secret with which anyone can send as a polling client.
        f.debug_struct("SocketIoConnection").finish_non_exhaustive()
    }
}

impl SocketIoConnection {
    /// Speaks over `socket`.
    pub const fn new(socket: SocketRef, context: Arc<ConnectionContext>) -> Self {
        Self { socket, context }
    }

    fn check_sent(&self, sent: Result<(), LibraryError>) -> Result<(), SendError> {
        match sent {
            Ok(()) => Ok(()),
            Err(LibraryError::Socket(SocketError::Closed)) => Err(SendError),
            // A full queue or invalid JSON cannot happen: the session queues less than fits, and
            // serialises its payloads. If it does happen, continuing would lose a packet. Ending the
            // transport loses nothing, because the client reconnects and resumes.
            Err(error) => {
                tracing::warn!(%error, "could not queue a packet: ending the transport");
                self.context.close_transport();
                Err(SendError)
            }
        }
    }
}

impl Connection for SocketIoConnection {
    type Ack = Ack;

    fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), SendError> {
        self.check_sent(self.socket.emit(event, payload))
    }

    fn acknowledge(&self, ack: Ack, payload: &RawValue) -> Result<(), SendError> {
        self.check_sent(ack.sender.send(payload))
    }

    fn ack_id(ack: &Ack) -> i64 {
        ack.id
    }

    fn close_transport(&self) {
        self.context.close_transport();
    }

    fn disconnect(&self) {
        forget(self.socket.clone());
    }
}

/// Makes the library drop a socket whose transport is gone.
pub fn forget(socket: SocketRef) {
    if socket.connected()
        && let Err(error) = socket.disconnect()
    {
        tracing::debug!(%error, "could not drop a socket whose transport is gone");
    }
}
