//! The WebSocket handshake (RFC 6455, section 4.2), which is answered here and not by the library.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The answer to `Sec-WebSocket-Key` or why there is none.
pub(super) fn handshake_key(request: &Request) -> Result<String, Box<Response>> {
    let headers = request.headers();
    let has = |name: header::HeaderName, token: &str| {
        let values = headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        let mut tokens = values.flat_map(|value| value.split(','));
        tokens.any(|found| found.trim().eq_ignore_ascii_case(token))
    };
    let refuse =
        |status: StatusCode, why: &'static str| Err(Box::new((status, why).into_response()));
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        return refuse(StatusCode::BAD_REQUEST, "this is no WebSocket handshake\n");
    }
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        let version = [(header::SEC_WEBSOCKET_VERSION, "13")];
        let why = "only WebSocket version 13 is spoken here\n";
        return Err(Box::new(
            (StatusCode::UPGRADE_REQUIRED, version, why).into_response(),
        ));
    }
    match headers.get(header::SEC_WEBSOCKET_KEY) {
        Some(key) if is_key(key.as_bytes()) => Ok(derive_accept_key(key.as_bytes())),
        _ => refuse(
            StatusCode::BAD_REQUEST,
            "Sec-WebSocket-Key must be 16 bytes in base64\n",
        ),
    }
}

/// Whether these are 16 bytes in base64: 22 digits and the padding.
fn is_key(key: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    matches!(key.strip_suffix(b"=="), Some(digits) if digits.len() == 22 && digits.iter().all(digit))
}
