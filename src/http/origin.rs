//! Origins whose pages may connect. This server has no cookies and no other ambient authority. So by
//! default any page may connect, also one from a file (origin `null`), as with the original.
//! ALLOWED_ORIGINS restricts WebSocket, polling and preflight alike. A client that sends no origin is
//! not a browser, and may connect.
//!
//! Pages may send credentials, which proxies in front may require. `null` is treated like any other
//! origin. A browser sends credentials with a WebSocket in any case, so refusing them for polling
//! protects no user.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::domain::AllowedOrigins;
use crate::metrics::Metrics;
use crate::socket::errors::{FORBIDDEN, answer};

/// Refuses pages of other origins, naming the setting.
pub async fn check(
    State((allowed, metrics)): State<(Arc<AllowedOrigins>, Arc<Metrics>)>,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(header::ORIGIN);
    if origin.is_none_or(|origin| is_allowed(&allowed, origin)) {
        return next.run(request).await;
    }
    metrics.reject("origin");
    let message = "pages of this origin may not connect (ALLOWED_ORIGINS)";
    answer(StatusCode::FORBIDDEN, FORBIDDEN, message)
}

fn is_allowed(allowed: &AllowedOrigins, origin: &HeaderValue) -> bool {
    match origin.to_str() {
        Ok(origin) => allowed.allows(origin),
        Err(_) => *allowed == AllowedOrigins::Any,
    }
}

/// Answers browsers' CORS checks by the same rule. The origin is echoed, because `*` would exclude
/// pages that send credentials.
pub fn cors(allowed: &Arc<AllowedOrigins>) -> CorsLayer {
    let allowed = Arc::clone(allowed);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| {
            is_allowed(&allowed, origin)
        }))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        // `headers::forbid_caching` sends it with every answer.
        .vary([])
}
