//! The accept loop: every limit and timeout of TCP and HTTP, one task for each connection.
//!
//! HTTP/1 only: Socket.IO needs no more, and a protocol that is not served cannot be attacked.

mod dates;
mod descriptors;
pub mod slots;
mod watched;

use std::convert::Infallible;
use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use self::dates::while_datable;
pub use self::descriptors::raise_limit;
pub use self::slots::Limits;
use self::slots::{Reserve, ReserveSlot, TcpSlot, TcpSlots};
use self::watched::{Progress, Times, Watched};
use crate::idle::{HealthAnswer, Occupancy, Occupant};
use crate::metrics::Metrics;
use crate::peer::{AdmissionError, StreamedAnswer};

/// Connections that may wait in the system to be accepted.
const BACKLOG: i32 = 4096;
/// Time a client has to send a request's head, from its first byte.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Most headers in a request.
const HEADERS_MAX: usize = 64;
/// Most bytes in a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Time after which the system closes a connection whose peer acknowledges nothing.
const USER_TIMEOUT: Duration = Duration::from_secs(30);
/// Idle time before the system probes whether the peer is still there, and between probes.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Unacknowledged bytes that the system may hold for a peer (Linux counts twice as much, for its own
/// use). By default this grows to 4 MiB for each connection.
const SEND_BUFFER: usize = 256 * 1024;
/// Of these, what may wait to be sent. More than that waits in the service, which counts it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOT_SENT_MAX: u32 = 64 * 1024;
/// Pause after the system could not accept. Usually it is out of file descriptors, and connections
/// must end before another try can succeed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a new connection waits for the slot of an idle one that is being closed.
const TAKE_OVER_TIMEOUT: Duration = Duration::from_millis(500);

/// Opens the port.
///
/// # Errors
/// The system's.
pub fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A restarted server can bind its port again immediately. (On other systems than Unix this option
    // allows more than that.)
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts connections and serves them.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    router: Router,
    slots: Arc<TcpSlots>,
    reserve: Arc<Reserve>,
    keep_alive: Duration,
    connections: TaskTracker,
    finish: CancellationToken,
    metrics: Arc<Metrics>,
    occupancy: Arc<Occupancy>,
    /// Stops accepting after this long without use; `None` = never.
    idle_limit: Option<Duration>,
}

impl Listener {
    /// Serves `router` within these limits. Connections are kept for `keep_alive` between requests;
    /// 0 = closed after each.
    #[must_use]
    pub fn new(
        listener: TcpListener,
        router: Router,
        limits: Limits,
        keep_alive: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            listener,
            router,
            reserve: Reserve::new(limits.reserve),
            slots: TcpSlots::new(limits),
            keep_alive,
            connections: TaskTracker::new(),
            finish: CancellationToken::new(),
            metrics,
            occupancy: Occupancy::new(),
            idle_limit: None,
        }
    }

    /// Counts its connections in `occupancy`, and stops accepting once that has been idle for `limit`.
    #[must_use]
    pub fn until_idle(mut self, occupancy: Arc<Occupancy>, limit: Option<Duration>) -> Self {
        self.occupancy = occupancy;
        self.idle_limit = limit;
        self
    }

    /// Accepts connections until `stop` is cancelled or the service is idle. The port is closed then.
    ///
    /// Only this loop adds connections, and it ends when there are none, so none is lost: what has not
    /// been accepted stays with the service manager, if the socket is one that it passed.
    pub async fn accept_until(self, stop: CancellationToken) -> Connections {
        let mut idle = std::pin::pin!(self.idle());
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
                () = idle.as_mut() => match self.accept_waiting() {
                    None => break,
                    Some(accepted) => {
                        idle.set(self.idle());
                        accepted
                    }
                },
            };
            match accepted {
                Ok((stream, peer)) => self.spawn(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    self.slots.close_oldest_idle();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        Connections {
            tracker: self.connections.clone(),
            finish: self.finish.clone(),
        }
    }

    /// Waits until the service has been idle for as long as it may be.
    async fn idle(&self) {
        match self.idle_limit {
            Some(limit) => self.occupancy.idle_for(limit).await,
            None => std::future::pending().await,
        }
    }

    /// Accepts a connection that the system has, but the runtime does not know of yet.
    fn accept_waiting(&self) -> Option<io::Result<(TcpStream, SocketAddr)>> {
        let accepted = match SockRef::from(&self.listener).accept() {
            Ok((socket, _)) => socket.set_nonblocking(true).and_then(|()| {
                let stream = TcpStream::from_std(socket.into())?;
                let peer = stream.peer_addr()?;
                Ok((stream, peer))
            }),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) => Err(error),
        };
        Some(accepted)
    }

    fn spawn(&self, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "a connection was lost immediately");
            return;
        }
        let connection = TcpConnection {
            stream,
            peer,
            router: self.router.clone(),
            keep_alive: self.keep_alive,
            close: self.finish.child_token(),
            metrics: Arc::clone(&self.metrics),
            occupant: self.occupancy.enter(),
        };
        match self.slots.take(peer.ip(), &connection.close) {
            Ok(slot) => self.connections.spawn(connection.serve(slot)),
            Err(refused) => {
                let (slots, reserve) = (Arc::clone(&self.slots), Arc::clone(&self.reserve));
                let beyond = connection.serve_beyond(slots, reserve, refused);
                self.connections.spawn(beyond)
            }
        };
    }
}

