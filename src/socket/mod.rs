//! The only folder that names socketioxide: it puts the Socket.IO protocol between HTTP requests
//! and sessions.
//!
//! In reading order: this file (the handlers of one connection: connect, events, disconnect),
//! [`endpoint`] (requests in front of the library), `polling` (requests of a session that polls),
//! `body` (limits of what a client posts), [`errors`] (of Engine.IO), `upgrade` and `handshake`
//! (WebSockets), `probe` (a WebSocket that is about to replace polling), [`io`] (the byte stream under
//! a WebSocket), `fragments` (large frames, cut for the library), `frames` and `packet` (parsers of
//! what passes there), `context` (state of one connection), `polling_session` (of one that polls),
//! `endings` (clean-up after streams and polls), `admission` (limits on opening connections),
//! `unclaimed` (connections before CONNECT), `connection` (packets in and out).
//!
//! The library spawns a task for each asynchronous handler, which loses the order of events. So the
//! event handler works inline, returns a ready future, and never waits.
//!
//! A session is created in the connect handler and owned by its task alone. If the library cannot send
//! its reply to CONNECT, it runs neither that handler nor the disconnect handler. Events that a client
//! sends right behind CONNECT wait below the library until the session exists
//! ([`FlowControl::begin_connect`]).

mod admission;
mod body;
mod connection;
mod context;
mod endings;
pub mod endpoint;
pub mod errors;
mod fragments;
mod frames;
mod handshake;
pub mod io;
mod packet;
mod polling;
mod polling_session;
mod probe;
mod unclaimed;
mod upgrade;

use std::future::{Future, Ready, ready};
use std::sync::{Arc, Weak};
use std::time::Duration;

