//! What must happen when a stream or a poll ends, however it ends: guards that act when dropped.

use std::sync::Arc;

use socketioxide::socket::Sid;

use super::endpoint::Endpoint;
use super::ticket::Ticket;

/// Closes a polling session when dropped.
pub struct ClosePolling {
    endpoint: Arc<Endpoint>,
    sid: Option<Sid>,
    is_hang_up: bool,
}

impl ClosePolling {
    /// For a poll: closes the session where the client hangs up before it is answered.
    pub fn unless_answered(endpoint: &Arc<Endpoint>, sid: Sid) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            sid: Some(sid),
            is_hang_up: true,
        }
    }

    /// For the stream of an upgrade. Where the library did not come to finish it, the session
    /// would still count as upgrading, which stops its heartbeat: it would stay for ever.
    pub fn unless_upgraded(endpoint: &Arc<Endpoint>, sid: Sid) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            sid: Some(sid),
            is_hang_up: false,
        }
    }

    /// Nothing is to be closed.
    pub fn disarm(mut self) {
        self.sid = None;
    }
}

impl Drop for ClosePolling {
    fn drop(&mut self) {
        let Some(sid) = self.sid else { return };
        let ticket = self.endpoint.polling().get(sid);
        if let Some(ticket) = ticket.as_ref().filter(|_| self.is_hang_up) {
            ticket.link().note_hang_up();
        }
        let endpoint = Arc::clone(&self.endpoint);
        tokio::spawn(async move {
            // Only a session that still polls takes it: one that was never upgraded.
            endpoint.close_polling(sid).await;
            if let Some(ticket) = ticket {
                endpoint.release_if_gone(&ticket).await;
            }
        });
    }
}

/// Frees the connection's place when its stream ends.
pub struct TransportEnd {
    endpoint: Arc<Endpoint>,
    ticket: Arc<Ticket>,
    counts_faults: bool,
}

impl TransportEnd {
    /// For a stream. `counts_faults` where the session began with it: what ended it is counted.
    pub fn new(endpoint: &Arc<Endpoint>, ticket: &Arc<Ticket>, counts_faults: bool) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            ticket: Arc::clone(ticket),
            counts_faults,
        }
    }
}

impl Drop for TransportEnd {
    fn drop(&mut self) {
        self.ticket.release_place();
        if self.counts_faults
            && let Some(reason) = self.ticket.fault(self.endpoint.connect_timeout())
        {
            self.endpoint.metrics().reject(reason);
        }
    }
}
