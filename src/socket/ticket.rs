//! What ties the HTTP request that opened a connection to its session: the library keeps the
//! request's extensions for the connection's life, and this is one of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use socketioxide::socket::Sid;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::admission::Place;
use super::endpoint::Endpoint;
use super::wire::Wire;
use crate::session::{Link, Session};

/// One connection's ticket.
pub struct Ticket {
    // Held for the connection's life.
    _place: Place,
    link: Arc<Link>,
    endpoint: Weak<Endpoint>,
    /// Made by the connect middleware, run by the connect handler.
    session: Mutex<Option<Box<Session<Wire>>>>,
    /// How many sessions there have been, one after the other.
    sessions: AtomicU32,
    evicted: AtomicBool,
    /// Held by the session that runs.
    turn: Arc<Semaphore>,
    /// The Engine.IO session, where it began with polling and so may be upgraded.
    sid: OnceLock<Sid>,
}

impl Ticket {
    /// A ticket for a new connection.
    pub fn new(endpoint: &Arc<Endpoint>, place: Place) -> Arc<Self> {
        Arc::new(Self {
            _place: place,
            link: Arc::default(),
            endpoint: Arc::downgrade(endpoint),
            session: Mutex::new(None),
            sessions: AtomicU32::new(0),
            evicted: AtomicBool::new(false),
            turn: Arc::new(Semaphore::new(1)),
            sid: OnceLock::new(),
        })
    }

    /// The link between the session and its transport.
    pub const fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Leaves the session for the connect handler.
    pub fn put(&self, session: Box<Session<Wire>>) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
        *self.session.lock() = Some(session);
    }

    /// Whether the client has sent CONNECT.
    pub fn is_claimed(&self) -> bool {
        self.sessions() > 0
    }

    /// Waits until the session before, if there was one, has ended. The turn lasts until the permit
    /// is dropped; `None` never comes, because turns are not closed.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turn).acquire_owned().await.ok()
    }

    /// How many sessions this connection has had.
    pub fn sessions(&self) -> u32 {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Takes the session, once.
    pub fn take(&self) -> Option<Box<Session<Wire>>> {
        self.session.lock().take()
    }

    /// Ends a connection that its client has not claimed. The library holds on to such a session
    /// until its connect timeout, closed or not, unless it is connected: so it is, with no session
    /// behind it, and then closed.
    pub fn evict(&self) {
        self.evicted.store(true, Ordering::Release);
        match (self.sid.get(), self.endpoint.upgrade()) {
            (Some(&sid), Some(endpoint)) => endpoint.connect_polling(sid),
            _ => self.link.close(),
        }
    }

    /// Whether this connection is being ended because nobody claimed it.
    pub fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire)
    }

    /// Ends the transport, whichever it is now. A WebSocket's stream fails; a polling session is
    /// closed by the packet its client would close it with.
    pub fn close_transport(&self) {
        self.link.close();
        if let (Some(&sid), Some(endpoint)) = (self.sid.get(), self.endpoint.upgrade()) {
            endpoint.close_polling(sid);
        }
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the session id: it is a secret.
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let (Some(sid), Some(endpoint)) = (self.sid.get(), self.endpoint.upgrade()) {
            endpoint.polling().forget(*sid);
        }
    }
}

/// The tickets of connections that began with polling, by Engine.IO session id.
#[derive(Default)]
pub struct PollingTickets {
    by_sid: Mutex<HashMap<Sid, Weak<Ticket>>>,
}

impl PollingTickets {
    /// Notes which session the ticket got.
    pub fn remember(&self, sid: Sid, ticket: &Arc<Ticket>) {
        if ticket.sid.set(sid).is_ok() {
            self.by_sid.lock().insert(sid, Arc::downgrade(ticket));
        }
    }

    /// The ticket of a session, while it lives.
    pub fn get(&self, sid: Sid) -> Option<Arc<Ticket>> {
        self.by_sid.lock().get(&sid)?.upgrade()
    }

    fn forget(&self, sid: Sid) {
        self.by_sid.lock().remove(&sid);
    }
}
