//! One bound on the memory that all connections together make the service hold: what was received
//! and not handled yet, requests that wait, answers that were built, and output that was not sent.
//!
//! Each connection has a [`MemoryAccount`], and every part that holds memory for it keeps a
//! [`MemoryCharge`] there. Near the bound two things happen, in this order:
//!
//! 1. Above `CLOSE_ABOVE` the connections that hold most are closed, until the others hold less than
//!    `CLOSE_DOWN_TO`. Closing takes a moment, so what a closing connection still holds counts as
//!    freed. Otherwise all would be closed before the first has ended.
//! 2. Above `REFUSE_ABOVE` new work is refused. Because closing begins earlier, this happens only
//!    while closing is behind. A connection that holds little (`LIGHT`) is served even then: such
//!    connections add little, and closing bounds it.
//!
//! Output can wait in a room's log. Above `CLOSE_DOWN_TO` it is no longer handed to transports, so
//! slow readers do not cause connections to be closed.
//!
//! A charge changes two relaxed counters, and only when it crosses a step of `STEP`. So small and
//! short-lived charges cost nothing.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::Notify;

/// Charges are counted in steps of this many bytes; less than one step is not counted.
const STEP: usize = 1024;
/// Shares of the bound, in sixteenths.
const CLOSE_ABOVE: usize = 14;
const CLOSE_DOWN_TO: usize = 12;
const REFUSE_ABOVE: usize = 15;
/// Most that closing connections may count as freed. If closing them frees nothing, others must be
/// closed.
const CREDIT: usize = 4;
const WHOLE: usize = 16;
/// A connection that holds less is not refused anything. The largest honest message takes this much.
const LIGHT: usize = 16 * 1024;
/// The same for output. It is less, because many connections wait for output simultaneously.
const LIGHT_OUTPUT: usize = 4 * 1024;
/// Shortest time between two rounds of closing.
const ROUND_PAUSE: Duration = Duration::from_millis(5);

/// The budget of the whole service.
pub struct MemoryBudget {
    /// In bytes; `usize::MAX` = no bound.
    limit: usize,
    used: AtomicUsize,
    pressure: Notify,
    accounts: Mutex<Slab<Weak<MemoryAccount>>>,
}

impl MemoryBudget {
    /// A budget of `limit` bytes; 0 = no bound.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: if limit == 0 { usize::MAX } else { limit },
            used: AtomicUsize::new(0),
            pressure: Notify::new(),
            accounts: Mutex::default(),
        })
    }

    /// Bytes that are charged now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether new work that holds `bytes` may start.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.fits(bytes, REFUSE_ABOVE)
    }

    fn fits(&self, bytes: usize, sixteenths: usize) -> bool {
        self.used().saturating_add(bytes) <= self.share(sixteenths)
    }

    /// Opens the account of a new connection. `owner` closes the connection if it holds too much.
    #[must_use]
    pub fn open(self: &Arc<Self>, owner: Weak<dyn Owner>) -> Arc<MemoryAccount> {
        Arc::new_cyclic(|account| MemoryAccount {
            budget: Arc::clone(self),
            key: self.accounts.lock().insert(Weak::clone(account)),
            held: AtomicUsize::new(0),
            is_closing: AtomicBool::new(false),
            owner,
        })
    }

    /// Closes the connections that hold most, whenever all together hold too much. Runs for as long as
    /// it is polled.
    pub async fn guard(&self) {
        loop {
            self.pressure.notified().await;
            self.relieve();
            tokio::time::sleep(ROUND_PAUSE).await;
        }
    }

    /// One round of closing.
    fn relieve(&self) {
        let accounts: Vec<Arc<MemoryAccount>> = {
            let accounts = self.accounts.lock();
            accounts.iter().filter_map(|(_, a)| a.upgrade()).collect()
        };
        let (closing, mut open): (Vec<_>, Vec<_>) = accounts
            .iter()
            .map(|account| (account.held(), account))
            .filter(|(held, _)| *held > 0)
            .partition(|(_, account)| account.is_closing());
        let credit: usize = closing.iter().map(|(held, _)| held).sum();
        let mut rest = self.used().saturating_sub(credit.min(self.share(CREDIT)));
        if rest <= self.share(CLOSE_ABOVE) {
            return;
        }
        open.sort_unstable_by_key(|(held, _)| std::cmp::Reverse(*held));
        for (held, account) in open {
            if rest <= self.share(CLOSE_DOWN_TO) {
                return;
            }
            rest = rest.saturating_sub(held);
            account.close();
        }
    }

    const fn share(&self, sixteenths: usize) -> usize {
        if self.limit == usize::MAX {
            usize::MAX
        } else {
            // Divided first, so that no limit overflows.
            self.limit / WHOLE * sixteenths
        }
    }

    fn grow(&self, bytes: usize) {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if used > self.share(CLOSE_ABOVE) {
            self.pressure.notify_one();
        }
    }

    fn shrink(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudget")
            .field("limit", &self.limit)
            .field("used", &self.used())
            .finish_non_exhaustive()
    }
}

