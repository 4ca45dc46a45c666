//! What is known of one connection from its first request on. The library keeps the request's
//! extensions for the connection's life, and this is one of them: it must not own the session,
//! which speaks through the library's socket.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use socketioxide::socket::Sid;

use super::admission::ConnectionSlot;
use super::endpoint::Endpoint;
use super::polling::PollingSession;
use crate::memory::{MemoryAccount, Owner};
use crate::session::{EndHandle, FlowControl};

/// No session yet.
const UNCLAIMED: u8 = 0;
/// There is a session.
const CLAIMED: u8 = 1;
/// The session is over, by either side's Socket.IO disconnect, and the transport is not.
const LEFT: u8 = 2;

/// Pause in reading after a refused CONNECT. The library ignores another one until it has done with
/// the first, which it does not say; that takes it microseconds.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

/// One connection's context.
pub struct ConnectionContext {
    slot: Mutex<ConnectionSlot>,
    flow: Arc<FlowControl>,
    account: Arc<MemoryAccount>,
    sent_connect: AtomicBool,
    opened: Instant,
    endpoint: Weak<Endpoint>,
    state: AtomicU8,
    evicted: AtomicBool,
    session: Mutex<SessionEnd>,
    /// Set where the connection began with polling, and so may be upgraded.
    polling: OnceLock<Box<PollingSession>>,
}

/// How the library's word that a connection is over reaches its session, whichever of them comes
/// first.
#[derive(Debug, Default)]
struct SessionEnd {
    handle: Option<EndHandle>,
    /// The connection is over; true where the client said goodbye.
    over: Option<bool>,
}

impl ConnectionContext {
    /// A context for a new connection.
    pub fn new(endpoint: &Arc<Endpoint>, slot: ConnectionSlot) -> Arc<Self> {
        Arc::new_cyclic(|context: &Weak<Self>| Self {
            slot: Mutex::new(slot),
            flow: Arc::default(),
            account: endpoint
                .budget()
                .open(Weak::clone(context) as Weak<dyn Owner>),
            sent_connect: AtomicBool::new(false),
            opened: Instant::now(),
            endpoint: Arc::downgrade(endpoint),
            state: AtomicU8::new(UNCLAIMED),
            evicted: AtomicBool::new(false),
            session: Mutex::default(),
            polling: OnceLock::new(),
        })
    }

    /// Where the connection comes from, if that is known: of IPv6 the /64.
    pub fn network(&self) -> Option<IpAddr> {
        self.slot.lock().network()
    }

    /// The link between the session and its transport.
    pub const fn flow(&self) -> &Arc<FlowControl> {
        &self.flow
    }

    /// What memory the connection holds.
    pub const fn account(&self) -> &Arc<MemoryAccount> {
        &self.account
    }

    /// The client's CONNECT has been read: larger packets may come from now on.
    pub fn note_connect(&self) {
        self.sent_connect.store(true, Ordering::Relaxed);
    }

    /// Whether the client's CONNECT has been read, whatever came of it.
    pub fn has_sent_connect(&self) -> bool {
        self.sent_connect.load(Ordering::Relaxed)
    }

    /// What only connections have that began with polling.
    pub fn polling(&self) -> Option<&PollingSession> {
        self.polling.get().map(|polling| &**polling)
    }

    /// The client has sent CONNECT and the session exists. It is told of the connection's end,
    /// also where that has come already.
    pub fn claim(&self, handle: EndHandle) {
        self.state.store(CLAIMED, Ordering::Release);
        let mut session = self.session.lock();
        if let Some(said_goodbye) = session.over {
            handle.disconnected(said_goodbye);
        }
        session.handle = Some(handle);
    }

