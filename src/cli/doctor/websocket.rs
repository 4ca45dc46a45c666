//! A session over a WebSocket, made as browsers make it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::engine::{Open, PACKET_TIMEOUT, PATH, Transport};
use super::polling::{self, Polling};
use super::target::{Answer, Stream, Target};
use crate::cli::connection_error::ConnectionError;

/// What makes a proxy pass WebSockets on.
pub const PASS_UPGRADES: &str = "let the proxy pass upgrades on (nginx: `proxy_http_version 1.1; \
                                 proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \
                                 $connection_upgrade;`; Apache: `mod_proxy_wstunnel`; AWS: an \
                                 Application Load Balancer)";
/// What browsers offer. The server takes none of it.
const EXTENSIONS: &str = "permessage-deflate; client_max_window_bits";

/// A session.
pub struct WebSocket {
    stream: WebSocketStream<Box<dyn Stream>>,
    /// The extensions that the answer names: none of the server's.
    pub extensions: String,
}

impl WebSocket {
    /// Opens a session of its own.
    ///
    /// # Errors
    /// There is no WebSocket, or no handshake in it.
    pub async fn open(target: &Target) -> Result<(Self, Open), ConnectionError> {
        let mut socket = Self::upgraded(target, "EIO=4&transport=websocket", "").await?;
        let packet = socket.receive(PACKET_TIMEOUT).await?;
        match Open::read(&packet) {
            Some(open) => Ok((socket, open)),
            None => Err(ConnectionError::new(
                "the first frame is not that of Engine.IO",
                "check that the path leads to hubbub and not to another WebSocket",
            )),
        }
    }

    /// Opens a WebSocket to which a session that polls can move.
    ///
    /// # Errors
    /// There is no WebSocket.
    pub async fn beside(target: &Target, session: &Polling<'_>) -> Result<Self, ConnectionError> {
        let query = format!("EIO=4&transport=websocket&sid={}", session.open.sid);
        Self::upgraded(target, &query, &session.cookies).await
    }

    async fn upgraded(
        target: &Target,
        query: &str,
        cookies: &str,
    ) -> Result<Self, ConnectionError> {
        let mut url = target.url(PATH);
        url.set_query(Some(query));
        let scheme = if target.is_https() { "wss" } else { "ws" };
        let changed = url.set_scheme(scheme);
        debug_assert!(changed.is_ok(), "both are special schemes");
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|error| ConnectionError::new(error.to_string(), "check the address"))?;
        let mut set = |name, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                request.headers_mut().insert(name, value);
            }
        };
        set(header::ORIGIN, &target.origin());
        set(header::SEC_WEBSOCKET_EXTENSIONS, EXTENSIONS);
        if !cookies.is_empty() {
            set(header::COOKIE, cookies);
        }
        let stream = target.connect().await?;
        let upgraded = timeout(PACKET_TIMEOUT, client_async(request, stream)).await;
        match upgraded {
            Ok(Ok((stream, answer))) => {
                let named = answer.headers().get(header::SEC_WEBSOCKET_EXTENSIONS);
                let named = named.and_then(|value| value.to_str().ok());
                Ok(Self {
                    stream,
                    extensions: named.unwrap_or_default().to_owned(),
                })
            }
            Ok(Err(error)) => Err(not_upgraded(error)),
            Err(_) => Err(ConnectionError::new(
                "the WebSocket's handshake was not answered",
                PASS_UPGRADES,
            )),
        }
    }

    /// Ends the connection in order, so that nothing is left behind.
    pub async fn close(mut self) {
        // Whatever the answer is, the connection ends with this value.
        drop(timeout(PACKET_TIMEOUT, self.stream.close(None)).await);
    }
}

impl Transport for WebSocket {
    async fn send(&mut self, packet: String) -> Result<(), ConnectionError> {
        let sent = self.stream.send(Message::text(packet)).await;
        sent.map_err(|error| cut(&error))
    }

    async fn receive(&mut self, within: Duration) -> Result<String, ConnectionError> {
        let next = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                    Some(Ok(Message::Close(_))) | None => {
                        return Err(cut(&Error::ConnectionClosed));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(cut(&error)),
                }
            }
        };
        let next = timeout(within, next).await;
        next.unwrap_or_else(|_| {
            Err(ConnectionError::new(
                "frames do not come through",
                "the proxy must pass frames on as they come: turn off buffering and inspection of \
                 WebSockets (nginx: `proxy_buffering off;`)",
            ))
        })
    }
}

fn cut(error: &Error) -> ConnectionError {
    let seen = match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::Io(_) => "the WebSocket was cut".to_owned(),
        other => format!("the WebSocket broke: {other}"),
    };
    ConnectionError::new(
        seen,
        "look into the logs of the server and of the proxy in front of it",
    )
}

/// Explains why there is no WebSocket.
fn not_upgraded(error: Error) -> ConnectionError {
    match error {
        Error::Http(answer) => {
            let status = answer.status();
            let body = answer.body().as_deref().unwrap_or_default();
            let answer = Answer {
                status,
                headers: answer.headers().clone(),
                body: String::from_utf8_lossy(body).into_owned(),
                took: Duration::ZERO,
            };
            // A server that does not see the header takes it for an ordinary request.
            let is_stripped = matches!(
                status,
                StatusCode::OK | StatusCode::BAD_REQUEST | StatusCode::UPGRADE_REQUIRED
            );
            let refused = polling::refused(&answer);
            match is_stripped && refused.remedy != polling::STICKY {
                true => ConnectionError::new(
                    format!("the upgrade was answered with {}", answer.shown()),
                    PASS_UPGRADES,
                ),
                false => refused,
            }
        }
        Error::Protocol(error) => ConnectionError::new(
            format!("the upgrade's answer breaks the rules: {error}"),
            PASS_UPGRADES,
        ),
        Error::Io(error) => {
            ConnectionError::new(ConnectionError::of_system(&error).seen, PASS_UPGRADES)
        }
        other => ConnectionError::new(other.to_string(), PASS_UPGRADES),
    }
}
