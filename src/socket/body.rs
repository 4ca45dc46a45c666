//! What a client may post: its bytes must keep coming, and one body holds so many bytes and so
//! many packets and no more.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::metrics::Metrics;

/// Packets in one polling body are separated by this (Engine.IO 4, "HTTP long-polling").
pub const SEPARATOR: u8 = 0x1e;

/// Packets in one body. A packet can be one byte, so the bound on bytes alone would let one request
/// make the engine work through half a million of them in a row. Far more than a person's client
/// ever has to say at once; the original takes 16.
const PACKETS_MAX: usize = 1000;
/// Time for each [`STEP_BYTES`] of a body to arrive: what a phone at the edge of its network still
/// manages, and whoever sends a byte now and then to hold a connection does not.
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
    /// It does not come.
    #[error("the body comes too slowly")]
    TooSlow,
    /// The connection is lost, or what it carries is no body.
    #[error(transparent)]
    Lost(#[from] axum::Error),
}

/// Reads a body of at most `bytes_max` bytes.
///
/// # Errors
/// [`BodyError`]; counted, but for what `TooLarge` is answered with, which is counted elsewhere.
pub async fn read(mut body: Body, bytes_max: usize, metrics: &Metrics) -> Result<Bytes, BodyError> {
    let mut whole = Vec::new();
    let mut packets = 1;
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
    }
}
