//! Messages and changes that are on their way to the log, with the acknowledgements their senders wait
//! for.

use std::collections::VecDeque;

use crate::room::Publishing;

/// A message or a change on its way.
#[derive(Debug)]
pub(crate) struct Sent<A> {
    /// The event that asked for it.
    pub(super) event: &'static str,
    pub(super) publishing: Publishing,
    pub(super) ack: Option<A>,
}

/// Those on their way, oldest first.
#[derive(Debug)]
pub(crate) struct Unanswered<A>(pub(super) VecDeque<Sent<A>>);

impl<A> Default for Unanswered<A> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}
