//! Reactions on their way to the store. The first one with an emoji to a message goes there immediately.
//! Those that follow within the interval go together, as one entry of the log: so members receive at
//! most one event for each message, emoji and interval, and every reaction is answered with the id of
//! the event that includes it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::fanout::Subscriber;
use super::members::Member;
use super::membership::{Membership, WritingCheck};
use super::proposal::Proposal;
use super::reactions::{Reaction, Reactor};
use super::record::MessageChange;
use super::room::Room;
use super::store::{Draft, Outcome, Publishing, Store};
use crate::domain::{Emoji, RequestError};

/// Reactions with one emoji to one message that wait at most.
const WAITING_MAX: usize = 500;
/// Messages and emoji, one of each, that reactions of one room wait for at most.
const PACED_MAX: usize = 1000;
/// When a reaction may be sent again that was refused for that.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A message and an emoji.
type Key = (u64, Emoji);

/// The reactions of one room that wait, by what they are. There is an entry from the first reaction until
/// none has come for an interval, and a task for each entry.
#[derive(Debug)]
pub(super) struct Reacting {
    waiting: Mutex<HashMap<Key, Vec<Waiting>>>,
    interval: Duration,
}

#[derive(Debug)]
struct Waiting {
    reactor: Reactor,
    outcome: Outcome,
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
    fn wait(
        &self,
        key: &Key,
        waiting: impl FnOnce() -> (Waiting, Publishing),
    ) -> Option<Publishing> {
        let mut all = self.waiting.lock();
        if let Some(queue) = all.get_mut(key) {
            if queue.len() >= WAITING_MAX {
                return Some(Publishing::Done(Err(RequestError::rate_limited(
                    RETRY_AFTER,
                ))));
            }
            let (waiting, publishing) = waiting();
            queue.push(waiting);
            return Some(publishing);
        }
        if all.len() >= PACED_MAX {
            return Some(Publishing::Done(Err(RequestError::rate_limited(
                RETRY_AFTER,
            ))));
        }
        all.insert(key.clone(), Vec::new());
        None
    }

    /// Takes those that wait; `None`, and the entry is gone, if there are none.
    fn take(&self, key: &Key) -> Option<Vec<Waiting>> {
        let mut all = self.waiting.lock();
        let queue = all.get_mut(key)?;
        if queue.is_empty() {
            all.remove(key);
            return None;
        }
        Some(std::mem::take(queue))
    }
}

impl Membership {
    /// Reacts to a message, or takes that back. Answers as [`Self::publish`] does; the same again changes
    /// nothing and is no error. Refusals are also `not_found`, and `forbidden` if the message has as many
    /// reactions as it may.
    pub fn react(
        &self,
        of: u64,
        emoji: &Emoji,
        on: bool,
        check: WritingCheck<'_>,
        subscriber: &dyn Fn() -> Arc<dyn Subscriber>,
    ) -> Publishing {
        let room = self.room();
        let member = match self.admitted(check) {
            Ok(member) => member,
            Err(refusal) => return Publishing::Done(Err(refusal)),
        };
        let key = (of, emoji.clone());
        let reactor = Reactor { member, on };
        let waiting = || {
            let (outcome, publishing) = Outcome::paced(room, subscriber());
            let reactor = reactor.clone();
            (Waiting { reactor, outcome }, publishing)
        };
        if let Some(publishing) = room.reacting.wait(&key, waiting) {
            return publishing;
        }
        let publishing =
            room.append_reactions(&**self.store(), &key, [reactor].into(), Some(subscriber));
        tokio::spawn(pace(Arc::clone(room), Arc::clone(self.store()), key));
        publishing
    }
}

/// Gives the store what waits, an interval after the last time, until nothing does.
async fn pace(room: Arc<Room>, store: Arc<dyn Store>, key: Key) {
    loop {
        tokio::time::sleep(room.reacting.interval).await;
        let Some(waiting) = room.reacting.take(&key) else {
            return;
        };
        let reactors = waiting
            .iter()
            .map(|waiting| waiting.reactor.clone())
            .collect();
        let answer = room
            .append_reactions(&*store, &key, reactors, None)
            .get()
            .await;
        for Waiting { outcome, .. } in waiting {
            outcome.send(answer.clone());
        }
    }
}

impl Room {
    fn append_reactions(
        &self,
        store: &dyn Store,
        (of, emoji): &Key,
        reactors: Box<[Reactor]>,
        subscriber: Option<&dyn Fn() -> Arc<dyn Subscriber>>,
    ) -> Publishing {
        let Some(author) = reactors.last().map(|last| Member::clone(&last.member)) else {
            return Publishing::Done(Err(RequestError::not_in_room()));
        };
        let reaction = Reaction::proposed(emoji.clone(), reactors);
        let proposed = self.proposed_change(*of, MessageChange::Reacted(reaction), false);
        let draft = Draft {
            // The last of several users may have left meanwhile; the others have reacted all the same.
            member_id: None,
            author,
            proposal: Proposal::Change(proposed),
            room: self,
            subscriber,
        };
        store.append(self.changes(), draft)
    }
}
