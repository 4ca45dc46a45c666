//! How a session is woken: a bell for each connection, rung by whoever has something for it.
//!
//! A bell remembers what it was rung for until its owner looks. It stands where a watched value
//! for each kind of news would: waiting on four of those costs four registrations and four
//! removals a delivery, which measured a quarter more CPU for each one (`docs/performance.md`).

use std::task::Poll;

use crate::sync::{AtomicU32, AtomicWaker, Ordering};

/// Kinds of news, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News(u32);

impl News {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// A request is in the mailbox.
    pub const MAIL: Self = Self(1);
    /// The room's log has entries past what was there before.
    pub const ENTRIES: Self = Self(1 << 1);
    /// Other people are typing than before.
    pub const TYPING: Self = Self(1 << 2);
    /// The rooms' counts are others than before.
    pub const COUNTS: Self = Self(1 << 3);
    /// The server is going away.
    pub const DRAIN: Self = Self(1 << 4);
    /// The connection is lost.
    pub const GONE: Self = Self(1 << 5);
    /// The transport has taken nothing for too long.
    pub const STALLED: Self = Self(1 << 6);
    /// The client said goodbye.
    pub const LEFT: Self = Self(1 << 7);
    /// A newer connection of the same user takes over.
    pub const OUSTED: Self = Self(1 << 8);
    /// It is known what came of a message that was on its way.
    pub const ANSWERS: Self = Self(1 << 9);
    /// Some room has a newer message than before.
    pub const ACTIVITY: Self = Self(1 << 10);
    /// Another process has taken over a membership of this user: perhaps the session's own.
    pub const TAKEN_OVER: Self = Self(1 << 11);

    /// The client asked for too much for too long.
    pub const FLOODED: Self = Self(1 << 12);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `kind`, or any of several kinds, is among the news.
    #[must_use]
    pub const fn has(self, kind: Self) -> bool {
        self.0 & kind.0 != 0
    }
}

/// One connection's bell. One task waits, any may ring.
#[derive(Debug, Default)]
pub struct Bell {
    rung: AtomicU32,
    owner: AtomicWaker,
}

impl Bell {
    /// Tells the owner that there is news of this kind.
    pub fn ring(&self, kind: News) {
        // Whoever rang for the same before has woken the owner already, and it has not looked yet.
        if self.rung.fetch_or(kind.0, Ordering::AcqRel) & kind.0 == 0 {
            self.owner.wake();
        }
    }

    /// What was rung since the last look.
    pub fn look(&self) -> News {
        News(self.rung.swap(0, Ordering::AcqRel))
    }

    /// Waits until there is news of this kind (any of several), and leaves it for later. Returns
    /// all news there is. Cancel safe.
    pub async fn until(&self, kind: News) -> News {
        std::future::poll_fn(|cx| {
            self.owner.register(cx.waker());
            let news = News(self.rung.load(Ordering::Acquire));
            if news.has(kind) {
                Poll::Ready(news)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// Waits until there is news. Cancel safe.
    pub async fn news(&self) -> News {
        std::future::poll_fn(|cx| {
            // Register first, look second: a ring in between wakes us again.
            self.owner.register(cx.waker());
            match self.look() {
                News::NONE => Poll::Pending,
                news => Poll::Ready(news),
            }
        })
        .await
    }
}
