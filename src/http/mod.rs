//! The router: the Socket.IO endpoint, health, the HTTP API, incoming webhooks, and the web client.

pub mod api;
mod asset;
pub mod assets;
pub mod client_address;
mod folder;
mod headers;
pub mod hooks;
pub mod metrics;
mod origin;
mod overflow;
mod readiness;
mod slack;
mod socket_io;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, any_service, get};
use ipnet::IpNet;

use self::assets::Assets;
pub use self::readiness::Readiness;
use self::socket_io::{Checks, SocketIo};
use crate::domain::{AllowedOrigins, RoomName};
use crate::idle::HealthAnswer;
use crate::metrics::Metrics;
use crate::peer::AdmissionError;
use crate::socket::{self, Endpoint};

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
    pub trusted_proxies: Arc<[IpNet]>,
    /// Metrics of the service.
    pub metrics: Arc<Metrics>,
    /// The HTTP API.
    pub api: api::state::Parts,
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
        None => Router::new()
            .route("/", get(no_page))
            .route("/admin", get(no_admin_page)),
    };
    let hooks = hooks::router(hooks::Parts {
        shared: Arc::clone(&parts.api.shared),
        webhooks: Arc::clone(&parts.api.webhooks),
        trusted_proxies: Arc::clone(&parts.trusted_proxies),
    });
    let api = api::router(parts.api);
    let socket_io = SocketIo::new(Checks {
        endpoint,
        readiness,
        allowed_origins: parts.allowed_origins,
        trusted_proxies: parts.trusted_proxies,
        metrics,
    });
    // The last layer of each group handles a request first.
    health
        .merge(hooks.layer(overflow.clone()))
        .merge(pages.layer(overflow))
        .layer(single)
        .layer(middleware::map_response(headers::unsniffed))
        .route(api::ROOT, any_service(api.clone()))
        .nest(api::PATH, api)
        .route_service(socket::PATH.trim_end_matches('/'), socket_io.clone())
        .route_service(socket::PATH, socket_io)
}

/// Marks the answer to a monitor, which does not keep the service awake.
async fn mark_health(mut answer: Response) -> Response {
    answer.extensions_mut().insert(HealthAnswer);
    answer
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

/// Answers for the admin page if there is none.
async fn no_admin_page() -> impl IntoResponse {
    let text = "This server was built without its web client, and so without the admin page.\n\
         WEB_DIR serves a web client from a folder. The HTTP API does all that the page does:\n\
         curl -H \"Authorization: Bearer $ADMIN_TOKEN\" http://this-address/api/v1/rooms\n";
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text)
}
