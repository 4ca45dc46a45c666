//! Several processes, one chatroom: the rooms' logs and members are in Redis (or Valkey), and every
//! process, a *node*, has a replica of all of them in memory.
//!
//! In reading order: `lua/` (what is in Redis, and every change of it, one script each), `script`
//! (calls of those), `connection`, [`entry`] (entries of the streams, parsed as untrusted
//! input), `reactions`, `tail` (reads all streams with one blocking call and feeds the replicas),
//! `request` (what sessions ask for), `queue` (where they do), `pipe` (carries it out, in
//! order and pipelined), `presence` (leases: which nodes live, and whose members they have),
//! `settings` (what they must agree on), `status`. [`RedisStore`] puts them together.
//!
//! A message is acknowledged once Redis has it. Each node reads it with its tail, the sender's node included,
//! so there is one order for all. `docs/scaling.md` is for operators.

mod audit;
mod call;
mod connection;
pub mod entry;
mod message;
mod opened;
mod pipe;
mod presence;
mod queue;
mod reactions;
mod request;
mod scripts;
mod settings;
mod status;
mod streams;
mod tail;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::call::Context;
use self::connection::Redis;
pub use self::connection::RedisError;
use self::message::{Joining, Message};
use self::pipe::Pipe;
use self::presence::Presence;
use self::queue::Requests;
use self::request::Queued;
use self::settings::Settings;
use self::status::Status;
use self::tail::Tail;
use crate::decisions::{DecisionChange, Decisions};
use crate::domain::{RequestError, RoomName, Username};
use crate::metrics::Metrics;
use crate::room::{
    Answer, Arrival, Arrived, CLAIM, Changes, Departure, Draft, LogBounds, MemberId, NodeId,
    Publishing, ReadingAudit, Room, Rooms, Store, StoreError, StoreFuture,
};

/// How long a request waits for Redis before it fails as `unavailable`.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a starting node waits for Redis before the node listens without it.
const START_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an end waits for what is still on its way.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// How a node takes part.
#[derive(Clone)]
pub struct ClusterSettings {
    /// Where Redis is, with user and password: never shown.
    pub url: String,
    /// What all keys begin with.
    pub prefix: String,
    /// What the nodes sign with. They publish no more than a keyed digest of it.
    pub secret_key: Vec<u8>,
    /// The rooms, in their order.
    pub rooms: Vec<RoomName>,
    /// How much of each room's past is kept.
    pub log: LogBounds,
    /// Members above which joins and leaves are not announced; 0 = always announced.
    pub notice_limit: u64,
    /// Whether a room refuses a name that is confusable with a member's.
    pub unique_names: bool,
    /// How long a membership is kept after its node has shut down.
    pub resume_grace: Duration,
}

impl std::fmt::Debug for ClusterSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterSettings").finish_non_exhaustive()
    }
}

/// Why a node cannot take part.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClusterError {
    /// The address cannot be used. It is not shown, because it may contain a password.
    #[error(
        "REDIS_URL: it cannot be used ({0}); give one like redis://host:6379 or \
         rediss://user:password@host:6379"
    )]
    Url(RedisError),
    /// Redis refuses this node.
    #[error("REDIS_URL: {address}: {source}")]
    Refused {
        /// Where Redis is, without user and password.
        address: String,
        /// What it answered.
        source: RedisError,
    },
}

/// The store in Redis: one node's way to what all nodes share.
#[derive(Debug)]
pub struct RedisStore {
    redis: Redis,
    context: Arc<Context>,
    status: Arc<Status>,
    requests: Arc<Requests>,
    /// Until the store starts.
    queue: Mutex<Option<mpsc::UnboundedReceiver<Queued>>>,
    resume_grace: Duration,
}

impl RedisStore {
    /// A store for one process, which becomes a node with a name of its own. Connects when it starts.
    ///
    /// # Errors
    /// [`ClusterError::Url`] if the address cannot be used.
    pub fn new(settings: ClusterSettings, metrics: &Arc<Metrics>) -> Result<Self, ClusterError> {
        let redis = Redis::new(&settings.url)?;
        // 0 is for processes that share their rooms with no other.
        let node = u64::from_le_bytes(crate::random::bytes()).max(1);
        let status = Arc::new(Status::new(Arc::clone(metrics)));
        let context = Arc::new(Context {
            node,
            settings: Settings::of(&settings),
            trusted_offset_ms: AtomicI64::new(0),
            prefix: settings.prefix,
            notice_limit: settings.notice_limit,
            unique_names: settings.unique_names,
        });
        let (requests, queue) = Requests::new(node, Arc::clone(&status));
        Ok(Self {
            redis,
            context,
            status,
            requests: Arc::new(requests),
            queue: Mutex::new(Some(queue)),
            resume_grace: settings.resume_grace,
        })
    }

