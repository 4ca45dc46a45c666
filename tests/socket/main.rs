//! The wire contract, from outside: the compiled server and raw Socket.IO clients.
//!
//! A file is an area, a test's name is a sentence about it. Every test has a server of its own. The
//! areas that stores have a part in are in `tests/stores/suite.rs`, a list for all stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

#[cfg(feature = "web")]
mod client_module;
mod configuration;
mod connecting;
mod folder;
mod health;
mod payloads;
mod required;
#[path = "../stores/suite.rs"]
mod suite;
mod transports;

use hubbub_test_client::Binary;

/// The server under test.
const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
