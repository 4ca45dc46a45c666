//! Which messages of a room are read.

/// Which messages of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Only those with ids above this.
    pub after: u64,
    /// Only those with ids below this.
    pub before: u64,
    /// At most so many.
    pub max: usize,
    /// Those of them that are read if there are more.
    pub first: First,
    /// Also the changes to messages, without the messages that are deleted: what a reader is sent who
    /// resumes. Only from a store's archive.
    pub changes: bool,
}

/// Which messages of a range come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The oldest.
    Oldest,
    /// The newest.
    Newest,
}

impl Range {
    /// The newest messages with an id below `before` (of all, where `None`), at most `max`.
    #[must_use]
    pub fn before(before: Option<u64>, max: usize) -> Self {
        Self {
            after: 0,
            before: before.unwrap_or(u64::MAX),
            max,
            first: First::Newest,
            changes: false,
        }
    }

    /// The oldest messages with an id above `after`, at most `max`.
    #[must_use]
    pub const fn after(after: u64, max: usize) -> Self {
        Self {
            after,
            before: u64::MAX,
            max,
            first: First::Oldest,
            changes: false,
        }
    }
}
