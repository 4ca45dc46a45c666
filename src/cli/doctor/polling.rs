//! A session over HTTP long polling, each request over a connection of its own.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::engine::{Open, PACKET_TIMEOUT, PATH, Transport};
use super::target::{Answer, Target};
use crate::cli::connection_error::ConnectionError;

/// The request of a handshake, below the path of the deployment.
pub const HANDSHAKE: &str = "socket.io/?EIO=4&transport=polling";
/// The packet that ends a session.
const CLOSE: &str = "1";
/// Separates packets in a body.
const SEPARATOR: char = '\u{1e}';
/// Engine.IO's code for a session that the server does not know.
const UNKNOWN_SESSION: u64 = 1;

/// What makes requests of one client reach one node.
pub const STICKY: &str = "requests of one client must reach one node (nginx: `hash $binary_remote_addr \
                          consistent;` in `upstream`; HAProxy: `balance source`; Kubernetes: \
                          `sessionAffinity: ClientIP`)";

/// A session.
#[derive(Debug)]
pub struct Polling<'a> {
    target: &'a Target,
    url: Url,
    /// What the handshake said.
    pub open: Open,
    /// The cookies that the handshake set.
    pub cookies: String,
    received: VecDeque<String>,
}

impl<'a> Polling<'a> {
    /// Makes a handshake, as a page of this deployment does.
    ///
    /// # Errors
    /// It is not answered as one.
    pub async fn open(target: &'a Target) -> Result<(Self, Answer), ConnectionError> {
        let answer = target.get(HANDSHAKE, &[]).await?;
        match Self::of(target, &answer) {
            Some(polling) => Ok((polling, answer)),
            None => Err(refused(&answer)),
        }
    }

    /// The session of a handshake; `None` if the answer is not that.
    #[must_use]
    pub fn of(target: &'a Target, answer: &Answer) -> Option<Self> {
        let open = Open::read(&answer.body).filter(|_| answer.status == StatusCode::OK)?;
        let mut url = target.url(HANDSHAKE);
        url.query_pairs_mut().append_pair("sid", &open.sid);
        Some(Self {
            target,
            url,
            cookies: answer.cookies(),
            open,
            received: VecDeque::new(),
        })
    }

    /// Ends the session, so that nothing is left behind.
    pub async fn close(mut self) {
        // If it does not get through, the server ends the session after PING_TIMEOUT.
        drop(self.send(CLOSE.to_owned()).await);
    }

    async fn request(
        &self,
        method: Method,
        body: Option<String>,
        within: Duration,
    ) -> Result<Answer, ConnectionError> {
        let kind = ("content-type", "text/plain;charset=UTF-8");
        let mut headers = vec![kind];
        if !self.cookies.is_empty() {
            headers.push(("cookie", &self.cookies));
        }
        let url = self.url.clone();
        let answer = self
            .target
            .request(method, url, &headers, body, within)
            .await?;
        match answer.status {
            StatusCode::OK => Ok(answer),
            _ => Err(refused(&answer)),
        }
    }
}

impl Transport for Polling<'_> {
    async fn send(&mut self, packet: String) -> Result<(), ConnectionError> {
        let sent = self.request(Method::POST, Some(packet), PACKET_TIMEOUT);
        sent.await.map(drop)
    }

    async fn receive(&mut self, within: Duration) -> Result<String, ConnectionError> {
        loop {
            if let Some(packet) = self.received.pop_front() {
                return Ok(packet);
            }
            let answer = self.request(Method::GET, None, within).await?;
            let packets = answer.body.split(SEPARATOR).map(str::to_owned);
            self.received.extend(packets);
        }
    }
}

/// Explains an answer that is none of Engine.IO's, or a refusal.
#[must_use]
pub fn refused(answer: &Answer) -> ConnectionError {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    let message = body["message"].as_str().unwrap_or_default();
    let seen = format!("{PATH} answered {}", answer.shown());
    let remedy = match answer.status {
        StatusCode::BAD_REQUEST if body["code"].as_u64() == Some(UNKNOWN_SESSION) => {
            return ConnectionError::new(
                "a request met a node that does not know its session",
                STICKY,
            );
        }
        StatusCode::NOT_FOUND => {
            "pass this path on (nginx: `location / { proxy_pass http://hubbub; }`; below a path: \
             `location /chat/ { proxy_pass http://hubbub/; }`, with the slashes)"
        }
        StatusCode::FORBIDDEN if message.contains("ALLOWED_ORIGINS") => {
            "add this origin to ALLOWED_ORIGINS"
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            "let the proxy pass larger bodies on (nginx: `client_max_body_size 2m;`)"
        }
        StatusCode::BAD_GATEWAY => "check the address of the server in the proxy (`proxy_pass`)",
        StatusCode::GATEWAY_TIMEOUT => {
            "let the proxy wait for longer than PING_INTERVAL (nginx: `proxy_read_timeout 75s;`)"
        }
        StatusCode::TOO_MANY_REQUESTS => {
            "try again later, or raise MAX_CONNECTIONS_PER_IP and CONNECT_RATE_PER_IP; behind a proxy \
             set TRUSTED_PROXIES, or all clients count as one address"
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            "see `ready` above, and the logs of the server and of the proxy"
        }
        StatusCode::UNAUTHORIZED => "the proxy asks for a password: leave this path out of that",
        status if status.is_redirection() => "give the address that it leads to",
        _ => "check the address and its path, and what is in front of the server",
    };
    ConnectionError::new(seen, remedy)
}
