//! The only folder that names socketioxide: it puts the Socket.IO protocol between HTTP requests
//! and sessions.
//!
//! In reading order: this file (one connection's life: admit, start, doors, end), [`endpoint`]
//! (requests in front of the library: WebSocket upgrade, polling), [`errors`] (of Engine.IO),
//! `handshake` (of a WebSocket), `body` (what a client may post), [`io`] (the byte stream under a WebSocket), `ticket` (what ties a
//! request to its session), `endings` (what must happen when streams and polls end), `admission` (who
//! may open a connection), `wire` (packets in and out), `adapter` (entries to many connections).
//!
//! The library spawns a task for each asynchronous handler, which loses the order of events, and
//! misses what arrives while an asynchronous connect handler registers them. So doors are
//! registered in the connect middleware, work inline, return a ready future, and never wait.

mod adapter;
mod admission;
mod body;
mod endings;
pub mod endpoint;
pub mod errors;
mod handshake;
pub mod io;
mod ticket;
mod wire;

use std::future::{Future, Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socketioxide::extract::{HttpExtension, SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::socket::DisconnectReason;
use socketioxide::{ParserConfig, SocketIo};
use tokio_util::task::TaskTracker;

use adapter::{Adapter, Sender, Slot};
use admission::Admission;
pub use admission::{AdmissionSettings, ClientAddress, TurnedAway, network_of};
pub use endpoint::Endpoint;
use ticket::Ticket;
use wire::{Inbound, Wire};

use crate::protocol::Auth;
use crate::session::{self, Ended, Link, Shared, outbox};

/// Path of the endpoint, as Socket.IO clients expect it.
pub const PATH: &str = "/socket.io/";

/// Packets the library queues for a connection. More than a session ever has on its way, because
/// the library ends a connection whose queue is full when its heartbeat is due.
const QUEUE_PACKETS: usize = outbox::WINDOW_PACKETS + 32;
/// Bytes the library reads at once from a WebSocket: most requests are shorter, and every
/// connection holds that much.
const READ_BUFFER_BYTES: usize = 1024;

/// How connections behave.
#[derive(Debug, Clone)]
pub struct SocketSettings {
    /// Time between heartbeats.
    pub ping_interval: Duration,
    /// Time a client has to answer one.
    pub ping_timeout: Duration,
    /// Time between the transport's opening and the Socket.IO CONNECT.
    pub connect_timeout: Duration,
    /// Bytes in one packet from a client, on either transport.
    pub payload_max_bytes: u64,
    /// Who may open one.
    pub admission: AdmissionSettings,
}

/// Builds the Socket.IO endpoint. Session tasks run in `tasks`.
#[must_use]
pub fn build(
    settings: &SocketSettings,
    shared: &Arc<Shared>,
    tasks: &TaskTracker,
) -> Arc<Endpoint> {
    let payload_max = usize::try_from(settings.payload_max_bytes).unwrap_or(usize::MAX);
    let slot = Slot::default();
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
        .with_adapter::<Adapter>(slot.clone())
        .build_with_inner_svc(endpoint::Nothing);
    let metrics = Arc::clone(&shared.metrics);
    let shared = Arc::clone(shared);
    let admit = async move |socket: SocketRef<Adapter>,
                            HttpExtension(ticket): HttpExtension<Arc<Ticket>>,
                            TryData(auth): TryData<Auth>| {
        admit(&shared, &socket, slot.sender(), &ticket, auth.ok())
    };
    let connect_timeout = settings.connect_timeout;
    let (tasks, unused_timeout) = (tasks.clone(), connect_timeout);
    let start = move |socket: SocketRef<Adapter>,
                      HttpExtension(ticket): HttpExtension<Arc<Ticket>>| {
        start(socket, ticket, tasks, unused_timeout)
    };
    io.ns("/", start.with(admit));
    let admission = Admission::new(settings.admission, Arc::clone(&metrics));
    Endpoint::new(service, io, admission, metrics, connect_timeout)
}

/// Connect middleware: makes the session and registers its doors, before the client is told that
/// it is connected and so before it sends anything.
fn admit(
    shared: &Arc<Shared>,
    socket: &SocketRef<Adapter>,
    sender: Option<Sender>,
    ticket: &Arc<Ticket>,
    auth: Option<Auth>,
) -> Result<(), &'static str> {
    if ticket.is_evicted() {
        return Ok(());
    }
    let Some(auth) = auth else {
        shared.metrics.reject("auth");
        return Err("auth must be an object; its token, if any, a string or null");
    };
    let Some(sender) = sender else {
        return Err("the service is starting: connect again");
    };
    let wire = Wire::new(socket.clone(), sender, Arc::clone(ticket));
    let (door, session) = session::open(shared, ticket.link(), wire, &auth);
    let door = Arc::new(door);
    let on_event = Arc::clone(&door);
    let ignored = Arc::clone(&shared.metrics);
    let was_open = Arc::new(AtomicBool::new(false));
    socket.on_fallback(move |inbound: Inbound| -> Ready<()> {
        // What comes right behind a goodbye comes here too, because the library forgets the socket
        // a little later. (Right behind the CONNECT reply it may not count as open yet.)
        if inbound.is_open {
            was_open.store(true, Ordering::Relaxed);
        } else if was_open.load(Ordering::Relaxed) {
            ignored.reject("packet");
            return ready(());
        }
        inbound.hand_to(&on_event, &ignored);
        ready(())
    });
    let metrics = Arc::clone(&shared.metrics);
    // Weak, because the library keeps the handler in the socket and the ticket beside it.
    let of_transport = Arc::downgrade(ticket);
    socket.on_disconnect(move |reason: DisconnectReason| -> Ready<()> {
        let ticket = of_transport.upgrade();
        match reason {
            DisconnectReason::PacketParsingError => metrics.reject("packet"),
            DisconnectReason::HeartbeatTimeout => metrics.reject("heartbeat"),
            DisconnectReason::MultipleHttpPollingError => metrics.reject("polling"),
            // Also how the library calls a lost connection.
            DisconnectReason::TransportError
                if ticket
                    .as_ref()
                    .is_some_and(|ticket| !ticket.link().is_excused()) =>
            {
                metrics.reject("transport");
            }
            DisconnectReason::ClientNSDisconnect | DisconnectReason::ServerNSDisconnect => {
                if let Some(ticket) = ticket {
                    ticket.left();
                }
            }
            _ => {}
        }
        door.disconnected(reason == DisconnectReason::ClientNSDisconnect);
        ready(())
    });
    ticket.put(session);
    Ok(())
}

/// Connect handler: the connection may be spoken to, so its session starts. A disconnect may have
/// come before this; the session then ends as soon as it looks.
fn start(
    socket: SocketRef<Adapter>,
    ticket: Arc<Ticket>,
    tasks: TaskTracker,
    unused_timeout: Duration,
) -> impl Future<Output = ()> + Send {
    let session = ticket.take();
    let end = EndOnDrop(Some(Arc::clone(ticket.link())));
    tasks.track_future(async move {
        let Some(session) = session else {
            // It was evicted.
            ticket.close_transport();
            return;
        };
        let turn = ticket.turn().await;
        let ended = session.run().await;
        drop(turn);
        tracing::debug!(?ended, "session ended");
        match ended {
            // Where the transport went while the connect handler was on its way, the library has
            // already said goodbye and would keep the socket for ever.
            Ended::Lost => wire::forget(socket),
            Ended::Left | Ended::Ousted => close_unless_used(&ticket, unused_timeout),
            Ended::Slow | Ended::Drained => {}
        }
        end.disarm();
    })
}

/// A client may open a session on a transport whose session has ended. One that opens none within
/// this time, as at the beginning, loses the transport.
fn close_unless_used(ticket: &Arc<Ticket>, timeout: Duration) {
    let sessions = ticket.sessions();
    let ticket = Arc::downgrade(ticket);
    tokio::spawn(async move {
        tokio::time::sleep(timeout).await;
        if let Some(ticket) = ticket.upgrade()
            && ticket.sessions() == sessions
        {
            ticket.close_transport();
        }
    });
}

/// Ends the transport where the session's task ends in any other way than by returning: a
/// connection without its session would be deaf.
struct EndOnDrop(Option<Arc<Link>>);

impl EndOnDrop {
    /// Lets go of the link, which holds on to the tasks that it last woke, and does nothing to it.
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(link) = self.0.take() {
            link.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_ends_by_itself_lets_go_of_its_link() {
        let link = Arc::new(Link::default());
        EndOnDrop(Some(Arc::clone(&link))).disarm();
        assert!(!link.is_closed());
        assert_eq!(Arc::strong_count(&link), 1);
    }

    #[test]
    fn a_session_that_ends_in_any_other_way_takes_its_transport_along() {
        let link = Arc::new(Link::default());
        drop(EndOnDrop(Some(Arc::clone(&link))));
        assert!(link.is_closed());
    }
}
