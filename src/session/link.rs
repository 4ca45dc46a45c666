//! What a session and the transport below it tell each other, without either knowing the other:
//! how many packets the transport has taken, whether it may read on, and whether it must end.

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use super::stream::FrameStream;
use crate::sync::{AtomicBool, AtomicU64, AtomicWaker, Notify, Ordering};

/// Nobody waits for packets to be taken.
const NOBODY: u64 = u64::MAX;

/// The link between one session and its transport. See the module's text.
#[derive(Debug)]
pub struct Link {
    taken: AtomicU64,
    wanted: AtomicU64,
    enough_taken: Notify,
    paused: AtomicBool,
    closed: AtomicBool,
    hung_up: AtomicBool,
    at_fault: AtomicBool,
    connecting: AtomicBool,
    connected: AtomicBool,
    stream: OnceLock<Arc<dyn FrameStream>>,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            taken: AtomicU64::new(0),
            wanted: AtomicU64::new(NOBODY),
            enough_taken: Notify::new(),
            paused: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            hung_up: AtomicBool::new(false),
            at_fault: AtomicBool::new(false),
            connecting: AtomicBool::new(false),
            connected: AtomicBool::new(false),
            stream: OnceLock::new(),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
        }
    }
}

impl Link {
    /// Transport: it has taken `packets` more from the library's queue: the reply to CONNECT, events
    /// and acknowledgements, nothing else.
    pub fn take(&self, packets: u64) {
        if packets == 0 {
            return;
        }
        // Sequentially consistent, as in `until_taken`: each side writes its own number, then reads
        // the other's, and at least one must see what the other wrote.
        let taken = self.taken.fetch_add(packets, Ordering::SeqCst) + packets;
        if taken >= self.wanted.load(Ordering::SeqCst) {
            self.wanted.store(NOBODY, Ordering::SeqCst);
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
            // What happened between the check and the store would wake nobody.
            if self.taken() >= packets {
                return;
            }
            self.enough_taken.notified().await;
        }
    }

    /// Transport: it is a WebSocket now, with this stream. The first one counts.
    pub fn set_stream(&self, stream: Arc<dyn FrameStream>) {
        self.stream.get_or_init(|| stream);
    }

    /// The stream of the WebSocket, if the transport is one.
    #[must_use]
    pub fn stream(&self) -> Option<&dyn FrameStream> {
        self.stream.get().map(|stream| &**stream)
    }

    /// Transport: the client's CONNECT has been read. The transport reads no further until the
    /// session exists or the CONNECT has failed, because events that follow in the same write
    /// would reach nobody. Does nothing once there is a session.
    pub fn begin_connect(&self) {
        if !self.connected.load(Ordering::Acquire) {
            self.connecting.store(true, Ordering::Release);
        }
    }

    /// The session exists: the transport reads on.
    pub fn connect(&self) {
        self.connected.store(true, Ordering::Release);
        self.settle_connect();
    }

    /// The CONNECT has succeeded or failed: the transport reads on.
    pub fn settle_connect(&self) {
        if self.connecting.swap(false, Ordering::AcqRel) {
            self.reader.wake();
        }
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

    /// Session: ends the transport. Its next read and write fail, also those under way, so a
    /// writer that is stuck in a flush lets go.
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

    /// Transport: the peer has ended it, or is gone. What ends after that is no fault of the peer.
    pub fn note_hang_up(&self) {
        self.hung_up.store(true, Ordering::Release);
    }

    /// Transport: ends itself, for what the peer did.
    pub fn close_for_fault(&self) {
        self.at_fault.store(true, Ordering::Release);
        self.close();
    }

    /// Whether an end of the transport has another cause than what the peer did.
    #[must_use]
    pub fn is_excused(&self) -> bool {
        let otherwise = self.is_closed() || self.hung_up.load(Ordering::Acquire);
        otherwise && !self.at_fault.load(Ordering::Acquire)
    }

    /// Transport: ready when it may read (or has been closed).
    pub fn poll_may_read(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.reader.register(cx.waker());
        let waits = self.paused.load(Ordering::Acquire) || self.connecting.load(Ordering::Acquire);
        if waits && !self.is_closed() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// Transport: ready when a write that is pending must be given up.
    pub fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.writer.register(cx.waker());
        if self.is_closed() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
