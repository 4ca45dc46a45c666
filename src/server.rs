//! Composition: builds the parts from a configuration, serves, and takes them down in order.

mod bind;
mod errors;
mod node;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::bind::{bind, bind_metrics};
pub use self::errors::{BindError, ServerError};
use self::node::{Prepared, Working};
use crate::config::{Config, KeySource};
use crate::domain::{TextLimits, client_id, username};
use crate::http::assets::Assets;
use crate::http::{self, Readiness};
use crate::listener::{self, Listener};
use crate::metrics::Metrics;
use crate::protocol::{HISTORY_PAGE_MAX, Limits, USERS_MAX};
use crate::rate::Rate;
use crate::room::log::NOTICES_MAX;
use crate::room::{LogBounds, RoomSettings, Rooms};
use crate::session::budget::{self, Rates};
use crate::session::{Drain, Identities, SessionSettings, Shared};
use crate::socket::{self, AdmissionSettings, CONNECT_BURST_SECONDS, SocketSettings};
use crate::telemetry;

/// UTF-8 bytes a message may have for each character it may have. Most scripts need three, most
/// emoji four; a limit by characters alone would let one character be megabytes of accents.
const BYTES_PER_CHAR: usize = 4;
/// UTF-8 bytes a message may have where its characters are not limited.
const MESSAGE_BYTES_UNLIMITED: usize = 64 * 1024;
/// JSON may escape one byte of text as six (`\u0009`), and a packet is more than its text.
const ESCAPED_BYTES_PER_BYTE: usize = 6;
/// The rest of a packet beside its text.
const PACKET_BYTES: usize = 4096;
/// Bytes a packet may have at least, whatever a message may: who pastes a megabyte into the page is
/// told that it is too long, which needs the packet to be read, and keeps the connection.
const PAYLOAD_BYTES_MIN: usize = 1_100_000;
/// Requests other than messages may come this many times as fast: joins and history in a budget of
/// their own, so that whoever resumes is not held up by what else they ask.
const REQUESTS_PER_MESSAGE: u32 = 4;
/// Time between two connections' ends in a drain, so that they do not all come back at once.
const DRAIN_STEP: Duration = Duration::from_millis(2);
/// Connections to the metrics at once.
const METRICS_CONNECTIONS_MAX: usize = 16;
/// What is left of HTTP after the sessions have ended gets this much time.
const FINISH_PATIENCE: Duration = Duration::from_secs(1);

/// The service: its parts, built and running, without a port.
#[derive(Debug)]
pub struct Server {
    router: Router,
    readiness: Readiness,
    shared: Arc<Shared>,
    sessions: TaskTracker,
    drain_timeout: Duration,
    /// Of the public port's listener.
    limits: listener::Limits,
    keep_alive: Duration,
    node: Working,
    // Ends with the server.
    background: JoinSet<()>,
}

impl Server {
    /// Builds the parts. Must be called within a tokio runtime. Logs to the host's `tracing`
    /// subscriber, if there is one, and leaves its panic hook alone.
    ///
    /// # Errors
    /// [`ServerError`] if a setting, the web client's folder or the address of Redis cannot be used.
    pub fn new(config: &Config) -> Result<Self, ServerError> {
        config.check()?;
        announce(config);
        let page = match &config.web_dir {
            Some(folder) => Some(Assets::from_folder(folder)?),
            None => Assets::embedded(),
        };
        let limits = limits(config);
        let metrics = Arc::new(Metrics::default());
        let node = Prepared::new(config, &metrics)?;
        let rooms = Rooms::new(&RoomSettings {
            names: config.rooms.clone(),
            log: log_bounds(config),
            notice_limit: config.notice_limit,
            state_interval: config.counts_interval,
            slow_timeout: config.slow_timeout,
            unique_names: config.unique_names,
            ceiling: ceiling(config),
            metrics: Arc::clone(&metrics),
            node: node.id(),
            backplane: node.backplane(),
        });
        let background = rooms.start();
        let shared = Arc::new(Shared::new(
            rooms,
            session_settings(config, &limits),
            Identities::new(config.secret_key.as_bytes()),
            Arc::clone(&metrics),
        ));
        let sessions = TaskTracker::new();
        let socket_settings = SocketSettings {
            ping_interval: config.ping_interval,
            ping_timeout: config.ping_timeout,
            connect_timeout: config.connect_timeout,
            payload_max_bytes: limits.payload_max_bytes,
            admission: AdmissionSettings {
                connections_max: config.max_connections,
                per_address_max: config.max_connections_per_ip,
                per_address_rate: config.connect_rate_per_ip,
            },
        };
        let endpoint = socket::build(&socket_settings, &shared, &sessions);
        let readiness = Readiness::default();
        let node = node.start(&shared, &readiness);
        Ok(Self {
            router: http::router(http::Parts {
                endpoint,
                readiness: readiness.clone(),
                page,
                rooms: config.rooms.clone(),
                allowed_origins: config.allowed_origins.clone(),
                trusted_proxies: config.trusted_proxies.clone(),
                metrics,
            }),
            readiness,
            shared,
            sessions,
            drain_timeout: config.drain_timeout,
            limits: listener::Limits {
                connections_max: config.max_connections,
                sessions_per_address_max: config.max_connections_per_ip,
                trusted_proxies: config.trusted_proxies.clone().into(),
                ..listener::Limits::default()
            },
            keep_alive: config.keep_alive,
            node,
            background,
        })
    }

