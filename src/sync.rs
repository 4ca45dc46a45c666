//! What the parts that wake each other are made of. Named here only, so that `tests/interleavings/`
//! can compile those very files with loom's in their place and try every order of their steps.

pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

pub use futures_util::task::AtomicWaker;
pub use parking_lot::Mutex;
pub use tokio::sync::Notify;
