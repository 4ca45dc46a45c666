//! What the tests and benchmarks of hubbub share: the compiled server as a child process
//! ([`Binary`], [`TestServer`]), and one Socket.IO client in three layers.
//!
//! - [`Raw`] sends any bytes over a TCP connection, including HTTP and WebSocket frames that break
//!   the rules; [`frames`] writes and reads the frames.
//! - [`Session`] is an Engine.IO session over a WebSocket or long-polling. [`stepwise`] does one
//!   request or frame at a time instead, with no task behind it.
//! - [`Client`] is what most tests use: it shows every packet in the order it came, and panics on
//!   what must not be. [`Connection`] returns failures as values, for tests that cause them.
//!
//! A [`RoomStore`] says where a server keeps its rooms, and [`redis::Redis`] is a Redis of a test's own.
//!
//! Benchmarks use [`bare`], which has no tasks and no timers.
//!
//! Nothing here knows the server's types: the wire is the contract, so it is read as text. Waits
//! are for events, with [`EVENT_TIMEOUT`] as the deadline. That something does *not* happen is
//! shown with a fence: a later event that a missing one would have preceded.

pub mod bare;
pub mod chat;
pub mod client;
pub mod connection;
pub mod dial;
pub mod event_source;
pub mod fake_clock;
pub mod faulty_disk;
pub mod frames;
pub mod http;
pub mod metrics;
pub mod packet;
pub mod polling;
pub mod raw;
pub mod receiver;
pub mod redis;
pub mod resp;
pub mod room_store;
pub mod server;
pub mod session;
pub mod shape;
pub mod stepwise;
pub mod tokens;
pub mod visits;
pub mod websocket;

use std::time::Duration;

pub use client::Client;
pub use connection::Connection;
pub use dial::{Dial, Transport};
pub use event_source::{EventSource, ServerSent};
pub use fake_clock::FakeClock;
pub use faulty_disk::{DiskFault, FaultyDisk};
pub use metrics::Metrics;
pub use packet::{Event, Packet};
pub use raw::Raw;
pub use receiver::{Reaction, Received, Receiver};
pub use room_store::{Backing, RoomStore};
pub use server::{Binary, TestServer};
pub use session::Session;

/// How long a test waits for an event that must come. Long, because only a failure waits that long.
pub const EVENT_TIMEOUT: Duration = Duration::from_secs(20);
