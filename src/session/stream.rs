//! The byte stream under a connection, as the session uses it. The session writes whole frames straight
//! into it, past the library, which writes its own between them.

use std::fmt::Debug;
use std::task::{Context, Poll};

use bytes::Bytes;

/// How much of some frames was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The network has taken all of them.
    All,
    /// The rest waits. Polling [`FrameStream::poll_drained`] writes it.
    Part,
    /// Nothing was written, because earlier bytes still wait.
    Nothing,
    /// The stream has ended.
    Closed,
}

/// A stream that takes whole frames. Never blocks.
pub trait FrameStream: Debug + Send + Sync {
    /// Writes frames if the network takes at least a part of them now.
    fn offer(&self, frames: &Bytes) -> Written;

    /// Writes frames and keeps what the network does not take now. Writes nothing if earlier bytes
    /// still wait.
    fn write(&self, frames: &Bytes) -> Written;

    /// Ready when frames can be written, or the stream has ended. One waiter at a time.
    fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Bytes written so far, the library's included.
    fn written(&self) -> u64;

    /// Bytes that still wait to be written.
    fn waiting(&self) -> usize;
}
