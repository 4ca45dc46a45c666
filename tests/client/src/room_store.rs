//! Where the rooms of a server under test are kept, and what that needs beside the server.

use tempfile::TempDir;

use super::redis::{Keeps, Redis};

/// A key for servers that a test gives none: nodes need one in common.
const SECRET_KEY: &str = "the key of a server that a test gave none";
/// Settings that choose a store. Tests that give one of them bring the store too.
const CHOICES: [&str; 2] = ["DATA_DIR", "REDIS_URL"];

/// The store that a server is started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomStore {
    /// The memory of the process.
    Memory,
    /// A folder of the server's own.
    Disk,
    /// A Redis of the server's own; memory if this machine has no Redis.
    Redis,
}

/// What one store does otherwise than the others: the exceptions in the suite of all stores.
impl RoomStore {
    /// Whether history goes back to a room's first message, and clients resume from any position.
    /// Other stores keep the messages that HISTORY_MESSAGES and HISTORY_BYTES say; on disk these are
    /// only the messages in memory.
    pub const fn keeps_all_messages(self) -> bool {
        matches!(self, Self::Disk)
    }

    /// Whether a join is answered when its notice is in the log of this process, so that nothing comes
    /// before the notice. Redis answers the join, and sends the notice with what other nodes do.
    pub const fn answers_joins_with_their_notice(self) -> bool {
        !matches!(self, Self::Redis)
    }

    /// Whether timestamps follow the clock of the server. Over Redis they follow the clock of Redis,
    /// as `tests/cluster/clocks.rs` shows. A node whose own clock leaps refuses requests as
    /// `unavailable` for up to two seconds, until it has compared the two clocks.
    pub const fn has_the_servers_clock(self) -> bool {
        !matches!(self, Self::Redis)
    }
}

/// A folder or a Redis that servers keep their rooms in. Dropping it deletes the rooms.
pub struct Backing {
    settings: Vec<(&'static str, String)>,
    _folder: Option<TempDir>,
    redis: Option<Redis>,
}

impl Backing {
    /// An empty one; none for memory, and if this machine has no Redis.
    pub async fn of(store: RoomStore) -> Option<Self> {
        match store {
            RoomStore::Memory => None,
            RoomStore::Disk => Some(Self::folder()),
            RoomStore::Redis => Redis::start(Keeps::Nothing).await.map(Self::redis_of),
        }
    }

    /// What a server with these settings needs; none if they choose a store themselves.
    pub(crate) async fn beside(store: RoomStore, settings: &[(&str, &str)]) -> Option<Self> {
        let is_chosen = settings.iter().any(|(name, _)| CHOICES.contains(name));
        if is_chosen {
            None
        } else {
            Self::of(store).await
        }
    }

    fn folder() -> Self {
        let folder = folder_in_memory();
        let path = folder.path().to_str().expect("a path of this process");
        Self {
            settings: vec![("DATA_DIR", path.to_owned())],
            _folder: Some(folder),
            redis: None,
        }
    }

    fn redis_of(redis: Redis) -> Self {
        Self {
            settings: vec![
                ("REDIS_URL", redis.url()),
                ("SECRET_KEY", SECRET_KEY.to_owned()),
            ],
            _folder: None,
            redis: Some(redis),
        }
    }

    /// Settings with which a server keeps its rooms here.
    pub fn settings(&self) -> Vec<(&'static str, &str)> {
        let settings = self.settings.iter();
        settings
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }

    /// The Redis, if it is one.
    pub const fn redis(&self) -> Option<&Redis> {
        self.redis.as_ref()
    }
}

/// A folder for what a store writes, in memory if the system has such folders. Stores wait until every
/// write is on the disk; on a disk that others use this takes seconds, and servers refuse requests
/// meanwhile. What tests end is a process, which memory outlives as a disk does.
pub fn folder_in_memory() -> TempDir {
    TempDir::new_in("/dev/shm").unwrap_or_else(|_| TempDir::new().unwrap())
}