    /// Waits a while until this node is in step with those that share its rooms; at once where
    /// there are none.
    ///
    /// # Errors
    /// [`ServerError`] if Redis refuses this node.
    pub async fn wait_for_start(&self) -> Result<(), ServerError> {
        self.node.wait_for_start().await
    }

    /// Replaces the process's panic hook by one that counts panics in `hubbub_panics_total` and logs
    /// where they happened. For a program that is this server and nothing else.
    pub fn report_panics(&self) {
        telemetry::report_panics(&self.shared.metrics);
    }

    /// Every path of the service, for a host that has its own listener: with `fallback_service` at
    /// the host's root, or under a path with `nest_service`. Limits for each address need
    /// `into_make_service_with_connect_info::<SocketAddr>()`; without it they do not apply.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Serves metrics on a listener of their own, for as long as the server lives.
    pub fn serve_metrics(&mut self, listener: TcpListener) {
        let router = http::metrics::router(Arc::clone(&self.shared));
        // A few connections are enough for whoever scrapes.
        let limits = listener::Limits {
            connections_max: METRICS_CONNECTIONS_MAX,
            reserve: METRICS_CONNECTIONS_MAX,
            ..listener::Limits::default()
        };
        let listener = Listener::new(
            listener,
            router,
            limits,
            self.keep_alive,
            Arc::clone(&self.shared.metrics),
        );
        self.background.spawn(async move {
            let connections = listener.accept_until(CancellationToken::new()).await;
            connections.finish(FINISH_PATIENCE).await;
        });
    }

    /// Serves until `stop`, then drains.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let limits = match listener::raise_limit() {
            Some(files) => self.limits.clone().within(files),
            None => self.limits.clone(),
        };
        let listener = Listener::new(
            listener,
            self.router.clone(),
            limits,
            self.keep_alive,
            Arc::clone(&self.shared.metrics),
        );
        // The port stays open while sessions end: a client that polls may need a new connection
        // to hear of it. The router lets nobody new in.
        let drained = CancellationToken::new();
        let drain = async {
            stop.cancelled().await;
            self.drain().await;
            drained.cancel();
        };
        let (connections, ()) = tokio::join!(listener.accept_until(drained.clone()), drain);
        connections.finish(FINISH_PATIENCE).await;
        tracing::info!("stopped");
    }

    /// Takes the service down: readiness goes red, every connection is told, and all end, spread
    /// over some time, within the drain timeout.
    pub async fn drain(&self) {
        self.readiness.drain();
        let sessions = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        let spread = DRAIN_STEP
            .saturating_mul(sessions)
            .min(self.drain_timeout / 2);
        tracing::info!(sessions, spread_ms = spread.as_millis(), "draining");
        self.shared.drain(Drain { spread });
        self.sessions.close();
        if tokio::time::timeout(self.drain_timeout, self.sessions.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                sessions = self.sessions.len(),
                "DRAIN_TIMEOUT is over: ending the rest"
            );
        }
        self.node.finish().await;
    }
}

