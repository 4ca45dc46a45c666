//! Everything a connection receives, with back-pressure: a session that has more to send than the
//! network takes waits. Nothing is dropped, and a connection that takes nothing for too long is ended.
//!
//! Over a WebSocket, frames are written straight into its stream. While the transport polls, packets
//! go through the library's queue, and the number of packets that wait there is bounded.
//!
//! The session's task sends in its own order. While it has nothing to do it parks its cursor here.
//! Until it takes the cursor back, the room's fan-out may send what comes right after that position
//! (see [`Subscriber`]). So there is one order, and one owner of the cursor at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::connection::{CloseReason, Connection, END, Packet};
use super::flow_control::FlowControl;
use super::stream::{FrameStream, Written};
use crate::memory::{MemoryAccount, MemoryCharge};
use crate::protocol::frame;
use crate::room::{Batch, Entry, Notifier, Offered, Signals, Subscriber};
use crate::sync::Mutex;

/// Packets that may wait in the library's queue, and so the most in the answer to one poll.
/// python-engineio rejects an answer with more than 16 packets; the rest is for the engine's own
/// (open, ping, CONNECT).
pub const POLL_PACKETS: usize = 12;
/// Bytes that may wait there (a single larger packet may).
pub const POLL_BYTES: usize = 512 * 1024;
/// Bytes of frames that a session writes with one call (a single larger frame may be more).
const WRITE_BYTES: usize = 16 * 1024;

/// Result of one try to send.
enum Tried {
    Sent,
    /// The transport must first take packets from the library's queue, up to this many in all.
    QueueFull(u64),
    /// The network must first take what was written before.
    StreamFull,
    Closed,
}

/// Everything that is sent to one connection.
#[derive(Debug)]
pub struct Outbox<C> {
    connection: C,
    flow: Arc<FlowControl>,
    notifier: Arc<Notifier>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Sizes of the packets in the library's queue, oldest first.
    queued: VecDeque<usize>,
    bytes: usize,
    /// Charge for those bytes and for those that wait in the stream.
    charge: Option<MemoryCharge>,
    /// Packets taken from there so far.
    taken: u64,
    /// The session's cursor, while it has nothing to do.
    parked: Option<u64>,
    /// The position up to which the log has been received, or where the session began.
    position: u64,
    /// Since when the transport has taken nothing although something waited, and how much it had
    /// taken by then.
    stalled: Option<(Instant, u64)>,
}

