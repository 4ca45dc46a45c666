//! A room's log as a stream of Server-Sent Events. Like a session, a stream is a cursor in the log and
//! one task, which reads from there: so it has no gaps but those that it reports. What it has sent and
//! the network has not taken is at most two chunks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::caller::Caller;
use super::server_sent::{self, HEARTBEAT, Position};
use super::state::{Api, charged};
use crate::memory::{MemoryAccount, Owner};
use crate::protocol::{Gap, Shutdown, event};
use crate::room::{
    Batch, Entry, Next, Notifier, Offered, Room, Signals, Subscriber, Subscription, read_on,
};
use crate::session::identity::now_s;
use crate::socket::ConnectionSlot;
use crate::{json, random};

/// Entries that are read from the log in one step.
const BATCH: usize = 32;
/// Bytes of one chunk (a single larger entry may be one).
const CHUNK_BYTES: usize = 16 * 1024;
/// When clients connect again after a connection was lost.
const RETRY_MS: u64 = 1000;
/// Time over which those connect again that a shutdown has sent away.
const SHUTDOWN_SPREAD_MS: u64 = 2000;

/// What wakes a stream.
#[derive(Debug, Default)]
struct Reader {
    notifier: Notifier,
    position: AtomicU64,
}

impl Subscriber for Reader {
    fn notify(&self, signals: Signals) {
        for kind in [Signals::ENTRIES, Signals::DRAIN, Signals::DECIDED] {
            if signals.has(kind) {
                self.notifier.notify(kind);
            }
        }
    }

    fn offer(&self, batch: &Batch) -> Offered {
        if self.position() >= batch.upto {
            Offered::Known
        } else {
            Offered::Behind
        }
    }

    fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    // A stream measures for itself whether its client takes what it sends.
    fn check_progress(&self, _: Instant, _: Duration) {}
}

impl Owner for Reader {
    fn close_for_memory(&self) {
        self.notifier.notify(Signals::GONE);
    }
}

/// Why a stream has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its client has gone.
    Gone,
    /// Its client took nothing for too long.
    Slow,
    /// It held most memory when that was short.
    NoMemory,
    /// The token has expired or was revoked.
    Forbidden,
    /// The store cannot be read. The client continues from where it is.
    Unreadable,
    /// The service is shutting down.
    Drained,
}

/// One client's stream.
#[derive(Debug)]
pub struct EventStream {
    api: Arc<Api>,
    room: Arc<Room>,
    caller: Caller,
    reader: Arc<Reader>,
    memory: Arc<MemoryAccount>,
    out: mpsc::Sender<Bytes>,
    cut: CancellationToken,
    epoch: Arc<str>,
    cursor: u64,
    /// Up to this id the client is replaying.
    replay_until: u64,
    /// The ids that a client which resumes has lost, up to the cursor.
    lost_from: Option<u64>,
    _subscriptions: [Subscription; 2],
}

impl EventStream {
    /// A stream of what comes after a position, or after now. Cancels `cut` if the client is too slow.
    /// The receiver gets what is to be sent.
    #[must_use]
    pub fn open(
        api: &Arc<Api>,
        room: Arc<Room>,
        caller: Caller,
        after: Option<Position>,
        cut: CancellationToken,
    ) -> (Self, mpsc::Receiver<Bytes>) {
        let shared = &api.parts.shared;
        let reader = Arc::<Reader>::default();
        let owner = Arc::downgrade(&reader);
        let subscriber = || Arc::clone(&reader) as Arc<dyn Subscriber>;
        // Before the position is read, so that nothing after it is missed.
        let subscriptions = [
            room.fanout.subscribe(subscriber()),
            shared.rooms.counts().audience().subscribe(subscriber()),
        ];
        let newest = room.position();
        let (cursor, lost_from) = after.map_or((newest.head, None), |after| {
            let of_this_log = after.epoch.is_none_or(|epoch| *epoch == *newest.epoch);
            if of_this_log && after.id <= newest.head {
                // What is lost after it, reading finds out.
                (after.id, None)
            } else {
                (newest.head, Some(1))
            }
        });
        reader.position.store(cursor, Ordering::Release);
        let (out, receiver) = mpsc::channel(1);
        let stream = Self {
            memory: shared.budget.open(owner),
            api: Arc::clone(api),
            room,
            caller,
            out,
            cut,
            epoch: newest.epoch,
            cursor,
            replay_until: newest.head,
            lost_from,
            _subscriptions: subscriptions,
            reader,
        };
        (stream, receiver)
    }

    /// Sends until the client or the service goes away.
    pub async fn run(mut self, slot: ConnectionSlot) {
        let out = self.out.clone();
        let end = tokio::select! {
            biased;
            () = out.closed() => End::Gone,
            Err(end) = self.send_all() => end,
        };
        let metrics = &self.api.parts.shared.metrics;
        match end {
            End::Slow => {
                metrics.slow_readers_closed.inc();
                self.cut.cancel();
            }
            End::NoMemory => self.cut.cancel(),
            End::Gone | End::Forbidden | End::Unreadable | End::Drained => {}
        }
        tracing::debug!(close_reason = ?end, "event stream ended");
        drop(slot);
    }

