//! The stores: what keeps the logs and the members of the rooms. Each implements
//! [`Store`](crate::room::Store), and [`server`](crate::server) chooses one by the configuration.
//!
//! [`memory`] keeps everything in this process, and ends with it. [`redis`] shares the rooms with
//! other processes (feature `cluster`).

pub mod memory;
#[cfg(test)]
mod model_tests;
mod names;
#[cfg(feature = "cluster")]
pub mod redis;

pub use memory::MemoryStore;
