//! The accept loop: every limit and timeout of TCP and HTTP, one task for each connection.
//!
//! HTTP/1 only: Socket.IO needs no more, and what is not spoken cannot be attacked.

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
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use self::watched::{Reading, Watched};
use crate::metrics::Metrics;
use crate::socket::io::ConnectionPlace;

/// Connections that wait in the system to be accepted.
const BACKLOG: i32 = 4096;
/// Time a client has to send a request's head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Headers in a request.
const HEADERS_MAX: usize = 64;
/// Bytes in a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Time the system keeps trying to send what the peer does not acknowledge.
const USER_TIMEOUT: Duration = Duration::from_secs(30);
/// Idle time before the system asks the peer whether it is still there, and between askings.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Bytes that the system may hold of what a peer has not acknowledged (Linux counts twice as much,
/// for its own use). By itself it grows to 4 MiB for each connection.
const SEND_BUFFER: usize = 256 * 1024;
/// Of these, what may wait to be sent. More than that waits in the service, which counts it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOT_SENT_MAX: u32 = 64 * 1024;
/// Pause after the system could not accept: usually it is out of file descriptors, and connections
/// must end before another try can succeed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a connection gets that is one too many.
const FULL: &str = "server is full (MAX_CONNECTIONS)\n";
/// Connections too many that are told so at once; more are dropped, because being told takes a file
/// descriptor.
const TURNED_AWAY_MAX: usize = 256;

/// Opens the port.
///
/// # Errors
/// The system's.
pub fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A restarted server gets its port back at once. (Elsewhere than on Unix this means more.)
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts and serves.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    router: Router,
    /// `None` = no limit.
    places: Option<Arc<Semaphore>>,
    turned_away: Arc<Semaphore>,
    connections: TaskTracker,
    finish: CancellationToken,
    metrics: Arc<Metrics>,
}

impl Listener {
    /// Serves `router` to at most `connections_max` connections at once; 0 = no limit.
    #[must_use]
    pub fn new(
        listener: TcpListener,
        router: Router,
        connections_max: usize,
        metrics: Arc<Metrics>,
    ) -> Self {
        let places = connections_max.min(Semaphore::MAX_PERMITS);
        Self {
            listener,
            router,
            places: (places > 0).then(|| Arc::new(Semaphore::new(places))),
            turned_away: Arc::new(Semaphore::new(TURNED_AWAY_MAX)),
            connections: TaskTracker::new(),
            finish: CancellationToken::new(),
            metrics,
        }
    }

    /// Accepts connections until `stop`. Dropping the returned handle ends those still open.
    pub async fn accept_until(self, stop: CancellationToken) -> Connections {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        Connections {
            tracker: self.connections,
            finish: self.finish,
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        let place = match self
            .places
            .as_ref()
            .map(|places| Arc::clone(places).try_acquire_owned())
        {
            Some(Err(_)) => {
                self.metrics.reject("connections_full");
                if let Ok(told) = Arc::clone(&self.turned_away).try_acquire_owned() {
                    self.connections.spawn(turn_away(stream, told));
                }
                return;
            }
            Some(Ok(place)) => Some(ConnectionPlace(Arc::new(place))),
            None => None,
        };
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "a connection went away at once");
            return;
        }
        let connection = serve(
            stream,
            peer,
            self.router.clone(),
            self.finish.clone(),
            place,
            Arc::clone(&self.metrics),
        );
        self.connections.spawn(connection);
    }
}

/// The connections that outlive the accept loop.
#[derive(Debug)]
pub struct Connections {
    tracker: TaskTracker,
    finish: CancellationToken,
}

impl Connections {
    /// Lets requests under way finish, for at most `patience`.
    pub async fn finish(self, patience: Duration) {
        self.finish.cancel();
        self.tracker.close();
        if tokio::time::timeout(patience, self.tracker.wait())
            .await
            .is_err()
        {
            tracing::info!(
                connections = self.tracker.len(),
                "ended connections that did not"
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

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    finish: CancellationToken,
    place: Option<ConnectionPlace>,
    metrics: Arc<Metrics>,
) {
    let reading = Arc::new(Reading::default());
    let stream = Watched::new(stream, Arc::clone(&reading));
    let answered = Arc::clone(&reading);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        if let Some(place) = &place {
            request.extensions_mut().insert(place.clone());
        }
        // A router is always ready; `call` wants it mutable.
        let answer = router.clone().call(request);
        let answered = Arc::clone(&answered);
        async move {
            let answer = answer.await;
            answered.answered();
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = finish.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        if let Some(reason) = fault(&error, &reading) {
            metrics.reject(reason);
        }
        // The peer's doing, as a rule: half a request, garbage, a reset.
        tracing::debug!(%error, "a connection ended badly");
    }
}

/// What a connection ended for, where that was its client's fault. A request that breaks off is
/// not: that is how connections are lost.
fn fault(error: &hyper::Error, reading: &Reading) -> Option<&'static str> {
    let source = error.source().and_then(|e| e.downcast_ref::<io::Error>());
    if error.is_parse() {
        Some("bad_http")
    } else if source.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
        // The system gave up: nothing was taken for USER_TIMEOUT.
        Some("slow_reader")
    } else if error.is_timeout() && reading.is_amid_request() {
        Some("slow_header")
    } else {
        None
    }
}

/// Answers the first request with 503. An answer before the request would reach some clients as a
/// broken connection.
async fn turn_away(stream: TcpStream, _told: OwnedSemaphorePermit) {
    let service = service_fn(|_: hyper::Request<Incoming>| async {
        let retry = [(header::RETRY_AFTER, "5")];
        let answer = (StatusCode::SERVICE_UNAVAILABLE, retry, FULL).into_response();
        Ok::<_, Infallible>(answer)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if tokio::time::timeout(HEADER_TIMEOUT, connection)
        .await
        .is_err()
    {
        tracing::debug!("a connection too many asked for nothing");
    }
}
