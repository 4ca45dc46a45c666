//! The one form of every error of the API: `{"error": {"code": …, "message": …}}`.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{RequestError, RequestErrorCode};
use crate::json;
use crate::peer::AdmissionError;

/// When a request may be sent again if the service is short of something.
const BUSY_RETRY: Duration = Duration::from_secs(1);

/// For programs: what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApiErrorCode {
    /// The request has no valid token.
    Unauthorized,
    /// The token's role may not do this.
    Forbidden,
    /// There is no such path, user or message.
    NotFound,
    /// There is no such room.
    UnknownRoom,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The key was used before, for another text.
    Conflict,
    /// A header, a part of the query or of the body is not valid.
    InvalidRequest,
    /// Too many requests; `Retry-After` says when the next may come.
    RateLimited,
    /// The service is full, short of memory or not ready.
    Unavailable,
}

impl ApiErrorCode {
    /// The code as metrics count it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "api_unauthorized",
            Self::Forbidden => "api_forbidden",
            Self::NotFound | Self::UnknownRoom => "api_not_found",
            Self::MethodNotAllowed => "api_method_not_allowed",
            Self::Conflict => "api_conflict",
            Self::InvalidRequest => "api_invalid_request",
            Self::RateLimited => "api_rate_limited",
            Self::Unavailable => "api_unavailable",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound | Self::UnknownRoom => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Why an answer is an error, as an extension of it.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    /// The reason under which it is counted.
    pub reason: &'static str,
    /// The message, unless it was made for this call: that may contain what the caller sent.
    pub text: &'static str,
}

/// The body of every answer that is an error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// `error` in [`ErrorBody`].
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// For programs.
    pub code: ApiErrorCode,
    /// For people: what went wrong and what to do.
    #[schema(value_type = String)]
    pub message: Cow<'static, str>,
}

/// A call that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// For programs.
    pub code: ApiErrorCode,
    /// For people.
    pub message: Cow<'static, str>,
    /// When the same call may succeed, if that is known.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// An error with this code.
    pub fn new(code: ApiErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    /// A header, a part of the query or of the body is not valid.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ApiErrorCode::InvalidRequest, message)
    }

    /// There is no room of this name.
    #[must_use]
    pub fn unknown_room() -> Self {
        let message = "there is no room of this name; GET /api/v1/rooms lists all";
        Self::new(ApiErrorCode::UnknownRoom, message)
    }

    /// The service cannot do it now.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            retry_after: Some(BUSY_RETRY),
            ..Self::new(ApiErrorCode::Unavailable, message)
        }
    }

    /// The answer does not fit into MEMORY_BUDGET at the moment.
    #[must_use]
    pub fn no_memory() -> Self {
        Self::unavailable("the service is short of memory (MEMORY_BUDGET); try again in a moment")
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let code = match error.code {
            RequestErrorCode::UnknownRoom => return Self::unknown_room(),
            RequestErrorCode::RateLimited => ApiErrorCode::RateLimited,
            RequestErrorCode::Busy | RequestErrorCode::Unavailable => ApiErrorCode::Unavailable,
            RequestErrorCode::Muted | RequestErrorCode::Banned | RequestErrorCode::Forbidden => {
                ApiErrorCode::Forbidden
            }
            RequestErrorCode::NotFound => ApiErrorCode::NotFound,
            RequestErrorCode::Conflict => ApiErrorCode::Conflict,
            _ => ApiErrorCode::InvalidRequest,
        };
        let message = match code {
            ApiErrorCode::RateLimited => "too many requests; Retry-After says when to go on".into(),
            ApiErrorCode::Unavailable => {
                "the store does not answer now; try again in a moment".into()
            }
            _ => error.message,
        };
        let retry_after = match code {
            ApiErrorCode::Unavailable => error.retry_after.or(Some(BUSY_RETRY)),
            _ => error.retry_after,
        };
        Self {
            code,
            message,
            retry_after,
        }
    }
}

impl From<AdmissionError> for ApiError {
    fn from(error: AdmissionError) -> Self {
        let (code, retry_after) = match error {
            AdmissionError::Full | AdmissionError::NoMemory => {
                (ApiErrorCode::Unavailable, BUSY_RETRY)
            }
            AdmissionError::AddressFull => (ApiErrorCode::RateLimited, BUSY_RETRY),
            AdmissionError::TooFast(wait) => (ApiErrorCode::RateLimited, wait),
        };
        Self {
            retry_after: Some(retry_after),
            ..Self::new(code, error.to_string())
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let refused = Refused {
            reason: self.code.as_str(),
            text: match self.message {
                Cow::Borrowed(text) => text,
                Cow::Owned(_) => "",
            },
        };
        let body = json::raw(&ErrorBody {
            error: ErrorDetail {
                code: self.code,
                message: self.message,
            },
        });
        let kind = [(header::CONTENT_TYPE, "application/json")];
        let mut answer = (self.code.status(), kind, body.get().to_owned()).into_response();
        answer.extensions_mut().insert(refused);
        let headers = answer.headers_mut();
        if self.code == ApiErrorCode::Unauthorized {
            let scheme = HeaderValue::from_static("Bearer realm=\"hubbub\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_its_status_and_says_when_to_come_again() {
        let answer = ApiError::from(RequestError::rate_limited(Duration::from_millis(1200)));
        let answer = answer.into_response();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "2");
        let answer = ApiError::new(ApiErrorCode::Unauthorized, "x").into_response();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(answer.headers().contains_key(header::WWW_AUTHENTICATE));
        assert!(!answer.headers().contains_key(header::RETRY_AFTER));
    }
}
