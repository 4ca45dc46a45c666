//! Everything a connection receives, with back-pressure: whoever has more to send than the network
//! takes waits. Nothing is dropped, and a connection that takes nothing for too long is ended.
//!
//! Over a WebSocket, frames are written straight into its stream. While the transport polls, packets
//! go through the library's queue, and those that have not been taken from there are bounded.
//!
//! The session's task sends things in its own order. While it has nothing to do it parks its cursor
//! here: until it takes the cursor back, the room's fan-out may send what comes right after that
//! position (see [`Subscriber`]). So there is one order, and one owner of the cursor at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::connection::{Connection, END, Ended, Packet};
use super::link::Link;
use super::stream::{FrameStream, Written};
use crate::memory::{MemoryAccount, MemoryCharge};
use crate::protocol::frame;
use crate::room::{Batch, Bell, Entry, News, Offered, Subscriber};
use crate::sync::Mutex;

/// Packets that may wait in the library's queue, and so the most that one poll's answer carries.
/// python-engineio rejects an answer with more than 16 packets; the rest is for the engine's own
/// (open, ping, CONNECT).
pub const POLL_PACKETS: usize = 12;
/// Bytes that may wait there (one larger packet may, alone).
pub const POLL_BYTES: usize = 512 * 1024;
/// Bytes of frames that a session writes at once (one larger frame may be, alone).
const WRITE_BYTES: usize = 16 * 1024;

/// What a try to send came to.
enum Tried {
    Sent,
    /// The library's queue has to be taken from, up to so many packets in all.
    QueueFull(u64),
    /// The network has to take what was written before.
    StreamFull,
    Ended,
}

/// The way out to one connection. See the module's text.
#[derive(Debug)]
pub struct Outbox<C> {
    connection: C,
    link: Arc<Link>,
    bell: Arc<Bell>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Sizes of the packets in the library's queue, oldest first.
    queued: VecDeque<usize>,
    bytes: usize,
    /// What those bytes, and those that a stream has left to write, are charged to.
    charge: Option<MemoryCharge>,
    /// Packets taken from there so far.
    taken: u64,
    /// The session's cursor, while it has nothing to do.
    parked: Option<u64>,
    /// The position up to which the log has been received, or where the session began.
    position: u64,
    /// Since when nothing has been taken, although there was something, and how much had been.
    stalled: Option<(Instant, u64)>,
}

impl State {
    /// Forgets the packets that have been taken since the last time.
    fn update(&mut self, link: &Link) {
        let taken = link.taken();
        while self.taken < taken {
            self.taken += 1;
            self.bytes -= self.queued.pop_front().unwrap_or(0);
        }
        self.charge(link);
    }

    fn may_queue(&self, size: usize) -> bool {
        let fits = self.queued.len() < POLL_PACKETS && self.bytes + size <= POLL_BYTES;
        let may_hold = |charge: &MemoryCharge| charge.account().has_room_to_spare(size);
        fits && self.charge.as_ref().is_none_or(may_hold) || self.queued.is_empty()
    }

    fn queue(&mut self, size: usize) {
        self.queued.push_back(size);
        self.bytes += size;
    }

    fn charge(&mut self, link: &Link) {
        if let Some(charge) = &mut self.charge {
            charge.set(self.bytes + link.stream().map_or(0, FrameStream::waiting));
        }
    }

    fn all(&self) -> u64 {
        self.taken + self.queued.len() as u64
    }
}

impl<C: Connection> Outbox<C> {
    /// An outbox for a connection that has received nothing yet but the library's reply to CONNECT,
    /// which may still be in its queue.
    pub fn new(connection: C, link: Arc<Link>, bell: Arc<Bell>) -> Self {
        Self {
            connection,
            link,
            bell,
            state: Mutex::new(State {
                queued: [0].into(),
                bytes: 0,
                charge: None,
                taken: 0,
                parked: None,
                position: 0,
                stalled: None,
            }),
        }
    }

