//! `stats`: figures of the service.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::error::ApiError;
use super::state::Api;

/// Figures of this process. Those that count do so since its start.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stats {
    /// The version of the service.
    version: &'static str,
    /// Seconds since the start.
    uptime_s: u64,
    /// Whether new connections are accepted.
    ready: bool,
    /// What keeps the rooms: `memory`, `disk` or `redis`.
    store: &'static str,
    /// Connections now: of Socket.IO, and event streams.
    connections: i64,
    /// The most connections (MAX_CONNECTIONS); 0 = not limited.
    connections_max: usize,
    /// Members of all rooms now.
    members: u64,
    /// Messages accepted.
    messages: u64,
    /// Messages and notices handed over to connections.
    deliveries: u64,
    /// How many entries the slowest connection is behind its room's log now.
    lag: u64,
    /// Connections closed because they took nothing for SLOW_TIMEOUT.
    slow_readers_closed: u64,
    /// Bytes that count towards MEMORY_BUDGET now.
    held_bytes: u64,
    /// The most bytes that may count (MEMORY_BUDGET); 0 = not limited.
    held_bytes_max: usize,
    /// Memory of the process now; absent if the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    resident_bytes: Option<u64>,
    /// Tasks that panicked.
    panics: u64,
    /// What was refused, by reason.
    rejected: BTreeMap<&'static str, u64>,
}

/// Figures of the service
#[utoipa::path(get, path = "/stats", tag = "service", operation_id = "getStats",
    responses((status = 200, description = "Figures of this process", body = Stats)))]
pub async fn get(State(api): State<Arc<Api>>, caller: Caller) -> Result<Response, ApiError> {
    let shared = &api.parts.shared;
    let metrics = &shared.metrics;
    let rooms = || shared.rooms.all();
    let stats = Stats {
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: api.began.elapsed().as_secs(),
        ready: api.parts.readiness.not_ready().is_none(),
        store: api.parts.store_name,
        connections: metrics.connections.get(),
        connections_max: api.parts.connections_max,
        members: rooms().map(|room| room.member_count()).sum(),
        messages: metrics.messages.get(),
        deliveries: metrics.deliveries.get(),
        lag: rooms().map(|room| room.lag()).max().unwrap_or(0),
        slow_readers_closed: metrics.slow_readers_closed.get(),
        held_bytes: shared.budget.used() as u64,
        held_bytes_max: api.parts.memory_budget,
        resident_bytes: metrics.resident_bytes(),
        panics: metrics.panics.get(),
        rejected: metrics.rejections(),
    };
    api.answer(&caller, &stats)
}
