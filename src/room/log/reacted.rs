//! Reactions in a log.
//!
//! The newest reaction with each emoji to each message stays in the order of ids, so that every reader gets
//! it. It counts for no bound of messages, and so pushes none out. Who has reacted is kept with the
//! message, as long as that is here.

use std::sync::Arc;

use super::super::reactions::{Reaction, Reactions};
use super::{Entry, EntryKind, Log};

/// Reactions that are kept to be sent. There are no more to 500 messages; a store with an archive may have
/// others to older messages.
const REACTIONS_KEPT: usize = 10_000;

impl Log {
    /// Keeps a reaction instead of the one before it.
    pub(super) fn keep_reaction(&mut self, entry: &Arc<Entry>) {
        drop(
            self.messages
                .remove(|before| before.kind.is_superseded_by(entry.kind)),
        );
        self.messages.push(Arc::clone(entry));
        if self.messages.reactions > REACTIONS_KEPT {
            let is_reaction = |entry: &Arc<Entry>| matches!(entry.kind, EntryKind::Reaction { .. });
            let oldest = self
                .messages
                .entries
                .iter()
                .find(|entry| is_reaction(entry));
            if let Some(oldest) = oldest.map(|entry| entry.id) {
                drop(self.messages.remove(|entry| entry.id == oldest));
                // Who has not read it yet receives a gap, or reads it in the archive.
                self.dropped_reaction = oldest;
            }
        }
    }

    /// The reactions to a message that is here, if there are any.
    #[must_use]
    pub fn reactions(&self, id: u64) -> Option<&Arc<Reactions>> {
        self.reactions.get(&id)
    }

    /// Changes the reactions to a message that is here.
    pub fn react(&mut self, id: u64, reaction: &Reaction) {
        if self.messages.index_of(id).is_none() {
            return;
        }
        let reactions = Arc::make_mut(self.reactions.entry(id).or_default());
        reactions.apply(reaction);
        if reactions.is_empty() {
            self.reactions.remove(&id);
        }
    }

    /// Sets the reactions to a message that is here.
    pub fn set_reactions(&mut self, id: u64, reactions: Reactions) {
        if self.messages.index_of(id).is_some() && !reactions.is_empty() {
            self.reactions.insert(id, Arc::new(reactions));
        }
    }

    /// The newest reaction with this emoji to the message `of`, if it is here.
    #[must_use]
    pub fn newest_reaction(&self, kind: EntryKind) -> Option<&Arc<Entry>> {
        let mut newest_first = self.messages.entries.iter().rev();
        newest_first.find(|entry| entry.kind == kind)
    }
}