    /// Charges what is on its way to an account.
    #[must_use]
    pub fn charged_to(self, account: &Arc<MemoryAccount>) -> Self {
        self.state.lock().charge = Some(account.charge());
        self
    }

    /// Sends an event, waiting for room if there is none.
    ///
    /// # Errors
    /// [`Ended`] where the connection has.
    pub async fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), Ended> {
        self.send(Packet::Event(event, payload)).await
    }

    /// Answers a request, waiting for room if there is none.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn acknowledge(&self, ack: C::Ack, payload: &RawValue) -> Result<(), Ended> {
        self.send(Packet::Ack(ack, payload)).await
    }

    /// Sends entries of the room's log, waiting for room as often as there is none. `upto` is the
    /// position after them.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn send_entries(&self, entries: &[Arc<Entry>], upto: u64) -> Result<(), Ended> {
        let mut rest = entries;
        while let [next, ..] = rest {
            if self.link.stream().is_none() {
                self.emit(next.kind.event(), &next.payload).await?;
                rest = &rest[1..];
                continue;
            }
            let mut frames = Vec::new();
            while let [next, later @ ..] = rest
                && (frames.is_empty() || frames.len() + next.payload.get().len() < WRITE_BYTES)
            {
                frame::push_event(&mut frames, next.kind.event(), &next.payload);
                rest = later;
            }
            self.write(&frames.into()).await?;
        }
        self.state.lock().position = upto;
        Ok(())
    }

    async fn send(&self, packet: Packet<'_, C::Ack>) -> Result<(), Ended> {
        let mut frame = None;
        loop {
            let tried = {
                let mut state = self.state.lock();
                state.update(&self.link);
                match self.link.stream() {
                    Some(stream) => {
                        let frame = frame.get_or_insert_with(|| packet.frame::<C>());
                        try_write(&mut state, &self.link, stream, frame)
                    }
                    None if !state.may_queue(packet.size()) => {
                        // Half of them, so that a busy connection is not woken for each.
                        Tried::QueueFull(state.taken + state.queued.len().div_ceil(2) as u64)
                    }
                    None => {
                        let size = packet.size();
                        if packet.queue(&self.connection).is_ok() {
                            state.queue(size);
                            state.charge(&self.link);
                            return Ok(());
                        }
                        break;
                    }
                }
            };
            if self.is_sent(tried).await? {
                return Ok(());
            }
        }
        Err(self.cut_off().await)
    }

    async fn write(&self, frames: &Bytes) -> Result<(), Ended> {
        loop {
            let tried = {
                let mut state = self.state.lock();
                state.update(&self.link);
                self.link.stream().map_or(Tried::Ended, |stream| {
                    try_write(&mut state, &self.link, stream, frames)
                })
            };
            if self.is_sent(tried).await? {
                return Ok(());
            }
        }
    }

    /// Whether a try was enough; waits for the next one where it was not.
    async fn is_sent(&self, tried: Tried) -> Result<bool, Ended> {
        match tried {
            Tried::Sent => return Ok(true),
            // Rarely come to, and every session holds this future: boxed to keep it small.
            Tried::QueueFull(packets) => Box::pin(self.until_taken(packets)).await?,
            Tried::StreamFull => Box::pin(self.drained()).await?,
            Tried::Ended => return Err(self.cut_off().await),
        }
        Ok(false)
    }

    /// Why the transport takes nothing any more. It says so once it reads no further, which it may
    /// have been asked to wait with.
    async fn cut_off(&self) -> Ended {
        self.link.close();
        Box::pin(self.end()).await
    }

    /// Waits for news that ends the session. Cancel safe.
    pub async fn end(&self) -> Ended {
        let news = self.bell.until(END).await;
        Ended::by(news).unwrap_or(Ended::Lost)
    }

    /// Waits until the network has taken everything sent.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn flush(&self) -> Result<(), Ended> {
        let all = self.state.lock().all();
        self.until_taken(all).await?;
        self.drained().await
    }

    async fn until_taken(&self, packets: u64) -> Result<(), Ended> {
        tokio::select! {
            biased;
            ended = self.end() => Err(ended),
            () = self.link.until_taken(packets) => Ok(()),
        }
    }

    /// Waits until the network has taken what was written into the stream.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn drained(&self) -> Result<(), Ended> {
        let Some(stream) = self.link.stream() else {
            return Ok(());
        };
        if stream.waiting() == 0 {
            return Ok(());
        }
        let drained = std::future::poll_fn(|cx| stream.poll_drained(cx));
        tokio::select! {
            biased;
            ended = self.end() => return Err(ended),
            () = drained => {}
        }
        self.state.lock().charge(&self.link);
        Ok(())
    }

    /// Lets the room's fan-out send what comes right after `cursor`. It does until the session takes
    /// its cursor back.
    pub fn park(&self, cursor: u64) {
        let mut state = self.state.lock();
        state.parked = Some(cursor);
        state.position = cursor;
    }

    /// Takes the cursor back, past what the fan-out has sent; `None` where none was parked.
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

    /// Queues the entries of a batch for a transport that polls, as many as there is room for.
    fn queue_entries(&self, state: &mut State, batch: &Batch) -> Offered {
        for entry in &batch.entries {
            let size = entry.payload.get().len();
            let event = entry.kind.event();
            if !state.may_queue(size) || self.connection.emit(event, &entry.payload).is_err() {
                return Offered::Behind;
            }
            state.queue(size);
            state.parked = Some(entry.id);
        }
        Offered::Taken
    }
}

