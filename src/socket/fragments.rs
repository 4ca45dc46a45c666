//! Cuts large frames from clients into fragments before the library sees them.
//!
//! The library allocates what a frame's header announces before any of it has arrived, and keeps its
//! largest buffer for the connection's life. A header of 14 bytes would cost 1.1 MB immediately, and
//! one large message would cost that for ever. So a large frame is passed on as the first frame and
//! the continuations of a fragmented message (RFC 6455, section 5.4). The library then holds memory in
//! proportion to what has arrived, and frees it when the message has been handled.
//!
//! A message under way is charged to its connection here, and packets before CONNECT are limited.

use std::borrow::Cow;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::body::UNCONNECTED_PACKET_MAX;
use super::context::ConnectionContext;
use super::frames::{Frames, Step};
use super::packet::is_connect;
use crate::memory::{MemoryCharge, Owner};
use crate::metrics::Metrics;

/// Payload bytes of a fragment: the size of the library's read buffer. A multiple of four, so that
/// the mask of a frame fits all its fragments.
const PIECE: u16 = 1024;
/// First byte of a header: more frames of this message follow, or none does.
const FINAL: u8 = 0x80;
/// Second byte of a header: the payload is masked.
const MASKED: u8 = 0x80;
/// Second byte of a header: the length is in the next two bytes.
const LENGTH_IN_TWO: u8 = 126;
/// Bytes of a mask, the last of a header.
const MASK_BYTES: usize = 4;

/// A packet before CONNECT is too large.
#[derive(Debug, PartialEq, Eq)]
struct TooLarge;

/// Cuts one direction of a WebSocket into pieces. Pure.
#[derive(Debug)]
struct Cutter {
    frames: Frames,
    /// Frames that announce more are not cut: the library refuses them by their header.
    frame_max: u64,
    /// Bytes that a message may have now.
    message_max: u64,
    /// The frame that is being cut, if one is.
    cut: Option<Cut>,
    /// The most bytes of one message since the last look.
    peak: u64,
    saw_connect: bool,
}

#[derive(Debug, Clone, Copy)]
struct Cut {
    /// The frame's own first byte.
    first: u8,
    mask: Option<[u8; MASK_BYTES]>,
    piece_left: u64,
}

impl Cutter {
    fn new(frame_max: u64) -> Self {
        Self {
            frames: Frames::default(),
            frame_max,
            message_max: u64::MAX,
            cut: None,
            peak: 0,
            saw_connect: false,
        }
    }

    /// Passes bytes on, usually unchanged. May pass on fewer or none, because part of a header waits
    /// for its rest.
    fn pass<'a>(&mut self, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, TooLarge> {
        let mut out = Output::of(bytes);
        while !out.is_at_end() {
            match self.cut {
                None => self.pass_whole(&mut out)?,
                Some(cut) => self.pass_piece(&mut out, cut),
            }
        }
        Ok(out.into())
    }

    fn pass_whole(&mut self, out: &mut Output<'_>) -> Result<(), TooLarge> {
        let before = self.frames.message_seen();
        let is_in_payload = self.frames.payload_left() > 0;
        let step = self.frames.advance(out.rest());
        let Some(header_len) = step.header_len else {
            if is_in_payload {
                out.keep(step.taken);
                self.note(before, step);
            } else {
                out.replace(step.taken, &[]);
            }
            return Ok(());
        };
        let announced = self.frames.payload_left();
        if self.frames.message_seen().saturating_add(announced) > self.message_max {
            return Err(TooLarge);
        }
        let header = self.frames.header(header_len);
        if announced > u64::from(PIECE) && announced <= self.frame_max {
            let is_masked = header[1] & MASKED != 0;
            let cut = Cut {
                first: header[0],
                mask: header.last_chunk().copied().filter(|_| is_masked),
                piece_left: u64::from(PIECE),
            };
            out.replace(step.taken, &[]);
            out.insert_header(cut.first & !FINAL, PIECE, cut.mask);
            self.cut = Some(cut);
        } else if step.taken < header_len {
            // Its beginning was held back.
            out.replace(step.taken, header);
        } else {
            out.keep(header_len);
        }
        self.note(before, step);
        Ok(())
    }

    fn pass_piece(&mut self, out: &mut Output<'_>, mut cut: Cut) {
        let before = self.frames.message_seen();
        let rest = out.rest();
        let piece_left = usize::try_from(cut.piece_left).unwrap_or(usize::MAX);
        let step = self.frames.advance(&rest[..rest.len().min(piece_left)]);
        out.keep(step.taken);
        self.note(before, step);
        cut.piece_left -= step.taken as u64;
        if step.ended.is_some() {
            self.cut = None;
            return;
        }
        if cut.piece_left == 0 {
            let left = self.frames.payload_left();
            let length = u16::try_from(left).unwrap_or(u16::MAX).min(PIECE);
            let is_last = left == u64::from(length);
            let first = if is_last { cut.first & FINAL } else { 0 };
            out.insert_header(first, length, cut.mask);
            cut.piece_left = u64::from(length);
        }
        self.cut = Some(cut);
    }

    /// Updates the size of the message under way, which had `before` bytes.
    fn note(&mut self, before: u64, step: Step) {
        if !step.ends_message() {
            self.peak = self.peak.max(self.frames.message_seen());
            return;
        }
        self.peak = self.peak.max(before + step.taken as u64);
        if is_connect(self.frames.message_start()) {
            self.saw_connect = true;
            self.message_max = u64::MAX;
        }
    }

    /// Bytes that the library holds of the message under way.
    fn held(&self) -> usize {
        collected(self.frames.message_seen())
    }

    /// The most it held since the last call. Messages that have ended since are not handled yet.
    fn peak_held(&mut self) -> usize {
        collected(std::mem::take(&mut self.peak).max(self.frames.message_seen()))
    }
}

