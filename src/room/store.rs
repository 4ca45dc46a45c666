//! What a room needs from the store that keeps its log and its members: the trait [`Store`], what a
//! store is asked and what it answers.
//!
//! A room always has a store, and what the room has in memory is a replica of what the store has. The
//! store decides: it assigns ids and times, and knows which names are in use. What it decided reaches
//! the room as [`Changes`] or as a whole log ([`Restoring`](super::Restoring)). `docs/architecture.md`
//! says how to write another one.

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::changes::Changes;
use super::fanout::Subscriber;
use super::members::{Member, MemberId, NodeId, UserId};
use super::proposal::Proposal;
use super::range::Range;
use super::record::{Content, LogPosition, Published};
use super::ring::Page;
use super::room::Room;
use super::rooms::Rooms;
use super::search::{Found, Search};
use crate::decisions::{AuditPage, DecisionChange, Decisions};
use crate::domain::{RequestError, Username};
use crate::metrics::Metrics;

/// How long a [`Store::claim`] lasts.
pub const CLAIM: Duration = Duration::from_secs(6);

/// Keeps the logs and the members of all rooms.
///
/// What one session asks for happens in the order in which it asks; answers may come in any order. A
/// store answers within a few seconds: after that the answer is the refusal `unavailable`, and what was
/// asked does not happen later.
pub trait Store: Debug + Send + Sync {
    /// Appends a message, or a change to one, to the room's log and applies it. Refuses a change with
    /// `not_found`, `forbidden` or `too_late` ([`Original::check`](super::Original::check)).
    fn append(&self, changes: Changes<'_>, draft: Draft<'_>) -> Publishing;

    /// Makes a user a member, and appends the notice of it. Any other membership of the user ends with
    /// it. If that one was in the same room, there is no notice, unless the name has changed.
    ///
    /// Refuses with `username_taken` if names are unique and another user has one that looks alike.
    fn join(&self, room: &Arc<Room>, arrival: Arrival<'_>) -> Answer<Arrived>;

    /// The membership in this room that the user had in an earlier process, and has not ended. A join
    /// continues it.
    fn earlier_membership(&self, _room: &Room, _user_id: &UserId) -> Option<MemberId> {
        None
    }

    /// Changes a member's name to another one, and appends the notice of it. Refuses as
    /// [`Self::join`] does.
    fn rename(&self, changes: Changes<'_>, id: MemberId, username: &Username) -> Answer<()>;

    /// Ends a membership, and appends the notice of it. The member is gone from the room when this
    /// returns.
    fn leave(&self, changes: Changes<'_>, id: MemberId, departure: Departure);

    /// Notes that a member has no connection, whether it is lost or the user is away. Such members do not count for the size above which a
    /// room has no notices. The membership's end is the end of that.
    fn hold(&self, _room: &Room, _id: MemberId) {}

    /// Passes on to other processes that a member types, or stopped.
    fn set_typing(&self, _room: &Room, _id: MemberId, _is_typing: bool) {}

    /// Whether the store has messages that rooms no longer have in memory.
    fn has_archive(&self) -> bool {
        false
    }

    /// Reads messages from the archive: all of `range` that the store has, bounded as
    /// [`read_messages`](super::read_messages) says. Refuses with `unavailable`.
    fn read_archive<'a>(&'a self, _room: &'a Arc<Room>, _range: Range) -> Reading<'a> {
        Box::pin(std::future::ready(Ok(Page::default())))
    }

    /// Searches a room's messages, newest first: those in memory, unless the store has an archive.
    /// Refuses with `unavailable`.
    fn search<'a>(&'a self, room: &'a Arc<Room>, search: &'a Search) -> Searching<'a> {
        Box::pin(async { Ok(room.search_in_memory(search).await) })
    }

    /// Keeps decisions and a line of the audit log: both or neither. They reach `decisions` of every
    /// process that uses the store, in one order. Refuses with `unavailable`.
    fn decide(&self, decisions: &Arc<Decisions>, change: DecisionChange) -> Answer<()>;

    /// Reads lines of the audit log with smaller numbers than `before`, newest first. Refuses with
    /// `unavailable`.
    fn read_audit(&self, before: Option<u64>, max: usize) -> ReadingAudit<'_>;

    /// Claims a task that only one of the processes that use the store may do at a time. If it is granted,
    /// no other process gets it for [`CLAIM`], counted from before this call; claiming again renews that.
    /// Refuses with `unavailable`.
    fn claim(&self, _task: &str) -> Answer<bool> {
        Answer::Done(Ok(true))
    }

    /// Gives a claim up, so that another process gets it sooner. If this process has none, nothing happens.
    fn release(&self, _task: &str) {}

    /// Identifies this process among those that use the store; 0 if no other process does.
    fn node(&self) -> NodeId {
        0
    }

    /// Starts what the store does by itself. Called once, before the first session; the tasks end when
    /// they are dropped.
    fn start(self: Arc<Self>, _rooms: &Arc<Rooms>) -> JoinSet<()> {
        JoinSet::new()
    }

    /// Waits until the store can be used, or for a few seconds.
    fn wait_for_start(&self) -> StoreFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether the store can be used now, if that can change.
    fn availability(&self) -> Option<watch::Receiver<bool>> {
        None
    }

    /// Waits until the store can keep its promises no longer, for ever if that does not happen. The
    /// service ends then.
    fn failed(&self) -> StoreFuture<'_, StoreError> {
        Box::pin(std::future::pending())
    }

