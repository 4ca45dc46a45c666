//! Whose pages may connect. There are no cookies and no other ambient authority, so by default any
//! may, also one from a file (origin `null`), as with the original; ALLOWED_ORIGINS closes that for
//! WebSocket, polling and preflight alike. Whoever sends no origin is no browser, and may connect.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::domain::AllowedOrigins;
use crate::metrics::Metrics;

/// Refuses pages of other origins, naming the setting.
pub async fn check(
    State((allowed, metrics)): State<(Arc<AllowedOrigins>, Arc<Metrics>)>,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(header::ORIGIN);
    let is_allowed = match origin.map(|origin| origin.to_str()) {
        None => true,
        Some(Ok(origin)) => allowed.allows(origin),
        Some(Err(_)) => *allowed == AllowedOrigins::Any,
    };
    if is_allowed {
        return next.run(request).await;
    }
    metrics.reject("origin");
    let text = "pages of this origin may not connect (ALLOWED_ORIGINS)\n";
    (StatusCode::FORBIDDEN, text).into_response()
}

/// What tells browsers the same.
pub fn cors(allowed: &Arc<AllowedOrigins>) -> CorsLayer {
    let origin = match **allowed {
        AllowedOrigins::Any => AllowOrigin::any(),
        AllowedOrigins::These(_) => {
            let allowed = Arc::clone(allowed);
            AllowOrigin::predicate(move |origin, _| {
                origin.to_str().is_ok_and(|origin| allowed.allows(origin))
            })
        }
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods(tower_http::cors::Any)
        .allow_headers(tower_http::cors::Any)
}
