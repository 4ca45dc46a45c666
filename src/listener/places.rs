//! Who may have a TCP connection open: how many there may be, in all and from one address.
//!
//! An idle connection costs its client nothing to open again, so it gives way to a newcomer: the
//! oldest of all where the server is full, the oldest of its address where that has more than its
//! share. What gives way is closed as HTTP closes idle connections, so no request is lost.

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

/// Connections one address may have beyond those that its sessions need: a browser opens six at
/// once to load a page.
const BROWSER_CONNECTIONS: usize = 6;
/// Connections each session may need at once: polling takes two, one to wait on and one to send.
const CONNECTIONS_PER_SESSION: usize = 2;
/// A connection that has not asked for anything yet does not give way for this long: its request
/// may be on its way.
const NEWCOMER_GRACE: Duration = Duration::from_secs(1);

/// Connections beyond the limits that are open at once, to answer health checks and to say why
/// nothing else is answered.
const RESERVE: usize = 256;
/// Files that the process has open beside its connections: logs, Redis, metrics, the runtime's.
const OTHER_FILES: usize = 64;

/// Limits on open connections.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once; 0 = not limited.
    pub connections_max: usize,
    /// Socket.IO sessions at once from one address; 0 = not limited. Its connections are limited in
    /// proportion.
    pub sessions_per_address_max: usize,
    /// Peers that speak for many clients: not limited by address.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Connections beyond the limits that are only told so.
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
    /// Takes no more connections than a process has files for. One that runs out of them cannot
    /// even answer a health check.
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

/// The places that connections take.
#[derive(Debug)]
pub struct Places {
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

/// What one address has.
#[derive(Debug, Default)]
struct OfAddress {
    open: usize,
    idle: Idle,
}

/// Idle connections in the order in which they give way, each with what closes it.
type Idle = BTreeMap<(Instant, u64), CancellationToken>;

/// One connection's place; given up when dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    permit: Option<OwnedSemaphorePermit>,
    id: u64,
    address: Option<IpAddr>,
    close: CancellationToken,
    /// Where it stands among the idle ones, if it does.
    idle_at: Mutex<Option<Instant>>,
}

impl Places {
    /// All are free.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        let places = match limits.connections_max {
            0 => Semaphore::MAX_PERMITS,
            max => max.min(Semaphore::MAX_PERMITS),
        };
        Arc::new(Self {
            limits,
            free: Arc::new(Semaphore::new(places)),
            taken: Mutex::default(),
        })
    }

    /// Takes a place for a new connection, which is closed where `close` is cancelled.
    ///
    /// # Errors
    /// [`AdmissionError::Full`] or [`AdmissionError::AddressFull`].
    pub fn take(
        self: &Arc<Self>,
        peer: IpAddr,
        close: &CancellationToken,
    ) -> Result<Arc<Place>, AdmissionError> {
        let address = self.limited(peer);
        if let Some(address) = address {
            self.check_address(address)?;
        }
        let permit = Arc::clone(&self.free).try_acquire_owned();
        let permit = permit.map_err(|_| AdmissionError::Full)?;
        Ok(self.occupy(permit, address, close))
    }

    /// Takes the place of an idle connection, which is closed; `None` where none is idle, or where
    /// it does not end in time.
    pub async fn take_over(
        self: &Arc<Self>,
        peer: IpAddr,
        close: &CancellationToken,
        timeout: Duration,
    ) -> Option<Arc<Place>> {
        let freed = Arc::clone(&self.free).acquire_owned();
        // Where none is idle, one may have ended since the newcomer was counted.
        let timeout = match self.close_oldest_idle() {
            true => timeout,
            false => Duration::ZERO,
        };
        let permit = tokio::time::timeout(timeout, freed).await.ok()?.ok()?;
        Some(self.occupy(permit, self.limited(peer), close))
    }

    /// Closes the connection that has been idle for longest. Whether there was one.
    pub fn close_oldest_idle(&self) -> bool {
        close_oldest(&mut self.taken.lock().idle)
    }

    /// The address that a peer counts for, where it is limited.
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
    ) -> Arc<Place> {
        let mut taken = self.taken.lock();
        taken.next_id += 1;
        let id = taken.next_id;
        if let Some(address) = address {
            taken.by_address.entry(address).or_default().open += 1;
        }
        drop(taken);
        let place = Place {
            places: Arc::clone(self),
            permit: Some(permit),
            id,
            address,
            close: close.clone(),
            idle_at: Mutex::new(None),
        };
        place.idle_from(Instant::now() + NEWCOMER_GRACE);
        Arc::new(place)
    }
}

/// Closes the oldest, where it may give way already.
fn close_oldest(idle: &mut Idle) -> bool {
    match idle.first_entry() {
        Some(oldest) if oldest.key().0 <= Instant::now() => {
            oldest.remove().cancel();
            true
        }
        _ => false,
    }
}

impl Place {
    /// The connection waits for its next request.
    pub fn idle(&self) {
        self.idle_from(Instant::now());
    }

    fn idle_from(&self, at: Instant) {
        let mut idle_at = self.idle_at.lock();
        let mut taken = self.places.taken.lock();
        self.remove(&mut taken, *idle_at);
        taken.idle.insert((at, self.id), self.close.clone());
        if let Some(address) = self.address
            && let Some(of_address) = taken.by_address.get_mut(&address)
        {
            of_address.idle.insert((at, self.id), self.close.clone());
        }
        *idle_at = Some(at);
    }

    /// The connection has a request under way, or a part of one.
    pub fn busy(&self) {
        if let Some(at) = self.idle_at.lock().take() {
            self.remove(&mut self.places.taken.lock(), Some(at));
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

impl Drop for Place {
    fn drop(&mut self) {
        // First, so that a newcomer who finds no idle connection any more finds the place free.
        drop(self.permit.take());
        self.busy();
        let Some(address) = self.address else { return };
        let mut taken = self.places.taken.lock();
        if let Some(of_address) = taken.by_address.get_mut(&address) {
            of_address.open -= 1;
            if of_address.open == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

/// Connections beyond the limits, which are only told so. The oldest that has not asked yet gives
/// way, so that a flood pushes its own out and a health check, which asks immediately, is answered.
#[derive(Debug)]
pub struct Reserve {
    most: usize,
    waiting: Mutex<(u64, BTreeMap<u64, CancellationToken>)>,
    asking: AtomicUsize,
}

/// One connection in the reserve; it leaves when dropped.
#[derive(Debug)]
pub struct InReserve {
    reserve: Arc<Reserve>,
    id: u64,
    close: CancellationToken,
    asks: AtomicBool,
}

impl Reserve {
    /// For at most so many connections at once.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            waiting: Mutex::default(),
            asking: AtomicUsize::new(0),
        })
    }

    /// Takes one in. Where that is one too many, the oldest goes.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> InReserve {
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
        InReserve {
            reserve: Arc::clone(self),
            id,
            close,
            asks: AtomicBool::new(false),
        }
    }
}

impl InReserve {
    /// Its request has come: from now on it does not give way, unless as many as there may be in
    /// the reserve are being answered.
    pub fn asks(&self) {
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

    /// Waits until this one has to go.
    pub async fn gone(&self) {
        self.close.cancelled().await;
    }
}

impl Drop for InReserve {
    fn drop(&mut self) {
        self.reserve.waiting.lock().1.remove(&self.id);
        if self.asks.load(Ordering::Relaxed) {
            self.reserve.asking.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