/// Bytes that the library holds of a message of which `bytes` have arrived. It collects the fragments
/// in a buffer that doubles. One fragment fits into a buffer that every connection has.
fn collected(bytes: u64) -> usize {
    if bytes <= u64::from(PIECE) {
        return 0;
    }
    usize::try_from(bytes.next_power_of_two()).unwrap_or(usize::MAX)
}

/// Bytes with changes; copied only if there are any.
struct Output<'a> {
    source: &'a [u8],
    at: usize,
    changed: Option<Vec<u8>>,
}

impl<'a> Output<'a> {
    const fn of(source: &'a [u8]) -> Self {
        Self {
            source,
            at: 0,
            changed: None,
        }
    }

    const fn is_at_end(&self) -> bool {
        self.at == self.source.len()
    }

    fn rest(&self) -> &'a [u8] {
        &self.source[self.at..]
    }

    fn keep(&mut self, count: usize) {
        if let Some(changed) = &mut self.changed {
            changed.extend_from_slice(&self.source[self.at..self.at + count]);
        }
        self.at += count;
    }

    fn replace(&mut self, count: usize, by: &[u8]) {
        let source = &self.source[..self.at];
        let changed = self.changed.get_or_insert_with(|| source.to_vec());
        changed.extend_from_slice(by);
        self.at += count;
    }

    fn insert_header(&mut self, first: u8, length: u16, mask: Option<[u8; MASK_BYTES]>) {
        let masked = if mask.is_some() { MASKED } else { 0 };
        self.replace(0, &[first, masked | LENGTH_IN_TWO]);
        self.replace(0, &length.to_be_bytes());
        if let Some(mask) = mask {
            self.replace(0, &mask);
        }
    }
}

impl<'a> From<Output<'a>> for Cow<'a, [u8]> {
    fn from(out: Output<'a>) -> Self {
        match out.changed {
            Some(changed) => Cow::Owned(changed),
            None => Cow::Borrowed(out.source),
        }
    }
}

pin_project! {
    /// A WebSocket's stream whose large frames are cut into fragments as they are read.
    pub struct Fragmented<S> {
        #[pin]
        stream: S,
        cutter: Cutter,
        context: Arc<ConnectionContext>,
        charge: MemoryCharge,
        metrics: Arc<Metrics>,
        // What did not fit into the reader's buffer.
        waiting: Vec<u8>,
    }
}

impl<S> Fragmented<S> {
    /// Cuts the frames of a connection, which may have `frame_max` bytes.
    pub fn new(
        stream: S,
        context: &Arc<ConnectionContext>,
        frame_max: usize,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self {
            stream,
            cutter: Cutter::new(frame_max as u64),
            context: Arc::clone(context),
            charge: context.account().charge(),
            metrics: Arc::clone(metrics),
            waiting: Vec::new(),
        }
    }
}

impl<S: AsyncRead> AsyncRead for Fragmented<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut this = self.project();
        // What had ended by the last read has been handled.
        this.charge.set(this.cutter.held());
        if !this.waiting.is_empty() {
            let now = this.waiting.len().min(buf.remaining());
            buf.put_slice(&this.waiting[..now]);
            this.waiting.drain(..now);
            if this.waiting.is_empty() {
                *this.waiting = Vec::new();
            }
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        loop {
            ready!(this.stream.as_mut().poll_read(cx, buf))?;
            let new = &buf.filled()[before..];
            if new.is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.cutter.message_max = if this.context.has_sent_connect() {
                u64::MAX
            } else {
                UNCONNECTED_PACKET_MAX as u64
            };
            let Ok(passed) = this.cutter.pass(new) else {
                this.metrics.reject("payload_too_large");
                return Poll::Ready(Err(refused("a packet before CONNECT was too large")));
            };
            if this.cutter.saw_connect {
                this.context.note_connect();
            }
            if let Cow::Owned(changed) = passed {
                buf.set_filled(before);
                let now = changed.len().min(buf.remaining());
                buf.put_slice(&changed[..now]);
                *this.waiting = changed[now..].to_vec();
            }
            if buf.filled().len() > before {
                break;
            }
        }
        let held = this.cutter.peak_held();
        this.charge.set(held);
        if held > 0 && !this.context.account().has_room(0) {
            // Closing the connections that hold most is behind, so large messages must not grow.
            this.context.close_for_memory();
            return Poll::Ready(Err(refused("there is no memory for this message")));
        }
        Poll::Ready(Ok(()))
    }
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl<S: AsyncWrite> AsyncWrite for Fragmented<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().stream.poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().stream.poll_shutdown(cx)
    }
}

#[cfg(test)]
#[path = "fragments_tests.rs"]
mod tests;
