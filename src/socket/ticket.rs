//! What ties the HTTP request that opened a connection to its session: the library keeps the
//! request's extensions for the connection's life, and this is one of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

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
    place: Place,
    link: Arc<Link>,
    opened: Instant,
    endpoint: Weak<Endpoint>,
    /// Made by the connect middleware, run by the connect handler.
    session: Mutex<Option<Box<Session<Wire>>>>,
    /// How many sessions there have been, one after the other.
    sessions: AtomicU32,
    /// How many of them were over before the transport, by either side's goodbye.
    left: AtomicU32,
    evicted: AtomicBool,
    upgrading: AtomicBool,
    /// Held by the session that runs.
    turn: Arc<Semaphore>,
    /// The Engine.IO session, where it began with polling and so may be upgraded.
    sid: OnceLock<Sid>,
}

impl Ticket {
    /// A ticket for a new connection.
    pub fn new(endpoint: &Arc<Endpoint>, place: Place) -> Arc<Self> {
        Arc::new(Self {
            place,
            link: Arc::default(),
            opened: Instant::now(),
            endpoint: Arc::downgrade(endpoint),
            session: Mutex::new(None),
            sessions: AtomicU32::new(0),
            left: AtomicU32::new(0),
            evicted: AtomicBool::new(false),
            upgrading: AtomicBool::new(false),
            turn: Arc::new(Semaphore::new(1)),
            sid: OnceLock::new(),
        })
    }

    /// Where the connection comes from, if that is known: of IPv6 the /64.
    pub const fn network(&self) -> Option<IpAddr> {
        self.place.network()
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

    /// Whether the session may be upgraded: once. An upgrade that fails ends the session, so there
    /// is no second try; two at once would have the library end both.
    pub fn begin_upgrade(&self) -> bool {
        !self.upgrading.swap(true, Ordering::AcqRel)
    }

    /// How many sessions this connection has had.
    pub fn sessions(&self) -> u32 {
        self.sessions.load(Ordering::Relaxed)
    }

    /// A session is over and the transport goes on.
    pub fn left(&self) {
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    /// Why the library ended a transport without a session to tell of it, where that was for
    /// what the client did: it sent nothing in time, or what it may not send.
    pub fn fault(&self, connect_timeout: Duration) -> Option<&'static str> {
        let in_session = self.sessions() > self.left.load(Ordering::Relaxed);
        if self.link.is_excused() || self.is_evicted() || in_session {
            return None;
        }
        let late = !self.is_claimed() && self.opened.elapsed() >= connect_timeout;
        Some(if late { "connect_timeout" } else { "packet" })
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
            (Some(&sid), Some(endpoint)) => {
                tokio::spawn(async move { endpoint.connect_polling(sid).await });
            }
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
            tokio::spawn(async move { endpoint.close_polling(sid).await });
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
            endpoint.polling_ended(self);
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
