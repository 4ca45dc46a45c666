//! The byte stream under one WebSocket, as the session's link sees it: it counts the packets that
//! have been written, stops reading while the session asks for that, and fails when the session
//! ends the transport, also where a writer is stuck in a flush.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;

use crate::session::Link;

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
        frames: FrameCounter,
        guard: G,
    }
}

impl<S, G> Linked<S, G> {
    /// Wraps a stream on which the WebSocket handshake is done.
    pub fn new(stream: S, link: Arc<Link>, guard: G) -> Self {
        Self {
            stream,
            link,
            frames: FrameCounter::default(),
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
        this.stream.poll_read(cx, buf)
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
        match this.stream.poll_write(cx, buf) {
            Poll::Ready(written) => {
                let written = written?;
                this.link.take(this.frames.count(&buf[..written]));
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

/// Counts the session's packets in the bytes a server writes: whole text frames (RFC 6455,
/// section 5.2; unmasked) that carry a Socket.IO event or acknowledgement (`42…`, `43…`). The
/// engine's own packets (open, ping, CONNECT) pass uncounted.
#[derive(Debug, Default)]
struct FrameCounter {
    header: [u8; 10],
    header_len: usize,
    payload_start: [u8; 2],
    payload_seen: u64,
    payload_len: Option<u64>,
}

impl FrameCounter {
    /// Takes the next bytes written and says how many of the session's packets they completed.
    fn count(&mut self, mut bytes: &[u8]) -> u64 {
        let mut packets = 0;
        while !bytes.is_empty() {
            bytes = match self.payload_len {
                None => self.read_header(bytes),
                Some(len) => self.read_payload(bytes, len),
            };
            if self.payload_len == Some(self.payload_seen) {
                packets += u64::from(self.is_session_packet());
                *self = Self::default();
            }
        }
        packets
    }

    fn read_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        self.header[self.header_len] = bytes[0];
        self.header_len += 1;
        let extended = match self.header[1] {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if self.header_len == 2 + extended {
            let digits = &self.header[2..self.header_len];
            let long = digits
                .iter()
                .fold(0, |len, &digit| len << 8 | u64::from(digit));
            let short = u64::from(self.header[1]);
            self.payload_len = Some(if extended > 0 { long } else { short });
        }
        &bytes[1..]
    }

    fn read_payload<'a>(&mut self, bytes: &'a [u8], len: u64) -> &'a [u8] {
        let left = usize::try_from(len - self.payload_seen).unwrap_or(usize::MAX);
        let (now, rest) = bytes.split_at(left.min(bytes.len()));
        let start = usize::try_from(self.payload_seen).unwrap_or(usize::MAX);
        for (slot, &byte) in self.payload_start.iter_mut().skip(start).zip(now) {
            *slot = byte;
        }
        self.payload_seen += now.len() as u64;
        rest
    }

    fn is_session_packet(&self) -> bool {
        const FINAL_TEXT: u8 = 0x81;
        self.header[0] == FINAL_TEXT && is_session_packet(&self.payload_start)
    }
}

/// Whether an engine packet carries an event or an acknowledgement: what sessions send.
pub fn is_session_packet(packet: &[u8]) -> bool {
    packet.starts_with(b"42") || packet.starts_with(b"43")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            n if n < 126 => frame.push(u8::try_from(n).unwrap_or(0)),
            n if n < 65536 => {
                frame.push(126);
                frame.extend(u16::try_from(n).unwrap_or(0).to_be_bytes());
            }
            n => {
                frame.push(127);
                frame.extend((n as u64).to_be_bytes());
            }
        }
        frame.extend(payload);
        frame
    }

    proptest! {
        #[test]
        fn packets_are_counted_however_the_bytes_are_cut(
            payload_lens in prop::collection::vec((0_usize..70_000, 0_usize..5), 1..8),
            cuts in prop::collection::vec(1_usize..40_000, 1..40),
        ) {
            let kinds: [&[u8]; 5] = [b"42[", b"430[", b"2", b"40{", b"0{"];
            let mut stream = Vec::new();
            let mut sent = 0;
            for (len, kind) in payload_lens {
                let mut payload = kinds[kind].to_vec();
                payload.resize(payload.len() + len, b'x');
                stream.extend(frame(1, &payload));
                sent += u64::from(kind < 2);
            }
            stream.extend(frame(9, b"42 in a ping frame"));
            let mut counter = FrameCounter::default();
            let mut counted = 0;
            let mut rest = &stream[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                counted += counter.count(now);
                rest = later;
            }
            prop_assert_eq!(counted, sent);
        }
    }

    #[test]
    fn an_empty_frame_ends_at_once() {
        let mut counter = FrameCounter::default();
        assert_eq!(counter.count(&frame(8, b"")), 0);
        assert_eq!(counter.count(&frame(1, b"42[]")), 1);
    }
}
