//! The bounded queue from sessions to the `pipe`. Requests fail immediately once Redis has been away
//! for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::ANSWER_TIMEOUT;
use super::call::node_name;
use super::message::{Joining, Message};
use super::request::{Adopted, Queued, Request};
use super::status::Status;
use crate::decisions::DecisionChange;
use crate::domain::{RoomName, Username};
use crate::random;
use crate::room::{Answer, Arrived, Departure, LogPosition, MemberId, NodeId, Outcome};

/// Bytes that may be in flight to Redis, over all sessions.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Queues the requests of sessions for the `pipe`, and counts their bytes.
#[derive(Debug)]
pub struct Requests {
    node: String,
    status: Arc<Status>,
    queue: mpsc::UnboundedSender<Queued>,
    queued_bytes: Arc<AtomicUsize>,
    next_key: AtomicU64,
}

impl std::fmt::Debug for Queued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queued").finish_non_exhaustive()
    }
}

impl Requests {
    /// A handle, and the queue that it fills.
    pub fn new(node: NodeId, status: Arc<Status>) -> (Self, mpsc::UnboundedReceiver<Queued>) {
        let (queue, queued) = mpsc::unbounded_channel();
        let handle = Self {
            node: node_name(node),
            status,
            queue,
            queued_bytes: Arc::default(),
            next_key: AtomicU64::new(0),
        };
        (handle, queued)
    }

    /// Asks for something, unless there is no hope that it is done in time.
    fn ask(&self, request: Request) {
        let queued = self.queued(request);
        let is_full = self.queued_bytes.load(Ordering::Relaxed) > QUEUE_BYTES_MAX;
        if is_full || self.status.is_down_for(ANSWER_TIMEOUT) {
            queued.give_up();
        } else if let Err(mpsc::error::SendError(queued)) = self.queue.send(queued) {
            queued.give_up();
        }
    }

    fn queued(&self, request: Request) -> Queued {
        Queued::new(request, Instant::now() + ANSWER_TIMEOUT, &self.queued_bytes)
    }

    /// Asks for something that changes what a node's members are to Redis. It is always queued, so
    /// that it happens in the order in which the members themselves change; there is at most so much of it
    /// as there are members.
    fn ask_in_order(&self, request: Request) {
        if let Err(mpsc::error::SendError(queued)) = self.queue.send(self.queued(request)) {
            queued.give_up();
        }
    }

    /// Makes a member of this node known that Redis does not know.
    pub fn adopt(&self, joining: Joining, outcome: Box<dyn FnOnce(Adopted) + Send>) {
        self.ask_in_order(Request::Adopt { joining, outcome });
    }

    /// This node leaves. `sender` is used when everything asked before has been done.
    pub fn depart(&self, grace: Duration, sender: oneshot::Sender<()>) {
        self.ask(Request::Depart { grace, sender });
    }

    /// Puts a message or a change into its room's log.
    pub fn publish(&self, message: Message, outcome: Outcome) {
        let key = match message.client_id() {
            Some(client_id) => format!("{} {client_id}", message.member.user_id),
            // Unique, and only for asking again after a lost answer.
            None => {
                let serial = self.next_key.fetch_add(1, Ordering::Relaxed);
                format!(" {} {serial}", self.node)
            }
        };
        self.ask(Request::Publish {
            message,
            key,
            outcome,
        });
    }

    /// Makes a user a member.
    pub fn join(&self, joining: Joining) -> Answer<Arrived> {
        let (sender, answer) = oneshot::channel();
        self.ask(Request::Join { joining, sender });
        Answer::Pending(answer)
    }

    /// Changes a member's name.
    pub fn rename(&self, position: LogPosition, id: MemberId, username: Username) -> Answer<()> {
        let (sender, answer) = oneshot::channel();
        self.ask(Request::Rename {
            position,
            id,
            username,
            sender,
        });
        Answer::Pending(answer)
    }

    /// Keeps decisions.
    pub fn decide(&self, change: DecisionChange) -> Answer<()> {
        let (sender, answer) = oneshot::channel();
        self.ask(Request::Decide {
            change: Box::new(change),
            name: random::id(),
            sender,
        });
        Answer::Pending(answer)
    }

    /// Claims a task for so long; gives it up if that is no time.
    pub fn claim(&self, task: &str, time: Duration) -> Answer<bool> {
        let (sender, answer) = oneshot::channel();
        let task = task.to_owned();
        self.ask(Request::Claim { task, time, sender });
        Answer::Pending(answer)
    }

    /// Ends a membership.
    pub fn leave(&self, position: LogPosition, id: MemberId, departure: Departure) {
        self.ask_in_order(Request::Leave {
            position,
            id,
            departure,
        });
    }

    /// Notes that a member's connection is lost.
    pub fn hold(&self, room: &RoomName, id: MemberId) {
        let room = room.clone();
        self.ask(Request::Hold { room, id });
    }

    /// Passes on that a member types, or stopped.
    pub fn set_typing(&self, room: &RoomName, id: MemberId, is_typing: bool) {
        let room = room.clone();
        self.ask(Request::Typing {
            room,
            id,
            is_typing,
        });
    }
}