/// What clients are told they may do.
fn limits(config: &Config) -> Limits {
    let message_max_bytes = match config.message_max_chars {
        0 => MESSAGE_BYTES_UNLIMITED,
        chars => chars.saturating_mul(BYTES_PER_CHAR),
    };
    let payload_max_bytes = message_max_bytes
        .saturating_mul(ESCAPED_BYTES_PER_BYTE)
        .saturating_add(PACKET_BYTES)
        .max(PAYLOAD_BYTES_MIN);
    Limits {
        message_max_chars: config.message_max_chars,
        message_max_bytes,
        message_rate: config.message_rate,
        message_burst: config.message_burst,
        history_rate: config.message_rate.saturating_mul(REQUESTS_PER_MESSAGE),
        history_burst: config.message_burst.saturating_mul(REQUESTS_PER_MESSAGE),
        request_rate: config.message_rate.saturating_mul(REQUESTS_PER_MESSAGE),
        request_burst: config.message_burst.saturating_mul(REQUESTS_PER_MESSAGE),
        answer_bytes_rate: if config.message_rate == 0 {
            0
        } else {
            budget::ANSWERS.0
        },
        answer_bytes_burst: budget::ANSWERS.1,
        username_max_chars: username::CHARS_MAX,
        username_max_bytes: username::BYTES_MAX,
        client_id_max_chars: client_id::CHARS_MAX,
        client_id_window: config.history_messages,
        mailbox: config.mailbox,
        history_page_max: HISTORY_PAGE_MAX,
        users_page_max: USERS_MAX,
        payload_max_bytes: payload_max_bytes as u64,
    }
}

fn log_bounds(config: &Config) -> LogBounds {
    LogBounds {
        messages_max: config.history_messages,
        bytes_max: config.history_bytes,
        notices_max: NOTICES_MAX,
        keep_for: config.slow_timeout.unwrap_or_default(),
    }
}

fn session_settings(config: &Config, limits: &Limits) -> SessionSettings {
    SessionSettings {
        mailbox: config.mailbox,
        text: TextLimits {
            chars_max: limits.message_max_chars,
            bytes_max: limits.message_max_bytes,
        },
        rates: Rates::new(
            Rate::new(limits.message_rate, limits.message_burst),
            Rate::new(limits.history_rate, limits.history_burst),
            Rate::new(limits.request_rate, limits.request_burst),
        ),
        users_per_address: users_per_address(config),
        limits: limits.clone(),
        resume_grace: config.resume_grace,
        kept_max: config.max_connections,
        reserved_names: config.reserved_names.clone(),
    }
}

/// How many messages a room takes. Two people who paste as much as they may fit into it at once,
/// whatever the rate.
fn ceiling(config: &Config) -> Option<Rate> {
    let burst = config.room_rate.max(config.message_burst.saturating_mul(2));
    Rate::new(config.room_rate, burst).filter(|_| config.message_rate != 0)
}

/// How many users may be behind one address at once, if that is limited.
fn users_per_address(config: &Config) -> Option<NonZeroU32> {
    let at_once = u32::try_from(config.max_connections_per_ip).unwrap_or(u32::MAX);
    let by_rate = config
        .connect_rate_per_ip
        .saturating_mul(CONNECT_BURST_SECONDS);
    NonZeroU32::new(at_once).or(NonZeroU32::new(by_rate))
}

/// Says which policies are in force; never a secret.
fn announce(config: &Config) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        rooms = config.rooms.len(),
        origins = %config.allowed_origins,
        message_rate = config.message_rate,
        message_burst = config.message_burst,
        room_rate = config.room_rate,
        connections_max = config.max_connections,
        connections_max_per_ip = config.max_connections_per_ip,
        connect_rate_per_ip = config.connect_rate_per_ip,
        keep_alive_ms = config.keep_alive.as_millis(),
        trusted_proxies = ?config.trusted_proxies,
        unique_names = config.unique_names,
        shared = config.redis_url.is_some(),
        reserved_names = %config.reserved_names,
        "starting"
    );
    match config.secret_key.source() {
        KeySource::Given => {}
        KeySource::GivenShort => tracing::warn!(
            "SECRET_KEY is shorter than 32 bytes, which weakens what it signs: make one with \
             `openssl rand -hex 32`"
        ),
        KeySource::Random => tracing::warn!(
            "SECRET_KEY is not set: using a random one, so identities end with this process"
        ),
    }
}
