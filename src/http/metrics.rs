//! Metrics, on a listener of their own: they say what goes on inside, which is the operator's
//! business.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::metrics::CONTENT_TYPE;
use crate::session::Shared;

/// `/metrics`, and nothing else.
pub fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(shared)
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
