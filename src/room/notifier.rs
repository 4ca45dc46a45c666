//! How a session is woken: each connection has a notifier, which remembers what it was notified of
//! until the session takes it.
//!
//! It replaces a watched value for each signal. Waiting on four of those costs four registrations and
//! four removals a delivery, which measured a quarter more CPU for each (`docs/performance.md`).

use std::task::Poll;

use crate::sync::{AtomicU32, AtomicWaker, Ordering};

/// A set of reasons to wake a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signals(u32);

impl Signals {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// A request is in the mailbox.
    pub const MAIL: Self = Self(1);
    /// The room's log has entries past what was there before.
    pub const ENTRIES: Self = Self(1 << 1);
    /// Who is typing has changed.
    pub const TYPING: Self = Self(1 << 2);
    /// The rooms' counts have changed.
    pub const COUNTS: Self = Self(1 << 3);
    /// The server is going away.
    pub const DRAIN: Self = Self(1 << 4);
    /// The connection is lost.
    pub const GONE: Self = Self(1 << 5);
    /// The transport has taken nothing for too long.
    pub const STALLED: Self = Self(1 << 6);
    /// The client has closed its Socket.IO session.
    pub const LEFT: Self = Self(1 << 7);
    /// A newer connection of the same user takes over.
    pub const REPLACED: Self = Self(1 << 8);
    /// A store has answered a message that was pending.
    pub const ANSWERS: Self = Self(1 << 9);
    /// A room has a newer message.
    pub const ACTIVITY: Self = Self(1 << 10);
    /// Another process has taken over a membership of this user: perhaps the session's own.
    pub const TAKEN_OVER: Self = Self(1 << 11);
    /// The client asked for too much for too long.
    pub const FLOODED: Self = Self(1 << 12);
    /// How the joined room is run has changed.
    pub const PROFILE: Self = Self(1 << 13);
    /// Something was decided about the user or the network, perhaps.
    pub const DECIDED: Self = Self(1 << 14);
    /// The user's token expires soon.
    pub const TOKEN_EXPIRING: Self = Self(1 << 15);
    /// The user's token has expired.
    pub const TOKEN_EXPIRED: Self = Self(1 << 16);

    /// A watched room has something new.
    pub const WATCHED: Self = Self(1 << 17);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set has `kind`, or one of them if that is several.
    #[must_use]
    pub const fn has(self, kind: Self) -> bool {
        self.0 & kind.0 != 0
    }
}

/// Wakes one session. One task waits; any may notify it.
#[derive(Debug, Default)]
pub struct Notifier {
    pending: AtomicU32,
    owner: AtomicWaker,
}

impl Notifier {
    /// Notifies the session.
    pub fn notify(&self, kind: Signals) {
        // If it was notified of the same before, it is awake already and has not taken that yet.
        if self.pending.fetch_or(kind.0, Ordering::AcqRel) & kind.0 == 0 {
            self.owner.wake();
        }
    }

    /// Takes what the session was notified of since the last call.
    pub fn take(&self) -> Signals {
        Signals(self.pending.swap(0, Ordering::AcqRel))
    }

    /// Waits until there is a signal of this kind (any of several), and does not take it. Returns all
    /// signals there are. Cancel safe.
    pub async fn wait_for(&self, kind: Signals) -> Signals {
        std::future::poll_fn(|cx| {
            self.owner.register(cx.waker());
            let signals = Signals(self.pending.load(Ordering::Acquire));
            if signals.has(kind) {
                Poll::Ready(signals)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// Waits until there is a signal, and takes all there are. Cancel safe.
    pub async fn wait(&self) -> Signals {
        std::future::poll_fn(|cx| {
            // Registered before it looks: a notification in between wakes it again.
            self.owner.register(cx.waker());
            match self.take() {
                Signals::NONE => Poll::Pending,
                signals => Poll::Ready(signals),
            }
        })
        .await
    }
}
