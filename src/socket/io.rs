//! The byte stream under one WebSocket. The session writes whole frames straight into it
//! ([`FrameStream`]); the library reads from it, and writes its own between them.
//!
//! It stops reading while the session asks for that, and behind a CONNECT. It fails when the session
//! ends the transport, also for a writer that is stuck in a flush. It notes when the peer hangs up, so
//! that an end caused by the peer's bytes can be distinguished from an ordinary one.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use axum::body::Bytes;
use bytes::Buf;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;
use super::probe::{ANSWERED, REPLAYED};
use crate::session::FlowControl;
use crate::session::stream::{FrameStream, Written};

/// Bytes of answers to pings that may wait to be written before no more is read. Every ping is answered
/// with its own payload, and the library's buffer for that has no bound. So a peer that sends pings and
/// reads nothing would fill the memory.
const PONGS_MAX: u64 = 64 * 1024;
/// The frame of the Engine.IO packet that closes a session, as the library writes it. It is not sent:
/// clients notice the transport's end, and python-engineio does not reconnect after this packet.
const CLOSE_FRAME: &[u8] = b"\x81\x011";

/// The library's end of a stream. `guard` is dropped with it.
pub struct Linked<S: AsyncRead + AsyncWrite, G> {
    channel: Arc<Channel<S>>,
    flow: Arc<FlowControl>,
    received: Frames,
    /// Bytes that the library reads next: those that were read behind a CONNECT, or a replay.
    read_ahead: Bytes,
    /// Bytes from the library that are still to be dropped.
    drops: usize,
    _closes: Closes<S>,
    _guard: G,
}

/// Ends the stream when the library drops its end.
struct Closes<S: AsyncRead + AsyncWrite>(Arc<Channel<S>>);

impl<S: AsyncRead + AsyncWrite> Drop for Closes<S> {
    fn drop(&mut self) {
        drop(self.0.io.lock().take());
        self.0.writers.session.wake();
    }
}

impl<S, G> Linked<S, G>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    /// Wraps a stream after the WebSocket handshake, and gives the session's end to `flow`.
    pub fn new(stream: S, flow: Arc<FlowControl>, guard: G) -> Self {
        let writers = Arc::new(Writers::default());
        let channel = Arc::new(Channel {
            io: Mutex::new(Some(Io {
                stream: Box::pin(stream),
                sent: Frames::default(),
                rest: Bytes::new(),
                pongs: 0,
                failed: false,
            })),
            written: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            waker: Waker::from(Arc::clone(&writers)),
            writers,
        });
        flow.set_stream(Arc::clone(&channel) as _);
        Self {
            _closes: Closes(Arc::clone(&channel)),
            channel,
            flow,
            received: Frames::default(),
            read_ahead: Bytes::new(),
            drops: 0,
            _guard: guard,
        }
    }

    /// Wraps the stream of a WebSocket that has replaced polling. The library repeats its part of the
    /// exchange. The session may write before it has.
    pub fn taking_over(stream: S, flow: Arc<FlowControl>, guard: G) -> Self {
        Self {
            read_ahead: Bytes::from_static(REPLAYED),
            drops: ANSWERED.len(),
            ..Self::new(stream, flow, guard)
        }
    }
}

/// A stream that the library and the session share.
struct Channel<S> {
    /// `None` once it has ended.
    io: Mutex<Option<Io<S>>>,
    written: AtomicU64,
    /// Bytes that are still to be written before the session's next frames.
    waiting: AtomicUsize,
    writers: Arc<Writers>,
    /// Wakes both writers, because either may have tried last.
    waker: Waker,
}

struct Io<S> {
    stream: Pin<Box<S>>,
    sent: Frames,
    /// The rest of the session's frames, which the network did not take immediately.
    rest: Bytes,
    /// Bytes of answers to pings that may still be unwritten.
    pongs: u64,
    /// The network takes nothing any more.
    failed: bool,
}

