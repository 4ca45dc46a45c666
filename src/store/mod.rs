//! The stores: what keeps the logs and the members of the rooms. Each implements
//! [`Store`](crate::room::Store), and [`server`](crate::server) chooses one by the configuration.
//!
//! [`memory`] keeps everything in this process, and ends with it. [`disk`] keeps it in a file (feature
//! `disk`). [`redis`] shares the rooms with
//! other processes (feature `cluster`).

#[cfg(feature = "disk")]
pub mod disk;
pub mod memory;
#[cfg(test)]
mod model_tests;
mod names;
#[cfg(feature = "cluster")]
pub mod redis;

pub use memory::MemoryStore;
