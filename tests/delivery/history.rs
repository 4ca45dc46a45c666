//! What a run leaves behind: for everybody who took part, what happened to them, in the order in
//! which they saw it. Nothing here knows a connection or a clock, so histories can be written by
//! hand as well.

use std::collections::BTreeMap;
use std::fmt;

/// A room, by its place in the plan's list.
pub type RoomIndex = usize;

/// A message as its sender knows it: whose, and which of theirs, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word {
    /// Who said it.
    pub sender: usize,
    /// Which of the sender's.
    pub number: u64,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}#{}", self.sender, self.number)
    }
}

/// A place in a room's log, as a client keeps it in order to resume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Which incarnation of the log.
    pub epoch: String,
    /// The last id the client has.
    pub id: u64,
}

/// What one person can see happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `join_confirm` came.
    Joined {
        /// Which room.
        room: RoomIndex,
        /// Where the room's log stood.
        at: Position,
        /// From where the person asked to resume, if it did.
        after: Option<Position>,
        /// What the server said to that.
        recovered: Option<bool>,
        /// The messages that came with it, where some were asked for.
        history: Option<Vec<(u64, Word)>>,
    },
    /// `receive_message` came.
    Received {
        /// Which room.
        room: RoomIndex,
        /// Its id.
        id: u64,
        /// Which message.
        word: Word,
    },
    /// `system_message` came, with an id.
    Noticed {
        /// Which room.
        room: RoomIndex,
        /// Its id.
        id: u64,
    },
    /// `gap` came.
    Gap {
        /// Which room.
        room: RoomIndex,
        /// The first id missing.
        from: u64,
        /// The last id missing.
        to: u64,
        /// In which log it goes on, where that is another one now.
        epoch: Option<String>,
    },
    /// The person wrote a message, for the first time or again.
    Sent {
        /// Which room.
        room: RoomIndex,
        /// Which of its own.
        number: u64,
    },
    /// A message was accepted.
    Acknowledged {
        /// Which room.
        room: RoomIndex,
        /// Which of its own.
        number: u64,
        /// The id the server gave it.
        id: u64,
    },
    /// A message was refused for the moment, and is sent again.
    Postponed {
        /// Which of its own.
        number: u64,
    },
    /// A message was refused, for good.
    Refused {
        /// Which room.
        room: RoomIndex,
        /// Which of its own.
        number: u64,
    },
    /// Something came that the contract does not know.
    Unexpected(String),
    /// The connection ended.
    Lost,
}

/// All that happened to one person, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Who: a person's number, or an observer's name.
    pub name: String,
    /// What happened.
    pub events: Vec<Event>,
}

/// Everything the checker is given.
#[derive(Debug, Default)]
pub struct Record {
    /// Those who were connected throughout, without faults, one for each room and incarnation:
    /// what they saw is the order of the room.
    pub observers: Vec<History>,
    /// Everybody else; a [`Word::sender`] is an index of this list.
    pub persons: Vec<History>,
    /// Entries that every log keeps at least: gaps and forgotten idempotency keys within these
    /// are wrong. 0 = no promise.
    pub kept: u64,
    /// How many logs every room may have had one after another. 0 = no promise.
    pub logs: usize,
    /// Whether messages may have been refused for the moment, so that later ones overtook them.
    pub outages: bool,
    /// The last message of each room at the end, which all who knew the room must have reached.
    pub ends: BTreeMap<RoomIndex, Position>,
}
