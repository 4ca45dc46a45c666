//! A connection as its session uses it, and why a session ends.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::protocol::frame;
use crate::room::Signals;

/// A connection as its session uses it, for everything that is not written into its stream.
pub trait Connection: Send + Sync + 'static {
    /// Handle for sending one acknowledgement.
    type Ack: Send + 'static;

    /// Queues an event.
    ///
    /// # Errors
    /// [`SendError`] if the connection has ended.
    fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), SendError>;

    /// Queues an acknowledgement.
    ///
    /// # Errors
    /// As [`Self::emit`].
    fn acknowledge(&self, ack: Self::Ack, payload: &RawValue) -> Result<(), SendError>;

    /// Number of the request that an acknowledgement answers.
    fn ack_id(ack: &Self::Ack) -> i64;

    /// Ends the transport, not the Socket.IO session: stock clients reconnect after that.
    fn close_transport(&self);

    /// Ends the Socket.IO session: stock clients do not reconnect by themselves after that.
    fn disconnect(&self);
}

/// The connection has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection has ended")]
pub struct SendError;

/// An outgoing packet.
pub enum Packet<'a, A> {
    /// An event and its payload.
    Event(&'static str, &'a RawValue),
    /// An acknowledgement and its payload.
    Ack(A, &'a RawValue),
}

impl<A> Packet<'_, A> {
    /// Bytes of its payload.
    pub fn size(&self) -> usize {
        match self {
            Self::Event(_, payload) | Self::Ack(_, payload) => payload.get().len(),
        }
    }

    /// The packet as a WebSocket frame.
    pub fn frame<C: Connection<Ack = A>>(&self) -> Bytes {
        let mut frame = Vec::new();
        match self {
            Self::Event(event, payload) => frame::push_event(&mut frame, event, payload),
            Self::Ack(ack, payload) => frame::push_ack(&mut frame, C::ack_id(ack), payload),
        }
        frame.into()
    }

    /// Queues the packet in the library.
    ///
    /// # Errors
    /// [`SendError`] if the connection has ended.
    pub fn queue<C: Connection<Ack = A>>(self, connection: &C) -> Result<(), SendError> {
        match self {
            Self::Event(event, payload) => connection.emit(event, payload),
            Self::Ack(ack, payload) => connection.acknowledge(ack, payload),
        }
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The connection is lost; its client may come back.
    Lost,
    /// The client closed its Socket.IO session.
    Left,
    /// A newer connection of the same user took over.
    Replaced,
    /// The transport took nothing for too long.
    Slow,
    /// The client sent refused requests for too long.
    Flood,
    /// The server shuts down.
    Drained,
    /// The user or their network is banned.
    Banned,
    /// The user's token was revoked.
    Revoked,
    /// What comes next cannot be read from the store.
    Unreadable,
    /// The user's token has expired.
    Expired,
}

impl CloseReason {
    /// The reason in these signals to end the session, if there is one. The client's own goodbye comes
    /// first.
    #[must_use]
    pub fn of(signals: Signals) -> Option<Self> {
        let ends = [
            (Signals::LEFT, Self::Left),
            (Signals::REPLACED, Self::Replaced),
            (Signals::GONE, Self::Lost),
            (Signals::STALLED, Self::Slow),
            (Signals::FLOODED, Self::Flood),
            (Signals::TOKEN_EXPIRED, Self::Expired),
        ];
        ends.into_iter()
            .find_map(|(kind, reason)| signals.has(kind).then_some(reason))
    }
}

/// Signals that ends a session.
pub const END: Signals = Signals::LEFT
    .and(Signals::REPLACED)
    .and(Signals::GONE)
    .and(Signals::STALLED)
    .and(Signals::FLOODED)
    .and(Signals::TOKEN_EXPIRED);
