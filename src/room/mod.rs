//! Rooms: a log and a set of members each, and the counts of all of them.
//!
//! In reading order: [`log`] (messages and notices, a `ring` of [`entry`] each), [`members`], [`room`]
//! (the two together, in the memory of this process), [`record`] (an entry as a store has it) and
//! `payloads` (as the wire has it), `range` and [`past`] (pages of it), `following` (reading on in it),
//! [`search`], [`changes`] and [`restoring`] (how a store drives a room),
//! [`proposal`] (what is asked to be appended), `message_change` (who may change a message), [`reactions`] (who has
//! reacted), `waiting` and `reacting` (reactions on their way), `shown` (messages as one reader sees them),
//! [`store`] (the trait every store implements), [`membership`] and `joining` (what a session does in a
//! room, by its store), `ceiling` (how many messages a
//! room takes), [`fanout`], `delivery` and [`notifier`] (how entries and news reach the sessions),
//! [`published`] (state that clients receive), [`typing`], [`profile`], [`counts`] and [`activity`] (the four
//! states there are), [`rooms`] (all of the service).
//!
//! Invariants: ids have no holes; a lock is held for memory work only, never over I/O or an
//! await; locks are taken in the order room, then counts.

pub mod activity;
mod ceiling;
pub mod changes;
#[cfg(test)]
mod changes_tests;
pub mod counts;
mod delivery;
pub mod entry;
pub mod fanout;
mod following;
mod joining;
pub mod log;
pub mod members;
pub mod membership;
mod message_change;
pub mod notifier;
#[cfg(test)]
mod notifier_tests;
pub mod past;
mod payloads;
pub mod profile;
pub mod proposal;
pub mod published;
mod range;
mod reacting;
pub mod reactions;
pub mod record;
pub mod restoring;
mod ring;
#[expect(
    clippy::module_inception,
    reason = "a room is the heart of the module `room`"
)]
pub mod room;
pub mod rooms;
pub mod search;
pub mod settings;
mod shown;
pub mod store;
pub mod typing;
mod waiting;

pub use changes::{Applied, Changes, said_by_edit};
pub use fanout::{Batch, Fanout, Offered, Subscriber, Subscription};
pub use following::{Next, read_on};
pub use joining::Joined;
pub use log::{Entry, EntryKind, Kept, LogBounds, Page, Read};
pub use members::{Absence, Member, MemberId, NodeId, UserId, UsersPage};
pub use membership::{Membership, WritingCheck};
pub use message_change::Original;
pub use notifier::{Notifier, Signals};
pub use past::{read_around, read_messages};
pub use proposal::{Proposal, ProposedChange, Verdict};
pub use published::{PublishedState, Snapshot, StateSource};
pub use range::{First, Range};
pub use reactions::{Reaction, ReactionFigures, Reactions, ReactionsById, Reactor};
pub use record::{Content, ID_MAX, LogPosition, MessageChange, Published, Record};
pub use restoring::Restoring;
pub use room::Room;
pub use rooms::Rooms;
pub use search::{Finder, Found, Search};
pub use settings::RoomSettings;
pub use shown::Viewer;
pub use store::{
    Answer, Arrival, Arrived, CLAIM, Departure, Draft, Outcome, Publishing, Reading, ReadingAudit,
    Searching, Store, StoreError, StoreFuture,
};
