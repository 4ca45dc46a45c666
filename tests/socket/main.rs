//! The wire contract, from outside: the compiled server and raw Socket.IO clients.
//!
//! A file is an area, a test's name is a sentence about it. Every test has a server of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod activity;
mod answers;
mod away;
mod behind_connect;
mod budgets;
#[cfg(feature = "web")]
mod client_module;
mod clock;
mod closing;
mod configuration;
mod connecting;
mod counts;
mod endings;
mod folder;
mod ghosts;
mod health;
mod held;
mod history;
mod identity;
mod joining;
mod leaving;
mod limits;
mod messaging;
mod names;
mod ordering;
mod original;
mod payloads;
mod refusals;
mod search;
mod shutdown;
mod slow;
mod transports;
mod unicode;
mod users;

use hubbub_test_client::Binary;

/// The server under test.
const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
