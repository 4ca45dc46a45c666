//! The bounded queue from sessions to the writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::decisions::DecisionChange;
use crate::domain::{RequestError, Username};
use crate::room::{Arrived, Departure, Member, MemberId, Outcome, Proposal, Published};

/// How long a request waits for the disk before it fails as `unavailable`.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// Bytes that may wait for the disk, over all sessions.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes a request is counted for beside its text.
const REQUEST_BYTES: usize = 512;

/// What is asked of the writer. Rooms are named by their position among the rooms.
#[derive(Debug)]
pub enum Request {
    /// Put a message or a change into a log.
    Append {
        room: usize,
        /// The author's membership, and the author.
        id: Option<MemberId>,
        author: Member,
        proposal: Proposal,
    },
    /// Make a user a member.
    Join {
        room: usize,
        id: MemberId,
        member: Member,
    },
    /// Change a member's name.
    Rename {
        room: usize,
        id: MemberId,
        username: Username,
    },
    /// End a membership.
    Leave {
        room: usize,
        id: MemberId,
        departure: Departure,
    },
    /// Keep decisions, and a line of the audit log.
    Decide(Box<DecisionChange>),
    /// Note that a member's connection is lost.
    Hold { room: usize, id: MemberId },
    /// End the memberships from before this process.
    EndRestored,
    /// Delete what RETENTION and RETENTION_BYTES say.
    Discard,
    /// Close the file; nothing follows.
    Finish,
}

/// Where the answer goes.
#[derive(Debug)]
pub enum Reply {
    None,
    Message(Outcome),
    Join(oneshot::Sender<Result<Arrived, RequestError>>),
    Done(oneshot::Sender<Result<(), RequestError>>),
    Finish(oneshot::Sender<()>),
}

impl Reply {
    /// Refuses what was asked. A receiver that is gone needs no answer.
    pub fn refuse(self, refusal: RequestError) {
        match self {
            Self::Message(outcome) => outcome.send(Err(refusal)),
            Self::Join(sender) => drop(sender.send(Err(refusal))),
            Self::Done(sender) => drop(sender.send(Err(refusal))),
            Self::None | Self::Finish(_) => self.finish(),
        }
    }

    /// Says that the file is closed.
    pub fn finish(self) {
        if let Self::Finish(sender) = self
            && sender.send(()).is_err()
        {
            tracing::debug!("the database was closed late");
        }
    }

    /// Answers a message.
    pub fn message(self, answer: Result<Published, RequestError>) {
        if let Self::Message(outcome) = self {
            outcome.send(answer);
        }
    }

    /// Answers a join. A user who has gone meanwhile leaves again by the end of the membership.
    pub fn join(self, answer: Result<Arrived, RequestError>) {
        if let Self::Join(sender) = self {
            drop(sender.send(answer));
        }
    }

    /// Answers what has no more to say than that it is done.
    pub fn done(self, answer: Result<(), RequestError>) {
        if let Self::Done(sender) = self {
            drop(sender.send(answer));
        }
    }
}

/// A request on its way, and until when it may be done.
#[derive(Debug)]
pub struct Queued {
    pub request: Request,
    pub reply: Reply,
    pub deadline: Option<Instant>,
    bytes: usize,
}

impl Queued {
    /// The end of a membership, which happens however often it has failed. Nothing else does.
    pub fn again(request: Request) -> Option<Self> {
        let is_end = matches!(request, Request::Leave { .. } | Request::EndRestored);
        is_end.then_some(Self {
            request,
            reply: Reply::None,
            deadline: None,
            bytes: 0,
        })
    }
}

/// The sessions' end.
#[derive(Debug)]
pub struct Requests {
    queue: mpsc::Sender<Queued>,
    bytes: Arc<AtomicUsize>,
}

/// The writer's end.
#[derive(Debug)]
pub struct Receiver {
    queue: mpsc::Receiver<Queued>,
    bytes: Arc<AtomicUsize>,
}

/// A new queue.
pub fn queue() -> (Requests, Receiver) {
    let (sender, receiver) = mpsc::channel();
    let bytes = Arc::<AtomicUsize>::default();
    let requests = Requests {
        queue: sender,
        bytes: Arc::clone(&bytes),
    };
    let queue = receiver;
    (requests, Receiver { queue, bytes })
}

impl Requests {
    /// Asks for something that may be refused.
    pub fn ask(&self, request: Request, reply: Reply) {
        if self.bytes.load(Ordering::Relaxed) > QUEUE_BYTES_MAX {
            reply.refuse(RequestError::unavailable());
        } else {
            self.send(request, reply, Some(Instant::now() + ANSWER_TIMEOUT));
        }
    }

    /// Asks for something that happens however long it takes. There is at most so much of it as there
    /// are members.
    pub fn ask_in_order(&self, request: Request) {
        self.send(request, Reply::None, None);
    }

    /// Closes the file. The receiver is answered when everything asked before is on disk.
    pub fn finish(&self) -> oneshot::Receiver<()> {
        let (sender, done) = oneshot::channel();
        self.send(Request::Finish, Reply::Finish(sender), None);
        done
    }

    fn send(&self, request: Request, reply: Reply, deadline: Option<Instant>) {
        let text = match &request {
            Request::Append { proposal, .. } => proposal.text_bytes(),
            _ => 0,
        };
        let bytes = REQUEST_BYTES + text;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let queued = Queued {
            request,
            reply,
            deadline,
            bytes,
        };
        if let Err(mpsc::SendError(queued)) = self.queue.send(queued) {
            // The file is closed.
            queued.reply.refuse(RequestError::unavailable());
        }
    }
}

impl Receiver {
    /// Waits for a request, or so long.
    ///
    /// # Errors
    /// No more can come.
    pub fn wait_for(&self, time: Duration) -> Result<Option<Queued>, mpsc::RecvError> {
        match self.queue.recv_timeout(time) {
            Ok(queued) => {
                self.taken(&queued);
                Ok(Some(queued))
            }
            Err(mpsc::RecvTimeoutError::Timeout) => Ok(None),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(mpsc::RecvError),
        }
    }

    /// What waits already.
    pub fn waiting(&self) -> impl Iterator<Item = Queued> {
        self.queue.try_iter().inspect(|queued| self.taken(queued))
    }

    fn taken(&self, queued: &Queued) {
        self.bytes.fetch_sub(queued.bytes, Ordering::Relaxed);
    }
}
