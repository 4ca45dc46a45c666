//! A store of another kind: late, failing, and answering out of order. What clients are promised holds
//! over it as over the service's own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod faulty_store;
mod promises;

#[path = "../support/mod.rs"]
mod support;
