//! Everything a connection is told, with back-pressure: what has been handed over but not yet
//! taken by the transport is bounded by number and bytes, and whoever wants to say more waits.
//! Nothing is dropped, and a connection that takes nothing for too long is ended.
//!
//! The session's task says things in its own order. While it has nothing to do it parks its
//! cursor here: until it takes the cursor back, whoever publishes an entry right after that
//! position may tell it (see [`Reader`]). So there is one order of saying, and one cursor.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::link::Link;
use crate::budget::{Account, Charge};
use crate::protocol::event;
use crate::room::{Bell, Entry, EntryKind, News, Reader};
use crate::sync::Mutex;

/// Packets that may be on their way at once. The transport's own queue must be larger, because
/// the protocol's heartbeats go through it too and end the connection where they find it full.
pub const WINDOW_PACKETS: usize = 96;
/// The same while the transport polls, and so the most that one poll's answer carries.
/// python-engineio rejects an answer with more than 16 packets; the rest is for the engine's own
/// (open, ping, CONNECT).
pub const POLL_PACKETS: usize = 12;
/// Bytes that may be on their way at once (one larger packet may be, alone).
pub const WINDOW_BYTES: usize = 512 * 1024;

/// A connection as the session sees it: packets go in, nothing else is known of it.
pub trait Connection: Send + Sync + 'static {
    /// Where one acknowledgement goes.
    type Ack: Send + 'static;

    /// Hands over an event.
    ///
    /// # Errors
    /// [`Undeliverable`] where the connection has ended.
    fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), Undeliverable>;

    /// Hands over an entry of a room's log.
    ///
    /// # Errors
    /// As [`Self::emit`].
    fn tell(&self, entry: &Entry) -> Result<(), Undeliverable>;

    /// Hands an entry over to all connections that are subscribed to the channel.
    ///
    /// # Errors
    /// [`Undeliverable`] where one that lives did not get it.
    fn broadcast(&self, channel: &str, entry: &Entry) -> Result<(), Undeliverable>;

    /// Subscribes to a channel.
    fn subscribe(&self, channel: &str);

    /// Is subscribed to no channel any more.
    fn unsubscribe(&self);

    /// Hands over an acknowledgement.
    ///
    /// # Errors
    /// As [`Self::emit`].
    fn acknowledge(&self, ack: Self::Ack, payload: &RawValue) -> Result<(), Undeliverable>;

    /// Ends the transport, not the Socket.IO session: stock clients reconnect after that.
    fn close_transport(&self);

    /// Ends the Socket.IO session: stock clients do not reconnect by themselves after that.
    fn disconnect(&self);
}

/// The connection takes nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undeliverable;

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
        ];
        ends.into_iter()
            .find_map(|(kind, ended)| news.has(kind).then_some(ended))
    }
}

/// News that is the end of a session.
const END: News = News::LEFT
    .and(News::OUSTED)
    .and(News::GONE)
    .and(News::STALLED);

/// The way out to one connection. See the module's text.
#[derive(Debug)]
pub struct Outbox<C> {
    connection: C,
    link: Arc<Link>,
    bell: Arc<Bell>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Sizes of the packets on their way, oldest first.
    on_the_way: VecDeque<usize>,
    bytes: usize,
    /// What those bytes are charged to.
    charge: Option<Charge>,
    /// Packets taken so far.
    taken: u64,
    /// The session's cursor, while it has nothing to do.
    parked: Option<u64>,
    /// The last entry told, or where the session began.
    position: u64,
    /// Since when nothing has been taken, although there was something, and how much had been.
    stalled: Option<(Instant, u64)>,
}

impl State {
    /// Forgets the packets that the transport has taken since the last time.
    fn settle(&mut self, link: &Link) {
        let taken = link.taken();
        if self.taken == taken {
            return;
        }
        while self.taken < taken {
            self.taken += 1;
            self.bytes -= self.on_the_way.pop_front().unwrap_or(0);
        }
        self.charge();
    }

    fn has_room(&self, size: usize, link: &Link) -> bool {
        let packets_max = if link.polls() {
            POLL_PACKETS
        } else {
            WINDOW_PACKETS
        };
        let fits = self.on_the_way.len() < packets_max && self.bytes + size <= WINDOW_BYTES;
        let may_hold = |charge: &Charge| charge.account().has_room_to_spare(size);
        fits && self.charge.as_ref().is_none_or(may_hold) || self.on_the_way.is_empty()
    }

    fn sent(&mut self, size: usize) {
        self.on_the_way.push_back(size);
        self.bytes += size;
        self.charge();
    }

    fn charge(&mut self) {
        if let Some(charge) = &mut self.charge {
            charge.set(self.bytes);
        }
    }
}

impl<C: Connection> Outbox<C> {
    /// An outbox for a connection that has been told nothing yet.
    pub fn new(connection: C, link: Arc<Link>, bell: Arc<Bell>) -> Self {
        Self {
            connection,
            link,
            bell,
            state: Mutex::default(),
        }
    }