use socketioxide::extract::{HttpExtension, SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::socket::DisconnectReason;
use socketioxide::{ParserConfig, SocketIo};
use tokio_util::task::TaskTracker;

use admission::Admission;
pub use admission::{AdmissionSettings, BURST_SECONDS as CONNECT_BURST_SECONDS, ConnectionSlot};
use connection::{InboundEvent, SocketIoConnection};
use context::ConnectionContext;
pub use endpoint::Endpoint;

use crate::idle::Occupancy;
use crate::metrics::{Metrics, RefusalContext};
use crate::protocol::{Auth, ConnectErrorPacket};
use crate::session::{self, CloseReason, FlowControl, Session, Shared, outbox};

/// Path of the endpoint, as Socket.IO clients expect it.
pub const PATH: &str = "/socket.io/";

/// Packets the library queues for a connection. More than a session ever has there, because the
/// library ends a connection whose queue is full when its heartbeat is due.
const QUEUE_PACKETS: usize = outbox::POLL_PACKETS + 20;
/// Bytes of the library's read buffer for a WebSocket. Every connection holds that much, and most
/// requests are shorter.
const READ_BUFFER_BYTES: usize = 1024;
/// How long the connection of a banned user stays for its client to read why.
const BANNED_TIMEOUT: Duration = Duration::from_secs(1);

/// How connections behave.
#[derive(Debug, Clone)]
pub struct SocketSettings {
    /// Time between heartbeats.
    pub ping_interval: Duration,
    /// Time a client has to answer a heartbeat.
    pub ping_timeout: Duration,
    /// Time between the transport's opening and the Socket.IO CONNECT.
    pub connect_timeout: Duration,
    /// Bytes in one packet from a client, on either transport.
    pub payload_max_bytes: u64,
    /// Limits on opening connections.
    pub admission: AdmissionSettings,
    /// Occupied by every open connection.
    pub occupancy: Arc<Occupancy>,
}

/// Builds the Socket.IO endpoint. Session tasks run in `tasks`.
#[must_use]
pub fn build(
    settings: &SocketSettings,
    shared: &Arc<Shared>,
    tasks: &TaskTracker,
) -> Arc<Endpoint> {
    let payload_max = usize::try_from(settings.payload_max_bytes).unwrap_or(usize::MAX);
    let (service, io) = SocketIo::builder()
        .req_path("/socket.io")
        .ping_interval(settings.ping_interval)
        .ping_timeout(settings.ping_timeout)
        .connect_timeout(settings.connect_timeout)
        .max_payload(settings.payload_max_bytes)
        .ws_max_message_size(payload_max)
        .ws_max_frame_size(payload_max)
        .ws_read_buffer_size(READ_BUFFER_BYTES)
        .max_buffer_size(QUEUE_PACKETS)
        .with_parser(ParserConfig::common().max_incoming_binaries(0))
        .build_with_inner_svc(endpoint::Nothing);
    let metrics = Arc::clone(&shared.metrics);
    let of_connect = Arc::clone(shared);
    let check = async move |socket: SocketRef,
                            HttpExtension(context): HttpExtension<Arc<ConnectionContext>>,
                            TryData(auth): TryData<Auth>| {
        check_connect(&of_connect, &socket, &context, auth.ok())
    };
    let connect_timeout = settings.connect_timeout;
    let parts = Arc::new(HandlerParts {
        shared: Arc::clone(shared),
        tasks: tasks.clone(),
        unused_timeout: connect_timeout,
    });
    let start =
        move |socket: SocketRef, HttpExtension(context): HttpExtension<Arc<ConnectionContext>>| {
            start(&parts, socket, context)
        };
    io.ns("/", start.with(check));
    let budget = Arc::clone(&shared.budget);
    let admission = Admission::new(
        settings.admission,
        Arc::clone(&settings.occupancy),
        Arc::clone(&budget),
        Arc::clone(&metrics),
    );
    Endpoint::new(
        service,
        io,
        admission,
        budget,
        metrics,
        connect_timeout,
        payload_max,
    )
}

/// What every connect handler needs.
struct HandlerParts {
    shared: Arc<Shared>,
    tasks: TaskTracker,
    unused_timeout: Duration,
}

/// Connect middleware: refuses, or lets the library send its reply to CONNECT.
fn check_connect(
    shared: &Shared,
    socket: &SocketRef,
    context: &Arc<ConnectionContext>,
    auth: Option<Auth>,
) -> Result<(), String> {
    let metrics = &shared.metrics;
    // The transport must read on in any case. If the library cannot send its reply, it runs no handler
    // and drops the socket, and with it this guard.
    let finishes = Arc::new(FinishConnect(Arc::downgrade(context)));
    let of_disconnect = Arc::clone(metrics);
    socket.on_disconnect(move |reason: DisconnectReason| -> Ready<()> {
        if let Some(context) = finishes.0.upgrade() {
            disconnected(&of_disconnect, &context, reason);
        }
        ready(())
    });
    let Some(auth) = auth else {
        let context = RefusalContext {
            what: "CONNECT",
            text: "auth is no object",
            network: context.network(),
        };
        metrics.reject_with("auth", &context);
        return Err("auth must be an object; its token, if any, a string or null".to_owned());
    };
    if context.is_claimed() {
        // One transport carries one session. The client reconnects with a new one.
        context.close_transport();
        return Err("this connection had its session: open another".to_owned());
    }
    match session::identify(shared, &auth, context.network()) {
        Ok(identity) => {
            context.set_client(identity);
            Ok(())
        }
        Err(error) => {
            let answer =
                ConnectErrorPacket::new(error.to_string(), error.code(), error.until().as_deref());
            Err(context.flow().refuse_connect(answer).message().to_owned())
        }
    }
}

/// Disconnect handler. It may run before the connect handler does.
fn disconnected(metrics: &Metrics, context: &ConnectionContext, reason: DisconnectReason) {
    let refused = match reason {
        DisconnectReason::PacketParsingError => Some("packet"),
        DisconnectReason::HeartbeatTimeout => Some("heartbeat"),
        DisconnectReason::MultipleHttpPollingError => Some("polling"),
        // Also how the library calls a lost connection.
        DisconnectReason::TransportError if !context.flow().is_excused() => Some("transport"),
        _ => None,
    };
    if let Some(refused) = refused {
        let context = RefusalContext {
            what: "connection",
            text: "",
            network: context.network(),
        };
        metrics.reject_with(refused, &context);
    }
    match reason {
        DisconnectReason::ClientNSDisconnect | DisconnectReason::ServerNSDisconnect => {
            context.leave();
        }
        _ => context.release_slot(),
    }
    context.disconnected(reason == DisconnectReason::ClientNSDisconnect);
}

/// Connect handler: opens the session and spawns its task.
fn start(
    parts: &HandlerParts,
    socket: SocketRef,
    context: Arc<ConnectionContext>,
) -> impl Future<Output = ()> + Send + use<> {
    let session = open_session(parts, &socket, &context);
    let end = EndOnDrop(Some(Arc::clone(context.flow())));
    let unused_timeout = parts.unused_timeout;
    parts.tasks.track_future(async move {
        let Some(session) = session else {
            context.close_transport();
            connection::forget(socket);
            return;
        };
        let reason = session.run().await;
        // In the log, `reason` is for what is refused.
        tracing::debug!(close_reason = ?reason, "session ended");
        match reason {
            // If the transport was lost before the connect handler ran, the library has already run
            // the disconnect handler and would keep the socket for ever.
            CloseReason::Lost => connection::forget(socket),
            CloseReason::Left | CloseReason::Replaced => close_later(&context, unused_timeout),
            CloseReason::Banned => close_later(&context, BANNED_TIMEOUT),
            CloseReason::Slow
            | CloseReason::Flood
            | CloseReason::Drained
            | CloseReason::Unreadable
            | CloseReason::Expired
            | CloseReason::Revoked => {}
        }
        end.disarm();
    })
}

/// Opens the session and registers the event handler. Events that the client sent behind CONNECT are
/// read after that. `None` if the connection has been evicted.
fn open_session(
    parts: &HandlerParts,
    socket: &SocketRef,
    context: &Arc<ConnectionContext>,
) -> Option<Box<Session<SocketIoConnection>>> {
    let identity = context.take_client()?;
    if context.is_evicted() {
        return None;
    }
    let connection = SocketIoConnection::new(socket.clone(), Arc::clone(context));
    let (inbox, end, session) = session::open(
        &parts.shared,
        context.flow(),
        context.account(),
        connection,
        *identity,
    );
    let inbox = Arc::new(inbox);
    let metrics = Arc::clone(&parts.shared.metrics);
    socket.on_fallback(move |inbound: InboundEvent| -> Ready<()> {
        // The library also passes on events that follow a disconnect packet, because it removes the
        // socket a little later.
        if inbound.is_open {
            inbound.deliver_to(&inbox);
        } else {
            metrics.reject("packet");
        }
        ready(())
    });
    context.claim(end);
    context.flow().connect();
    Some(session)
}

/// Closes the transport of a session that has ended by a disconnect packet, unless the client does so
/// within `timeout`.
fn close_later(context: &Arc<ConnectionContext>, timeout: Duration) {
    let context = Arc::downgrade(context);
    tokio::spawn(async move {
        tokio::time::sleep(timeout).await;
        if let Some(context) = context.upgrade() {
            context.close_transport();
        }
    });
}

/// Lets the transport read on when dropped, because its CONNECT has succeeded or failed. Weak, because
/// the library keeps both this guard and the context in the socket.
struct FinishConnect(Weak<ConnectionContext>);

impl Drop for FinishConnect {
    fn drop(&mut self) {
        if let Some(context) = self.0.upgrade() {
            context.finish_connect();
        }
    }
}

/// Ends the transport if the session's task panics or is dropped. A connection without its session
/// would receive nothing.
struct EndOnDrop(Option<Arc<FlowControl>>);

impl EndOnDrop {
    /// Drops the reference without ending the transport. The flow control holds the wakers of tasks,
    /// so it must not be kept.
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(flow) = self.0.take() {
            flow.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_ends_by_itself_drops_its_flow_control() {
        let flow = Arc::new(FlowControl::default());
        EndOnDrop(Some(Arc::clone(&flow))).disarm();
        assert!(!flow.is_closed());
        assert_eq!(Arc::strong_count(&flow), 1);
    }

    #[test]
    fn a_session_that_ends_in_any_other_way_takes_its_transport_along() {
        let flow = Arc::new(FlowControl::default());
        drop(EndOnDrop(Some(Arc::clone(&flow))));
        assert!(flow.is_closed());
    }
}
