//! What must happen when a stream or a poll ends, however it ends: guards that act when dropped.

use std::sync::Arc;

use socketioxide::socket::Sid;

use super::endpoint::Endpoint;
use super::ticket::Ticket;
use crate::session::Link;

/// Closes a polling session when dropped.
pub struct ClosePolling {
    endpoint: Arc<Endpoint>,
    sid: Option<Sid>,
    fault: Option<Arc<Link>>,
}

impl ClosePolling {
    /// For a poll: closes the session where the client hangs up before it is answered.
    pub fn unless_answered(endpoint: &Arc<Endpoint>, sid: Sid) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            sid: Some(sid),
            fault: None,
        }
    }

    /// For the stream of an upgrade. Where the upgrade failed, the session would still count as
    /// upgrading, which stops its heartbeat: it would stay for ever.
    pub fn unless_upgraded(endpoint: &Arc<Endpoint>, sid: Sid, link: &Arc<Link>) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            sid: Some(sid),
            fault: Some(Arc::clone(link)),
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
        if self.fault.is_none()
            && let Some(ticket) = self.endpoint.polling().get(sid)
        {
            ticket.link().note_hang_up();
        }
        let (endpoint, fault) = (Arc::clone(&self.endpoint), self.fault.take());
        tokio::spawn(async move {
            // Only a session that still polls takes it: one that was never upgraded.
            let closed = endpoint.close_polling(sid).await;
            if closed && fault.is_some_and(|link| !link.is_excused()) {
                endpoint.metrics().reject("upgrade");
            }
        });
    }
}

/// Counts, when dropped, what ended the stream of a session that began with it.
pub struct CountFault {
    endpoint: Arc<Endpoint>,
    ticket: Arc<Ticket>,
}

impl CountFault {
    /// For the stream of that ticket's session.
    pub fn new(endpoint: &Arc<Endpoint>, ticket: &Arc<Ticket>) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            ticket: Arc::clone(ticket),
        }
    }
}

impl Drop for CountFault {
    fn drop(&mut self) {
        if let Some(reason) = self.ticket.fault(self.endpoint.connect_timeout()) {
            self.endpoint.metrics().reject(reason);
        }
    }
}
