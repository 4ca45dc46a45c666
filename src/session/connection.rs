//! A connection as its session sees it, and the ways in which that can end.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::protocol::frame;
use crate::room::News;

/// A connection as the session sees it, where it does not write into its stream.
pub trait Connection: Send + Sync + 'static {
    /// Where one acknowledgement goes.
    type Ack: Send + 'static;

    /// Queues an event.
    ///
    /// # Errors
    /// [`SendError`] where the connection has ended.
    fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), SendError>;

    /// Queues an acknowledgement.
    ///
    /// # Errors
    /// As [`Self::emit`].
    fn acknowledge(&self, ack: Self::Ack, payload: &RawValue) -> Result<(), SendError>;

    /// The number by which the client knows what an acknowledgement answers.
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

/// One thing to send.
pub enum Packet<'a, A> {
    /// An event and its payload.
    Event(&'static str, &'a RawValue),
    /// An answer and where it goes.
    Ack(A, &'a RawValue),
}

impl<A> Packet<'_, A> {
    /// Bytes of its payload.
    pub fn size(&self) -> usize {
        match self {
            Self::Event(_, payload) | Self::Ack(_, payload) => payload.get().len(),
        }
    }

    /// The same as a frame.
    pub fn frame<C: Connection<Ack = A>>(&self) -> Bytes {
        let mut frame = Vec::new();
        match self {
            Self::Event(event, payload) => frame::push_event(&mut frame, event, payload),
            Self::Ack(ack, payload) => frame::push_ack(&mut frame, C::ack_id(ack), payload),
        }
        frame.into()
    }

    /// Queues it in the library.
    ///
    /// # Errors
    /// [`SendError`] where the connection has ended.
    pub fn queue<C: Connection<Ack = A>>(self, connection: &C) -> Result<(), SendError> {
        match self {
            Self::Event(event, payload) => connection.emit(event, payload),
            Self::Ack(ack, payload) => connection.acknowledge(ack, payload),
        }
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The connection is lost; its client may come back.
    Lost,
    /// The client said goodbye.
    Left,
    /// A newer connection of the same user took over.
    Ousted,
    /// It took nothing for too long, so it was ended.
    Slow,
    /// It asked for too much for too long, so it was ended.
    Flood,
    /// The server is going away.
    Drained,
}

impl Ended {
    /// The end that this news is, if it is one. What the client said itself counts most.
    #[must_use]
    pub fn by(news: News) -> Option<Self> {
        let ends = [
            (News::LEFT, Self::Left),
            (News::OUSTED, Self::Ousted),
            (News::GONE, Self::Lost),
            (News::STALLED, Self::Slow),
            (News::FLOODED, Self::Flood),
        ];
        ends.into_iter()
            .find_map(|(kind, ended)| news.has(kind).then_some(ended))
    }
}

/// News that is the end of a session.
pub const END: News = News::LEFT
    .and(News::OUSTED)
    .and(News::GONE)
    .and(News::STALLED)
    .and(News::FLOODED);