    /// Finishes what was asked. All sessions have ended.
    fn finish(&self) -> StoreFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What [`Store::read_archive`] returns.
pub type Reading<'a> = StoreFuture<'a, Result<Page, RequestError>>;

/// What [`Store::search`] returns.
pub type Searching<'a> = StoreFuture<'a, Result<Found, RequestError>>;

/// What [`Store::read_audit`] returns.
pub type ReadingAudit<'a> = StoreFuture<'a, Result<AuditPage, RequestError>>;

/// What the asynchronous methods of [`Store`] return.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The store cannot be used. The message names the setting and the remedy.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StoreError(Box<dyn Error + Send + Sync>);

impl StoreError {
    /// An error of a store's own.
    pub fn new(source: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(source))
    }
}

/// How a membership ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// The user left, or did not come back.
    Left,
    /// A moderator removed the user.
    Removed,
}

impl Departure {
    /// What the notice of it says.
    #[must_use]
    pub const fn notice(self) -> Content {
        match self {
            Self::Left => Content::Left,
            Self::Removed => Content::Removed,
        }
    }
}

/// What a store answers, immediately or later.
#[derive(Debug)]
pub enum Answer<T> {
    /// It is decided.
    Done(Result<T, RequestError>),
    /// It is under way. The receiver gets the answer.
    Pending(oneshot::Receiver<Result<T, RequestError>>),
}

impl<T: Clone> Answer<T> {
    /// Waits for the answer.
    ///
    /// # Errors
    /// What the store refuses with; `unavailable` if it gave the request up without an answer.
    pub async fn get(mut self) -> Result<T, RequestError> {
        self.wait().await
    }

    /// The same for an answer that is needed again. Cancel safe.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn wait(&mut self) -> Result<T, RequestError> {
        if let Self::Pending(receiver) = self {
            let answer = receiver.await;
            *self = Self::Done(answer.unwrap_or_else(|_| Err(RequestError::unavailable())));
        }
        self.try_get()
            .unwrap_or_else(|| Err(RequestError::unavailable()))
    }

    /// The answer, if there is one by now.
    pub fn try_get(&mut self) -> Option<Result<T, RequestError>> {
        if let Self::Pending(receiver) = self {
            match receiver.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => return None,
                Err(oneshot::error::TryRecvError::Closed) => {
                    *self = Self::Done(Err(RequestError::unavailable()));
                }
                Ok(answer) => *self = Self::Done(answer),
            }
        }
        match self {
            Self::Done(answer) => Some(answer.clone()),
            Self::Pending(_) => None,
        }
    }
}