    /// The client's CONNECT has succeeded or failed: the transport reads on. Where the library
    /// could not send its reply, it has ended the session and nothing else says so.
    pub fn finish_connect(self: &Arc<Self>) {
        if self.is_claimed() {
            return;
        }
        let context = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(REFUSED_PAUSE).await;
            context.flow.finish_connect();
            if let Some(endpoint) = context.endpoint.upgrade() {
                endpoint.release_if_gone(&context).await;
            }
        });
    }

    /// Whether the client has sent CONNECT.
    pub fn is_claimed(&self) -> bool {
        self.state.load(Ordering::Acquire) != UNCLAIMED
    }

    /// The library says that the Socket.IO connection is over.
    pub fn disconnected(&self, said_goodbye: bool) {
        let mut session = self.session.lock();
        session.over = Some(said_goodbye);
        if let Some(handle) = &session.handle {
            handle.disconnected(said_goodbye);
        }
    }

    /// The session is over and the transport goes on.
    pub fn leave(&self) {
        self.state.store(LEFT, Ordering::Release);
    }

    /// The transport has ended: the connection's place is free. The library may hold on to what
    /// it has of a connection that never sent CONNECT until its timeout.
    pub fn release_slot(&self) {
        self.slot.lock().release();
    }

    /// Why the library ended a transport without a session to tell of it, where that was for
    /// what the client did: it sent nothing in time, or what it may not send.
    pub fn fault(&self, connect_timeout: Duration) -> Option<&'static str> {
        let in_session = self.state.load(Ordering::Acquire) == CLAIMED;
        if self.flow.is_excused() || self.is_evicted() || in_session {
            return None;
        }
        let late = !self.is_claimed() && self.opened.elapsed() >= connect_timeout;
        Some(if late { "connect_timeout" } else { "packet" })
    }

    /// Ends a connection that its client has not claimed. The library holds on to such a session
    /// until its connect timeout, closed or not, unless it is connected: so it is, with no session
    /// behind it, and then closed.
    pub fn evict(&self) {
        self.evicted.store(true, Ordering::Release);
        match (self.polling(), self.endpoint.upgrade()) {
            (Some(polling), Some(endpoint)) => {
                let sid = polling.sid();
                tokio::spawn(async move { endpoint.connect_polling(sid).await });
            }
            _ => self.flow.close(),
        }
    }

    /// Whether this connection is being ended because nobody claimed it.
    pub fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire)
    }

    /// Ends the transport, whichever it is now. A WebSocket's stream fails; a polling session is
    /// closed by the packet its client would close it with.
    pub fn close_transport(&self) {
        self.flow.close();
        if let (Some(polling), Some(endpoint)) = (self.polling(), self.endpoint.upgrade()) {
            polling.close();
            let sid = polling.sid();
            tokio::spawn(async move { endpoint.close_polling(sid).await });
        }
    }
}

impl Owner for ConnectionContext {
    fn close_for_memory(&self) {
        if let Some(endpoint) = self.endpoint.upgrade() {
            endpoint.metrics().reject("memory");
        }
        self.close_transport();
    }
}

impl std::fmt::Debug for ConnectionContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the session id: it is a secret.
        f.debug_struct("ConnectionContext").finish_non_exhaustive()
    }
}

impl Drop for ConnectionContext {
    fn drop(&mut self) {
        if let (Some(polling), Some(endpoint)) = (self.polling(), self.endpoint.upgrade()) {
            endpoint.polling().forget(polling.sid());
            endpoint.polling_ended(self);
        }
    }
}

/// The tickets of connections that began with polling, by Engine.IO session id.
#[derive(Default)]
pub struct PollingContexts {
    by_sid: Mutex<HashMap<Sid, Weak<ConnectionContext>>>,
}

impl PollingContexts {
    /// Notes which session the context got.
    pub fn remember(&self, sid: Sid, context: &Arc<ConnectionContext>) {
        if context
            .polling
            .set(Box::new(PollingSession::new(sid)))
            .is_ok()
        {
            self.by_sid.lock().insert(sid, Arc::downgrade(context));
        }
    }

    /// The context of a session, while it lives.
    pub fn get(&self, sid: Sid) -> Option<Arc<ConnectionContext>> {
        self.by_sid.lock().get(&sid)?.upgrade()
    }

    fn forget(&self, sid: Sid) {
        self.by_sid.lock().remove(&sid);
    }
}
