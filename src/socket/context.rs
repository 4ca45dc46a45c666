//! State of one connection from its first request on. The library keeps the request's extensions for
//! the connection's life, and this is one of them. So it must not own the session, which holds the
//! library's socket.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use socketioxide::socket::Sid;

use super::admission::ConnectionSlot;
use super::polling_session::PollingSession;
use crate::memory::{MemoryAccount, MemoryBudget, Owner};
use crate::metrics::Metrics;
use crate::session::{EndHandle, FlowControl, Identity};

/// No session yet.
const UNCLAIMED: u8 = 0;
/// There is a session.
const CLAIMED: u8 = 1;
/// The session has ended by either side's Socket.IO disconnect, and the transport is still open.
const LEFT: u8 = 2;

/// Pause in reading after a refused CONNECT. The library ignores another CONNECT until it has handled
/// the first, which takes it microseconds and which it does not report.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

/// What a connection asks of the library, by the Engine.IO session's id. None of it waits.
pub trait Library: Send + Sync {
    /// Closes a session that polls, so that its client reconnects.
    fn close(self: Arc<Self>, sid: Sid);

    /// Connects a session that polls, as its client would.
    fn connect(self: Arc<Self>, sid: Sid);

    /// Frees the slot of a connection whose session the library has ended.
    fn release_if_gone(self: Arc<Self>, context: Arc<ConnectionContext>);

    /// Forgets a connection that began with polling.
    fn forget(&self, sid: Sid, context: &ConnectionContext);

    /// Metrics of the service.
    fn metrics(&self) -> &Metrics;
}

/// State of one connection that its transport, the library and its session share.
pub struct ConnectionContext {
    slot: Mutex<ConnectionSlot>,
    flow: Arc<FlowControl>,
    account: Arc<MemoryAccount>,
    sent_connect: AtomicBool,
    opened: Instant,
    library: Weak<dyn Library>,
    state: AtomicU8,
    evicted: AtomicBool,
    session: Mutex<SessionEnd>,
    /// The client, from the check of its CONNECT until its session begins. Boxed, because that is short.
    client: Mutex<Option<Box<Identity>>>,
    /// Set if the connection began with polling, and so may be upgraded.
    polling: OnceLock<Box<PollingSession>>,
}

/// Passes the library's disconnect on to the session, whichever of the two comes first.
#[derive(Debug, Default)]
struct SessionEnd {
    handle: Option<EndHandle>,
    /// Set once the connection is over; true if the client closed its Socket.IO session.
    over: Option<bool>,
}

impl ConnectionContext {
    /// The context of a new connection.
    pub fn new(
        library: Weak<dyn Library>,
        budget: &Arc<MemoryBudget>,
        slot: ConnectionSlot,
    ) -> Arc<Self> {
        Arc::new_cyclic(|context: &Weak<Self>| Self {
            slot: Mutex::new(slot),
            flow: Arc::default(),
            account: budget.open(Weak::clone(context) as Weak<dyn Owner>),
            sent_connect: AtomicBool::new(false),
            opened: Instant::now(),
            library,
            state: AtomicU8::new(UNCLAIMED),
            evicted: AtomicBool::new(false),
            session: Mutex::default(),
            client: Mutex::default(),
            polling: OnceLock::new(),
        })
    }

    /// The network that the connection comes from, if that is known: of IPv6 the /64.
    pub fn network(&self) -> Option<IpAddr> {
        self.slot.lock().network()
    }

    /// Flow control between the session and its transport.
    pub const fn flow(&self) -> &Arc<FlowControl> {
        &self.flow
    }

    /// The connection's memory account.
    pub const fn account(&self) -> &Arc<MemoryAccount> {
        &self.account
    }

    /// Notes that the client's CONNECT has been read. Larger packets are accepted from now on.
    pub fn note_connect(&self) {
        self.sent_connect.store(true, Ordering::Relaxed);
    }

    /// Whether the client's CONNECT has been read, accepted or not.
    pub fn has_sent_connect(&self) -> bool {
        self.sent_connect.load(Ordering::Relaxed)
    }

    /// State of polling, if the connection began with it.
    pub fn polling(&self) -> Option<&PollingSession> {
        self.polling.get().map(|polling| &**polling)
    }

    /// Keeps the client of a CONNECT that is accepted.
    pub fn set_client(&self, identity: Identity) {
        *self.client.lock() = Some(Box::new(identity));
    }

