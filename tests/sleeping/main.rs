//! Sleep and wake: a service that exits when nobody uses it, is started again through a socket that
//! another process holds, and outlasts the suspension of its machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod activation;
mod drain;
mod idle;
mod manager;
mod notifications;
#[cfg(feature = "disk")]
mod promises;
mod suspend;
mod systemd;

use hubbub_test_client::Binary;

/// The server under test.
const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
