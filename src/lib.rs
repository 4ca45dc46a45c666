//! Hubbub: a real-time chatroom service that speaks Socket.IO.
//!
//! A room is a log and a set of members. A connection is a cursor. Counts are state.
//!
//! The modules, in reading order; arrows of use point down this list only (a test holds them):
//!
//! | module | what it is |
//! |---|---|
//! | `cli` | what the program asks of a running server: `ctl`, `doctor`, `token revoke` |
//! | [`server`] | composition: builds the parts, serves until it is stopped |
//! | [`config`] | every setting once: flag, variable, default, unit, check |
//! | [`listener`] | the accept loop: limits and timeouts of TCP and HTTP |
//! | [`shutdown`] | signals |
//! | [`service_manager`] | systemd: sockets that it passes, and what it is notified of |
//! | [`healthcheck`] | asks a running server whether it lives |
//! | [`telemetry`] | logs |
//! | [`http`] | the router: health and the page |
//! | [`socket`] | Socket.IO in, sessions behind it; the only folder that names socketioxide |
//! | [`session`] | one connection: ordered mailbox in, cursor out |
//! | [`webhooks`] | entries of rooms to other programs, and messages from them |
//! | [`moderation`] | who may write and connect, and what moderators do |
//! | [`store`] | what keeps the rooms: memory, a file on disk, or Redis for several nodes |
//! | [`room`] | rooms: log, members, counts, typing |
//! | [`decisions`] | what people in charge have decided: bans, mutes, topics |
//! | [`protocol`] | the wire contract |
//! | [`domain`] | names, texts and refusals that only parsing can make; pure |
//!
//! [`clock`], [`idle`], [`json`], [`memory`], [`metrics`], [`peer`], [`random`], [`rate`] and `sync` are small helpers that know none of the others.

#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod config;
pub mod decisions;
pub mod domain;
pub mod healthcheck;
pub mod http;
pub mod idle;
pub mod json;
pub mod listener;
pub mod memory;
pub mod metrics;
pub mod moderation;
pub mod peer;
pub mod protocol;
pub mod random;
pub mod rate;
pub mod room;
pub mod server;
pub mod service_manager;
pub mod session;
pub mod shutdown;
pub mod socket;
pub mod store;
mod sync;
pub mod telemetry;
pub mod webhooks;
