//! What a client may post: its bytes must keep coming, and one body holds so many packets and no
//! more. It is also looked at for a goodbye, which nothing else tells of. How many bytes a body may have is the library's to check (`max_payload`).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use crate::metrics::Metrics;
use crate::session::Link;

/// Packets in one polling body are separated by this (Engine.IO 4, "HTTP long-polling").
pub const SEPARATOR: u8 = 0x1e;

/// The packet that closes a session.
const CLOSE: u8 = b'1';
/// Packets in one body. A packet can be one byte, so the bound on bytes alone would let one request
/// make the engine work through half a million of them in a row. Far more than a person's client
/// ever has to say at once; the original takes 16.
const PACKETS_MAX: usize = 1000;
/// Time for each [`STEP_BYTES`] of a body to arrive: what a phone at the edge of its network still
/// manages, and whoever sends a byte now and then to hold a connection does not.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// See [`STEP_TIMEOUT`].
const STEP_BYTES: usize = 16 * 1024;

/// Why a body is not read to its end. The library closes the session for it.
#[derive(Debug, thiserror::Error)]
pub enum Unwelcome {
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

pin_project! {
    /// A body within these bounds.
    #[project = BoundedProjection]
    pub struct Bounded {
        #[pin]
        body: Body,
        #[pin]
        late: Sleep,
        packets: usize,
        step: usize,
        // The first bytes of the packet that is coming, and how many there are of it.
        first: u8,
        length: usize,
        metrics: Arc<Metrics>,
        link: Option<Arc<Link>>,
    }
}

impl Bounded {
    /// Bounds a body, from now on. `link` is that of the session it is for, if there is one.
    pub fn new(body: Body, metrics: Arc<Metrics>, link: Option<Arc<Link>>) -> Self {
        Self {
            body,
            late: sleep(STEP_TIMEOUT),
            packets: 1,
            step: 0,
            first: 0,
            length: 0,
            metrics,
            link,
        }
    }
}

impl BoundedProjection<'_> {
    /// Takes note of the next bytes.
    fn look_at(&mut self, data: &[u8]) {
        for &byte in data {
            if byte == SEPARATOR {
                self.packet_ends();
                *self.packets += 1;
            } else {
                if *self.length == 0 {
                    *self.first = byte;
                }
                *self.length += 1;
            }
        }
    }

    fn packet_ends(&mut self) {
        let goodbye = *self.length == 1 && *self.first == CLOSE;
        *self.length = 0;
        if let Some(link) = self.link.as_ref().filter(|_| goodbye) {
            link.note_hang_up();
        }
    }
}

impl hyper::body::Body for Bounded {
    type Data = Bytes;
    type Error = Unwelcome;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unwelcome>>> {
        let mut this = self.project();
        let Poll::Ready(frame) = this.body.as_mut().poll_frame(cx) else {
            ready!(this.late.as_mut().poll(cx));
            this.metrics.reject("slow_body");
            return Poll::Ready(Some(Err(Unwelcome::TooSlow)));
        };
        let Some(frame) = frame.transpose()? else {
            this.packet_ends();
            return Poll::Ready(None);
        };
        if let Some(data) = frame.data_ref() {
            this.look_at(data);
            *this.step += data.len();
            if *this.packets > PACKETS_MAX {
                this.metrics.reject("too_many_packets");
                return Poll::Ready(Some(Err(Unwelcome::TooManyPackets)));
            }
            if *this.step >= STEP_BYTES {
                *this.step = 0;
                this.late.as_mut().reset(Instant::now() + STEP_TIMEOUT);
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
