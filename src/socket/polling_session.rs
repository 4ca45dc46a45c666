//! State of a connection that began with polling.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use socketioxide::socket::Sid;
use tokio::sync::{MutexGuard, Notify};
use tokio_util::sync::CancellationToken;

/// WebSockets that may simultaneously try to take over one session. The first to finish does.
const PROBES_MAX: usize = 4;

/// State of a connection that began with polling.
#[derive(Debug)]
pub struct PollingSession {
    sid: Sid,
    /// Bodies are handled one after the other, and none while a WebSocket takes over.
    posting: tokio::sync::Mutex<()>,
    /// Ends the poll that waits.
    release: Notify,
    /// Polls under way, and whether two ever overlapped, for which the library ends a session.
    polls: AtomicUsize,
    overlapped: AtomicBool,
    /// Ends the WebSockets that try to take over: one has, or the session is gone.
    probes_over: CancellationToken,
    /// Ends the posts under way: the transport is being closed.
    closed: CancellationToken,
    probes: AtomicUsize,
    upgraded: AtomicBool,
}

impl PollingSession {
    /// A new session.
    pub fn new(sid: Sid) -> Self {
        Self {
            sid,
            posting: tokio::sync::Mutex::default(),
            release: Notify::new(),
            polls: AtomicUsize::new(0),
            overlapped: AtomicBool::new(false),
            probes_over: CancellationToken::new(),
            closed: CancellationToken::new(),
            probes: AtomicUsize::new(0),
            upgraded: AtomicBool::new(false),
        }
    }

    /// The Engine.IO session's id, a secret.
    pub const fn sid(&self) -> Sid {
        self.sid
    }

    /// Ends the posts under way and drops what has been read of their bodies.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// Resolves when the poll that waits is to be answered with a no-operation packet.
    pub async fn released(&self) {
        self.release.notified().await;
    }

    /// Whether two polls ever overlapped, for which the library ends a session.
    pub fn has_overlapped(&self) -> bool {
        self.overlapped.load(Ordering::Acquire)
    }

    /// Cancelled once the transport is being closed.
    pub const fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// Waits for the bodies before this one. The next waits until the guard is dropped.
    pub async fn begin_post(&self) -> MutexGuard<'_, ()> {
        self.posting.lock().await
    }

    /// Whether a WebSocket has taken over.
    pub fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }

    /// Answers the poll that waits, if one does, with a no-operation packet.
    pub fn release_poll(&self) {
        self.release.notify_waiters();
    }

    /// Cancelled once no WebSocket can take over any more.
    pub const fn probes_over(&self) -> &CancellationToken {
        &self.probes_over
    }

    /// Returns whether another WebSocket may try to take over. If so, [`Self::end_probe`] must follow.
    pub fn begin_probe(&self) -> bool {
        if self.is_upgraded() {
            return false;
        }
        let begins = self.probes.fetch_add(1, Ordering::AcqRel) < PROBES_MAX;
        if !begins {
            self.end_probe();
        }
        begins
    }

    /// Ends a WebSocket's try.
    pub fn end_probe(&self) {
        self.probes.fetch_sub(1, Ordering::AcqRel);
    }

    /// Hands the session over to a WebSocket once the bodies under way have been handled. Returns
    /// whether it is the first.
    pub async fn upgrade(&self) -> bool {
        let _posting = self.posting.lock().await;
        let first = !self.upgraded.swap(true, Ordering::AcqRel);
        self.probes_over.cancel();
        first
    }
}

impl Drop for PollingSession {
    fn drop(&mut self) {
        self.probes_over.cancel();
    }
}

/// A poll under way.
pub struct PollGuard<'a>(&'a PollingSession);

impl<'a> PollGuard<'a> {
    /// Notes that a poll begins.
    pub fn begin(polling: &'a PollingSession) -> Self {
        if polling.polls.fetch_add(1, Ordering::AcqRel) > 0 {
            polling.overlapped.store(true, Ordering::Release);
        }
        Self(polling)
    }
}

impl Drop for PollGuard<'_> {
    fn drop(&mut self) {
        self.0.polls.fetch_sub(1, Ordering::AcqRel);
    }
}
