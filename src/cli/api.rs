//! The HTTP API as a client: bearer token, JSON, one form of errors, and another try if an answer is
//! lost. That does nothing twice: moderating again changes nothing, and messages have a `client_id`.

use std::time::Duration;

use reqwest::header::{self, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use url::Url;

use super::access::{self, Token};
use super::connection_error::ConnectionError;
use super::error::CliError;
use super::tls::Trust;
use crate::config::{Config, ServerArgs};

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a call is tried again.
const RETRY_TIME: Duration = Duration::from_secs(20);
/// The pause before the second try; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Bytes of the longest answer that is read: more than the longest page of messages.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Characters of an answer that is no JSON which an error shows.
const SHOWN_CHARS: usize = 60;

/// A server's API, and a token for it.
#[derive(Debug)]
pub struct Api {
    client: Client,
    base: Url,
    token: HeaderValue,
}

/// A call that failed, and whether it may succeed later.
struct Failure {
    error: CliError,
    again_after: Option<Duration>,
}

impl Api {
    /// The API of the server that the command line names.
    ///
    /// # Errors
    /// There is no token, or a file cannot be read.
    pub fn new(config: &Config, args: &ServerArgs) -> Result<Self, CliError> {
        let base = access::url_of(config, args.url.as_ref())?;
        let trust = Trust::load(base.scheme() == "https", args.access.ca.as_deref())?;
        let token = Token::find(config, &args.access)?;
        let token = token.ok_or(CliError::Token("there is no token"))?;
        let client = access::client(&trust, |builder| {
            builder
                .tcp_keepalive(Duration::from_secs(20))
                .tcp_keepalive_interval(Duration::from_secs(10))
        })?;
        Ok(Self {
            client,
            base,
            token: token.value,
        })
    }

    /// `GET`, with a path below `/api/v1` and a query.
    ///
    /// # Errors
    /// The server is not reached, refuses, or is no hubbub.
    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, CliError> {
        let url = self.url(path, query);
        self.call(|| self.client.get(url.clone())).await
    }

    /// `POST` of JSON.
    ///
    /// # Errors
    /// The server is not reached, refuses, or is no hubbub.
    pub async fn post(&self, path: &[&str], body: &Value) -> Result<Value, CliError> {
        let url = self.url(path, &[]);
        let kind = HeaderValue::from_static("application/json");
        let body = body.to_string();
        let request = || {
            self.client
                .request(Method::POST, url.clone())
                .header(header::CONTENT_TYPE, kind.clone())
                .body(body.clone())
        };
        self.call(request).await
    }

    /// A stream of events after a position, without another try.
    ///
    /// # Errors
    /// The server is not reached, refuses, or is no hubbub.
    pub async fn open(
        &self,
        path: &[&str],
        after: Option<&str>,
        silence: Duration,
    ) -> Result<Response, CliError> {
        let mut request = self
            .client
            .get(self.url(path, &[]))
            .header(header::AUTHORIZATION, self.token.clone());
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = tokio::time::timeout(silence, request.send()).await;
        let response = response.map_err(|_| self.slow())?;
        let response = response.map_err(|error| self.unreachable(&error).error)?;
        let kind = response.headers().get(header::CONTENT_TYPE);
        let is_stream = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if response.status() == StatusCode::OK && is_stream {
            return Ok(response);
        }
        let refused = self.read(response).await;
        Err(refused.map_or_else(
            |failure| failure.error,
            |_| self.foreign(&self.base, "something else than events"),
        ))
    }

    async fn call(&self, request: impl Fn() -> RequestBuilder) -> Result<Value, CliError> {
        let deadline = Instant::now() + RETRY_TIME;
        let mut pause = FIRST_PAUSE;
        loop {
            let failure = match self.once(request()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let Some(wait) = failure.again_after.map(|least| least.max(pause)) else {
                return Err(failure.error);
            };
            if Instant::now() + wait > deadline {
                return Err(failure.error);
            }
            sleep(wait).await;
            pause *= 2;
        }
    }

    async fn once(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let request = request
            .header(header::AUTHORIZATION, self.token.clone())
            .timeout(ANSWER_TIMEOUT);
        match request.send().await {
            Ok(response) => self.read(response).await,
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    async fn read(&self, mut response: Response) -> Result<Value, Failure> {
        let (url, status) = (response.url().clone(), response.status());
        let wait = response.headers().get(header::RETRY_AFTER);
        let wait = wait.and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
        if status.is_redirection() {
            return Err(final_failure(self.redirected(&url, &response)));
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_BYTES_MAX => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Err(final_failure(self.foreign(&url, "too many bytes")));
                }
                Ok(None) => break,
                Err(error) => return Err(self.unreachable(&error)),
            }
        }
        let Ok(answer) = serde_json::from_slice::<Value>(&body) else {
            return Err(self.no_json(&url, status, &body));
        };
        if status.is_success() {
            return Ok(answer);
        }
        let error = &answer["error"];
        let text = |name: &str| error[name].as_str().map(str::to_owned);
        let (Some(code), Some(message)) = (text("code"), text("message")) else {
            return Err(self.no_json(&url, status, &body));
        };
        Err(match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Failure {
                error: CliError::Unavailable {
                    url: Box::new(url),
                    message,
                },
                again_after: Some(Duration::from_secs(wait.unwrap_or(0)).min(RETRY_TIME * 2)),
            },
            _ => final_failure(CliError::Refused {
                message: with_remedy(status, message),
                code,
            }),
        })
    }

    /// An answer that is no JSON: of a proxy, or of something else.
    fn no_json(&self, url: &Url, status: StatusCode, body: &[u8]) -> Failure {
        if matches!(
            status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        ) {
            let message = format!("the proxy answers {status}: the server behind it does not");
            return Failure {
                error: CliError::Unavailable {
                    url: Box::new(url.clone()),
                    message,
                },
                again_after: Some(Duration::ZERO),
            };
        }
        let text = String::from_utf8_lossy(body);
        let text: String = text.chars().take(SHOWN_CHARS).collect();
        let seen = format!("{status}, {:?}", text.trim());
        final_failure(self.foreign(url, &seen))
    }

    fn redirected(&self, url: &Url, response: &Response) -> CliError {
        let target = response.headers().get(header::LOCATION);
        let target = target.and_then(|target| target.to_str().ok()).unwrap_or("");
        CliError::NotHubbub {
            url: Box::new(url.clone()),
            seen: format!("{} to {target:?}", response.status()),
            remedy: "give the address that it leads to, with --url or HUBBUB_URL".to_owned(),
        }
    }

    fn foreign(&self, url: &Url, seen: &str) -> CliError {
        CliError::NotHubbub {
            url: Box::new(url.clone()),
            seen: seen.to_owned(),
            remedy: "check --url or HUBBUB_URL, and its path".to_owned(),
        }
    }

    fn slow(&self) -> CliError {
        CliError::Unreachable {
            url: Box::new(self.base.clone()),
            problem: "there was no answer in time".to_owned(),
            remedy: "check the server, and the proxy in front of it".to_owned(),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        if error.is_timeout() {
            return final_failure(self.slow());
        }
        let ConnectionError { seen, remedy } = ConnectionError::of(error);
        // A connection that was lost on the way, unlike one that cannot be made.
        let again_after = (!error.is_connect()).then_some(Duration::ZERO);
        Failure {
            error: CliError::Unreachable {
                url: Box::new(self.base.clone()),
                problem: seen,
                remedy,
            },
            again_after,
        }
    }

    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

fn final_failure(error: CliError) -> Failure {
    Failure {
        error,
        again_after: None,
    }
}

fn with_remedy(status: StatusCode, message: String) -> String {
    match status {
        StatusCode::UNAUTHORIZED => {
            message + "; is it this server's token (HUBBUB_TOKEN, ADMIN_TOKEN or --token-file)?"
        }
        _ => message,
    }
}
