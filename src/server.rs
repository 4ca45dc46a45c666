//! Composition: builds the parts from a configuration, serves, and takes them down in order.

mod announce;
mod bind;
mod errors;
mod settings;
mod store;
mod token;
mod tools;
mod word_filter;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::announce::announce;
pub use self::bind::{adopt, bind, bind_metrics};
pub use self::errors::{BindError, FilterFileError, RunToolError, ServerError};
use self::settings::{ceiling, limits, log_bounds, session_settings, store_name};
use self::store::Opened;
pub use self::tools::run as run_tool;
use crate::config::Config;
use crate::http::assets::Assets;
use crate::http::{self, Readiness};
use crate::idle::Occupancy;
use crate::listener::{self, Listener};
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use crate::room::{RoomSettings, Rooms, Store};
use crate::session::{Drain, Shared};
use crate::socket::{self, AdmissionSettings, SocketSettings};
use crate::telemetry;
use crate::webhooks::Webhooks;

/// Time between two connections' ends in a drain, so that clients do not all reconnect simultaneously.
const DRAIN_STEP: Duration = Duration::from_millis(2);
/// Simultaneous connections to the metrics.
const METRICS_CONNECTIONS_MAX: usize = 16;
/// What is left of HTTP after the sessions have ended gets this share of DRAIN_TIMEOUT, within the
/// limits below. Hosts kill a process soon after that timeout.
const FINISH_SHARE: u32 = 8;
const FINISH_TIMEOUT_MIN: Duration = Duration::from_millis(100);
const FINISH_TIMEOUT_MAX: Duration = Duration::from_secs(1);

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
    occupancy: Arc<Occupancy>,
    exit_when_idle: Option<Duration>,
    on_drain: Option<fn()>,
    word_filter: Option<PathBuf>,
    store: Arc<dyn Store>,
    webhooks: Arc<Webhooks>,
    // End with the server.
    background: JoinSet<()>,
    _store_tasks: JoinSet<()>,
}

impl Server {
    /// Builds the parts. Must be called within a tokio runtime. Logs to the host's `tracing`
    /// subscriber, if there is one, and leaves its panic hook alone.
    ///
    /// # Errors
    /// [`ServerError`] if a setting, the web client's folder or the address of Redis cannot be used.
    pub fn new(config: &Config) -> Result<Self, ServerError> {
        config.check()?;
        let metrics = Arc::new(Metrics::default());
        let opened = store::open(config, &metrics)?;
        Self::build(config, metrics, opened)
    }

