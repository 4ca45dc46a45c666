//! Limits of what a client posts: its bytes must keep coming, and a body has a maximum of bytes and of
//! packets.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::response;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::packet::is_connect;
use crate::memory::MemoryCharge;
use crate::metrics::Metrics;

/// Bytes of a packet that comes before its client has sent CONNECT, on either transport: a token has
/// at most 512.
pub const UNCONNECTED_PACKET_MAX: usize = 16 * 1024;

/// Packets in one polling body are separated by this (Engine.IO 4, "HTTP long-polling").
pub const SEPARATOR: u8 = 0x1e;

/// The packets of a body.
pub fn packets_of(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(body);
    std::iter::from_fn(move || {
        let body = rest?;
        let Some(end) = memchr::memchr(SEPARATOR, body) else {
            return rest.take();
        };
        rest = Some(&body[end + 1..]);
        Some(&body[..end])
    })
}

/// Packets in one body. A packet can be one byte, so with a bound on bytes alone the engine would
/// handle half a million of them for one request. A client that a person uses never sends nearly as
/// many; the original accepts 16.
const PACKETS_MAX: usize = 1000;
/// Time for each [`STEP_BYTES`] of a body to arrive. A phone at the edge of its network still achieves
/// that. A client that sends a byte now and then to hold a connection does not.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// See [`STEP_TIMEOUT`].
const STEP_BYTES: usize = 16 * 1024;

/// Why a body is not read to its end. The session is closed for it.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It has more bytes than a packet may have.
    #[error("the body is too large")]
    TooLarge,
    /// It has more than [`PACKETS_MAX`] packets.
    #[error("too many packets in one body")]
    TooManyPackets,
    /// All connections together hold too much memory.
    #[error("there is no memory for the body")]
    NoMemory,
    /// It does not arrive in time.
    #[error("the body comes too slowly")]
    TooSlow,
    /// The connection is lost, or what it sends is not a body.
    #[error(transparent)]
    Lost(#[from] axum::Error),
}

/// Reads a body of at most `bytes_max` bytes. Before its client has sent CONNECT, which may be in
/// this body, a packet has at most [`UNCONNECTED_PACKET_MAX`]. What has arrived is charged.
///
/// # Errors
/// [`BodyError`]. `TooSlow` and `TooManyPackets` are counted here.
pub async fn read(
    mut body: Body,
    bytes_max: usize,
    mut sent_connect: bool,
    charge: &mut MemoryCharge,
    metrics: &Metrics,
) -> Result<Bytes, BodyError> {
    let mut whole = Vec::new();
    let mut packets = 1;
    let mut packet_start = 0;
    let mut step = 0;
    let mut late = Instant::now() + STEP_TIMEOUT;
    loop {
        let Ok(frame) = timeout_at(late, body.frame()).await else {
            metrics.reject("slow_body");
            return Err(BodyError::TooSlow);
        };
        let Some(frame) = frame.transpose()? else {
            return Ok(whole.into());
        };
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if whole.len() + data.len() > bytes_max {
            return Err(BodyError::TooLarge);
        }
        packets += data.iter().filter(|&&byte| byte == SEPARATOR).count();
        if packets > PACKETS_MAX {
            metrics.reject("too_many_packets");
            return Err(BodyError::TooManyPackets);
        }
        step += data.len();
        if step >= STEP_BYTES {
            step = 0;
            late = Instant::now() + STEP_TIMEOUT;
        }
        whole.extend_from_slice(data);
        if !sent_connect {
            sent_connect = check_packets(&whole, &mut packet_start)?;
        }
        charge.set(whole.capacity());
        if !charge.account().has_room(0) {
            return Err(BodyError::NoMemory);
        }
    }
}

/// Checks the packets from `start` on up to a CONNECT, and moves `start` to the first incomplete one.
/// Returns whether there is a CONNECT.
fn check_packets(whole: &[u8], start: &mut usize) -> Result<bool, BodyError> {
    loop {
        let rest = &whole[*start..];
        let end = memchr::memchr(SEPARATOR, rest);
        if end.unwrap_or(rest.len()) > UNCONNECTED_PACKET_MAX {
            return Err(BodyError::TooLarge);
        }
        let Some(end) = end else {
            return Ok(false);
        };
        if is_connect(&rest[..end]) {
            return Ok(true);
        }
        *start += end + 1;
    }
}

/// Collects an answer of the library, whose bodies are in memory already.
pub async fn read_whole<B>(response: axum::http::Response<B>) -> (response::Parts, Bytes)
where
    B: HttpBody<Error: std::fmt::Display>,
{
    let (head, body) = response.into_parts();
    let body = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) => {
            tracing::warn!(%error, "a polling answer could not be read");
            Bytes::new()
        }
    };
    (head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_small_up_to_connect_and_no_further() {
        let large = "x".repeat(UNCONNECTED_PACKET_MAX + 1);
        let small = "x".repeat(UNCONNECTED_PACKET_MAX);
        for (body, expected) in [
            (small.clone(), Some(false)),
            (large.clone(), None),
            (format!("{small}\x1e{small}\x1e"), Some(false)),
            (format!("{small}\x1e{large}"), None),
            (format!("40\x1e{large}"), Some(true)),
            (format!("40/x,\x1e{large}"), None),
            (format!("40{large}\x1e"), None),
        ] {
            let mut start = 0;
            let checked = check_packets(body.as_bytes(), &mut start);
            assert_eq!(checked.ok(), expected, "{:.20}", body);
            // The same if it arrives in two parts.
            let (mut start, half) = (0, body.len() / 2);
            let first = check_packets(&body.as_bytes()[..half], &mut start);
            let both = match first {
                Ok(false) => check_packets(body.as_bytes(), &mut start),
                done => done,
            };
            assert_eq!(both.ok(), expected, "{:.20} in parts", body);
        }
    }
}