/// Writes into the stream, behind what is still in the library's queue.
fn try_write(state: &mut State, link: &Link, stream: &dyn FrameStream, frames: &Bytes) -> Tried {
    if !state.queued.is_empty() {
        return Tried::QueueFull(state.all());
    }
    match stream.write(frames) {
        Written::All => Tried::Sent,
        Written::Part => {
            state.charge(link);
            Tried::Sent
        }
        Written::Nothing => Tried::StreamFull,
        Written::Closed => Tried::Ended,
    }
}

impl<C: Connection + std::fmt::Debug> Subscriber for Outbox<C> {
    fn notify(&self, news: News) {
        self.bell.ring(news);
    }

    fn offer(&self, batch: &Batch) -> Offered {
        let mut state = self.state.lock();
        match state.parked {
            Some(parked) if parked == batch.after => {}
            Some(parked) if parked >= batch.upto => return Offered::Known,
            _ => return Offered::Behind,
        }
        state.update(&self.link);
        let offered = match self.link.stream() {
            None => self.queue_entries(&mut state, batch),
            Some(_) if !state.queued.is_empty() => Offered::Behind,
            Some(stream) => match stream.offer(&batch.frames) {
                Written::All => Offered::Taken,
                Written::Part => {
                    // The session sees to the rest.
                    self.bell.ring(News::ENTRIES);
                    Offered::Taken
                }
                Written::Nothing | Written::Closed => Offered::Behind,
            },
        };
        if offered == Offered::Taken {
            state.parked = Some(batch.upto);
            state.position = batch.upto;
        }
        state.charge(&self.link);
        offered
    }

    fn position(&self) -> u64 {
        self.state.lock().position
    }

    fn check_progress(&self, now: Instant, timeout: Duration) {
        let mut state = self.state.lock();
        state.update(&self.link);
        let stream = self.link.stream();
        let waits = !state.queued.is_empty() || stream.is_some_and(|stream| stream.waiting() > 0);
        let taken = state.taken + stream.map_or(0, FrameStream::written);
        match state.stalled {
            _ if !waits => state.stalled = None,
            Some((since, before)) if before == taken => {
                if now.saturating_duration_since(since) >= timeout {
                    self.bell.ring(News::STALLED);
                }
            }
            _ => state.stalled = Some((now, taken)),
        }
    }
}