    /// Takes the client of a CONNECT that is accepted.
    pub fn take_client(&self) -> Option<Box<Identity>> {
        self.client.lock().take()
    }

    /// Sets the session. It is notified when the connection ends, or immediately if it has ended.
    pub fn claim(&self, handle: EndHandle) {
        self.state.store(CLAIMED, Ordering::Release);
        let mut session = self.session.lock();
        if let Some(said_goodbye) = session.over {
            handle.disconnected(said_goodbye);
        }
        session.handle = Some(handle);
    }

    /// Lets the transport read on after a CONNECT that has succeeded or failed. If the library could
    /// not send its reply, it has ended the session without any handler, so the slot is released.
    pub fn finish_connect(self: &Arc<Self>) {
        if self.is_claimed() {
            return;
        }
        let context = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(REFUSED_PAUSE).await;
            context.flow.finish_connect();
            if let Some(library) = context.library.upgrade() {
                library.release_if_gone(context);
            }
        });
    }

    /// Whether there is or was a session.
    pub fn is_claimed(&self) -> bool {
        self.state.load(Ordering::Acquire) != UNCLAIMED
    }

    /// Passes the library's disconnect on to the session.
    pub fn disconnected(&self, said_goodbye: bool) {
        let mut session = self.session.lock();
        session.over = Some(said_goodbye);
        if let Some(handle) = &session.handle {
            handle.disconnected(said_goodbye);
        }
    }

    /// Notes that the session has ended and the transport is still open.
    pub fn leave(&self) {
        self.state.store(LEFT, Ordering::Release);
    }

    /// Frees the connection's slot, because the transport has ended. The library may keep its own
    /// state of a connection that never sent CONNECT until its timeout.
    pub fn release_slot(&self) {
        self.slot.lock().release();
    }

    /// Why a transport without a session ended, if that was the client's fault: it sent no CONNECT in
    /// time, or something that it may not send.
    pub fn fault(&self, connect_timeout: Duration) -> Option<&'static str> {
        let in_session = self.state.load(Ordering::Acquire) == CLAIMED;
        if self.flow.is_excused() || self.is_evicted() || in_session {
            return None;
        }
        let late = !self.is_claimed() && self.opened.elapsed() >= connect_timeout;
        Some(if late { "connect_timeout" } else { "packet" })
    }

    /// Ends a connection that its client has not claimed. The library keeps an unconnected Engine.IO
    /// session until its connect timeout, even after it is closed. So a polling one is connected first,
    /// without a session behind it, and then closed.
    pub fn evict(&self) {
        self.evicted.store(true, Ordering::Release);
        match (self.polling(), self.library.upgrade()) {
            (Some(polling), Some(library)) => library.connect(polling.sid()),
            _ => self.flow.close(),
        }
    }

    /// Whether this connection is being ended because its client has not claimed it.
    pub fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire)
    }

    /// Ends the transport. A WebSocket's stream fails. A polling session is closed by the packet with
    /// which its client would close it.
    pub fn close_transport(&self) {
        self.flow.close();
        if let (Some(polling), Some(library)) = (self.polling(), self.library.upgrade()) {
            polling.close();
            library.close(polling.sid());
        }
    }
}

impl Owner for ConnectionContext {
    fn close_for_memory(&self) {
        if let Some(library) = self.library.upgrade() {
            library.metrics().reject("memory");
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
        if let (Some(polling), Some(library)) = (self.polling(), self.library.upgrade()) {
            library.forget(polling.sid(), self);
        }
    }
}

/// The contexts of connections that began with polling, by Engine.IO session id.
#[derive(Default)]
pub struct PollingContexts {
    by_sid: Mutex<HashMap<Sid, Weak<ConnectionContext>>>,
}

impl PollingContexts {
    /// Adds a context under its session's id.
    pub fn insert(&self, sid: Sid, context: &Arc<ConnectionContext>) {
        if context
            .polling
            .set(Box::new(PollingSession::new(sid)))
            .is_ok()
        {
            self.by_sid.lock().insert(sid, Arc::downgrade(context));
        }
    }

    /// The context of a session that still exists.
    pub fn get(&self, sid: Sid) -> Option<Arc<ConnectionContext>> {
        self.by_sid.lock().get(&sid)?.upgrade()
    }

    /// Removes a context.
    pub fn remove(&self, sid: Sid) {
        self.by_sid.lock().remove(&sid);
    }
}
