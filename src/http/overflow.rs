//! Requests on connections that the listener accepted beyond its limits. On those, only health checks
//! are answered.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::metrics::Metrics;
use crate::peer::AdmissionError;

/// Refuses a request on a connection beyond the limits.
pub async fn refuse(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let Some(&error) = request.extensions().get::<AdmissionError>() else {
        return next.run(request).await;
    };
    metrics.reject(error.connection_reason());
    error.into_response()
}
