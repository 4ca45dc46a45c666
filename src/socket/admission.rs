//! Limits on opening connections: how many there may be, in all and from one address, and how fast one
//! address may open them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;

use crate::idle::{Occupancy, Occupant};
use crate::memory::MemoryBudget;
use crate::metrics::{Metrics, RefusalContext};
use crate::peer::{AdmissionError, ClientAddress, network_of};

/// Connections that one address may open in a burst, in seconds of its rate.
pub const BURST_SECONDS: u32 = 10;
/// Checks after which the rate limiter drops addresses that have not connected recently.
const FORGET_EVERY: u32 = 4096;
/// Ended connections that give their slot up although the library still holds state of them (about
/// 9 KiB each). More than these keep their slots until the library drops its state.
const REMAINS_MAX: usize = 2048;

/// Limits on opening connections; 0 = not limited.
#[derive(Debug, Clone, Copy, Default)]
pub struct AdmissionSettings {
    /// Open connections.
    pub connections_max: usize,
    /// Open connections from one address.
    pub per_address_max: usize,
    /// New connections a second from one address.
    pub per_address_rate: u32,
}

/// Counts open connections and decides about new ones.
pub struct Admission {
    settings: AdmissionSettings,
    occupancy: Arc<Occupancy>,
    budget: Arc<MemoryBudget>,
    metrics: Arc<Metrics>,
    open: AtomicUsize,
    remains: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    rate: Option<DefaultKeyedRateLimiter<IpAddr>>,
    checks: AtomicU32,
}

/// One of the open connections in the counts; counted off when released or dropped.
pub struct ConnectionSlot {
    admission: Arc<Admission>,
    /// The network that the connection comes from, if that is known.
    network: Option<IpAddr>,
    /// The same, if connections are counted by address.
    address: Option<IpAddr>,
    released: bool,
    /// A client that polls uses the service between its requests, too.
    occupant: Option<Occupant>,
}

impl ConnectionSlot {
    /// Gives the slot to other connections, because the transport has ended. The library's state of
    /// the connection remains until this is dropped.
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
        self.occupant = None;
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
    /// The network that the connection comes from, if that is known: of IPv6 the /64.
    pub const fn network(&self) -> Option<IpAddr> {
        self.network
    }
}

impl Admission {
    /// No connections are open.
    pub fn new(
        settings: AdmissionSettings,
        occupancy: Arc<Occupancy>,
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
            occupancy,
            budget,
            metrics,
            open: AtomicUsize::new(0),
            remains: AtomicUsize::new(0),
            by_address: Mutex::default(),
            rate,
            checks: AtomicU32::new(0),
        })
    }

    /// Reserves a slot for a connection. An unknown address is not limited.
    ///
    /// # Errors
    /// [`AdmissionError`].
    pub fn reserve(
        self: &Arc<Self>,
        address: Option<ClientAddress>,
    ) -> Result<ConnectionSlot, AdmissionError> {
        let network = address.map(|ClientAddress(ip)| network_of(ip));
        self.try_reserve(network).inspect_err(|error| {
            let context = RefusalContext {
                what: "connection",
                text: &error.to_string(),
                network,
            };
            self.metrics.reject_with(error.reason(), &context);
        })
    }

    fn try_reserve(
        self: &Arc<Self>,
        address: Option<IpAddr>,
    ) -> Result<ConnectionSlot, AdmissionError> {
        if let Some(address) = address {
            self.check_rate(address)?;
        }
        if !self.budget.has_room(0) {
            return Err(AdmissionError::NoMemory);
        }
        // Counted first and given back by the slot's drop, so that two simultaneous connections cannot
        // both be the last.
        let open = self.open.fetch_add(1, Ordering::AcqRel);
        self.metrics.connections.inc();
        let mut occupant = self.occupancy.enter();
        occupant.mark_used();
        let mut slot = ConnectionSlot {
            admission: Arc::clone(self),
            network: address,
            address: None,
            released: false,
            occupant: Some(occupant),
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
}

const fn is_full(held: usize, max: usize) -> bool {
    max != 0 && held >= max
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
