//! Several processes, one chatroom: the rooms' logs and members are in Redis (or Valkey), and every
//! process, a *node*, has a replica of all of them in memory.
//!
//! In reading order: `lua/` (what is in Redis, and every change of it, one script each), `script`
//! (calls of those), `connection`, [`entry`] (what is read from the streams, which is parsed as
//! anybody's), `tail` (reads all streams with one blocking call and feeds the replicas),
//! `request` (what sessions ask for), `backplane` (where they do), `pipe` (carries it out, in
//! order and pipelined), `presence` (leases: which nodes live, and whose members they have),
//! `settings` (what they must agree on), `status`.
//!
//! A message is acknowledged once Redis has it. Each node hears of it by its tail, its own included,
//! so there is one order for all. `docs/scaling.md` is for operators.

mod backplane;
mod connection;
pub mod entry;
mod pipe;
mod presence;
mod request;
mod script;
mod settings;
mod status;
mod tail;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::backplane::Handle;
use self::connection::Redis;
pub use self::connection::RedisError;
use self::pipe::Pipe;
use self::presence::Presence;
use self::request::Queued;
use self::script::Context;
use self::settings::Settings;
use self::status::Status;
use self::tail::Tail;
use crate::domain::RoomName;
use crate::metrics::Metrics;
use crate::room::LogBounds;
use crate::room::backplane::Backplane;
use crate::room::members::NodeId;
use crate::session::Shared;

/// How long somebody waits for Redis before they are told `unavailable`.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a start waits for Redis before the node listens without it.
const START_PATIENCE: Duration = Duration::from_secs(5);
/// How long an end waits for what is still on its way.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// How a node takes part.
#[derive(Clone)]
pub struct ClusterSettings {
    /// Where Redis is, with user and password: never shown.
    pub url: String,
    /// What all keys begin with.
    pub prefix: String,
    /// What the nodes sign with, of which they tell each other no more than a keyed digest.
    pub secret_key: Vec<u8>,
    /// The rooms, in their order.
    pub rooms: Vec<RoomName>,
    /// How much of each room's past is kept.
    pub log: LogBounds,
    /// Members above which joins and leaves are not told; 0 = always told.
    pub notice_limit: u64,
    /// Names that look alike may not be in one room at once.
    pub unique_names: bool,
    /// How long a place is kept after its node has gone in good order.
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

/// A node that has not started yet: what rooms are made with.
#[derive(Debug)]
pub struct Node {
    redis: Redis,
    context: Arc<Context>,
    status: Arc<Status>,
    handle: Arc<Handle>,
    queue: mpsc::UnboundedReceiver<Queued>,
    resume_grace: Duration,
}

/// A node at work.
#[derive(Debug)]
pub struct Cluster {
    redis: Redis,
    status: Arc<Status>,
    handle: Arc<Handle>,
    resume_grace: Duration,
    // Ends with it.
    _tasks: JoinSet<()>,
}

impl Node {
    /// A node of its own name.
    ///
    /// # Errors
    /// [`ClusterError::Url`] if the address cannot be used.
    pub fn new(settings: ClusterSettings, metrics: &Arc<Metrics>) -> Result<Self, ClusterError> {
        let redis = Redis::new(&settings.url)?;
        // 0 is for processes that share their rooms with nobody.
        let node = u64::from_le_bytes(crate::random::bytes()).max(1);
        let status = Arc::new(Status::new(Arc::clone(metrics)));
        let context = Arc::new(Context {
            node,
            settings: Settings::of(&settings),
            believed_offset_ms: AtomicI64::new(0),
            prefix: settings.prefix,
            log: settings.log,
            notice_limit: settings.notice_limit,
            unique_names: settings.unique_names,
        });
        let (handle, queue) = Handle::new(node, Arc::clone(&status));
        Ok(Self {
            redis,
            context,
            status,
            handle: Arc::new(handle),
            queue,
            resume_grace: settings.resume_grace,
        })
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.context.node
    }

    /// What its rooms reach the other nodes' by.
    #[must_use]
    pub fn backplane(&self) -> Arc<dyn Backplane> {
        Arc::clone(&self.handle) as _
    }

    /// Starts to work, for as long as the returned value lives.
    #[must_use]
    pub fn start(self, shared: &Arc<Shared>) -> Cluster {
        let mut tasks = JoinSet::new();
        let presence = Presence::new(
            Arc::clone(&self.context),
            Arc::clone(shared),
            Arc::clone(&self.status),
            Arc::downgrade(&self.handle),
        );
        let tail = Tail::new(
            self.redis.clone(),
            Arc::clone(&self.context),
            Arc::clone(shared),
            Arc::clone(&self.status),
        );
        tasks.spawn(tail.run());
        let pipe = Pipe::new(
            self.redis.clone(),
            self.context,
            Arc::clone(&self.status),
            presence,
            self.queue,
        );
        tasks.spawn(pipe.run());
        Cluster {
            redis: self.redis,
            status: self.status,
            handle: self.handle,
            resume_grace: self.resume_grace,
            _tasks: tasks,
        }
    }
}

impl Cluster {
    /// Waits a while for the node to be in step with the others.
    ///
    /// # Errors
    /// [`ClusterError::Refused`] if Redis refuses the user or the password. While it is only
    /// unreachable, the node waits for it.
    pub async fn wait_for_start(&self) -> Result<(), ClusterError> {
        let mut up = self.status.up();
        let in_step = tokio::time::timeout(START_PATIENCE, up.wait_for(|up| *up));
        let refused = async {
            match self.redis.connect(PATIENCE).await {
                Err(error @ (RedisError::Refused(_) | RedisError::Unusable(_))) => error,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            in_step = in_step => {
                if in_step.is_err() {
                    tracing::warn!("Redis does not answer: not ready until it does");
                }
                Ok(())
            }
            source = refused => Err(ClusterError::Refused {
                address: self.redis.to_string(),
                source,
            }),
        }
    }

    /// Whether the node is in step with the others, watched.
    #[must_use]
    pub fn up(&self) -> watch::Receiver<bool> {
        self.status.up()
    }

    /// The sessions have ended: finishes what is on its way, and leaves the places that are kept
    /// for users who come back elsewhere.
    pub async fn finish(&self) {
        let (told, done) = oneshot::channel();
        self.handle.depart(self.resume_grace, told);
        if tokio::time::timeout(END_PATIENCE, done).await.is_err() {
            tracing::warn!("Redis does not answer: leaving without a word");
        }
    }
}
