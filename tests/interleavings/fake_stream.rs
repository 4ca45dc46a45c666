//! A WebSocket's stream as a session sees it, with a network that may be slow.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::hand_over::Line;
use crate::stream::{FrameStream, Written};
use crate::sync::{AtomicWaker, Mutex};

/// A stream whose network takes everything, or only when asked to.
#[derive(Debug)]
pub struct Stream {
    line: Arc<Line>,
    rest: Mutex<Option<Bytes>>,
    takes_all: bool,
    session: AtomicWaker,
}

impl Stream {
    pub fn new(line: &Arc<Line>, takes_all: bool) -> Arc<Self> {
        Arc::new(Self {
            line: Arc::clone(line),
            rest: Mutex::new(None),
            takes_all,
            session: AtomicWaker::new(),
        })
    }

    /// The network takes what waits; whether there was something.
    pub fn take(&self) -> bool {
        let rest = self.rest.lock().take();
        if let Some(frames) = &rest {
            self.line.hear_frames(frames);
            self.session.wake();
        }
        rest.is_some()
    }
}

impl FrameStream for Stream {
    fn offer(&self, frames: &Bytes) -> Written {
        self.write(frames)
    }

    fn write(&self, frames: &Bytes) -> Written {
        let mut rest = self.rest.lock();
        if rest.is_some() {
            return Written::Nothing;
        }
        if self.takes_all {
            self.line.hear_frames(frames);
            return Written::All;
        }
        *rest = Some(frames.clone());
        Written::Part
    }

    fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.session.register(cx.waker());
        if self.rest.lock().is_some() {
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn written(&self) -> u64 {
        0
    }

    fn waiting(&self) -> usize {
        self.rest.lock().as_ref().map_or(0, Bytes::len)
    }
}
