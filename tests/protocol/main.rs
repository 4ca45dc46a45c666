//! The corners of the protocols, as the official test suites of Engine.IO 4 and Socket.IO 5
//! describe them: our own tests of the same cases, with the chat's events where those suites want an
//! echo. `docs/protocol.md` lists which case is shown by which test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod engine;
mod engine_upgrade;
mod socket;

use hubbub_test_client::Binary;

/// The server under test.
const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
