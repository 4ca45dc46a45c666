//! Several nodes that form one service over a Redis, from outside: what people on different nodes
//! see of each other, and what they see while nodes and Redis fail.
//!
//! Each test has a Redis of its own, so they run beside each other. Without
//! redis-server each says that it is skipped; with HUBBUB_REQUIRE_REDIS set, it fails instead.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod audits;
mod bounds;
mod changes;
mod checks;
mod clocks;
/// The people of the delivery checker, and what is wrong with what they saw: `docs/delivery.md`.
#[path = "../delivery"]
#[allow(
    dead_code,
    reason = "what knows a single server is for the other suite"
)]
mod delivery {
    pub mod checker;
    pub mod counts;
    pub mod faults;
    pub mod history;
    pub mod merged_log;
    pub mod observer;
    pub mod person;
    pub mod plan;
    pub mod proxy;
    pub mod random;
    pub mod recorder;
    pub mod saboteur;
    pub mod violation;
    pub mod workload;
}
mod foreign;
mod history;
mod losing_data;
mod losing_nodes;
mod messages;
mod moderation;
mod nodes;
mod outages;
mod presence;
mod pressure;
mod relay;
mod runs;
mod service;
mod settings;
mod setup;
mod takeover;
mod webhooks;

use hubbub_test_client::Binary;

/// The server under test.
const HUBBUB: Binary = Binary::at(env!("CARGO_BIN_EXE_hubbub"));