/// Closes the connection of an account.
pub trait Owner: Send + Sync {
    /// Closes the connection, because it holds more memory than others and there is too little.
    fn close_for_memory(&self);
}

/// Memory that one connection holds.
pub struct MemoryAccount {
    budget: Arc<MemoryBudget>,
    key: usize,
    held: AtomicUsize,
    is_closing: AtomicBool,
    owner: Weak<dyn Owner>,
}

impl MemoryAccount {
    /// An account without an owner, of a budget without a bound.
    #[must_use]
    pub fn unbounded() -> Arc<Self> {
        struct NoOwner;
        impl Owner for NoOwner {
            fn close_for_memory(&self) {}
        }
        MemoryBudget::new(0).open(Weak::<NoOwner>::new())
    }

    /// The budget it belongs to.
    #[must_use]
    pub const fn budget(&self) -> &Arc<MemoryBudget> {
        &self.budget
    }

    /// Bytes that are charged to it.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// A charge of nothing yet.
    #[must_use]
    pub fn charge(self: &Arc<Self>) -> MemoryCharge {
        MemoryCharge {
            account: Arc::clone(self),
            bytes: 0,
        }
    }

    /// Whether the connection may hold `bytes` more.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.held().saturating_add(bytes) <= LIGHT || self.budget.has_room(bytes)
    }

    /// Whether `bytes` of output may be handed to the transport before it has taken the last. Output that
    /// waits in the log costs nothing, so this ends well before connections are closed.
    #[must_use]
    pub fn has_room_to_spare(&self, bytes: usize) -> bool {
        self.held().saturating_add(bytes) <= LIGHT_OUTPUT || self.budget.fits(bytes, CLOSE_DOWN_TO)
    }

    /// A charge of `bytes` for new work; `None` if there is no room for it.
    #[must_use]
    pub fn try_charge(self: &Arc<Self>, bytes: usize) -> Option<MemoryCharge> {
        if !self.has_room(bytes) {
            return None;
        }
        let mut charge = self.charge();
        charge.set(bytes);
        Some(charge)
    }

    fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        if let Some(owner) = self.owner.upgrade() {
            owner.close_for_memory();
        }
    }
}

impl fmt::Debug for MemoryAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryAccount")
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}

impl Drop for MemoryAccount {
    fn drop(&mut self) {
        self.budget.accounts.lock().try_remove(self.key);
    }
}

/// Bytes held for one connection by one part of the service; given back when dropped.
#[derive(Debug)]
pub struct MemoryCharge {
    account: Arc<MemoryAccount>,
    /// Whole steps of `STEP`.
    bytes: usize,
}

impl MemoryCharge {
    /// Sets the number of bytes that are held now.
    pub fn set(&mut self, bytes: usize) {
        let bytes = bytes / STEP * STEP;
        let before = std::mem::replace(&mut self.bytes, bytes);
        if bytes > before {
            self.account
                .held
                .fetch_add(bytes - before, Ordering::Relaxed);
            self.account.budget.grow(bytes - before);
        } else if bytes < before {
            self.account
                .held
                .fetch_sub(before - bytes, Ordering::Relaxed);
            self.account.budget.shrink(before - bytes);
        }
    }

    /// The account that is charged.
    #[must_use]
    pub const fn account(&self) -> &Arc<MemoryAccount> {
        &self.account
    }
}

impl Drop for MemoryCharge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
