//! What people, broken clients and networks do to a public chat server, from outside: one test for
//! each kind of hostile input, named after its row in the list of `docs/security.md`.
//!
//! Every test runs on a [`watched_server::WatchedServer`]: a server, a bystander in another room
//! who keeps talking and must notice nothing, and a check of counts, metrics and the log
//! afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod attachments;
mod connections;
mod credentials;
mod endings;
mod events;
mod faults;
mod floods;
mod handshakes;
mod http;
mod keep_alive;
mod liveness;
mod memory;
mod memory_sizes;
mod names;
mod origins;
mod overload;
mod packets;
mod posts;
mod release;
mod slow;
mod texts;
mod unclaimed;
mod upgrades;
mod watched_server;
mod websocket;

use hubbub_test_client::Binary;

/// The server under test.
const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
