//! The byte stream under one WebSocket, as the session's link sees it: it counts the packets that
//! have been written, stops reading while the session asks for that and behind a CONNECT, and fails
//! when the session ends the transport, also where a writer is stuck in a flush. It also notes when
//! the peer hangs up, so that an end which the peer's bytes brought about can be told from an
//! ordinary one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use bytes::Buf;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;

use super::frames::Frames;
use crate::session::Link;

/// Bytes of answers to pings that may wait to be written. Every ping is answered with its own
/// payload, and the library's buffer for that has no bound: a peer that sends pings and reads
/// nothing would fill the memory. Nobody who reads ever comes near.
const PONGS_MAX: u64 = 64 * 1024;
/// The frame of the Engine.IO packet that closes a session, as the library writes it. Clients know
/// from the transport's end that it is over; python-engineio takes the packet as a wish that it
/// stay away, and does not reconnect.
const CLOSE_FRAME: &[u8] = b"\x81\x011";

/// What a listener attaches to each request of a connection, as an extension: a place among those
/// that may be open at once. It is given up when the connection's stream ends, also after the
/// stream has become a WebSocket.
#[derive(Debug, Clone)]
pub struct ConnectionPlace(pub Arc<OwnedSemaphorePermit>);

pin_project! {
    /// A stream whose traffic a [`Link`] watches and steers. `guard` is dropped with it.
    pub struct Linked<S, G> {
        #[pin]
        stream: S,
        link: Arc<Link>,
        sent: Frames,
        received: Frames,
        // What was read behind a CONNECT.
        held: Bytes,
        pongs: u64,
        guard: G,
    }
}

impl<S, G> Linked<S, G> {
    /// Wraps a stream on which the WebSocket handshake is done.
    pub fn new(stream: S, link: Arc<Link>, guard: G) -> Self {
        Self {
            stream,
            link,
            sent: Frames::default(),
            received: Frames::default(),
            held: Bytes::new(),
            pongs: 0,
            guard,
        }
    }
}

fn ended() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the session ended this transport",
    )
}

impl<S: AsyncRead, G> AsyncRead for Linked<S, G> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        ready!(this.link.poll_may_read(cx));
        if this.link.is_closed() {
            return Poll::Ready(Err(ended()));
        }
        let before = buf.filled().len();
        if this.held.is_empty() {
            let room = buf.remaining();
            let read = ready!(this.stream.poll_read(cx, buf));
            let is_end = buf.filled().len() == before && room > 0;
            if read.is_err() || is_end {
                this.link.note_hang_up();
                return Poll::Ready(read);
            }
        } else {
            let now = this.held.len().min(buf.remaining());
            buf.put_slice(&this.held[..now]);
            this.held.advance(now);
        }
        let new = &buf.filled()[before..];
        if let Some(end) = this.received.read_to_connect(new) {
            this.link.begin_connect();
            if end < new.len() {
                // Rare and short, so the copy does not matter.
                *this.held = [&new[end..], this.held].concat().into();
                buf.set_filled(before + end);
            }
        }
        if this.received.saw_close() {
            this.link.note_hang_up();
        }
        *this.pongs += this.received.take_ping_bytes();
        if *this.pongs > PONGS_MAX {
            this.link.close_for_fault();
            return Poll::Ready(Err(ended()));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite, G> AsyncWrite for Linked<S, G> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        if this.link.is_closed() {
            return Poll::Ready(Err(ended()));
        }
        let buf = match this.sent.find(CLOSE_FRAME, buf) {
            // As if it were written.
            Some(0) => return Poll::Ready(Ok(CLOSE_FRAME.len())),
            Some(start) => &buf[..start],
            None => buf,
        };
        match this.stream.poll_write(cx, buf) {
            Poll::Ready(written) => {
                let written = written?;
                this.link
                    .take(this.sent.count_session_packets(&buf[..written]));
                // Whatever was written has made as much room; what else waits has bounds of its own.
                *this.pongs = this.pongs.saturating_sub(written as u64);
                Poll::Ready(Ok(written))
            }
            Poll::Pending => this.link.poll_closed(cx).map(|()| Err(ended())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        if this.link.is_closed() {
            return Poll::Ready(Err(ended()));
        }
        match this.stream.poll_flush(cx) {
            Poll::Pending => this.link.poll_closed(cx).map(|()| Err(ended())),
            flushed @ Poll::Ready(_) => flushed,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_shutdown(cx)
    }
}