    async fn send_all(&mut self) -> Result<std::convert::Infallible, End> {
        let mut opening = String::new();
        server_sent::push_retry(&mut opening, RETRY_MS);
        self.send(opening).await?;
        if let Some(from) = self.lost_from.take() {
            let (to, epoch) = (self.cursor, Arc::clone(&self.epoch));
            self.send_gap(from, to, Some(epoch)).await?;
        }
        loop {
            if !self.is_allowed() {
                return Err(End::Forbidden);
            }
            self.send_entries().await?;
            let heartbeat = tokio::time::sleep(self.api.parts.heartbeat);
            let signals = tokio::select! {
                biased;
                signals = self.reader.notifier.wait() => signals,
                () = heartbeat => {
                    self.send(HEARTBEAT.to_owned()).await?;
                    continue;
                }
            };
            if signals.has(Signals::GONE) {
                return Err(End::NoMemory);
            }
            if signals.has(Signals::DRAIN) {
                self.send_entries().await?;
                self.send_shutdown().await?;
                return Err(End::Drained);
            }
        }
    }

    /// Whether the caller's token is still accepted. Looked at with each entry and each heartbeat.
    fn is_allowed(&self) -> bool {
        let actor = &self.caller.actor;
        let identities = &self.api.parts.shared.identities;
        let has_expired = actor.expires_s.is_some_and(|end_s| end_s <= now_s());
        !has_expired && !identities.revocations().is_revoked(actor)
    }

    /// Sends all log entries past the cursor.
    async fn send_entries(&mut self) -> Result<(), End> {
        while self.cursor < self.room.head() {
            let store = &*self.api.parts.shared.store;
            let next = read_on(store, &self.room, self.cursor, BATCH).await;
            match next.map_err(|_| End::Unreadable)? {
                Next::Entries { entries, upto } => self.send_batch(entries, upto).await?,
                Next::Gap { from, to, epoch } => self.send_gap(from, to, epoch).await?,
            }
        }
        Ok(())
    }

    async fn send_batch(&mut self, batch: Vec<Arc<Entry>>, upto: u64) -> Result<(), End> {
        let metrics = &self.api.parts.shared.metrics;
        metrics.deliveries.inc_by(batch.len() as u64);
        let mut chunk = String::new();
        for entry in batch {
            if entry.id <= self.replay_until {
                let bytes = entry.payload.get().len();
                self.caller.account.charge_answer(bytes);
            }
            let (event, id) = (entry.kind.event(), entry.id);
            server_sent::push_event(&mut chunk, event, &self.epoch, id, &entry.payload);
            if chunk.len() >= CHUNK_BYTES {
                self.send(std::mem::take(&mut chunk)).await?;
            }
        }
        self.send(chunk).await?;
        self.advance(upto);
        Ok(())
    }

    /// Sends a `gap` for the ids `from` to `to`, and continues after them. `epoch` is the log's new
    /// incarnation, if that is why.
    async fn send_gap(&mut self, from: u64, to: u64, epoch: Option<Arc<str>>) -> Result<(), End> {
        let gap = json::raw(&Gap {
            room: self.room.name().as_str(),
            from,
            to,
            epoch: epoch.as_deref(),
        });
        if let Some(epoch) = epoch {
            self.epoch = epoch;
        }
        let mut chunk = String::new();
        server_sent::push_event(&mut chunk, event::GAP, &self.epoch, to, &gap);
        self.send(chunk).await?;
        self.advance(to);
        Ok(())
    }

    async fn send_shutdown(&mut self) -> Result<(), End> {
        let reconnect_in_ms = RETRY_MS + random::up_to(SHUTDOWN_SPREAD_MS);
        let payload = json::raw(&Shutdown { reconnect_in_ms });
        let mut chunk = String::new();
        server_sent::push_event(
            &mut chunk,
            event::SHUTDOWN,
            &self.epoch,
            self.cursor,
            &payload,
        );
        server_sent::push_retry(&mut chunk, reconnect_in_ms);
        self.send(chunk).await
    }

    fn advance(&mut self, position: u64) {
        self.cursor = position;
        self.reader.position.store(position, Ordering::Release);
    }

    /// Hands a chunk to the network. Waits until the one before is taken.
    async fn send(&self, chunk: String) -> Result<(), End> {
        if chunk.is_empty() {
            return Ok(());
        }
        let mut charge = self.memory.charge();
        charge.set(chunk.len());
        let sending = self.out.send(charged(chunk.into(), charge));
        let slow = async {
            match self.api.parts.slow_timeout {
                Some(timeout) => tokio::time::sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            sent = sending => sent.map_err(|_| End::Gone),
            _gone = self.reader.notifier.wait_for(Signals::GONE) => Err(End::NoMemory),
            () = slow => Err(End::Slow),
        }
    }
}
