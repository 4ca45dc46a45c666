//! Every order of steps between those who publish, the fan-out, sessions and the transport, tried out by
//! loom on the service's own files: the notifier, the fan-out, the flow control and the outbox are compiled in
//! here once more, with loom's atomics and locks (`sync.rs`) in the place of the real ones.
//!
//!     cargo test --test interleavings
//!
//! A lost wake-up is a task that waits for ever, which loom reports as a deadlock.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(dead_code, reason = "these tests need not all of what the files offer")]

mod fake_stream;
mod hand_over;
mod notifier_tests;
mod sync;
mod window;

#[path = "../../src/session/connection.rs"]
mod connection;
#[path = "../../src/room/entry.rs"]
mod entry;
#[path = "../../src/room/fanout.rs"]
mod fanout;
#[path = "../../src/session/flow_control.rs"]
mod flow_control;
#[path = "../../src/room/log.rs"]
mod log;
#[path = "../../src/room/notifier.rs"]
mod notifier;
#[path = "../../src/session/outbox.rs"]
mod outbox;
#[path = "../../src/room/ring.rs"]
mod ring;
#[path = "../../src/session/stream.rs"]
mod stream;

/// What those files find under `crate::memory`.
mod memory {
    pub use hubbub::memory::{MemoryAccount, MemoryCharge};
}

/// The same for `crate::protocol`.
mod protocol {
    pub use hubbub::protocol::{ChangeKind, ConnectErrorPacket, event, frame};
}

/// What those files find beside them.
mod reactions {
    pub use hubbub::room::reactions::*;
}

/// The same for `crate::room`.
mod room {
    pub use crate::fanout::{Batch, Fanout, Offered, Subscriber, Subscription};
    pub use crate::log::{Entry, EntryKind, Log, LogBounds, Read};
    pub use crate::notifier::{Notifier, Signals};
}

/// Tries every order of `run`'s steps in which threads are interrupted at most `interruptions`
/// times, beside their own waiting. Every lost wake-up known so far needed no more than two.
fn explore(interruptions: usize, run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.max_branches = 20_000;
    builder.check(run);
}
