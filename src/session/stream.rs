//! The byte stream under a connection, to the session: whole frames go straight into it, past the
//! library, which writes its own between them.

use std::fmt::Debug;
use std::task::{Context, Poll};

use bytes::Bytes;

/// What became of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The network has taken them.
    All,
    /// Some are still to be taken: whoever waits for [`FrameStream::poll_drained`] sees to that.
    Part,
    /// None are written, because something else is still to be taken.
    Nothing,
    /// The stream has ended.
    Closed,
}

/// A stream that takes whole frames. Never blocks.
pub trait FrameStream: Debug + Send + Sync {
    /// Writes frames if the network takes some of them now.
    fn offer(&self, frames: &Bytes) -> Written;

    /// Writes frames, and keeps what the network does not take now, unless there is such already.
    fn write(&self, frames: &Bytes) -> Written;

    /// Ready when frames can be written, or the stream has ended. One waiter at a time.
    fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Bytes written so far, by anybody.
    fn written(&self) -> u64;

    /// Bytes that are still to be taken.
    fn waiting(&self) -> usize;
}
