//! Engine.IO and Socket.IO as a client, as far as the checks need them: a handshake, a CONNECT, and an
//! echo. The echo is a `leave_room` outside of any room: it is answered, and changes nothing.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::connection_error::ConnectionError;

/// The path of Socket.IO below that of the deployment.
pub const PATH: &str = "socket.io/";
/// How long a packet may take that is an answer.
pub const PACKET_TIMEOUT: Duration = Duration::from_secs(10);
/// Packets that may come before an answer: counts of rooms, on a busy server.
const PACKETS_MAX: usize = 1000;
/// What a ping begins with, and its answer.
pub const PING: &str = "2";
/// The answer to a ping.
pub const PONG: &str = "3";

/// What the server says about a session in its handshake.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// The session's id.
    pub sid: String,
    /// Milliseconds between two heartbeats.
    pub ping_interval: u64,
    /// Bytes of the largest body or packet.
    pub max_payload: u64,
}

impl Open {
    /// Reads the packet of a handshake; `None` if it is none.
    #[must_use]
    pub fn read(packet: &str) -> Option<Self> {
        serde_json::from_str(packet.strip_prefix('0')?).ok()
    }

    /// Time between two heartbeats.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        Duration::from_millis(self.ping_interval)
    }
}

/// How a CONNECT was answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Greeting {
    /// The `session` event.
    Session(Box<Value>),
    /// CONNECT_ERROR.
    Refused(Box<Value>),
}

/// A session's transport. Packets are those of Engine.IO, as text.
pub trait Transport {
    /// Sends a packet.
    async fn send(&mut self, packet: String) -> Result<(), ConnectionError>;

    /// The next packet.
    async fn receive(&mut self, within: Duration) -> Result<String, ConnectionError>;
}

/// Sends CONNECT, and waits for the session or the refusal.
///
/// # Errors
/// The transport fails, or there is no answer.
pub async fn connect<T: Transport>(
    transport: &mut T,
    token: Option<&str>,
) -> Result<Greeting, ConnectionError> {
    // Without the key `token` nothing of this user is held when the connection ends.
    let auth = token.map(|token| json!({ "token": token }).to_string());
    transport
        .send(format!("40{}", auth.unwrap_or_default()))
        .await?;
    let find = |packet: &str| {
        if let Some(error) = packet.strip_prefix("44") {
            let error = serde_json::from_str(error).unwrap_or(Value::Null);
            return Some(Greeting::Refused(Box::new(error)));
        }
        let event: Value = serde_json::from_str(packet.strip_prefix("42")?).ok()?;
        let is_session = event[0] == "session";
        is_session.then(|| Greeting::Session(Box::new(event[1].clone())))
    };
    until(transport, find).await
}

/// Sends a request with this many bytes in it, and waits for its acknowledgement.
///
/// # Errors
/// The transport fails, or there is no answer.
pub async fn echo<T: Transport>(
    transport: &mut T,
    id: u32,
    bytes: usize,
) -> Result<Duration, ConnectionError> {
    let began = Instant::now();
    send_echo(transport, id, bytes).await?;
    await_echo(transport, id).await?;
    Ok(began.elapsed())
}

/// Sends the request of an echo.
///
/// # Errors
/// The transport fails.
pub async fn send_echo<T: Transport>(
    transport: &mut T,
    id: u32,
    bytes: usize,
) -> Result<(), ConnectionError> {
    let request = json!(["leave_room", { "padding": "x".repeat(bytes) }]);
    transport.send(format!("42{id}{request}")).await
}

/// Waits for the acknowledgement of an echo.
///
/// # Errors
/// The transport fails, or there is no answer.
pub async fn await_echo<T: Transport>(transport: &mut T, id: u32) -> Result<(), ConnectionError> {
    let wanted = format!("43{id}[");
    until(transport, |packet| {
        packet.starts_with(&wanted).then_some(())
    })
    .await
}

/// Waits for a ping after a quiet time, and answers it. Returns how long the quiet time was. A ping that
/// comes right after the beginning of a session shows nothing.
///
/// # Errors
/// The transport fails, or there is none that comes this late.
pub async fn await_ping<T: Transport>(
    transport: &mut T,
    interval: Duration,
    slack: Duration,
) -> Result<Duration, ConnectionError> {
    let mut began = Instant::now();
    loop {
        let left = (interval + slack).saturating_sub(began.elapsed());
        if transport.receive(left).await? == PING {
            transport.send(PONG.to_owned()).await?;
            let quiet = began.elapsed();
            if quiet >= interval / 2 {
                return Ok(quiet);
            }
            began = Instant::now();
        }
    }
}

/// Receives until a packet is found, and answers pings meanwhile.
async fn until<T: Transport, R>(
    transport: &mut T,
    find: impl Fn(&str) -> Option<R>,
) -> Result<R, ConnectionError> {
    let began = Instant::now();
    for _ in 0..PACKETS_MAX {
        let left = PACKET_TIMEOUT.saturating_sub(began.elapsed());
        let packet = transport.receive(left).await?;
        if let Some(found) = find(&packet) {
            return Ok(found);
        }
        match &*packet {
            PING => transport.send(PONG.to_owned()).await?,
            "1" | "41" => break,
            _ => {}
        }
    }
    Err(ConnectionError::new(
        "the server ended the session instead of answering",
        "look into its log: it may be overloaded or shutting down",
    ))
}
