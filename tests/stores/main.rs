//! The list of all behaviour of rooms (`suite.rs`), on disk and in Redis. `tests/socket/` has it in
//! memory.
//!
//! Every server has a folder or a Redis of its own. Without redis-server the list runs in memory
//! instead, and says that it is skipped; with HUBBUB_REQUIRE_REDIS set, it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]
#![allow(clippy::duplicate_mod, reason = "one list for every store")]

#[path = "."]
mod disk {
    use hubbub_test_client::{Binary, RoomStore};

    /// The server under test.
    const HUBBUB: Binary = super::HUBBUB.with_rooms_in(RoomStore::Disk);

    mod restarts;
    mod suite;
    mod webhook_restarts;
}

#[path = "."]
mod redis {
    use hubbub_test_client::{Binary, RoomStore};

    /// The server under test.
    const HUBBUB: Binary = super::HUBBUB.with_rooms_in(RoomStore::Redis);

    mod restarts;
    mod suite;
    mod webhook_restarts;
}

use hubbub_test_client::Binary;

/// The server under test.
const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