/// Tasks that wait for the network to take more.
#[derive(Default)]
struct Writers {
    library: AtomicWaker,
    session: AtomicWaker,
}

impl Wake for Writers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.library.wake();
        self.session.wake();
    }
}

impl<S> fmt::Debug for Channel<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").finish_non_exhaustive()
    }
}

impl<S: AsyncWrite> Channel<S> {
    /// Writes as much of the rest as the network takes. Ready when nothing is left.
    fn poll_rest(&self, io: &mut Io<S>) -> Poll<io::Result<()>> {
        while !io.rest.is_empty() {
            let written = ready!(self.poll_write(io, None))?;
            io.rest.advance(written);
            self.waiting.store(io.rest.len(), Ordering::Release);
        }
        Poll::Ready(Ok(()))
    }

    /// Writes some of `bytes`, or of the rest if that is `None`. If it has to wait, both writers are
    /// woken later.
    fn poll_write(&self, io: &mut Io<S>, bytes: Option<&[u8]>) -> Poll<io::Result<usize>> {
        let mut cx = Context::from_waker(&self.waker);
        let bytes = bytes.unwrap_or(&io.rest);
        let written = match ready!(io.stream.as_mut().poll_write(&mut cx, bytes)) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            written => written,
        };
        let written = written.inspect_err(|_| {
            io.failed = true;
            io.rest = Bytes::new();
            self.waiting.store(0, Ordering::Release);
        })?;
        self.written.fetch_add(written as u64, Ordering::Relaxed);
        // Other output has bounds of its own, so all written bytes may count as answers to pings.
        io.pongs = io.pongs.saturating_sub(written as u64);
        Poll::Ready(Ok(written))
    }

    /// Writes a frame in the place of one of the library's, of which `len` bytes count as written.
    fn replace(&self, io: &mut Io<S>, frame: Bytes, len: usize) -> Poll<io::Result<usize>> {
        self.waiting.store(frame.len(), Ordering::Release);
        io.rest = frame;
        match self.poll_rest(io) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // The rest of it is written before anything else.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(len)),
        }
    }

    /// Writes frames. If the network takes none of them, they are kept only if `keeps` is set.
    fn write_frames(&self, frames: &Bytes, keeps: bool) -> Written {
        let mut io = self.io.lock();
        let Some(io) = io.as_mut().filter(|io| !io.failed) else {
            return Written::Closed;
        };
        if !io.rest.is_empty() || !io.sent.is_between_frames() {
            return Written::Nothing;
        }
        let mut done = 0;
        while done < frames.len() {
            match self.poll_write(io, Some(&frames[done..])) {
                Poll::Ready(Ok(written)) => done += written,
                Poll::Ready(Err(_)) => return Written::Closed,
                Poll::Pending if done == 0 && !keeps => return Written::Nothing,
                Poll::Pending => {
                    // A copy, because the frames may be a batch that many share.
                    io.rest = Bytes::copy_from_slice(&frames[done..]);
                    self.waiting.store(io.rest.len(), Ordering::Release);
                    return Written::Part;
                }
            }
        }
        Written::All
    }
}

impl<S: AsyncWrite + Send> FrameStream for Channel<S> {
    fn offer(&self, frames: &Bytes) -> Written {
        self.write_frames(frames, false)
    }

    fn write(&self, frames: &Bytes) -> Written {
        self.write_frames(frames, true)
    }

    fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.writers.session.register(cx.waker());
        let mut io = self.io.lock();
        let Some(io) = io.as_mut().filter(|io| !io.failed) else {
            return Poll::Ready(());
        };
        // The next write returns the error.
        if self.poll_rest(io).is_pending() || !io.sent.is_between_frames() {
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }
}

fn ended() -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the session ended this transport",
    )
}

impl<S: AsyncRead + AsyncWrite, G> Unpin for Linked<S, G> {}

