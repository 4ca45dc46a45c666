//! Origins whose pages may connect. This server has no cookies and no other ambient authority. So by
//! default any page may connect, also one from a file (origin `null`), as with the original.
//! ALLOWED_ORIGINS restricts WebSocket, polling and preflight alike. A client that sends no origin is
//! not a browser, and may connect.
//!
//! Pages may send credentials, which proxies in front may require. `null` is treated like any other
//! origin. A browser sends credentials with a WebSocket in any case, so refusing them for polling
//! protects no user.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::domain::AllowedOrigins;
use crate::socket::errors::{FORBIDDEN, answer};

/// Why a page of another origin is refused.
pub const REFUSED: &str = "pages of this origin may not connect (ALLOWED_ORIGINS)";

/// The refusal of a page of another origin. It names the setting.
pub fn refusal(allowed: &AllowedOrigins, headers: &HeaderMap) -> Option<Response> {
    let origin = headers.get(header::ORIGIN)?;
    if is_allowed(allowed, origin) {
        return None;
    }
    Some(answer(StatusCode::FORBIDDEN, FORBIDDEN, REFUSED))
}

fn is_allowed(allowed: &AllowedOrigins, origin: &HeaderValue) -> bool {
    match origin.to_str() {
        Ok(origin) => allowed.allows(origin),
        Err(_) => *allowed == AllowedOrigins::Any,
    }
}

/// Answers the request with which a browser asks whether a page may send another one: any header, and
/// the methods of the endpoint. [`grant`] adds the rest.
pub fn preflight(asked: &HeaderMap) -> Response {
    let mut answer = Response::new(Body::empty());
    let headers = answer.headers_mut();
    let methods = HeaderValue::from_static("GET,POST");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    answer
}

/// Lets a page of this origin, which may connect, read an answer. The origin is echoed, because `*`
/// would exclude pages that send credentials.
pub fn grant(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    let credentials = HeaderValue::from_static("true");
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, credentials);
}
