//! Requests on connections that the listener accepted beyond its limits. On those, only health checks
//! are answered.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::client_address;
use crate::metrics::{Metrics, RefusalContext};
use crate::peer::AdmissionError;

/// Refuses a request on a connection beyond the limits.
pub async fn refuse(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    match refusal(&metrics, &request) {
        None => next.run(request).await,
        Some(refusal) => refusal,
    }
}

/// The refusal of a request on a connection beyond the limits.
pub fn refusal(metrics: &Metrics, request: &Request) -> Option<Response> {
    let &error = request.extensions().get::<AdmissionError>()?;
    let context = RefusalContext {
        what: "connection",
        text: &error.to_string(),
        network: client_address::network_behind(request, &[]),
    };
    metrics.reject_with(error.connection_reason(), &context);
    Some(error.into_response())
}
