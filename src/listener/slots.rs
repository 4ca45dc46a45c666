//! Limits on open TCP connections, in all and from one address.
//!
//! An idle connection costs its client nothing to open again, so it is closed for a new one. If the
//! server is full, the oldest idle connection of all is closed. If an address has more than its share,
//! the oldest idle one of that address is. They are closed as HTTP closes idle connections, so no
//! request is lost.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ipnet::IpNet;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::peer::{AdmissionError, network_of};

/// Connections that one address may have beyond those that its sessions need: a browser opens six to
/// load a page.
const BROWSER_CONNECTIONS: usize = 6;
/// Connections that a session may need: polling uses two, one to wait and one to send.
const CONNECTIONS_PER_SESSION: usize = 2;
/// How long a new connection without a request is not closed for another: its request may be on its
/// way.
const NEWCOMER_GRACE: Duration = Duration::from_secs(1);

/// Open connections beyond the limits. They answer health checks, and refuse everything else with the
/// reason.
const RESERVE: usize = 256;
/// Files that the process opens beside its connections: logs, Redis, metrics, the runtime's.
const OTHER_FILES: usize = 64;

/// Limits on open connections.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections; 0 = not limited.
    pub connections_max: usize,
    /// Socket.IO sessions from one address; 0 = not limited. Its connections are limited in proportion.
    pub sessions_per_address_max: usize,
    /// Proxies, which are not limited by address because they forward many clients.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Connections beyond the limits, on which only health checks are answered.
    pub reserve: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 0,
            sessions_per_address_max: 0,
            trusted_proxies: Arc::default(),
            reserve: RESERVE,
        }
    }
}

impl Limits {
    /// Limits connections to the number of `files` that the process may open. A process that runs out
    /// of them cannot even answer a health check.
    #[must_use]
    pub fn within(mut self, files: usize) -> Self {
        let others = OTHER_FILES.min(files / 3);
        self.reserve = self.reserve.min(files / 8).max(1);
        let most = files.saturating_sub(others + self.reserve).max(1);
        if self.connections_max > most {
            tracing::warn!(
                files,
                connections_max = most,
                "MAX_CONNECTIONS is more than the system allows: raise the limit of open files \
                 (ulimit -n, LimitNOFILE) or lower it"
            );
        }
        self.connections_max = match self.connections_max {
            0 => most,
            wanted => wanted.min(most),
        };
        self
    }
}

/// Slots for open TCP connections.
#[derive(Debug)]
pub struct TcpSlots {
    limits: Limits,
    free: Arc<Semaphore>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next_id: u64,
    by_address: HashMap<IpAddr, OfAddress>,
    idle: Idle,
}

/// Connections of one address.
#[derive(Debug, Default)]
struct OfAddress {
    open: usize,
    idle: Idle,
}

/// Idle connections in the order in which they are closed, each with its token for that.
type Idle = BTreeMap<(Instant, u64), CancellationToken>;

/// Slot of one open TCP connection; freed when dropped.
#[derive(Debug)]
pub struct TcpSlot {
    slots: Arc<TcpSlots>,
    permit: Option<OwnedSemaphorePermit>,
    id: u64,
    address: Option<IpAddr>,
    close: CancellationToken,
    /// Its key among the idle connections, if it is idle.
    idle_at: Mutex<Option<Instant>>,
}

impl TcpSlots {
    /// Free slots within these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        let slots = match limits.connections_max {
            0 => Semaphore::MAX_PERMITS,
            max => max.min(Semaphore::MAX_PERMITS),
        };
        Arc::new(Self {
            limits,
            free: Arc::new(Semaphore::new(slots)),
            taken: Mutex::default(),
        })
    }

    /// Takes a slot for a new connection. Cancelling `close` closes that connection.
    ///
    /// # Errors
    /// [`AdmissionError::Full`] or [`AdmissionError::AddressFull`].
    pub fn take(
        self: &Arc<Self>,
        peer: IpAddr,
        close: &CancellationToken,
    ) -> Result<Arc<TcpSlot>, AdmissionError> {
        let address = self.limited(peer);
        if let Some(address) = address {
            self.check_address(address)?;
        }
        let permit = Arc::clone(&self.free).try_acquire_owned();
        let permit = permit.map_err(|_| AdmissionError::Full)?;
        Ok(self.occupy(permit, address, close))
    }

    /// Closes an idle connection and takes its slot; `None` if none is idle, or if it does not end in
    /// time.
    pub async fn take_over(
        self: &Arc<Self>,
        peer: IpAddr,
        close: &CancellationToken,
        timeout: Duration,
    ) -> Option<Arc<TcpSlot>> {
        let freed = Arc::clone(&self.free).acquire_owned();
        // If none is idle, one may still have ended since the slots were found full.
        let timeout = match self.close_oldest_idle() {
            true => timeout,
            false => Duration::ZERO,
        };
        let permit = tokio::time::timeout(timeout, freed).await.ok()?.ok()?;
        Some(self.occupy(permit, self.limited(peer), close))
    }

    /// Closes the connection that has been idle for longest. Returns whether there was one.
    pub fn close_oldest_idle(&self) -> bool {
        close_oldest(&mut self.taken.lock().idle)
    }

    /// The address under which a peer is limited, if it is.
    fn limited(&self, peer: IpAddr) -> Option<IpAddr> {
        let peer = peer.to_canonical();
        let proxies = &self.limits.trusted_proxies;
        let is_limited = self.limits.sessions_per_address_max > 0
            && !proxies.iter().any(|network| network.contains(&peer));
        is_limited.then(|| network_of(peer))
    }

    fn check_address(&self, address: IpAddr) -> Result<(), AdmissionError> {
        let mut taken = self.taken.lock();
        let Some(of_address) = taken.by_address.get_mut(&address) else {
            return Ok(());
        };
        let sessions = self.limits.sessions_per_address_max;
        if of_address.open >= sessions {
            close_oldest(&mut of_address.idle);
        }
        let most = sessions
            .saturating_mul(CONNECTIONS_PER_SESSION)
            .saturating_add(BROWSER_CONNECTIONS);
        if of_address.open >= most {
            return Err(AdmissionError::AddressFull);
        }
        Ok(())
    }

    fn occupy(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        address: Option<IpAddr>,
        close: &CancellationToken,
    ) -> Arc<TcpSlot> {
        let mut taken = self.taken.lock();
        taken.next_id += 1;
        let id = taken.next_id;
        if let Some(address) = address {
            taken.by_address.entry(address).or_default().open += 1;
        }
        drop(taken);
        let slot = TcpSlot {
            slots: Arc::clone(self),
            permit: Some(permit),
            id,
            address,
            close: close.clone(),
            idle_at: Mutex::new(None),
        };
        slot.idle_from(Instant::now() + NEWCOMER_GRACE);
        Arc::new(slot)
    }
}