impl<S: AsyncRead + AsyncWrite, G> AsyncRead for Linked<S, G> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.flow.poll_may_read(cx));
        if this.flow.is_closed() {
            return Poll::Ready(Err(ended()));
        }
        let before = buf.filled().len();
        let mut io = this.channel.io.lock();
        let io = io.as_mut().ok_or_else(ended)?;
        if io.pongs > PONGS_MAX {
            // The library writes before it reads, so it is woken when the network takes more.
            this.channel.writers.library.register(cx.waker());
            return Poll::Pending;
        }
        if this.read_ahead.is_empty() {
            let room = buf.remaining();
            let read = ready!(io.stream.as_mut().poll_read(cx, buf));
            let is_end = buf.filled().len() == before && room > 0;
            if read.is_err() || is_end {
                this.flow.note_hang_up();
                return Poll::Ready(read);
            }
        } else {
            let now = this.read_ahead.len().min(buf.remaining());
            buf.put_slice(&this.read_ahead[..now]);
            this.read_ahead.advance(now);
        }
        let new = &buf.filled()[before..];
        if let Some(end) = this.received.read_to_connect(new) {
            this.flow.begin_connect();
            if end < new.len() {
                // This is rare and short, so the copy does not matter.
                this.read_ahead = [&new[end..], &this.read_ahead].concat().into();
                buf.set_filled(before + end);
            }
        }
        if this.received.saw_close() {
            this.flow.note_hang_up();
        }
        io.pongs += this.received.take_ping_bytes();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite, G> AsyncWrite for Linked<S, G> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.flow.is_closed() {
            return Poll::Ready(Err(ended()));
        }
        if self.drops > 0 {
            let dropped = buf.len().min(self.drops);
            self.drops -= dropped;
            return Poll::Ready(Ok(dropped));
        }
        let channel = &*self.channel;
        // Registered before the try, because the session may write in between.
        channel.writers.library.register(cx.waker());
        let mut io = channel.io.lock();
        let io = io.as_mut().ok_or_else(ended)?;
        if io.sent.is_between_frames() {
            match channel.poll_rest(io) {
                Poll::Ready(result) => result?,
                Poll::Pending => return self.flow.poll_closed(cx).map(|()| Err(ended())),
            }
        }
        let mut buf = buf;
        if let Some(refused) = self.flow.connect_error() {
            let (plain, full) = refused.frames();
            match io.sent.find(&plain, buf) {
                // Reported as written. What takes its place is written before anything else.
                Some(0) => return channel.replace(io, full.into(), plain.len()),
                Some(start) => buf = &buf[..start],
                None => {}
            }
        }
        let buf = match io.sent.find(CLOSE_FRAME, buf) {
            // Reported as written.
            Some(0) => return Poll::Ready(Ok(CLOSE_FRAME.len())),
            Some(start) => &buf[..start],
            None => buf,
        };
        match channel.poll_write(io, Some(buf)) {
            Poll::Ready(written) => {
                let written = written?;
                self.flow.take(io.sent.count_queued(&buf[..written]));
                // The session's frames also wait for the rest of a frame of the library's.
                let is_amid_frame = !io.sent.is_between_frames();
                channel
                    .waiting
                    .store(usize::from(is_amid_frame), Ordering::Release);
                if !is_amid_frame {
                    channel.writers.session.wake();
                }
                Poll::Ready(Ok(written))
            }
            Poll::Pending => {
                // Answers to pings wait in the library alone: so it is seen that nothing is taken.
                channel.waiting.fetch_max(1, Ordering::AcqRel);
                self.flow.poll_closed(cx).map(|()| Err(ended()))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.flow.is_closed() {
            return Poll::Ready(Err(ended()));
        }
        let mut io = self.channel.io.lock();
        let io = io.as_mut().ok_or_else(ended)?;
        match io.stream.as_mut().poll_flush(cx) {
            Poll::Pending => self.flow.poll_closed(cx).map(|()| Err(ended())),
            flushed @ Poll::Ready(_) => flushed,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut io = self.channel.io.lock();
        match io.as_mut() {
            Some(io) => io.stream.as_mut().poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
