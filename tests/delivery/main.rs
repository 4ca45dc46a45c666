//! The promise, checked from outside: no acknowledged message is lost, none is received twice, all
//! members of a room see one order without holes, every sender's own order is kept, and every gap
//! is announced; while connections are cut, hang, change their transport and crawl, and the server
//! is killed.
//!
//! `history.rs` is what is recorded, `checker.rs` finds what is wrong with it; `person.rs`,
//! `faults.rs` and `proxy.rs` are the workload, `saboteur.rs` the broken server that shows the
//! checker awake. `docs/delivery.md` says how to run it for longer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod changed;
mod checker;
mod checker_tests;
mod counts;
mod faults;
mod fixtures;
mod frames_tests;
mod history;
mod merged_log;
#[cfg_attr(
    not(feature = "disk"),
    allow(dead_code, reason = "for restarts on disk")
)]
mod observer;
#[cfg(feature = "disk")]
mod on_disk;
mod person;
mod plan;
mod proxy;
mod random;
mod recorder;
mod runs;
mod saboteur;
mod single_node;
mod violation;
mod workload;

use hubbub_test_client::Binary;

/// The server under test.
const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
