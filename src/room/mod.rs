//! Rooms: a log and a set of members each, and the counts of all of them.
//!
//! In reading order: [`log`] (messages and notices, a `ring` each), [`members`], [`room`] (the two together: join,
//! leave, publish, read), `payloads` (what entries look like on the wire), [`membership`] (what a
//! joiner holds), `ceiling` (how many messages a room takes), [`names`] (where they are unique), [`fanout`], `delivery` and [`bell`] (how entries
//! and news reach the sessions), [`published`] (state that clients receive), [`typing`], [`counts`]
//! and [`activity`] (the three states there are), [`rooms`] (all rooms of the service), [`backplane`] and [`replica`] (rooms that several
//! processes share).
//!
//! Invariants: ids have no holes; a lock is held for memory work only, never over I/O or an
//! await; locks are taken in the order room, then counts.

pub mod activity;
pub mod backplane;
pub mod bell;
#[cfg(test)]
mod bell_tests;
mod ceiling;
pub mod counts;
mod delivery;
pub mod fanout;
pub mod log;
pub mod members;
pub mod membership;
#[cfg(test)]
mod model_tests;
pub mod names;
mod payloads;
pub mod published;
pub mod replica;
#[cfg(test)]
mod replica_tests;
mod ring;
#[expect(
    clippy::module_inception,
    reason = "a room is the heart of the module `room`"
)]
pub mod room;
pub mod rooms;
pub mod typing;

pub use bell::{Bell, News};
pub use fanout::{Batch, Fanout, Offered, Subscriber, Subscription};
pub use log::{Entry, EntryKind, LogBounds, Page, Read};
pub use members::{UserId, UsersPage};
pub use membership::{Joined, Membership, Saying};
pub use names::NameClaim;
pub use published::{PublishedState, Snapshot, StateSource};
pub use room::{Published, Room};
pub use rooms::{RoomSettings, Rooms};
