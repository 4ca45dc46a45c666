//! Reactions on their way to the store. The first one with an emoji to a message goes there immediately.
//! Those that follow within the interval go together, as one entry of the log: so members receive at
//! most one event for each message, emoji and interval, and every reaction is answered with the id of
//! the event that includes it.

use std::sync::Arc;

use super::fanout::Subscriber;
use super::members::Member;
use super::membership::{Membership, WritingCheck};
use super::proposal::Proposal;
use super::reactions::{Reaction, Reactor};
use super::record::MessageChange;
use super::room::Room;
use super::store::{Draft, Outcome, Publishing, Store};
use super::waiting::{Key, Waiting};
use crate::domain::{Emoji, RequestError};

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
            let answer = Box::new(|answer| outcome.send(answer));
            (Waiting { reactor, answer }, publishing)
        };
        match room.reacting.wait(&key, waiting) {
            Some(Ok(publishing)) => return publishing,
            Some(Err(refusal)) => return Publishing::Done(Err(refusal)),
            None => {}
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
        for waiting in waiting {
            (waiting.answer)(answer.clone());
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
