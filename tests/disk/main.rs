//! Rooms on disk, from outside: what is there after the server was ended, killed or robbed of its disk,
//! and what it says where it cannot start.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod changes;
mod faults;
mod kept;
mod opening;
mod restarts;
mod retention;
mod token;
mod tools;

use hubbub_test_client::Binary;

/// The server under test.
const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
