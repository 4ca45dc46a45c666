//! What the outside-in suites share: the compiled server as a child process, and raw Socket.IO
//! clients that see every frame it sends.
//!
//! Nothing here knows the server's types: the wire is the contract, so it is read as text. Waits
//! are for things that happen, with [`PATIENCE`] as the deadline; that something does *not* happen
//! is shown with a fence, a later event that a missing one would have preceded.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses its own part of this"
)]

pub mod chat;
pub mod client;
pub mod dial;
pub mod fake_clock;
pub mod http;
pub mod metrics;
pub mod packet;
pub mod polling;
pub mod server;
pub mod shape;
pub mod visits;
pub mod websocket;

use std::time::Duration;

pub use client::Client;
pub use dial::{Dial, Transport};
pub use fake_clock::FakeClock;
pub use metrics::Metrics;
pub use packet::{Event, Packet};
pub use server::Server;

/// How long a test waits for something that must happen. Long, because it is only ever spent by a
/// failure.
pub const PATIENCE: Duration = Duration::from_secs(20);
