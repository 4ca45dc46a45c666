//! The byte stream under one WebSocket, as the session's link sees it: it counts the packets that
//! have been written, stops reading while the session asks for that, and fails when the session
//! ends the transport, also where a writer is stuck in a flush. It also notes when the peer hangs up,
//! so that an end which the peer's bytes brought about can be told from an ordinary one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::session::Link;

/// Bytes of answers to pings that may wait to be written. Every ping is answered with its own
/// payload, and the library's buffer for that has no bound: a peer that sends pings and reads
/// nothing would fill the memory. Nobody who reads ever comes near.
const PONGS_MAX: u64 = 64 * 1024;

pin_project! {
    /// A stream whose traffic a [`Link`] watches and steers. `guard` is dropped with it.
    pub struct Linked<S, G> {
        #[pin]
        stream: S,
        link: Arc<Link>,
        sent: FrameCounter,
        received: FrameCounter,
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
            sent: FrameCounter::default(),
            received: FrameCounter::default(),
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
        let (before, room) = (buf.filled().len(), buf.remaining());
        let read = ready!(this.stream.poll_read(cx, buf));
        let new = &buf.filled()[before..];
        this.received.count(new);
        let is_end = new.is_empty() && room > 0;
        if read.is_err() || is_end || this.received.saw_close {
            this.link.note_hang_up();
        }
        *this.pongs += std::mem::take(&mut this.received.ping_bytes);
        if *this.pongs > PONGS_MAX {
            this.link.close_for_fault();
            return Poll::Ready(Err(ended()));
        }
        Poll::Ready(read)
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
                this.link.take(this.sent.count(&buf[..written]));
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

/// Follows the frames of one direction (RFC 6455, section 5.2), and counts the session's packets in
/// the bytes a server writes: whole text frames, unmasked, that carry a Socket.IO event or acknowledgement (`42…`, `43…`). The
/// engine's own packets (open, ping, CONNECT) pass uncounted.
#[derive(Debug, Default)]
struct FrameCounter {
    header: [u8; 14],
    header_len: usize,
    payload_start: [u8; 2],
    payload_seen: u64,
    payload_len: Option<u64>,
    /// A close frame has come by.
    saw_close: bool,
    /// Bytes of ping frames that have come by since somebody last asked.
    ping_bytes: u64,
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
                *self = Self {
                    saw_close: self.saw_close,
                    ping_bytes: self.ping_bytes,
                    ..Self::default()
                };
            }
        }
        packets
    }

    fn read_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        self.header[self.header_len] = bytes[0];
        self.header_len += 1;
        const MASKED: u8 = 0x80;
        const CLOSE: u8 = 8;
        const PING: u8 = 9;
        if self.header_len < 2 {
            return &bytes[1..];
        }
        let extended = match self.header[1] & !MASKED {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = match self.header[1] & MASKED {
            0 => 0,
            _ => 4,
        };
        if self.header_len == 2 + extended + mask {
            let opcode = self.header[0] & 0x0f;
            self.saw_close |= opcode == CLOSE;
            let digits = &self.header[2..2 + extended];
            let long = digits
                .iter()
                .fold(0, |len, &digit| len << 8 | u64::from(digit));
            let short = u64::from(self.header[1] & !MASKED);
            let length = if extended > 0 { long } else { short };
            self.payload_len = Some(length);
            if opcode == PING {
                self.ping_bytes = self.ping_bytes.saturating_add(length).saturating_add(2);
            }
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
    fn a_close_frame_is_seen_wherever_the_bytes_are_cut_and_nowhere_else() {
        let masked = |opcode: u8, payload: &[u8]| {
            let mut bytes = frame(opcode, payload);
            bytes[1] |= 0x80;
            let at = bytes.len() - payload.len();
            bytes.splice(at..at, [1, 2, 3, 4]);
            bytes
        };
        let mut stream = Vec::new();
        for payload in [&b""[..], &[0x88; 200], &[0x88; 70_000]] {
            stream.extend(masked(1, payload));
            stream.extend(masked(9, &[0x89; 125]));
        }
        for piece in [1, 2, 7, stream.len()] {
            let mut frames = FrameCounter::default();
            stream.chunks(piece).for_each(|bytes| {
                frames.count(bytes);
            });
            assert!(!frames.saw_close, "in pieces of {piece}");
            assert_eq!(frames.ping_bytes, 3 * (2 + 125));
            masked(8, b"\x03\xe8").chunks(piece).for_each(|bytes| {
                frames.count(bytes);
            });
            assert!(frames.saw_close, "in pieces of {piece}");
        }
    }

    #[test]
    fn an_empty_frame_ends_at_once() {
        let mut counter = FrameCounter::default();
        assert_eq!(counter.count(&frame(8, b"")), 0);
        assert_eq!(counter.count(&frame(1, b"42[]")), 1);
    }
}