    /// Charges what is on its way to an account.
    #[must_use]
    pub fn charged_to(self, account: &Arc<Account>) -> Self {
        self.state.lock().charge = Some(account.charge());
        self
    }

    /// Says an event, waiting for room if there is none.
    ///
    /// # Errors
    /// [`Ended`] where the connection has.
    pub async fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), Ended> {
        self.hand_over(payload.get().len(), |connection| {
            connection.emit(event, payload)
        })
        .await
    }

    /// Says an entry of the room's log, waiting for room if there is none.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn tell(&self, entry: &Entry) -> Result<(), Ended> {
        let size = entry.payload.get().len();
        self.hand_over(size, |connection| connection.tell(entry))
            .await?;
        self.state.lock().position = entry.id;
        Ok(())
    }

    /// Answers a request, waiting for room if there is none.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn acknowledge(&self, ack: C::Ack, payload: &RawValue) -> Result<(), Ended> {
        self.hand_over(payload.get().len(), |connection| {
            connection.acknowledge(ack, payload)
        })
        .await
    }

    async fn hand_over(
        &self,
        size: usize,
        say: impl FnOnce(&C) -> Result<(), Undeliverable>,
    ) -> Result<(), Ended> {
        loop {
            let wanted = {
                let mut state = self.state.lock();
                state.settle(&self.link);
                if state.has_room(size, &self.link) {
                    if say(&self.connection).is_ok() {
                        state.sent(size);
                        return Ok(());
                    }
                    break;
                }
                // Half of those on their way, so that a busy connection is not woken for each.
                state.taken + state.on_the_way.len().div_ceil(2) as u64
            };
            // Rarely taken, and every session holds this future: boxed to keep it small.
            Box::pin(self.until_taken(wanted)).await?;
        }
        // The transport says which end it was, right after it stopped taking packets.
        Err(Box::pin(self.end()).await)
    }

    /// Waits for news that ends the session. Cancel safe.
    pub async fn end(&self) -> Ended {
        let news = self.bell.until(END).await;
        if news.has(News::STALLED) {
            self.close_transport();
        }
        Ended::by(news).unwrap_or(Ended::Lost)
    }

    /// Waits until the transport has taken everything said.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn flush(&self) -> Result<(), Ended> {
        let all = {
            let state = self.state.lock();
            state.taken + state.on_the_way.len() as u64
        };
        self.until_taken(all).await
    }

    async fn until_taken(&self, packets: u64) -> Result<(), Ended> {
        tokio::select! {
            biased;
            ended = self.end() => Err(ended),
            () = self.link.until_taken(packets) => Ok(()),
        }
    }

    /// Lets publishers hand over what comes right after `cursor`. They do until the session takes
    /// its cursor back.
    pub fn park(&self, cursor: u64) {
        let mut state = self.state.lock();
        state.parked = Some(cursor);
        state.position = cursor;
    }

    /// Takes the cursor back, with what publishers have handed over; `None` where none was
    /// parked.
    pub fn unpark(&self) -> Option<u64> {
        self.state.lock().parked.take()
    }

    /// Ends the transport.
    pub fn close_transport(&self) {
        self.connection.close_transport();
    }

    /// Ends the Socket.IO session.
    pub fn disconnect(&self) {
        self.connection.disconnect();
    }
}

impl<C: Connection + std::fmt::Debug> Reader for Outbox<C> {
    fn ring(&self, news: News) {
        self.bell.ring(news);
    }

    fn accept(&self, entry: &Entry) -> bool {
        let size = entry.payload.get().len();
        let mut state = self.state.lock();
        if state.parked != Some(entry.id - 1) {
            return false;
        }
        state.settle(&self.link);
        if !state.has_room(size, &self.link) {
            return false;
        }
        state.sent(size);
        state.parked = Some(entry.id);
        state.position = entry.id;
        true
    }

    fn tell(&self, entry: &Entry) {
        if self.connection.tell(entry).is_err() {
            tracing::trace!("an accepted entry met a connection that has ended");
        }
    }

    fn broadcast(&self, channel: &str, entry: &Entry) -> bool {
        self.connection.broadcast(channel, entry).is_ok()
    }

    fn subscribe(&self, channel: &str) {
        self.connection.subscribe(channel);
    }

    fn unsubscribe(&self) {
        self.connection.unsubscribe();
    }

    fn position(&self) -> u64 {
        self.state.lock().position
    }

    fn check_progress(&self, now: Instant, timeout: Duration) {
        let mut state = self.state.lock();
        state.settle(&self.link);
        match state.stalled {
            _ if state.on_the_way.is_empty() => state.stalled = None,
            Some((since, taken)) if taken == state.taken => {
                if now.saturating_duration_since(since) >= timeout {
                    self.bell.ring(News::STALLED);
                }
            }
            _ => state.stalled = Some((now, state.taken)),
        }
    }
}

/// The event that carries an entry of this kind.
pub const fn event_of(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Message => event::RECEIVE_MESSAGE,
        EntryKind::Notice => event::SYSTEM_MESSAGE,
    }
}
