//! Engine.IO's errors as the official server answers them: a number and a message.
//!
//! The library answers some with the number as a string and some with nothing. Clients that look at
//! the code compare numbers.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};

/// "Session ID unknown"
pub const UNKNOWN_SESSION: u8 = 1;
/// "Bad request"
pub const BAD_REQUEST: u8 = 3;
/// "Forbidden"
pub const FORBIDDEN: u8 = 4;
/// "Unsupported protocol version"
pub const UNSUPPORTED_VERSION: u8 = 5;

/// An answer with an Engine.IO error.
pub fn answer(status: StatusCode, code: u8, message: &str) -> Response {
    let body = json!({ "code": code, "message": message }).to_string();
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, body).into_response()
}

/// Gives an error the official form, also one that the library answered, and returns its code. Other
/// answers stay as they are.
pub async fn numbered(response: Response) -> (Response, Option<u8>) {
    if !matches!(
        response.status(),
        StatusCode::BAD_REQUEST | StatusCode::UPGRADE_REQUIRED
    ) {
        return (response, None);
    }
    let (mut head, body) = response.into_parts();
    // It is in memory already. One that cannot be read counts as empty.
    let body = body.collect().await.map(|body| body.to_bytes());
    let (code, message) = read(&body.unwrap_or_default());
    let (new, body) = answer(head.status, code, &message).into_parts();
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        head.headers.remove(name);
    }
    head.headers.extend(new.headers);
    (Response::from_parts(head, body), Some(code))
}

/// The code and message in a refusal: JSON, of which the library writes the code as a string; a text
/// of our own; or nothing.
fn read(body: &[u8]) -> (u8, String) {
    if let Ok(body) = serde_json::from_slice::<Value>(body)
        && let (code, Some(message)) = (&body["code"], body["message"].as_str())
        && let Ok(code) = code.to_string().trim_matches('"').parse()
    {
        return (code, message.to_owned());
    }
    let text = String::from_utf8_lossy(body);
    match text.trim() {
        "" => (BAD_REQUEST, "Bad request".to_owned()),
        text => (BAD_REQUEST, text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn numbers(status: StatusCode, body: &'static str) -> (Option<u8>, String) {
        let response = (status, [(header::CONTENT_LENGTH, body.len())], body);
        let (response, code) = numbered(response.into_response()).await;
        assert_eq!(response.status(), status);
        let body = response.into_body().collect().await.map(|b| b.to_bytes());
        let body = body.unwrap_or_default();
        (code, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn an_error_has_a_number_also_if_the_library_answered_it() {
        for (given, code, body) in [
            (
                r#"{"code":"0","message":"Transport unknown"}"#,
                0,
                r#"{"code":0,"message":"Transport unknown"}"#,
            ),
            (
                r#"{"code":5,"message":"Unsupported protocol version"}"#,
                5,
                r#"{"code":5,"message":"Unsupported protocol version"}"#,
            ),
            ("", 3, r#"{"code":3,"message":"Bad request"}"#),
            ("no \"key\"\n", 3, r#"{"code":3,"message":"no \"key\""}"#),
            ("{}", 3, r#"{"code":3,"message":"{}"}"#),
        ] {
            for status in [StatusCode::BAD_REQUEST, StatusCode::UPGRADE_REQUIRED] {
                let (found, answered) = numbers(status, given).await;
                assert_eq!((found, answered.as_str()), (Some(code), body), "{given}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_refusal_stays_as_it_is() {
        for status in [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
            let answered = numbers(status, "2probe").await;
            assert_eq!(answered, (None, "2probe".to_owned()));
        }
    }
}
