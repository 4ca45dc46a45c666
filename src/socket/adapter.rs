//! How an entry of a room's log reaches many connections: its packet's text is made once and
//! shared, and the library only frames it for each.
//!
//! `Socket::emit` serialises the event anew for each connection. The library's adapters, made for
//! broadcasts, take packets that are serialised already, so one that hands its inner half out is
//! all that is needed (`docs/performance.md` has the figures).

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use socketioxide::SocketError;
use socketioxide::adapter::Emitter;
use socketioxide::socket::Sid;
use socketioxide_core::adapter::{
    BroadcastOptions, CoreAdapter, CoreLocalAdapter, DefinedAdapter, SocketEmitter,
};
use socketioxide_core::packet::Packet;
use socketioxide_core::{Str, Value};

use crate::room::Entry;
use crate::session::outbox::event_of;

type Local = Arc<CoreLocalAdapter<Emitter>>;

/// The library's local adapter, with its inner half within reach of [`Sender`].
pub struct Adapter(Local);

impl CoreAdapter<Emitter> for Adapter {
    type Error = Infallible;
    type State = Slot;
    type AckStream = <Emitter as SocketEmitter>::AckStream;
    type InitRes = ();

    fn new(slot: &Slot, local: CoreLocalAdapter<Emitter>) -> Self {
        // There is one namespace, so only one adapter is ever made.
        Self(Arc::clone(slot.0.get_or_init(|| Arc::new(local))))
    }

    fn init(self: Arc<Self>, on_success: impl FnOnce() + Send + 'static) {
        on_success();
    }

    async fn broadcast_with_ack(
        &self,
        packet: Packet,
        options: BroadcastOptions,
        timeout: Option<Duration>,
    ) -> Result<Self::AckStream, Infallible> {
        Ok(self.0.broadcast_with_ack(packet, options, timeout).0)
    }

    fn get_local(&self) -> &CoreLocalAdapter<Emitter> {
        &self.0
    }
}

impl DefinedAdapter for Adapter {}

/// Where the one adapter is found once the library has made it.
#[derive(Clone, Default)]
pub struct Slot(Arc<OnceLock<Local>>);

/// Sends entries to connections.
#[derive(Clone)]
pub struct Sender(Local);

impl Slot {
    /// The sender, once the namespace exists.
    pub fn sender(&self) -> Option<Sender> {
        self.0.get().cloned().map(Sender)
    }
}

impl Sender {
    /// Hands an entry's packet over to the connection `to`.
    ///
    /// # Errors
    /// The library's queue for the connection is full.
    pub fn send(&self, entry: &Entry, to: Sid) -> Result<(), SocketError> {
        self.0
            .broadcast(packet_of(entry), BroadcastOptions::new(to))
            .map_err(|mut errors| errors.pop().unwrap_or(SocketError::Closed))
    }

    /// Hands an entry's packet over to all subscribers of a channel.
    ///
    /// # Errors
    /// A subscriber did not get it although its connection lives. Sessions have less on its way
    /// than the library's queues hold, so this cannot happen.
    pub fn broadcast(&self, entry: &Entry, channel: &str) -> Result<(), SocketError> {
        let mut options = BroadcastOptions::default();
        options.rooms.push(Cow::Owned(channel.to_owned()));
        let errors = self.0.broadcast(packet_of(entry), options).err();
        let alive = |error: &SocketError| !matches!(error, SocketError::Closed);
        match errors.into_iter().flatten().find(alive) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Adds a connection to a channel.
    pub fn subscribe(&self, sid: Sid, channel: &str) {
        self.0.add_all(sid, Cow::Owned(channel.to_owned()));
    }

    /// Takes a connection out of its channel.
    pub fn unsubscribe(&self, sid: Sid) {
        self.0.del_all(sid);
    }
}

fn packet_of(entry: &Entry) -> Packet {
    let text = entry.transport_form(|entry| {
        let (event, payload) = (event_of(entry.kind), entry.payload.get());
        Str::from(format!("[\"{event}\",{payload}]"))
    });
    Packet::event(Str::from("/"), Value::Str(text, None))
}
