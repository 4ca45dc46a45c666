//! What joins a room to the same room in other processes, where there are any: its log and the
//! list of its members are kept outside then, and what is said here comes back from there.
//!
//! A [`Room`](super::Room) without a backplane keeps everything itself.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::members::{Member, MemberId};
use super::room::Published;
use crate::domain::{ClientId, MessageText, Refusal, RoomName, Username};

/// An answer that may take a while.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send>>;
/// Where the outcome of a message is told; called once.
pub type Outcome = Box<dyn FnOnce(Result<Published, Refusal>) + Send>;

/// How far a room's log is known here.
#[derive(Debug, Clone)]
pub struct Known {
    /// The room.
    pub room: RoomName,
    /// The log's incarnation.
    pub epoch: Arc<str>,
    /// Its newest entry. The log must never go back behind it.
    pub head: u64,
}

/// A message on its way into a log.
#[derive(Debug)]
pub struct Draft {
    /// Of the log.
    pub known: Known,
    /// The sender's membership.
    pub id: MemberId,
    /// The sender.
    pub member: Member,
    /// What is said.
    pub text: MessageText,
    /// Under which key.
    pub client_id: Option<ClientId>,
}

/// Somebody on their way into a room.
#[derive(Debug)]
pub struct Arrival {
    /// Of the log.
    pub known: Known,
    /// The membership to be.
    pub id: MemberId,
    /// Who, and under which name.
    pub member: Member,
}

/// What an arrival gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The log's incarnation.
    pub epoch: Arc<str>,
    /// The last id before the arrival.
    pub position: u64,
    /// Whether nobody has been told, because the room is too large.
    pub untold: bool,
    /// The user's membership that ended with this one, in whatever room.
    pub replaced: Option<MemberId>,
}

/// See the module's text. What is asked for first happens first. No answer takes longer than a few
/// seconds: then it is the refusal `unavailable`.
pub trait Backplane: Debug + Send + Sync {
    /// Puts a message into its room's log.
    fn publish(&self, draft: Draft, outcome: Outcome);

    /// Makes somebody a member. Whatever membership the user had, here or elsewhere, ends with it;
    /// in the same room, nobody is told.
    fn join(&self, arrival: Arrival) -> Answer<Arrived>;

    /// Changes a member's name, and tells the room.
    fn rename(&self, known: Known, id: MemberId, username: Username) -> Answer<()>;

    /// Ends a membership, and tells the room.
    fn leave(&self, known: Known, id: MemberId);

    /// A member's connection is lost: it is not counted any more where it matters how large the room
    /// is. Ending the membership is the end of that.
    fn hold(&self, room: &RoomName, id: MemberId);

    /// Tells the other processes that a member types, or no longer.
    fn typing(&self, room: &RoomName, id: MemberId, typing: bool);
}