    /// The same with a store of the host's own, whatever the configuration says of stores.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_store(config: &Config, store: Arc<dyn Store>) -> Result<Self, ServerError> {
        config.check()?;
        Self::build(config, Arc::new(Metrics::default()), store.into())
    }

    fn build(config: &Config, metrics: Arc<Metrics>, opened: Opened) -> Result<Self, ServerError> {
        let Opened { store, secret_key } = opened;
        let secret_key = secret_key.as_ref().unwrap_or(&config.secret_key);
        announce(config, secret_key);
        metrics.set_store(store_name(config));
        metrics.set_limit("MEMORY_BUDGET", config.memory_budget);
        metrics.set_limit("MAX_CONNECTIONS", config.max_connections);
        let page = match &config.web_dir {
            Some(folder) => Some(Assets::from_folder(folder)?),
            None => Assets::embedded(),
        };
        let limits = limits(config);
        let room_settings = RoomSettings {
            names: config.rooms.clone(),
            log: log_bounds(config, store.has_archive()),
            notice_limit: config.notice_limit,
            edit_window: config.edit_window,
            state_interval: config.counts_interval,
            slow_timeout: config.slow_timeout,
            ceiling: ceiling(config),
            metrics: Arc::clone(&metrics),
            node: store.node(),
        };
        let rooms = Arc::new(Rooms::new(&room_settings));
        let decisions = Arc::clone(rooms.decisions());
        let mut background = rooms.start();
        let budget = MemoryBudget::new(config.memory_budget);
        let guarded = Arc::clone(&budget);
        background.spawn(async move { guarded.guard().await });
        let shared = Arc::new(Shared::new(
            rooms,
            Arc::clone(&store),
            session_settings(config, &limits),
            settings::identities(config, secret_key).with_decisions(Arc::clone(&decisions)),
            Arc::clone(&metrics),
            budget,
        ));
        if let Some(path) = &config.word_filter {
            word_filter::load(path, &shared.moderation)?;
        }
        let sessions = TaskTracker::new();
        let occupancy = Occupancy::new();
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
            occupancy: Arc::clone(&occupancy),
        };
        let endpoint = socket::build(&socket_settings, &shared, &sessions);
        let readiness = Readiness::default();
        if let Some(availability) = store.availability() {
            readiness.follow(availability);
        }
        let mut store_tasks = Arc::clone(&store).start(&shared.rooms);
        let moderation = Arc::clone(&shared.moderation);
        store_tasks.spawn(async move { moderation.sweep().await });
        let webhooks = Arc::new(Webhooks::new(
            settings::webhooks(config),
            &shared.rooms,
            &store,
            &shared.moderation,
            &shared.metrics,
            &shared.budget,
            &occupancy,
        ));
        webhooks.start();
        let trusted_proxies: Arc<[IpNet]> = config.trusted_proxies.clone().into();
        let api = http::api::state::Parts {
            shared: Arc::clone(&shared),
            endpoint: Arc::clone(&endpoint),
            readiness: readiness.clone(),
            trusted_proxies: Arc::clone(&trusted_proxies),
            tasks: sessions.clone(),
            webhooks: Arc::clone(&webhooks),
            heartbeat: config.ping_interval,
            slow_timeout: config.slow_timeout,
            settings: settings::shown(config),
            connections_max: config.max_connections,
            memory_budget: config.memory_budget,
            store_name: store_name(config),
        };
        Ok(Self {
            router: http::router(http::Parts {
                endpoint,
                readiness: readiness.clone(),
                page,
                rooms: config.rooms.clone(),
                allowed_origins: config.allowed_origins.clone(),
                trusted_proxies,
                metrics,
                api,
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
            occupancy,
            exit_when_idle: config.exit_when_idle,
            on_drain: None,
            word_filter: config.word_filter.clone(),
            store,
            webhooks,
            background,
            _store_tasks: store_tasks,
        })
    }

    /// Waits until the store can be used, or for a few seconds.
    ///
    /// # Errors
    /// [`ServerError::Store`] if it never will.
    pub async fn wait_for_start(&self) -> Result<(), ServerError> {
        Ok(self.store.wait_for_start().await?)
    }

    /// Waits until the store can keep its promises no longer, for ever if that does not happen. For a
    /// host that serves [`Self::router`] itself: it should drain and end then. [`Self::serve`] does so.
    pub async fn failed(&self) -> ServerError {
        self.store.failed().await.into()
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
        // A few connections are enough for scrapers.
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
            connections.finish(FINISH_TIMEOUT_MAX).await;
        });
    }

    /// Waits, as long as it takes, until the store can be used.
    pub fn ready(&self) -> impl Future<Output = ()> + Send + 'static {
        let availability = self.store.availability();
        async move {
            if let Some(mut availability) = availability {
                // A store that is gone is not waited for: the service ends.
                let _gone = availability
                    .wait_for(|can_be_used| *can_be_used)
                    .await
                    .is_err();
            }
        }
    }

    /// What reads WORD_FILTER again, if that is set. A file that cannot be used changes nothing, and is
    /// logged.
    pub fn reloader(&self) -> Option<impl Fn() + Send + 'static> {
        let path = self.word_filter.clone()?;
        let moderation = Arc::clone(&self.shared.moderation);
        Some(word_filter::reloader(path, moderation))
    }

    /// Calls `hook` when the drain begins.
    pub const fn on_drain(&mut self, hook: fn()) {
        self.on_drain = Some(hook);
    }

    /// Serves until `stop`, or until it has had no connections for EXIT_WHEN_IDLE, then drains.
    ///
    /// # Errors
    /// [`ServerError::Store`] if the store can keep its promises no longer. The service has drained
    /// then, too.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> Result<(), ServerError> {
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
        )
        .until_idle(Arc::clone(&self.occupancy), self.exit_when_idle);
        // The port stays open while sessions end: a client that polls may need a new connection
        // to learn of it. The router accepts no new session.
        let drained = CancellationToken::new();
        let port_closed = CancellationToken::new();
        let accept = async {
            let connections = listener.accept_until(drained.clone()).await;
            port_closed.cancel();
            connections
        };
        let drain = async {
            let ended = tokio::select! {
                () = stop.cancelled() => Ok(()),
                failure = self.failed() => Err(failure),
                () = port_closed.cancelled() => {
                    let limit = humantime::format_duration(self.exit_when_idle.unwrap_or_default());
                    tracing::info!("stopping: no connections for {limit} (EXIT_WHEN_IDLE)");
                    Ok(())
                }
            };
            self.drain().await;
            drained.cancel();
            ended
        };
        let (connections, ended) = tokio::join!(accept, drain);
        let timeout = self.drain_timeout / FINISH_SHARE;
        let timeout = timeout.clamp(FINISH_TIMEOUT_MIN, FINISH_TIMEOUT_MAX);
        connections.finish(timeout).await;
        tracing::info!("stopped");
        ended
    }

    /// Takes the service down: readiness goes red, every session is notified, and all end
    /// one after the other within the drain timeout.
    pub async fn drain(&self) {
        self.readiness.drain();
        if let Some(hook) = self.on_drain {
            hook();
        }
        let sessions = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        let spread = DRAIN_STEP
            .saturating_mul(sessions)
            .min(self.drain_timeout / 2);
        tracing::info!(sessions, spread_ms = spread.as_millis(), "draining");
        self.shared.drain(Drain { spread });
        self.sessions.close();
        // What is still said is delivered by the next process.
        let sessions = tokio::time::timeout(self.drain_timeout, self.sessions.wait());
        let (ended, ()) = tokio::join!(sessions, self.webhooks.finish());
        if ended.is_err() {
            tracing::warn!(
                sessions = self.sessions.len(),
                "DRAIN_TIMEOUT is over: ending the rest"
            );
        }
        self.store.finish().await;
    }
}
