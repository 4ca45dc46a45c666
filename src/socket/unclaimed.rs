//! Connections whose client has not sent CONNECT yet.
//!
//! A handshake is cheap to request and holds memory until its client claims it with CONNECT or the
//! connect timeout ends it. So only the newest unclaimed connections stay open. A flood of them pushes
//! out its own, and a client that sends CONNECT within a few round trips is not affected.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::context::ConnectionContext;
use crate::metrics::Metrics;

/// Connections that may be unclaimed; beyond that the oldest are evicted. Each holds about 9 KiB.
const UNCLAIMED_MAX: usize = 2048;

/// The unclaimed connections, oldest first.
#[derive(Default)]
pub struct Unclaimed(Mutex<VecDeque<Weak<ConnectionContext>>>);

impl Unclaimed {
    /// Adds a connection whose client has not sent CONNECT yet. If too many are unclaimed, evicts the
    /// oldest.
    pub fn add(&self, context: &Arc<ConnectionContext>, metrics: &Metrics) {
        let mut unclaimed = self.0.lock();
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
            metrics.reject("unclaimed");
            oldest.evict();
        }
    }
}
