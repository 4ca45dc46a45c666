//! A connection's stream that tells how much has been read from it: what hyper calls a header
//! timeout is a slow header or an idle connection, and only the former is the client's fault.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How much was read from a connection, in all and up to its last answer.
#[derive(Debug, Default)]
pub struct Reading {
    read: AtomicU64,
    answered: AtomicU64,
}

impl Reading {
    /// All that was read so far has been answered.
    pub fn answered(&self) {
        let read = self.read.load(Ordering::Relaxed);
        self.answered.store(read, Ordering::Relaxed);
    }

    /// Whether part of a request has come that was not answered.
    pub fn is_amid_request(&self) -> bool {
        self.read.load(Ordering::Relaxed) != self.answered.load(Ordering::Relaxed)
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct Watched {
    stream: TcpStream,
    reading: Arc<Reading>,
}

impl Watched {
    /// Watches a stream.
    pub const fn new(stream: TcpStream, reading: Arc<Reading>) -> Self {
        Self { stream, reading }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let new = buf.filled().len() - before;
        self.reading.read.fetch_add(new as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
