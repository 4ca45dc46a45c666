//! Messages that are on their way to the log, with the acknowledgements their senders wait for.

use std::collections::VecDeque;

use crate::room::Publishing;

/// Messages on their way, oldest first, with their acknowledgements.
#[derive(Debug)]
pub(crate) struct Unanswered<A>(pub(super) VecDeque<(Publishing, Option<A>)>);

impl<A> Default for Unanswered<A> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}
