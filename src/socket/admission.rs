//! Who may open a connection: how many there may be, in all and from one address, how fast one
//! address may open them, and how many may wait to be claimed.
//!
//! A handshake is cheap to ask for and holds memory until its client sends CONNECT or the connect
//! timeout ends it. So of those not yet claimed only the newest stay: a flood pushes its own out,
//! and a client that claims its handshake within a few round trips is not affected.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;

use super::context::ConnectionContext;
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;

/// Handshakes that may wait to be claimed; beyond that the oldest give way. Each holds about
/// 9 KiB.
const UNCLAIMED_MAX: usize = 2048;
/// Connections one address may open at once, in seconds of its rate.
pub const BURST_SECONDS: u32 = 10;
/// Addresses are forgotten now and then, once this many checks were made.
const FORGET_EVERY: u32 = 4096;
/// Ended connections that the library may still hold something of (about 9 KiB each) without
/// taking a slot; more keep theirs until it lets go.
const REMAINS_MAX: usize = 2048;
/// When to try again where the service is full.
const FULL_RETRY_S: u64 = 5;

/// The client's address, as an extension of its requests.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// Limits on opening connections; 0 = not limited.
#[derive(Debug, Clone, Copy, Default)]
pub struct AdmissionSettings {
    /// Connections at once.
    pub connections_max: usize,
    /// Connections at once from one address.
    pub per_address_max: usize,
    /// New connections a second from one address.
    pub per_address_rate: u32,
}

/// See the module's text.
pub struct Admission {
    settings: AdmissionSettings,
    budget: Arc<MemoryBudget>,
    metrics: Arc<Metrics>,
    open: AtomicUsize,
    remains: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    rate: Option<DefaultKeyedRateLimiter<IpAddr>>,
    checks: AtomicU32,
    unclaimed: Mutex<VecDeque<Weak<ConnectionContext>>>,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The service has as many connections as it may.
    #[error("server is full (MAX_CONNECTIONS)")]
    Full,
    /// All connections together hold as much memory as they may.
    #[error("server is short of memory (MEMORY_BUDGET)")]
    NoMemory,
    /// The address has as many connections as it may.
    #[error("too many connections from this address (MAX_CONNECTIONS_PER_IP)")]
    AddressFull,
    /// The address opens connections too fast.
    #[error("new connections from this address come too fast (CONNECT_RATE_PER_IP)")]
    TooFast(Duration),
}

impl AdmissionError {
    /// The reason that is counted where it is a TCP connection that is turned away.
    pub const fn connection_reason(self) -> &'static str {
        match self {
            Self::Full => "connections_full",
            _ => self.reason(),
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Full => "server_full",
            Self::NoMemory => "memory_full",
            Self::AddressFull => "address_full",
            Self::TooFast(_) => "connect_rate",
        }
    }
}

impl IntoResponse for AdmissionError {
    fn into_response(self) -> Response {
        let (status, retry_s) = match self {
            Self::Full | Self::NoMemory => (StatusCode::SERVICE_UNAVAILABLE, FULL_RETRY_S),
            Self::AddressFull => (StatusCode::TOO_MANY_REQUESTS, FULL_RETRY_S),
            Self::TooFast(wait) => (StatusCode::TOO_MANY_REQUESTS, wait.as_secs() + 1),
        };
        let retry = [(header::RETRY_AFTER, retry_s.to_string())];
        (status, retry, format!("{self}\n")).into_response()
    }
}

/// The answer to a request for more memory than there is.
pub fn no_memory() -> Response {
    AdmissionError::NoMemory.into_response()
}

/// A place among the open connections; given up when dropped, or before.
pub struct ConnectionSlot {
    admission: Arc<Admission>,
    /// Where the connection comes from, if that is known.
    network: Option<IpAddr>,
    /// The same, where it is counted.
    address: Option<IpAddr>,
    released: bool,
}

impl ConnectionSlot {
    /// The transport has ended: somebody else may have the slot, although something of the
    /// connection is left until this is dropped.
    pub fn release(&mut self) {
        let remains = &self.admission.remains;
        if self.released {
            return;
        }
        if remains.fetch_add(1, Ordering::AcqRel) >= REMAINS_MAX {
            remains.fetch_sub(1, Ordering::AcqRel);
            return;
        }
        self.released = true;
        self.give_up();
    }

