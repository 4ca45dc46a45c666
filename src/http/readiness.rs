//! Whether the service accepts new connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

/// Whether the service accepts new connections: not while it drains, and not while it is out of step
/// with the nodes that share its rooms.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    draining: AtomicBool,
    in_step: OnceLock<watch::Receiver<bool>>,
}

impl Readiness {
    /// Makes the service not ready for good, because it drains.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// Makes readiness depend on whether this node is in step with the others that share its rooms.
    /// Only the first call counts.
    pub fn follow(&self, in_step: watch::Receiver<bool>) {
        self.0.in_step.get_or_init(|| in_step);
    }

    /// Why the service is not ready, if it is not.
    pub(super) fn not_ready(&self) -> Option<&'static str> {
        if self.0.draining.load(Ordering::Acquire) {
            Some("shutting down\n")
        } else if self.0.in_step.get().is_none_or(|up| *up.borrow()) {
            None
        } else {
            Some("waiting for Redis\n")
        }
    }
}