impl<T> Answer<T> {
    /// The same, with a refusal that is known by now as an error.
    ///
    /// # Errors
    /// What the store refuses with.
    pub fn started(self) -> Result<Self, RequestError> {
        match self {
            Self::Done(Err(refusal)) => Err(refusal),
            answer => Ok(answer),
        }
    }
}

/// What becomes of a message or a change: see [`Store::append`].
pub type Publishing = Answer<Published>;

/// A message, or a change to one, on its way into a log.
pub struct Draft<'a> {
    /// The author's membership; `None` if the author acts without being a member.
    pub member_id: Option<MemberId>,
    /// The author. A member may have another name when the store decides.
    pub author: Member,
    /// What the author asks for.
    pub proposal: Proposal,
    pub(super) room: &'a Room,
    /// Makes who is notified of the answer, if that comes later.
    pub(super) subscriber: Option<&'a dyn Fn() -> Arc<dyn Subscriber>>,
}

impl Debug for Draft<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft")
            .field("member_id", &self.member_id)
            .finish_non_exhaustive()
    }
}

impl Draft<'_> {
    /// Splits a publication that takes a while: the store keeps the first part, and returns the second.
    #[must_use]
    pub fn pending(&self) -> (Outcome, Publishing) {
        let (sender, receiver) = oneshot::channel();
        self.room.pending.fetch_add(1, Ordering::AcqRel);
        let outcome = Outcome {
            _pending: Some(PendingMessage(Arc::clone(&self.room.pending))),
            sender,
            began: Instant::now(),
            metrics: Arc::clone(&self.room.metrics),
            subscriber: self.subscriber.map(|subscriber| subscriber()),
            is_message: matches!(self.proposal, Proposal::Message { .. }),
        };
        (outcome, Publishing::Pending(receiver))
    }
}

/// A message that the store has been given; it has answered when this is dropped.
#[derive(Debug)]
struct PendingMessage(Arc<AtomicUsize>);

impl Drop for PendingMessage {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Where the outcome of a publication goes.
#[derive(Debug)]
pub struct Outcome {
    /// Unless the store has not been given it yet.
    _pending: Option<PendingMessage>,
    sender: oneshot::Sender<Result<Published, RequestError>>,
    began: Instant,
    metrics: Arc<Metrics>,
    subscriber: Option<Arc<dyn Subscriber>>,
    is_message: bool,
}

impl Outcome {
    /// The outcome of something that waits before the store is given it.
    pub(super) fn paced(room: &Room, subscriber: Arc<dyn Subscriber>) -> (Self, Publishing) {
        let (sender, receiver) = oneshot::channel();
        let outcome = Self {
            _pending: None,
            sender,
            began: Instant::now(),
            metrics: Arc::clone(&room.metrics),
            subscriber: Some(subscriber),
            is_message: false,
        };
        (outcome, Publishing::Pending(receiver))
    }

    /// Answers the session that published, and notifies it.
    pub fn send(self, result: Result<Published, RequestError>) {
        self.metrics
            .store_answers
            .observe(self.began.elapsed().as_secs_f64());
        let is_new = result.as_ref().is_ok_and(|published| !published.duplicate);
        if is_new && self.is_message {
            self.metrics.messages.inc();
        }
        // The session may have ended.
        if self.sender.send(result).is_ok()
            && let Some(subscriber) = &self.subscriber
        {
            subscriber.notify(super::Signals::ANSWERS);
        }
    }
}

/// A user on the way into a room.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// How far the room's log is known.
    pub position: LogPosition,
    /// The membership to be.
    pub id: MemberId,
    /// The user, and the name.
    pub member: Member,
    /// The membership that the user has in this process, in this room or another. It ends with the
    /// join, like those that only the store knows of.
    pub replaces: Option<(&'a Arc<Room>, MemberId)>,
}

/// What an arrival gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The log's incarnation.
    pub epoch: Arc<str>,
    /// The last id before the arrival.
    pub position: u64,
    /// The room has no notice of it, because it is too large for notices.
    pub unannounced: bool,
    /// The user's membership that ended with this one, in any room.
    pub replaced: Option<MemberId>,
}