/// Connections that are still open after the accept loop.
#[derive(Debug)]
pub struct Connections {
    tracker: TaskTracker,
    finish: CancellationToken,
}

impl Connections {
    /// Lets requests under way finish, for at most `timeout`.
    pub async fn finish(self, timeout: Duration) {
        self.finish.cancel();
        self.tracker.close();
        if tokio::time::timeout(timeout, self.tracker.wait())
            .await
            .is_err()
        {
            tracing::info!(
                connections = self.tracker.len(),
                "closed connections that did not finish in time"
            );
        }
    }
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEPALIVE)
            .with_interval(KEEPALIVE),
    )?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
        socket.set_tcp_notsent_lowat(NOT_SENT_MAX)?;
    }
    Ok(())
}

/// An accepted connection.
struct TcpConnection {
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    keep_alive: Duration,
    /// Closes the connection once it is idle.
    close: CancellationToken,
    metrics: Arc<Metrics>,
    occupant: Occupant,
}

impl TcpConnection {
    async fn serve(self, slot: Arc<TcpSlot>) {
        self.run(Some(slot), None).await;
    }

    /// Serves a connection beyond the limits. It gets the slot of an idle connection; if there is none,
    /// only health checks are answered.
    async fn serve_beyond(
        self,
        slots: Arc<TcpSlots>,
        reserve: Arc<Reserve>,
        refused: AdmissionError,
    ) {
        let reason = refused.connection_reason();
        let metrics = Arc::clone(&self.metrics);
        let in_reserve = Arc::new(reserve.enter());
        if refused == AdmissionError::Full {
            let (peer, close) = (self.peer.ip(), self.close.clone());
            let slot = tokio::select! {
                slot = slots.take_over(peer, &close, TAKE_OVER_TIMEOUT) => slot,
                () = in_reserve.evicted() => return metrics.reject(reason),
            };
            if let Some(slot) = slot {
                drop(in_reserve);
                return self.serve(slot).await;
            }
        }
        let beyond = Some((refused, Arc::clone(&in_reserve)));
        let run = tokio::time::timeout(HEADER_TIMEOUT, self.run(None, beyond));
        tokio::select! {
            ended = run => if ended.is_err() {
                metrics.reject(reason);
            },
            () = in_reserve.evicted() => metrics.reject(reason),
        }
    }

    async fn run(
        self,
        slot: Option<Arc<TcpSlot>>,
        beyond: Option<(AdmissionError, Arc<ReserveSlot>)>,
    ) {
        let keep_alive = self.keep_alive > Duration::ZERO && beyond.is_none();
        let times = Times {
            head: HEADER_TIMEOUT,
            idle: self.keep_alive,
        };
        let progress = Arc::new(Progress::new(slot, self.occupant));
        let stream = Watched::new(self.stream, Arc::clone(&progress), times);
        let seen = Arc::clone(&progress);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            seen.request_begins();
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(self.peer));
            if let Some((refused, in_reserve)) = &beyond {
                in_reserve.note_request();
                request.extensions_mut().insert(*refused);
            }
            // A router is always ready; `call` wants it mutable.
            let answer = self.router.clone().call(request);
            let seen = Arc::clone(&seen);
            async move {
                let Ok(mut answer) = answer.await;
                if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                    seen.upgraded();
                } else {
                    let streamed = answer.extensions().get::<StreamedAnswer>();
                    let is_streamed = streamed
                        .inspect(|streamed| seen.streams(streamed))
                        .is_some();
                    if !is_streamed {
                        seen.answered(answer.extensions().get::<HealthAnswer>().is_none());
                    }
                    if !keep_alive || is_streamed {
                        // Not hyper's own setting, which would spoil the upgrade's header.
                        let close = HeaderValue::from_static("close");
                        answer.headers_mut().insert(header::CONNECTION, close);
                    }
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // `Watched` has shorter timeouts, so this one never fires. But hyper reads the stream after
            // an answer only if it has a timeout of its own.
            .header_read_timeout(times.longest())
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let served = async {
            tokio::select! {
                result = while_datable(connection.as_mut()) => return result,
                () = self.close.cancelled() => {}
            }
            connection.as_mut().graceful_shutdown();
            while_datable(connection.as_mut()).await
        };
        let result = tokio::select! {
            result = served => result,
            () = progress.cut() => return,
        };
        if let Err(error) = result {
            if let Some(reason) = fault(&error, &progress) {
                self.metrics.reject(reason);
            }
            // Usually the peer's doing: half a request, garbage, a reset.
            tracing::debug!(%error, "a connection ended badly");
        }
    }
}

/// Why a connection ended, if that was its client's fault. An incomplete request is not: that is how
/// connections are lost.
fn fault(error: &hyper::Error, progress: &Progress) -> Option<&'static str> {
    let source = error.source().and_then(|e| e.downcast_ref::<io::Error>());
    if error.is_parse() {
        Some("bad_http")
    } else if progress.head_was_late() {
        Some("slow_header")
    } else if source.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
        // The system closed it: the peer acknowledged nothing for USER_TIMEOUT.
        Some("slow_reader")
    } else {
        None
    }
}