/// Closes the oldest, if its grace is over. Returns whether it did.
fn close_oldest(idle: &mut Idle) -> bool {
    match idle.first_entry() {
        Some(oldest) if oldest.key().0 <= Instant::now() => {
            oldest.remove().cancel();
            true
        }
        _ => false,
    }
}

impl TcpSlot {
    /// Marks the connection as waiting for its next request.
    pub fn idle(&self) {
        self.idle_from(Instant::now());
    }

    fn idle_from(&self, at: Instant) {
        let mut idle_at = self.idle_at.lock();
        let mut taken = self.slots.taken.lock();
        self.remove(&mut taken, *idle_at);
        taken.idle.insert((at, self.id), self.close.clone());
        if let Some(address) = self.address
            && let Some(of_address) = taken.by_address.get_mut(&address)
        {
            of_address.idle.insert((at, self.id), self.close.clone());
        }
        *idle_at = Some(at);
    }

    /// Marks the connection as having a request, or a part of one, under way.
    pub fn busy(&self) {
        if let Some(at) = self.idle_at.lock().take() {
            self.remove(&mut self.slots.taken.lock(), Some(at));
        }
    }

    fn remove(&self, taken: &mut Taken, at: Option<Instant>) {
        let Some(at) = at else { return };
        taken.idle.remove(&(at, self.id));
        if let Some(address) = self.address
            && let Some(of_address) = taken.by_address.get_mut(&address)
        {
            of_address.idle.remove(&(at, self.id));
        }
    }
}

impl Drop for TcpSlot {
    fn drop(&mut self) {
        // Freed first. A new connection that finds no idle one any more then finds this slot free.
        drop(self.permit.take());
        self.busy();
        let Some(address) = self.address else { return };
        let mut taken = self.slots.taken.lock();
        if let Some(of_address) = taken.by_address.get_mut(&address) {
            of_address.open -= 1;
            if of_address.open == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

/// Connections beyond the limits, on which only health checks are answered. The oldest without a
/// request is closed for a new one. So a flood pushes out its own, and a health check, which sends its
/// request immediately, is answered.
#[derive(Debug)]
pub struct Reserve {
    most: usize,
    waiting: Mutex<(u64, BTreeMap<u64, CancellationToken>)>,
    asking: AtomicUsize,
}

/// Slot of one connection in the reserve; freed when dropped.
#[derive(Debug)]
pub struct ReserveSlot {
    reserve: Arc<Reserve>,
    id: u64,
    close: CancellationToken,
    asks: AtomicBool,
}

impl Reserve {
    /// A reserve for at most `most` connections.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            waiting: Mutex::default(),
            asking: AtomicUsize::new(0),
        })
    }

    /// Takes a slot. If there are too many, the oldest connection without a request is closed.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> ReserveSlot {
        let close = CancellationToken::new();
        let mut waiting = self.waiting.lock();
        waiting.0 += 1;
        let id = waiting.0;
        if waiting.1.len() >= self.most
            && let Some((_, oldest)) = waiting.1.pop_first()
        {
            oldest.cancel();
        }
        waiting.1.insert(id, close.clone());
        drop(waiting);
        ReserveSlot {
            reserve: Arc::clone(self),
            id,
            close,
            asks: AtomicBool::new(false),
        }
    }
}

impl ReserveSlot {
    /// Notes that its request has arrived. From now on it is not closed for others, unless as many as
    /// the reserve holds are being answered.
    pub fn note_request(&self) {
        if self.asks.load(Ordering::Relaxed) {
            return;
        }
        if self.reserve.asking.fetch_add(1, Ordering::Relaxed) >= self.reserve.most {
            self.reserve.asking.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        self.asks.store(true, Ordering::Relaxed);
        self.reserve.waiting.lock().1.remove(&self.id);
    }

    /// Waits until this connection must be closed.
    pub async fn evicted(&self) {
        self.close.cancelled().await;
    }
}

impl Drop for ReserveSlot {
    fn drop(&mut self) {
        self.reserve.waiting.lock().1.remove(&self.id);
        if self.asks.load(Ordering::Relaxed) {
            self.reserve.asking.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
