//! Requests on connections that the listener accepted beyond its limits. Only health checks are
//! answered there: see the listener.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::metrics::Metrics;
use crate::peer::AdmissionError;

/// Refuses a request on a connection beyond the limits.
pub async fn refuse(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let Some(&turned_away) = request.extensions().get::<AdmissionError>() else {
        return next.run(request).await;
    };
    metrics.reject(turned_away.connection_reason());
    turned_away.into_response()
}
