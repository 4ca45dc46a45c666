//! Everything a session says to its connection, with back-pressure: what has been handed over but
//! not yet taken by the transport is bounded by number and bytes, and whoever wants to say more
//! waits. Nothing is dropped, and a connection that takes nothing for too long is ended.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::link::Link;

/// Packets that may be on their way at once. The transport's own queue must be larger, because
/// the protocol's heartbeats go through it too and end the connection where they find it full.
pub const WINDOW_PACKETS: usize = 96;
/// Bytes that may be on their way at once (one larger packet may be, alone).
pub const WINDOW_BYTES: usize = 512 * 1024;

/// A connection as the session sees it: packets go in, nothing else is known of it.
pub trait Connection: Send + Sync + 'static {
    /// Where one acknowledgement goes.
    type Ack: Send + 'static;

    /// Hands over an event.
    ///
    /// # Errors
    /// [`Undeliverable`] where the connection has ended or its queue is full.
    fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), Undeliverable>;

    /// Hands over an acknowledgement.
    ///
    /// # Errors
    /// As [`Self::emit`].
    fn acknowledge(&self, ack: Self::Ack, payload: &RawValue) -> Result<(), Undeliverable>;

    /// Ends the transport, not the Socket.IO session: stock clients reconnect after that.
    fn close_transport(&self);
}

/// The connection takes nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undeliverable;

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The connection is gone.
    Gone,
    /// It took nothing for too long, so it was ended.
    Slow,
    /// The server is going away.
    Drained,
}

/// The way out to one connection. See the module's text.
#[derive(Debug)]
pub struct Outbox<C> {
    connection: C,
    link: Arc<Link>,
    slow_timeout: Option<Duration>,
    /// Sizes of the packets on their way, oldest first.
    on_the_way: VecDeque<usize>,
    bytes: usize,
    taken: u64,
}

impl<C: Connection> Outbox<C> {
    /// An outbox for a connection that has been told nothing yet.
    pub fn new(connection: C, link: Arc<Link>, slow_timeout: Option<Duration>) -> Self {
        let on_the_way = VecDeque::new();
        Self {
            connection,
            link,
            slow_timeout,
            on_the_way,
            bytes: 0,
            taken: 0,
        }
    }

    /// Says an event, waiting for room if there is none.
    ///
    /// # Errors
    /// [`Ended`] where the connection has.
    pub async fn emit(&mut self, event: &'static str, payload: &RawValue) -> Result<(), Ended> {
        let size = payload.get().len();
        if !self.has_room(size) {
            Box::pin(self.wait_for_room(size)).await?;
        }
        self.connection
            .emit(event, payload)
            .map_err(|Undeliverable| Ended::Gone)?;
        self.sent(size);
        Ok(())
    }

    /// Answers a request, waiting for room if there is none.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn acknowledge(&mut self, ack: C::Ack, payload: &RawValue) -> Result<(), Ended> {
        let size = payload.get().len();
        if !self.has_room(size) {
            Box::pin(self.wait_for_room(size)).await?;
        }
        self.connection
            .acknowledge(ack, payload)
            .map_err(|Undeliverable| Ended::Gone)?;
        self.sent(size);
        Ok(())
    }

    /// Waits until the transport has taken everything said.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn flush(&mut self) -> Result<(), Ended> {
        while !self.is_flushed() {
            self.wait_for_taken(self.taken + self.on_the_way.len() as u64)
                .await?;
        }
        Ok(())
    }

    /// Whether the transport has taken everything said.
    pub fn is_flushed(&mut self) -> bool {
        self.settle();
        self.on_the_way.is_empty()
    }

    /// How many packets the transport has taken: it stands still for a slow reader.
    pub fn taken(&mut self) -> u64 {
        self.settle();
        self.taken
    }

    /// Ends the transport.
    pub fn close_transport(&self) {
        self.connection.close_transport();
    }

    /// Forgets the packets that the transport has taken since the last time.
    fn settle(&mut self) {
        let taken = self.link.taken();
        while self.taken < taken {
            self.taken += 1;
            self.bytes -= self.on_the_way.pop_front().unwrap_or(0);
        }
    }

    fn has_room(&mut self, size: usize) -> bool {
        self.settle();
        let fits = self.on_the_way.len() < WINDOW_PACKETS && self.bytes + size <= WINDOW_BYTES;
        fits || self.on_the_way.is_empty()
    }

    fn sent(&mut self, size: usize) {
        self.on_the_way.push_back(size);
        self.bytes += size;
    }

    /// Waits until half the window is free, so that a busy connection is not woken for each
    /// packet, or until the packet fits where it is that large.
    async fn wait_for_room(&mut self, size: usize) -> Result<(), Ended> {
        while !self.has_room(size) {
            let some = self.on_the_way.len().div_ceil(2) as u64;
            self.wait_for_taken(self.taken + some).await?;
        }
        Ok(())
    }

    /// Waits until the transport has taken `packets` in all, ending it if it takes none for the
    /// slow timeout.
    async fn wait_for_taken(&mut self, packets: u64) -> Result<(), Ended> {
        loop {
            let before = self.taken();
            if before >= packets {
                return Ok(());
            }
            // Without a timeout the heartbeat is the only judge.
            let patience = self.slow_timeout.unwrap_or(Duration::from_secs(3600));
            let patience = tokio::time::timeout(patience, self.link.until_taken(packets));
            let in_time = patience.await.is_ok();
            if self.link.is_gone() {
                return Err(Ended::Gone);
            }
            if !in_time && self.slow_timeout.is_some() && self.taken() == before {
                self.close_transport();
                return Err(Ended::Slow);
            }
        }
    }
}
