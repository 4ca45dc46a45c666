//! Reactions to a message: who has reacted with which emoji, and changes of that.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::members::{Member, UserId};
use crate::domain::{Emoji, RequestError};
use crate::protocol::ReactionCount;

/// Different emoji that one message may have.
pub const EMOJI_MAX: usize = 20;
/// Reactions that one message may have: users, counted once for each of their emoji.
pub const REACTIONS_MAX: usize = 2000;
/// Bytes that one emoji with its count takes in a message's payload at most.
const WIRE_BYTES: usize = 128;

/// The reactions to some messages, by the messages' ids.
pub type ReactionsById = HashMap<u64, Arc<Reactions>>;

/// The reactions to one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reactions {
    by_emoji: BTreeMap<Emoji, BTreeSet<UserId>>,
}

impl Reactions {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_emoji.is_empty()
    }

    /// Adds a reaction.
    pub fn add(&mut self, emoji: &Emoji, user_id: UserId) {
        self.by_emoji
            .entry(emoji.clone())
            .or_default()
            .insert(user_id);
    }

    fn remove(&mut self, emoji: &Emoji, user_id: &str) {
        if let Some(users) = self.by_emoji.get_mut(emoji) {
            users.remove(user_id);
            if users.is_empty() {
                self.by_emoji.remove(emoji);
            }
        }
    }

    /// Makes those of `change` that belong to it its own.
    pub fn apply(&mut self, change: &Reaction) {
        for Reactor { member, on } in &change.reactors {
            if *on {
                self.add(&change.emoji, UserId::clone(&member.user_id));
            } else {
                self.remove(&change.emoji, &member.user_id);
            }
        }
    }

    /// How many there are, as far as a change is about them.
    #[must_use]
    pub fn figures(&self, emoji: &Emoji) -> ReactionFigures {
        ReactionFigures {
            of_emoji: self.by_emoji.get(emoji).map_or(0, BTreeSet::len),
            different: self.by_emoji.len(),
            all: self.count(),
        }
    }

    /// Whether a user has reacted with an emoji.
    #[must_use]
    pub fn has(&self, emoji: &Emoji, user_id: &str) -> bool {
        let users = self.by_emoji.get(emoji);
        users.is_some_and(|users| users.contains(user_id))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_emoji.values().map(BTreeSet::len).sum()
    }

    /// Each emoji with the users who have reacted with it.
    pub fn iter(&self) -> impl Iterator<Item = (&Emoji, &BTreeSet<UserId>)> {
        self.by_emoji.iter()
    }

    /// The reactions as a reader sees them; without a reader it is not said which are theirs.
    #[must_use]
    pub fn counts(&self, reader: Option<&str>) -> Vec<ReactionCount<'_>> {
        self.by_emoji
            .iter()
            .map(|(emoji, users)| ReactionCount {
                emoji: emoji.as_str(),
                count: users.len() as u64,
                mine: reader.map(|reader| users.contains(reader)),
            })
            .collect()
    }

    /// Bytes that they take in the message's payload at most.
    #[must_use]
    pub fn wire_bytes(&self) -> usize {
        self.by_emoji.len() * WIRE_BYTES
    }
}

/// How many reactions a message has.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReactionFigures {
    /// With one emoji.
    pub of_emoji: usize,
    /// Different emoji.
    pub different: usize,
    /// In all.
    pub all: usize,
}

/// Users who react to a message with one emoji, or take that back.
#[derive(Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: Emoji,
    /// Who, in their order. Empty if only the newest count is known.
    pub reactors: Box<[Reactor]>,
    /// How many have reacted with the emoji after that.
    pub count: u64,
    /// Whether the last of them has reacted, or taken it back.
    pub on: bool,
}

// Without who it was, so that no user reaches a log.
impl std::fmt::Debug for Reaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reaction")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// A user who reacts, or takes that back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reactor {
    /// Who.
    pub member: Member,
    /// Which of the two.
    pub on: bool,
}

impl Reaction {
    /// A reaction that is asked for.
    #[must_use]
    pub const fn proposed(emoji: Emoji, reactors: Box<[Reactor]>) -> Self {
        Self {
            emoji,
            reactors,
            count: 0,
            on: true,
        }
    }

    /// What of a reaction that is asked for changes something, and the last user who does. `had` are those
    /// of the users who have reacted with the emoji. `None` if nothing changes.
    ///
    /// # Errors
    /// `forbidden` if the message has as many reactions as it may.
    pub fn take_effect(
        &self,
        had: &HashSet<UserId>,
        figures: ReactionFigures,
    ) -> Result<Option<(Member, Self)>, RequestError> {
        let mut now: HashMap<&str, bool> = HashMap::new();
        let (mut added, mut removed) = (0, 0);
        let mut reactors = Vec::new();
        for reactor in &self.reactors {
            let user_id = &*reactor.member.user_id;
            let before = now.get(user_id).copied();
            if before.unwrap_or_else(|| had.contains(user_id)) == reactor.on {
                continue;
            }
            now.insert(user_id, reactor.on);
            reactors.push(reactor.clone());
            if reactor.on {
                added += 1;
            } else {
                removed += 1;
            }
        }
        let Some(Reactor { member, on }) = reactors.last().cloned() else {
            return Ok(None);
        };
        let count = figures.of_emoji + added - removed;
        let is_new = figures.of_emoji == 0 && count > 0;
        if is_new && figures.different >= EMOJI_MAX {
            return Err(RequestError::too_many_emoji());
        }
        if added > removed && figures.all + added - removed > REACTIONS_MAX {
            return Err(RequestError::too_many_reactions());
        }
        let change = Self {
            emoji: self.emoji.clone(),
            reactors: reactors.into(),
            count: count as u64,
            on,
        };
        Ok(Some((member, change)))
    }
}
