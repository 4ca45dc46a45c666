//! A store of another kind: late, failing, and answering out of order. What clients are promised holds
//! over it as over the service's own. And what every store has in common: which messages it keeps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod faulty_store;
mod promises;
mod trimming;

use hubbub_test_client::Binary;

/// The server under test.
const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
