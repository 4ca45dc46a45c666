//! The router: the Socket.IO endpoint, health, and the web client.

mod asset;
pub mod assets;
pub mod client_address;
mod folder;
mod headers;
pub mod metrics;
mod origin;
mod overflow;
mod socket_io;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use ipnet::IpNet;
use tokio::sync::watch;

use self::assets::Assets;
use self::socket_io::{Checks, SocketIo};
use crate::domain::{AllowedOrigins, RoomName};
use crate::idle::HealthAnswer;
use crate::metrics::Metrics;
use crate::peer::AdmissionError;
use crate::socket::{self, Endpoint};

/// Whether the service accepts new connections: not while it drains, and not while it is out of step
/// with the nodes that share its rooms.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    draining: AtomicBool,
    in_step: OnceLock<watch::Receiver<bool>>,
}

impl Readiness {
    /// Makes the service not ready for good, because it drains.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// Makes readiness depend on whether this node is in step with the others that share its rooms.
    /// Only the first call counts.
    pub fn follow(&self, in_step: watch::Receiver<bool>) {
        self.0.in_step.get_or_init(|| in_step);
    }

    /// Why the service is not ready, if it is not.
    fn not_ready(&self) -> Option<&'static str> {
        if self.0.draining.load(Ordering::Acquire) {
            Some("shutting down\n")
        } else if self.0.in_step.get().is_none_or(|up| *up.borrow()) {
            None
        } else {
            Some("waiting for Redis\n")
        }
    }
}

/// Everything that the routes need.
#[derive(Debug)]
pub struct Parts {
    /// Socket.IO.
    pub endpoint: Arc<Endpoint>,
    /// Whether new connections are accepted.
    pub readiness: Readiness,
    /// The web client, if there is one.
    pub page: Option<Assets>,
    /// The rooms. Each has a path at which the page is served.
    pub rooms: Vec<RoomName>,
    /// Origins whose pages may connect.
    pub allowed_origins: AllowedOrigins,
    /// Proxies whose `X-Forwarded-For` is used.
    pub trusted_proxies: Vec<IpNet>,
    /// Metrics of the service.
    pub metrics: Arc<Metrics>,
}

/// Every public path of the service.
pub fn router(parts: Parts) -> Router {
    let Parts {
        endpoint,
        readiness,
        page,
        rooms,
        metrics,
        ..
    } = parts;
    let overflow = middleware::from_fn_with_state(Arc::clone(&metrics), overflow::refuse);
    let single = middleware::from_fn_with_state(Arc::clone(&metrics), headers::refuse_doubled);
    let health = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route_layer(middleware::map_response(mark_health))
        .with_state((readiness.clone(), Arc::clone(&endpoint)));
    let pages = match page {
        Some(page) => {
            Router::new().fallback_service(any(assets::serve).with_state((page, rooms.into())))
        }
        None => Router::new().route("/", get(no_page)),
    };
    let socket_io = SocketIo::new(Checks {
        endpoint,
        readiness,
        allowed_origins: parts.allowed_origins,
        trusted_proxies: parts.trusted_proxies.into(),
        metrics,
    });
    // The last layer of each group handles a request first.
    health
        .merge(pages.layer(overflow))
        .layer(single)
        .layer(middleware::map_response(headers::unsniffed))
        .route_service(socket::PATH.trim_end_matches('/'), socket_io.clone())
        .route_service(socket::PATH, socket_io)
}

/// Marks the answer to a monitor, which does not keep the service awake.
async fn mark_health(mut answer: Response) -> Response {
    answer.extensions_mut().insert(HealthAnswer);
    answer
}

/// The answer while the service is not ready.
fn unavailable(why: &'static str) -> impl IntoResponse {
    let retry = [(header::RETRY_AFTER, "1")];
    (StatusCode::SERVICE_UNAVAILABLE, retry, why)
}

/// Not ready also while the service is full, because other nodes may accept new clients.
async fn readyz(
    State((readiness, endpoint)): State<(Readiness, Arc<Endpoint>)>,
    request: Request,
) -> impl IntoResponse {
    let beyond = request.extensions().get::<AdmissionError>();
    let is_full = beyond == Some(&AdmissionError::Full) || endpoint.is_full();
    let full = is_full.then_some("server is full (MAX_CONNECTIONS)\n");
    match readiness.not_ready().or(full) {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}")),
    }
}

/// Answers for a page if there is no web client, and shows how to connect.
async fn no_page() -> impl IntoResponse {
    let text = concat!(
        env!("CARGO_PKG_NAME"),
        " ",
        env!("CARGO_PKG_VERSION"),
        "\n",
        "A real-time chatroom service, built without its web client. WEB_DIR serves one from a folder.\n",
        "It speaks Socket.IO at /socket.io/:\n",
        "\n",
        "    const socket = io(\"http://this-address\");\n",
        "    socket.on(\"room_list\", (rooms) => console.log(rooms));\n",
        "    socket.on(\"receive_message\", (message) => console.log(message));\n",
        "    socket.emit(\"join_room\", { room_name: \"tech\", username: \"Alice\" });\n",
        "    socket.emit(\"send_message\", { text: \"Hello, world!\" });\n",
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}
