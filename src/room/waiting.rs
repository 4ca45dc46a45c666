//! Reactions that wait for their turn to go to the store (`reacting.rs`).

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;

use super::reactions::Reactor;
use super::record::Published;
use crate::domain::{Emoji, RequestError};

/// Reactions with one emoji to one message that wait at most.
const WAITING_MAX: usize = 500;
/// Messages and emoji, one of each, that reactions of one room wait for at most.
const PACED_MAX: usize = 1000;
/// When a reaction may be sent again that was refused for that.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A message and an emoji.
pub(super) type Key = (u64, Emoji);

/// Called with what came of a reaction.
pub(super) type AnswerCallback = Box<dyn FnOnce(Result<Published, RequestError>) + Send>;

/// The reactions of one room that wait, by what they are. There is an entry from the first reaction until
/// none has come for an interval, and a task for each entry.
#[derive(Debug)]
pub(super) struct Reacting {
    waiting: Mutex<HashMap<Key, Vec<Waiting>>>,
    pub(super) interval: Duration,
}

/// A reaction that waits, and who is answered.
pub(super) struct Waiting {
    pub(super) reactor: Reactor,
    pub(super) answer: AnswerCallback,
}

impl Reacting {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            waiting: Mutex::default(),
            interval,
        }
    }

    /// Lets a reaction wait if others came shortly before it. Otherwise it is to be given to the store, and
    /// the task to be started that is for those that follow.
    pub(super) fn wait<T>(
        &self,
        key: &Key,
        waiting: impl FnOnce() -> (Waiting, T),
    ) -> Option<Result<T, RequestError>> {
        let mut all = self.waiting.lock();
        if let Some(queue) = all.get_mut(key) {
            if queue.len() >= WAITING_MAX {
                return Some(Err(RequestError::rate_limited(RETRY_AFTER)));
            }
            let (waiting, publishing) = waiting();
            queue.push(waiting);
            return Some(Ok(publishing));
        }
        if all.len() >= PACED_MAX {
            return Some(Err(RequestError::rate_limited(RETRY_AFTER)));
        }
        all.insert(key.clone(), Vec::new());
        None
    }

    /// Takes those that wait; `None`, and the entry is gone, if there are none.
    pub(super) fn take(&self, key: &Key) -> Option<Vec<Waiting>> {
        let mut all = self.waiting.lock();
        let queue = all.get_mut(key)?;
        if queue.is_empty() {
            all.remove(key);
            return None;
        }
        Some(std::mem::take(queue))
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}
