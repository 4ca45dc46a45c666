//! The peer of a connection, as listeners, routes and sessions know it: its address, and why it is not
//! admitted.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;

/// When a client may try again if the service is full.
const FULL_RETRY_S: u64 = 5;

/// The client's address, as an extension of its requests.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// An extension of an answer whose body goes on until its connection ends. Cancelling the token cuts
/// the connection, also if its client takes nothing.
#[derive(Debug, Clone)]
pub struct StreamedAnswer(pub CancellationToken);

/// The network that counts as one address: of IPv6 the /64 that one subscriber has.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

/// Why a connection is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The service has as many connections as it may.
    #[error("server is full (MAX_CONNECTIONS)")]
    Full,
    /// All connections together hold as much memory as they may.
    #[error("server is short of memory (MEMORY_BUDGET)")]
    NoMemory,
    /// The address has as many connections as it may.
    #[error("too many connections from this address (MAX_CONNECTIONS_PER_IP)")]
    AddressFull,
    /// The address opens connections too fast.
    #[error("new connections from this address come too fast (CONNECT_RATE_PER_IP)")]
    TooFast(Duration),
}

impl AdmissionError {
    /// The reason under which a refused TCP connection is counted.
    #[must_use]
    pub const fn connection_reason(self) -> &'static str {
        match self {
            Self::Full => "connections_full",
            _ => self.reason(),
        }
    }

    /// The reason under which a refused Socket.IO connection is counted.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Full => "server_full",
            Self::NoMemory => "memory_full",
            Self::AddressFull => "address_full",
            Self::TooFast(_) => "connect_rate",
        }
    }
}

impl IntoResponse for AdmissionError {
    fn into_response(self) -> Response {
        let (status, retry_s) = match self {
            Self::Full | Self::NoMemory => (StatusCode::SERVICE_UNAVAILABLE, FULL_RETRY_S),
            Self::AddressFull => (StatusCode::TOO_MANY_REQUESTS, FULL_RETRY_S),
            Self::TooFast(wait) => (StatusCode::TOO_MANY_REQUESTS, wait.as_secs() + 1),
        };
        let retry = [(header::RETRY_AFTER, retry_s.to_string())];
        (status, retry, format!("{self}\n")).into_response()
    }
}