    fn give_up(&mut self) {
        self.admission.open.fetch_sub(1, Ordering::AcqRel);
        self.admission.metrics.connections.dec();
        let Some(address) = self.address.take() else {
            return;
        };
        let mut by_address = self.admission.by_address.lock();
        if let Some(held) = by_address.get_mut(&address) {
            *held -= 1;
            if *held == 0 {
                by_address.remove(&address);
            }
        }
    }
}

impl ConnectionSlot {
    /// Where the connection comes from, if that is known: of IPv6 the /64.
    pub const fn network(&self) -> Option<IpAddr> {
        self.network
    }
}

impl Admission {
    /// Nobody is in.
    pub fn new(
        settings: AdmissionSettings,
        budget: Arc<MemoryBudget>,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        let rate = settings.per_address_rate;
        let burst = rate.saturating_mul(BURST_SECONDS);
        let quota = NonZeroU32::new(rate).zip(NonZeroU32::new(burst));
        let rate = quota
            .map(|(rate, burst)| RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)));
        Arc::new(Self {
            settings,
            budget,
            metrics,
            open: AtomicUsize::new(0),
            remains: AtomicUsize::new(0),
            by_address: Mutex::default(),
            rate,
            checks: AtomicU32::new(0),
            unclaimed: Mutex::default(),
        })
    }

    /// Lets a connection in, or says why not. An address that is not known is not limited.
    ///
    /// # Errors
    /// [`AdmissionError`].
    pub fn admit(
        self: &Arc<Self>,
        address: Option<ClientAddress>,
    ) -> Result<ConnectionSlot, AdmissionError> {
        self.try_admit(address.map(|ClientAddress(ip)| network_of(ip)))
            .inspect_err(|away| self.metrics.reject(away.reason()))
    }

    fn try_admit(
        self: &Arc<Self>,
        address: Option<IpAddr>,
    ) -> Result<ConnectionSlot, AdmissionError> {
        if let Some(address) = address {
            self.check_rate(address)?;
        }
        if !self.budget.has_room(0) {
            return Err(AdmissionError::NoMemory);
        }
        // Counted first and given back by the place's drop, so that two at once cannot both be
        // the last.
        let open = self.open.fetch_add(1, Ordering::AcqRel);
        self.metrics.connections.inc();
        let mut slot = ConnectionSlot {
            admission: Arc::clone(self),
            network: address,
            address: None,
            released: false,
        };
        if is_full(open, self.settings.connections_max) {
            return Err(AdmissionError::Full);
        }
        if let Some(address) = address.filter(|_| self.settings.per_address_max != 0) {
            let mut by_address = self.by_address.lock();
            let of_address = by_address.entry(address).or_default();
            if is_full(*of_address, self.settings.per_address_max) {
                return Err(AdmissionError::AddressFull);
            }
            *of_address += 1;
            drop(by_address);
            slot.address = Some(address);
        }
        Ok(slot)
    }

    /// Whether the service has as many connections as it may.
    pub fn is_full(&self) -> bool {
        is_full(
            self.open.load(Ordering::Acquire),
            self.settings.connections_max,
        )
    }

    fn check_rate(&self, address: IpAddr) -> Result<(), AdmissionError> {
        let Some(rate) = &self.rate else {
            return Ok(());
        };
        if self.checks.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            rate.retain_recent();
        }
        rate.check_key(&address).map_err(|early| {
            AdmissionError::TooFast(early.wait_time_from(DefaultClock::default().now()))
        })
    }

    /// Notes a connection whose client has not sent CONNECT yet. Where too many wait, the oldest
    /// are closed.
    pub fn await_claim(&self, context: &Arc<ConnectionContext>) {
        let mut unclaimed = self.unclaimed.lock();
        unclaimed.push_back(Arc::downgrade(context));
        if unclaimed.len() <= UNCLAIMED_MAX {
            return;
        }
        unclaimed.retain(|context| {
            context
                .upgrade()
                .is_some_and(|context| !context.is_claimed())
        });
        let oldest = if unclaimed.len() > UNCLAIMED_MAX {
            unclaimed.pop_front()
        } else {
            None
        };
        drop(unclaimed);
        if let Some(oldest) = oldest.and_then(|context| context.upgrade()) {
            self.metrics.reject("unclaimed");
            oldest.evict();
        }
    }
}

const fn is_full(held: usize, max: usize) -> bool {
    max != 0 && held >= max
}

/// What counts as one address: of IPv6 the /64 that one subscriber has.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        if self.released {
            self.admission.remains.fetch_sub(1, Ordering::AcqRel);
        } else {
            self.give_up();
        }
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
