//! Where sessions ask: a queue to the `pipe`, bounded, and refused at once while Redis
//! has been away for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::PATIENCE;
use super::request::{Adopted, Queued, Request};
use super::script::node_name;
use super::status::Status;
use crate::domain::{Refusal, RoomName, Username};
use crate::room::backplane::{Answer, Arrival, Arrived, Backplane, Draft, Known, Outcome};
use crate::room::members::{MemberId, NodeId};

/// Bytes that may be on their way to Redis at once, over all sessions.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// See the module's text.
#[derive(Debug)]
pub struct Handle {
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

impl Handle {
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
        if is_full || self.status.is_down_for(PATIENCE) {
            queued.give_up();
        } else if let Err(mpsc::error::SendError(queued)) = self.queue.send(queued) {
            queued.give_up();
        }
    }

    fn queued(&self, request: Request) -> Queued {
        Queued::new(request, Instant::now() + PATIENCE, &self.queued_bytes)
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
    pub fn adopt(&self, arrival: Arrival, outcome: Box<dyn FnOnce(Adopted) + Send>) {
        self.ask_in_order(Request::Adopt { arrival, outcome });
    }

    /// This node goes; `told` hears when everything asked before has been done.
    pub fn depart(&self, grace: Duration, told: oneshot::Sender<()>) {
        self.ask(Request::Depart { grace, told });
    }
}

/// Waits for an answer that is always given.
fn answer<T: Send + 'static>(told: oneshot::Receiver<Result<T, Refusal>>) -> Answer<T> {
    Box::pin(async { told.await.unwrap_or_else(|_| Err(Refusal::unavailable())) })
}

impl Backplane for Handle {
    fn publish(&self, draft: Draft, outcome: Outcome) {
        let key = match &draft.client_id {
            Some(client_id) => format!("{} {}", draft.member.user_id, client_id.as_str()),
            // Known to nobody else: for when it is asked again after a lost answer.
            None => {
                let serial = self.next_key.fetch_add(1, Ordering::Relaxed);
                format!(" {} {serial}", self.node)
            }
        };
        self.ask(Request::Publish {
            draft,
            key,
            outcome,
        });
    }

    fn join(&self, arrival: Arrival) -> Answer<Arrived> {
        let (told, outcome) = oneshot::channel();
        self.ask(Request::Join { arrival, told });
        answer(outcome)
    }

    fn rename(&self, known: Known, id: MemberId, username: Username) -> Answer<()> {
        let (told, outcome) = oneshot::channel();
        self.ask(Request::Rename {
            known,
            id,
            username,
            told,
        });
        answer(outcome)
    }

    fn leave(&self, known: Known, id: MemberId) {
        self.ask_in_order(Request::Leave { known, id });
    }

    fn hold(&self, room: &RoomName, id: MemberId) {
        let room = room.clone();
        self.ask(Request::Hold { room, id });
    }

    fn typing(&self, room: &RoomName, id: MemberId, typing: bool) {
        self.ask(Request::Typing {
            room: room.clone(),
            id,
            typing,
        });
    }
}