impl State {
    /// Drops the packets that the transport has taken since the last call.
    fn update(&mut self, flow: &FlowControl) {
        let taken = flow.taken();
        while self.taken < taken {
            self.taken += 1;
            self.bytes -= self.queued.pop_front().unwrap_or(0);
        }
        self.charge(flow);
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

    fn charge(&mut self, flow: &FlowControl) {
        if let Some(charge) = &mut self.charge {
            charge.set(self.bytes + flow.stream().map_or(0, FrameStream::waiting));
        }
    }

    fn all(&self) -> u64 {
        self.taken + self.queued.len() as u64
    }
}

impl<C: Connection> Outbox<C> {
    /// An outbox for a new connection. The library's reply to CONNECT may still be in its queue.
    pub fn new(connection: C, flow: Arc<FlowControl>, notifier: Arc<Notifier>) -> Self {
        Self {
            connection,
            flow,
            notifier,
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

    /// Charges output that waits to an account.
    #[must_use]
    pub fn charged_to(self, account: &Arc<MemoryAccount>) -> Self {
        self.state.lock().charge = Some(account.charge());
        self
    }

    /// Sends an event. Waits while the transport takes no more.
    ///
    /// # Errors
    /// [`CloseReason`] if the connection has ended.
    pub async fn emit(&self, event: &'static str, payload: &RawValue) -> Result<(), CloseReason> {
        self.send(Packet::Event(event, payload)).await
    }

    /// Sends an acknowledgement. Waits while the transport takes no more.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn acknowledge(&self, ack: C::Ack, payload: &RawValue) -> Result<(), CloseReason> {
        self.send(Packet::Ack(ack, payload)).await
    }

    /// Sends entries of the room's log. Waits while the transport takes no more. `upto` is the
    /// position after them.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn send_entries(&self, entries: &[Arc<Entry>], upto: u64) -> Result<(), CloseReason> {
        let mut rest = entries;
        while let [next, ..] = rest {
            if self.flow.stream().is_none() {
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

    async fn send(&self, packet: Packet<'_, C::Ack>) -> Result<(), CloseReason> {
        let mut frame = None;
        loop {
            let tried = {
                let mut state = self.state.lock();
                state.update(&self.flow);
                match self.flow.stream() {
                    Some(stream) => {
                        let frame = frame.get_or_insert_with(|| packet.frame::<C>());
                        try_write(&mut state, &self.flow, stream, frame)
                    }
                    None if !state.may_queue(packet.size()) => {
                        // Half of them, so that a busy connection is not woken for each.
                        Tried::QueueFull(state.taken + state.queued.len().div_ceil(2) as u64)
                    }
                    None => {
                        let size = packet.size();
                        if packet.queue(&self.connection).is_ok() {
                            state.queue(size);
                            state.charge(&self.flow);
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

    async fn write(&self, frames: &Bytes) -> Result<(), CloseReason> {
        loop {
            let tried = {
                let mut state = self.state.lock();
                state.update(&self.flow);
                self.flow.stream().map_or(Tried::Closed, |stream| {
                    try_write(&mut state, &self.flow, stream, frames)
                })
            };
            if self.is_sent(tried).await? {
                return Ok(());
            }
        }
    }

    /// Returns whether a try has sent everything. If it has not, waits until the next try may.
    async fn is_sent(&self, tried: Tried) -> Result<bool, CloseReason> {
        match tried {
            Tried::Sent => return Ok(true),
            // Boxed because it is rare, and every session holds this future.
            Tried::QueueFull(packets) => Box::pin(self.until_taken(packets)).await?,
            Tried::StreamFull => Box::pin(self.drained()).await?,
            Tried::Closed => return Err(self.cut_off().await),
        }
        Ok(false)
    }

    /// Waits for the reason why the transport takes nothing any more. A transport reports its end when
    /// it reads, so one that has paused reading is closed first.
    async fn cut_off(&self) -> CloseReason {
        self.flow.close();
        Box::pin(self.closed()).await
    }

    /// Waits for news that ends the session. Cancel safe.
    pub async fn closed(&self) -> CloseReason {
        let signals = self.notifier.wait_for(END).await;
        CloseReason::of(signals).unwrap_or(CloseReason::Lost)
    }

    /// Waits until the network has taken everything sent.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn flush(&self) -> Result<(), CloseReason> {
        let all = self.state.lock().all();
        self.until_taken(all).await?;
        self.drained().await
    }

    async fn until_taken(&self, packets: u64) -> Result<(), CloseReason> {
        tokio::select! {
            biased;
            reason = self.closed() => Err(reason),
            () = self.flow.until_taken(packets) => Ok(()),
        }
    }

    /// Waits until the network has taken what was written into the stream.
    ///
    /// # Errors
    /// As [`Self::emit`].
    pub async fn drained(&self) -> Result<(), CloseReason> {
        let Some(stream) = self.flow.stream() else {
            return Ok(());
        };
        if stream.waiting() == 0 {
            return Ok(());
        }
        let drained = std::future::poll_fn(|cx| stream.poll_drained(cx));
        tokio::select! {
            biased;
            reason = self.closed() => return Err(reason),
            () = drained => {}
        }
        self.state.lock().charge(&self.flow);
        Ok(())
    }

    /// Lets the room's fan-out send what comes right after `cursor`, until the session takes its cursor
    /// back.
    pub fn park(&self, cursor: u64) {
        let mut state = self.state.lock();
        state.parked = Some(cursor);
        state.position = cursor;
    }

    /// Takes the cursor back, moved past what the fan-out has sent; `None` if none was parked.
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

    /// Queues the entries of a batch for a transport that polls, as many as fit.
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

/// Writes into the stream. What is in the library's queue must have been taken before.
fn try_write(
    state: &mut State,
    flow: &FlowControl,
    stream: &dyn FrameStream,
    frames: &Bytes,
) -> Tried {
    if !state.queued.is_empty() {
        return Tried::QueueFull(state.all());
    }
    match stream.write(frames) {
        Written::All => Tried::Sent,
        Written::Part => {
            state.charge(flow);
            Tried::Sent
        }
        Written::Nothing => Tried::StreamFull,
        Written::Closed => Tried::Closed,
    }
}

impl<C: Connection + std::fmt::Debug> Subscriber for Outbox<C> {
    fn notify(&self, signals: Signals) {
        self.notifier.notify(signals);
    }

    fn offer(&self, batch: &Batch) -> Offered {
        let mut state = self.state.lock();
        match state.parked {
            Some(parked) if parked == batch.after => {}
            Some(parked) if parked >= batch.upto => return Offered::Known,
            _ => return Offered::Behind,
        }
        state.update(&self.flow);
        let offered = match self.flow.stream() {
            None => self.queue_entries(&mut state, batch),
            Some(_) if !state.queued.is_empty() => Offered::Behind,
            Some(stream) => match stream.offer(&batch.frames) {
                Written::All => Offered::Taken,
                Written::Part => {
                    // The session writes the rest.
                    self.notifier.notify(Signals::ENTRIES);
                    Offered::Taken
                }
                Written::Nothing | Written::Closed => Offered::Behind,
            },
        };
        if offered == Offered::Taken {
            state.parked = Some(batch.upto);
            state.position = batch.upto;
        }
        state.charge(&self.flow);
        offered
    }

    fn position(&self) -> u64 {
        self.state.lock().position
    }

    fn check_progress(&self, now: Instant, timeout: Duration) {
        let mut state = self.state.lock();
        state.update(&self.flow);
        let stream = self.flow.stream();
        let waits = !state.queued.is_empty() || stream.is_some_and(|stream| stream.waiting() > 0);
        let taken = state.taken + stream.map_or(0, FrameStream::written);
        match state.stalled {
            _ if !waits => state.stalled = None,
            Some((since, before)) if before == taken => {
                if now.saturating_duration_since(since) >= timeout {
                    self.notifier.notify(Signals::STALLED);
                }
            }
            _ => state.stalled = Some((now, taken)),
        }
    }
}