    /// Waits until Redis refuses this node; for ever if it does not.
    async fn refused(&self) -> ClusterError {
        match self.redis.connect(ANSWER_TIMEOUT).await {
            Err(source @ (RedisError::Refused(_) | RedisError::Unusable(_))) => {
                ClusterError::Refused {
                    address: self.redis.to_string(),
                    source,
                }
            }
            _ => std::future::pending().await,
        }
    }
}

impl Store for RedisStore {
    fn append(&self, changes: Changes<'_>, draft: Draft<'_>) -> Publishing {
        if draft
            .member_id
            .is_some_and(|id| changes.member(id).is_none())
        {
            return Answer::Done(Err(RequestError::not_in_room()));
        }
        let position = changes.position();
        drop(changes);
        let (outcome, publishing) = draft.pending();
        let message = Message {
            position,
            id: draft.member_id,
            member: draft.author,
            proposal: draft.proposal,
        };
        self.requests.publish(message, outcome);
        publishing
    }

    fn join(&self, _room: &Arc<Room>, arrival: Arrival<'_>) -> Answer<Arrived> {
        // What it replaces in this process, Redis knows.
        self.requests.join(Joining::from(arrival))
    }

    fn rename(&self, changes: Changes<'_>, id: MemberId, username: &Username) -> Answer<()> {
        let position = changes.position();
        drop(changes);
        self.requests.rename(position, id, username.clone())
    }

    fn leave(&self, mut changes: Changes<'_>, id: MemberId, departure: Departure) {
        changes.remove(id);
        let position = changes.position();
        drop(changes);
        self.requests.leave(position, id, departure);
    }

    fn hold(&self, room: &Room, id: MemberId) {
        self.requests.hold(room.name(), id);
    }

    fn set_typing(&self, room: &Room, id: MemberId, is_typing: bool) {
        self.requests.set_typing(room.name(), id, is_typing);
    }

    fn decide(&self, _decisions: &Arc<Decisions>, change: DecisionChange) -> Answer<()> {
        self.requests.decide(change)
    }

    fn read_audit(&self, before: Option<u64>, max: usize) -> ReadingAudit<'_> {
        Box::pin(audit::read(&self.redis, &self.context, before, max))
    }

    fn claim(&self, task: &str) -> Answer<bool> {
        self.requests.claim(task, CLAIM)
    }

    fn release(&self, task: &str) {
        // If it is lost, the claim ends by itself.
        drop(self.requests.claim(task, Duration::ZERO));
    }

    fn node(&self) -> NodeId {
        self.context.node
    }

    fn start(self: Arc<Self>, rooms: &Arc<Rooms>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let Some(queue) = self.queue.lock().take() else {
            return tasks;
        };
        let presence = Presence::new(
            Arc::clone(&self.context),
            Arc::clone(rooms),
            Arc::clone(&self.status),
            Arc::downgrade(&self.requests),
        );
        let tail = Tail::new(
            self.redis.clone(),
            Arc::clone(&self.context),
            Arc::clone(rooms),
            Arc::clone(&self.status),
        );
        tasks.spawn(tail.run());
        let pipe = Pipe::new(
            self.redis.clone(),
            Arc::clone(&self.context),
            Arc::clone(&self.status),
            presence,
            queue,
        );
        tasks.spawn(pipe.run());
        tasks
    }

    /// Waits a while for the node to be in step with the others. While Redis is only unreachable, the
    /// node starts without it; if Redis refuses the user or the password, it does not.
    fn wait_for_start(&self) -> StoreFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            let mut up = self.status.up();
            let in_step = tokio::time::timeout(START_TIMEOUT, up.wait_for(|up| *up));
            tokio::select! {
                in_step = in_step => {
                    if in_step.is_err() {
                        tracing::warn!("Redis does not answer: not ready until it does");
                    }
                    Ok(())
                }
                refused = self.refused() => Err(StoreError::new(refused)),
            }
        })
    }

    fn availability(&self) -> Option<watch::Receiver<bool>> {
        Some(self.status.up())
    }

    /// Finishes what is on its way, and leaves the memberships that are held for users who come back
    /// on another node.
    fn finish(&self) -> StoreFuture<'_, ()> {
        Box::pin(async {
            let (sender, done) = oneshot::channel();
            self.requests.depart(self.resume_grace, sender);
            if tokio::time::timeout(END_TIMEOUT, done).await.is_err() {
                tracing::warn!("Redis does not answer: leaving without a word");
            }
        })
    }
}
