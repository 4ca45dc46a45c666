//! Drop guards that clean up after a stream or a long poll.

use std::sync::Arc;

use socketioxide::socket::Sid;

use super::context::ConnectionContext;
use super::endpoint::Endpoint;

/// Closes a polling session when dropped.
pub struct ClosePolling {
    endpoint: Arc<Endpoint>,
    sid: Option<Sid>,
    is_hang_up: bool,
}

impl ClosePolling {
    /// For a poll: closes the session if the client hangs up before the answer.
    pub fn unless_answered(endpoint: &Arc<Endpoint>, sid: Sid) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            sid: Some(sid),
            is_hang_up: true,
        }
    }

    /// For the stream of an upgrade: closes the session if the library has not finished the upgrade.
    /// Such a session would count as upgrading, which stops its heartbeat, and would stay for ever.
    pub fn unless_upgraded(endpoint: &Arc<Endpoint>, sid: Sid) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            sid: Some(sid),
            is_hang_up: false,
        }
    }

    /// Keeps the session open.
    pub fn disarm(mut self) {
        self.sid = None;
    }
}

impl Drop for ClosePolling {
    fn drop(&mut self) {
        let Some(sid) = self.sid else { return };
        let context = self.endpoint.polling().get(sid);
        if let Some(context) = context.as_ref().filter(|_| self.is_hang_up) {
            context.flow().note_hang_up();
        }
        let endpoint = Arc::clone(&self.endpoint);
        tokio::spawn(async move {
            // Only a session that still polls accepts this, so one that was never upgraded.
            endpoint.close_polling(sid).await;
            if let Some(context) = context {
                endpoint.release_if_ended(&context).await;
            }
        });
    }
}

/// Frees the connection's slot when its stream ends.
pub struct TransportEnd {
    endpoint: Arc<Endpoint>,
    context: Arc<ConnectionContext>,
    counts_faults: bool,
}

impl TransportEnd {
    /// For a stream. `counts_faults` if the connection began with it; then an end for the client's fault
    /// is counted.
    pub fn new(
        endpoint: &Arc<Endpoint>,
        context: &Arc<ConnectionContext>,
        counts_faults: bool,
    ) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            context: Arc::clone(context),
            counts_faults,
        }
    }
}

impl Drop for TransportEnd {
    fn drop(&mut self) {
        self.context.release_slot();
        if self.counts_faults
            && let Some(reason) = self.context.fault(self.endpoint.connect_timeout())
        {
            self.endpoint.metrics().reject(reason);
        }
    }
}
