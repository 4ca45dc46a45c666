//! A connection's stream with two HTTP timeouts: one for a request's head, from its first byte, and one
//! for the time between requests. hyper has a single one for both, which starts when it begins to wait.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::slots::TcpSlot;
use crate::idle::{Occupancy, Occupant};
use crate::peer::StreamedAnswer;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has sent nothing yet.
    New = 0,
    /// Part of a request's head has arrived.
    Head = 1,
    /// A request is being answered.
    Request = 2,
    /// Its requests are answered. The last answer may still be on its way.
    Idle = 3,
    /// It has switched to another protocol.
    Upgraded = 4,
}

impl Phase {
    const COUNT: Stamp = 5;

    const fn of(stamp: Stamp) -> Self {
        match stamp % Self::COUNT {
            0 => Self::New,
            1 => Self::Head,
            2 => Self::Request,
            3 => Self::Idle,
            _ => Self::Upgraded,
        }
    }
}

/// A phase and how many there were before it, so that two of the same kind differ.
type Stamp = u64;

/// Phase of a connection. Its stream and the service behind it change it, both in one task.
#[derive(Debug)]
pub struct Progress {
    stamp: AtomicU64,
    head_was_late: AtomicBool,
    slot: Option<Arc<TcpSlot>>,
    occupancy: Arc<Occupancy>,
    /// `None` while all that the connection ever asked for is whether the service is alive.
    occupant: Mutex<Option<Occupant>>,
    /// Cuts the connection, if its answer goes on until it ends.
    cut: OnceLock<CancellationToken>,
    streams: Notify,
}

impl Progress {
    /// Progress of a new connection, with its slot if it has one. `occupant` is the connection's own.
    #[must_use]
    pub fn new(slot: Option<Arc<TcpSlot>>, occupant: Occupant) -> Self {
        Self {
            stamp: AtomicU64::new(Phase::New as Stamp),
            head_was_late: AtomicBool::new(false),
            slot,
            occupancy: Arc::clone(occupant.occupancy()),
            occupant: Mutex::new(Some(occupant)),
            cut: OnceLock::new(),
            streams: Notify::new(),
        }
    }

    /// Notes that the first bytes of a request have arrived.
    fn head_begins(&self) {
        self.enter(Phase::Head);
        let mut occupant = self.occupant.lock();
        occupant.get_or_insert_with(|| self.occupancy.enter());
    }

    /// Notes that a request's head is complete.
    pub fn request_begins(&self) {
        self.enter(Phase::Request);
    }

    /// Notes that a request is answered. `is_use` is false if it only asked for the service's health.
    pub fn answered(&self, is_use: bool) {
        self.enter(Phase::Idle);
        let mut occupant = self.occupant.lock();
        if is_use {
            self.mark_used(&mut occupant);
        } else if occupant.as_ref().is_some_and(|occupant| !occupant.is_use()) {
            *occupant = None;
        }
    }

    /// Notes that the connection switches to another protocol.
    pub fn upgraded(&self) {
        self.enter(Phase::Upgraded);
        self.mark_used(&mut self.occupant.lock());
    }

    /// Notes that the answer goes on until the connection ends. The connection stays busy until then.
    pub fn streams(&self, StreamedAnswer(cut): &StreamedAnswer) {
        self.mark_used(&mut self.occupant.lock());
        self.cut.get_or_init(|| cut.clone());
        self.streams.notify_one();
    }

    /// Waits until the connection has to be cut, for ever if that does not happen.
    pub async fn cut(&self) {
        self.streams.notified().await;
        match self.cut.get() {
            Some(cut) => cut.cancelled().await,
            None => std::future::pending().await,
        }
    }

    fn mark_used(&self, occupant: &mut Option<Occupant>) {
        occupant
            .get_or_insert_with(|| self.occupancy.enter())
            .mark_used();
    }

    /// Whether the connection ended because a request's head did not arrive in time.
    #[must_use]
    pub fn head_was_late(&self) -> bool {
        self.head_was_late.load(Ordering::Relaxed)
    }

    fn stamp(&self) -> Stamp {
        self.stamp.load(Ordering::Relaxed)
    }

    fn enter(&self, phase: Phase) {
        let next = self.stamp() / Phase::COUNT + 1;
        let stamp = next * Phase::COUNT + phase as Stamp;
        self.stamp.store(stamp, Ordering::Relaxed);
        match &self.slot {
            Some(slot) if phase == Phase::Idle => slot.idle(),
            Some(slot) => slot.busy(),
            None => {}
        }
    }
}

/// Timeouts of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// For a request's head, from its first byte.
    pub head: Duration,
    /// Between requests. For the first one it is at least as long as for a head.
    pub idle: Duration,
}

impl Times {
    /// A time that is longer than any wait for a complete head.
    #[must_use]
    pub fn longest(self) -> Duration {
        (self.idle + self.head) * 2
    }

    fn of(self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::New => Some(self.idle.max(self.head)),
            Phase::Head => Some(self.head),
            Phase::Idle => Some(self.idle),
            Phase::Request | Phase::Upgraded => None,
        }
    }
}

/// A TCP stream that ends when its connection is late with a request.
#[derive(Debug)]
pub struct Watched {
    stream: TcpStream,
    progress: Arc<Progress>,
    times: Times,
    /// The phase that is timed, and when it began or something was last written in it.
    timed: (Stamp, Instant),
    timer: Option<Pin<Box<Sleep>>>,
    /// The system takes no more bytes at the moment.
    is_write_blocked: bool,
}

impl Watched {
    /// Starts the timeouts of a new connection.
    #[must_use]
    pub fn new(stream: TcpStream, progress: Arc<Progress>, times: Times) -> Self {
        Self {
            stream,
            progress,
            times,
            timed: (Phase::New as Stamp, Instant::now()),
            timer: None,
            is_write_blocked: false,
        }
    }

    /// Ready when the phase that the connection is in has lasted too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Phase> {
        let stamp = self.progress.stamp();
        let phase = Phase::of(stamp);
        // A client that still receives its answer is not idle. If it takes nothing, the system closes
        // the connection.
        let is_timed = phase != Phase::Idle || !self.is_write_blocked;
        let Some(most) = self.times.of(phase).filter(|_| is_timed) else {
            self.timer = None;
            return Poll::Pending;
        };
        if self.timed.0 != stamp {
            self.timed = (stamp, Instant::now());
            self.timer = None;
        }
        loop {
            let deadline = self.timed.1 + most;
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= deadline {
                return Poll::Ready(phase);
            }
            // Something has been written since the timer was set.
            timer.as_mut().reset(deadline);
        }
    }

    /// The result of reading after a timeout: the end of the stream, or within a head an error.
    fn end(&self, phase: Phase) -> io::Result<()> {
        if phase != Phase::Head {
            return Ok(());
        }
        self.progress.head_was_late.store(true, Ordering::Relaxed);
        let late = "the head of a request did not arrive in time";
        Err(io::Error::new(io::ErrorKind::TimedOut, late))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_pending() {
            let phase = ready!(self.poll_late(cx));
            return Poll::Ready(self.end(phase));
        }
        let is_new = buf.filled().len() > before;
        if is_new && matches!(Phase::of(self.progress.stamp()), Phase::New | Phase::Idle) {
            self.progress.head_begins();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_written(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.note_written(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Watched {
    fn note_written(&mut self, written: &Poll<io::Result<usize>>) {
        self.is_write_blocked = written.is_pending();
        if Phase::of(self.timed.0) == Phase::Idle {
            self.timed.1 = Instant::now();
        }
    }
}
