//! Rules for headers of whole groups of paths: those that every answer has, and those that no request
//! may have twice.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::metrics::Metrics;

/// Headers with a single value on which a decision depends, here or in a proxy in front. If there were
/// two, a proxy might use one and this server the other.
///
/// `Connection`, `Upgrade`, `X-Forwarded-For`, `Accept-Encoding` and `If-None-Match` are lists that
/// may be spread over several lines (RFC 9110, section 5.3); they are read as a whole. hyper refuses
/// two different `Content-Length`.
static SINGLE: [HeaderName; 8] = [
    header::HOST,
    header::ORIGIN,
    header::AUTHORIZATION,
    header::TRANSFER_ENCODING,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::ACCESS_CONTROL_REQUEST_METHOD,
    header::ACCESS_CONTROL_REQUEST_HEADERS,
];

/// The reason under which such requests are counted.
pub const DOUBLED: &str = "doubled_header";

/// Refuses requests that carry one of the headers in [`SINGLE`] more than once.
pub async fn refuse_doubled(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    match refusal(request.headers()) {
        None => next.run(request).await,
        Some(refusal) => {
            metrics.reject(DOUBLED);
            refusal
        }
    }
}

/// The refusal of a request that carries one of the headers in [`SINGLE`] more than once.
pub fn refusal(headers: &HeaderMap) -> Option<Response> {
    let name = doubled(headers)?;
    let text = format!("the header {name} is there twice; send it once\n");
    Some((StatusCode::BAD_REQUEST, text).into_response())
}

/// The header in [`SINGLE`] that is there more than once, if there is one.
pub fn doubled(headers: &HeaderMap) -> Option<&'static HeaderName> {
    SINGLE.iter().find(|name| {
        let mut values = headers.get_all(*name).iter();
        values.nth(1).is_some()
    })
}

/// [`forbid_sniffing`] as a layer.
pub async fn unsniffed(mut response: Response) -> Response {
    forbid_sniffing(&mut response);
    response
}

/// Forbids browsers to guess another type for an answer than the one it states.
pub fn forbid_sniffing(response: &mut Response) {
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
}

/// Keeps Socket.IO's answers out of every cache. They are for one client, and their headers for other
/// origins depend on the request's origin.
pub fn forbid_caching(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
}
