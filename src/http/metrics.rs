//! Metrics, on a listener of their own, because only operators may read them.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::get;

use super::{headers, overflow};
use crate::metrics::CONTENT_TYPE;
use crate::session::Shared;

/// `/metrics`, and nothing else.
pub fn router(shared: Arc<Shared>) -> Router {
    let counted = Arc::clone(&shared.metrics);
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(shared)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&counted),
            overflow::refuse,
        ))
        .layer(middleware::from_fn_with_state(
            counted,
            headers::refuse_doubled,
        ))
        .layer(middleware::map_response(headers::unsniffed))
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    for room in shared.rooms.all() {
        let (members, lag) = (room.member_count(), room.lag());
        shared.metrics.set_room(room.name().as_str(), members, lag);
    }
    let held = i64::try_from(shared.budget.used()).unwrap_or(i64::MAX);
    shared.metrics.held_bytes.set(held);
    (
        [(header::CONTENT_TYPE, CONTENT_TYPE)],
        shared.metrics.render(),
    )
}
