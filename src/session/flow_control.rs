//! Flow control between a session and the transport below it: how many packets the transport has
//! taken, whether it may read on, and whether it must end. Neither side knows the other.

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use super::stream::FrameStream;
use crate::protocol::ConnectErrorPacket;
use crate::sync::{AtomicBool, AtomicU64, AtomicWaker, Notify, Ordering};

/// The session does not wait for packets to be taken.
const NONE_WANTED: u64 = u64::MAX;

/// Credits, pauses and the end of one connection, shared by its session and its transport.
#[derive(Debug)]
pub struct FlowControl {
    taken: AtomicU64,
    wanted: AtomicU64,
    enough_taken: Notify,
    paused: AtomicBool,
    closed: AtomicBool,
    hung_up: AtomicBool,
    connecting: AtomicBool,
    connected: AtomicBool,
    stream: OnceLock<Arc<dyn FrameStream>>,
    /// The answer to a refused CONNECT. Boxed, because few are.
    connect_error: OnceLock<Box<ConnectErrorPacket>>,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Default for FlowControl {
    fn default() -> Self {
        Self {
            taken: AtomicU64::new(0),
            wanted: AtomicU64::new(NONE_WANTED),
            enough_taken: Notify::new(),
            paused: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            hung_up: AtomicBool::new(false),
            connecting: AtomicBool::new(false),
            connected: AtomicBool::new(false),
            stream: OnceLock::new(),
            connect_error: OnceLock::new(),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
        }
    }
}

impl FlowControl {
    /// Transport: counts `packets` more that it has taken from the library's queue. Only the reply to
    /// CONNECT, events and acknowledgements count.
    pub fn take(&self, packets: u64) {
        if packets == 0 {
            return;
        }
        // Sequentially consistent, as in `until_taken`: each side writes its own number, then reads
        // the other's, and at least one must see what the other wrote.
        let taken = self.taken.fetch_add(packets, Ordering::SeqCst) + packets;
        if taken >= self.wanted.load(Ordering::SeqCst) {
            self.wanted.store(NONE_WANTED, Ordering::SeqCst);
            self.enough_taken.notify_one();
        }
    }

    /// Session: how many of its packets the transport has taken so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    /// Session: waits until `packets` have been taken. Cancel safe; one waiter at a time.
    pub async fn until_taken(&self, packets: u64) {
        while self.taken() < packets {
            self.wanted.store(packets, Ordering::SeqCst);
            // A packet taken between the check and the store would wake no waiter.
            if self.taken() >= packets {
                return;
            }
            self.enough_taken.notified().await;
        }
    }

    /// Transport: sets the stream of a WebSocket. Only the first call counts.
    pub fn set_stream(&self, stream: Arc<dyn FrameStream>) {
        self.stream.get_or_init(|| stream);
    }

    /// The stream of the WebSocket, if the transport is one.
    #[must_use]
    pub fn stream(&self) -> Option<&dyn FrameStream> {
        self.stream.get().map(|stream| &**stream)
    }

    /// Transport: notes that the client's CONNECT has been read. The transport reads no further until
    /// the session exists or the CONNECT has failed. Events that follow in the same write would be
    /// lost otherwise. Does nothing once there is a session.
    pub fn begin_connect(&self) {
        if !self.connected.load(Ordering::Acquire) {
            self.connecting.store(true, Ordering::Release);
        }
    }

    /// Notes that the session exists: the transport reads on.
    pub fn connect(&self) {
        self.connected.store(true, Ordering::Release);
        self.finish_connect();
    }

    /// Notes that the CONNECT has succeeded or failed: the transport reads on.
    pub fn finish_connect(&self) {
        if self.connecting.swap(false, Ordering::AcqRel) {
            self.reader.wake();
        }
    }

    /// Notes that a CONNECT is refused, and how that is answered: the first answer stays, whatever a
    /// client presents next on the same connection.
    pub fn refuse_connect(&self, answer: ConnectErrorPacket) -> &ConnectErrorPacket {
        self.connect_error.get_or_init(|| Box::new(answer))
    }

    /// Transport: what to send in place of the library's answer, if a CONNECT was refused.
    #[must_use]
    pub fn connect_error(&self) -> Option<&ConnectErrorPacket> {
        self.connect_error.get().map(|answer| &**answer)
    }

    /// Session: stops the transport from reading what the client sends.
    pub fn pause_reading(&self) {
        self.paused.store(true, Ordering::Release);
    }

    /// Session: lets the transport read on.
    pub fn resume_reading(&self) {
        if self.paused.swap(false, Ordering::AcqRel) {
            self.reader.wake();
        }
    }

    /// Session: ends the transport. Pending and later reads and writes fail, also a writer that is
    /// stuck in a flush.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }

    /// Whether the session has ended the transport.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Transport: notes that the peer has ended it or is gone. A later end is not the peer's fault.
    pub fn note_hang_up(&self) {
        self.hung_up.store(true, Ordering::Release);
    }

    /// Whether the transport ends for another reason than what the peer sent.
    #[must_use]
    pub fn is_excused(&self) -> bool {
        self.is_closed() || self.hung_up.load(Ordering::Acquire)
    }

    /// Transport: ready when it may read, or has been closed.
    pub fn poll_may_read(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.reader.register(cx.waker());
        let waits = self.paused.load(Ordering::Acquire) || self.connecting.load(Ordering::Acquire);
        if waits && !self.is_closed() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// Transport: ready when a pending write must fail.
    pub fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.writer.register(cx.waker());
        if self.is_closed() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
