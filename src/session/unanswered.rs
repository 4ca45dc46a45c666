//! Messages that are on their way to the log, with the acknowledgements their senders wait for.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::domain::Refusal;
use crate::room::Published;

/// Resolves once it is known what came of a message.
pub(crate) type Outcome = oneshot::Receiver<Result<Published, Refusal>>;

/// Messages on their way, oldest first, with their acknowledgements.
#[derive(Debug)]
pub(crate) struct Unanswered<A>(pub(super) VecDeque<(Outcome, Option<A>)>);

impl<A> Default for Unanswered<A> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}
