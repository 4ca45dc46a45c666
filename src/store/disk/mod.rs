//! Rooms that outlast the process: one SQLite file in DATA_DIR.
//!
//! In reading order: `schema` (the file's format), `directory` (the folder it is in), `error`,
//! `messages` (rows as records), `reactions`, `search` (their index), `ledger` (what the writer knows beside the file), `opening` (the
//! start), `queue` (what sessions ask for), `batch` (one transaction), `retention` (what is deleted),
//! `writer` (the thread that does it), `reader` (older messages), [`tools`] (work beside the server). [`DiskStore`] puts them together.
//!
//! Everything that waits becomes one transaction, and is delivered and acknowledged once that is on the
//! disk. So a crash takes nothing back that a client has received, and no id is assigned twice.

mod batch;
mod decisions;
mod directory;
mod error;
mod ledger;
mod messages;
mod opening;
mod others;
mod queue;
mod reactions;
mod reader;
mod retention;
mod schema;
mod search;
pub mod tools;
mod writer;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use self::directory::Directory;
pub use self::error::{Damage, DiskError};
use self::ledger::LedgerSettings;
use self::opening::{Opened, Restored};
use self::others::Others;
use self::queue::{Reply, Request, Requests};
use self::reader::Reader;
use self::retention::Retention;
use self::writer::Writer;
use crate::decisions::{DecisionChange, Decisions};
use crate::domain::{RequestError, RoomName, Username};
use crate::metrics::Metrics;
use crate::room::{
    Answer, Arrival, Arrived, Changes, Departure, Draft, LogBounds, MemberId, NodeId, Publishing,
    Range, Reading, ReadingAudit, Room, Rooms, Search, Searching, Store, StoreError, StoreFuture,
    UserId,
};

/// How long an end waits for what is still to be written.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// Time between two looks at what is too old or too much.
const RETENTION_INTERVAL: Duration = Duration::from_secs(60);

/// How the store is set up.
#[derive(Debug, Clone)]
pub struct DiskSettings {
    /// The folder, which is made if it is not there.
    pub folder: PathBuf,
    /// The rooms, in their order.
    pub rooms: Vec<RoomName>,
    /// How much of each room's past is in memory.
    pub log: LogBounds,
    /// Members above which joins and leaves are not announced; 0 = always announced.
    pub notice_limit: u64,
    /// Whether a room refuses a name that is confusable with a member's.
    pub unique_names: bool,
    /// How long a membership is kept after a restart for its user to come back.
    pub resume_grace: Duration,
    /// How long messages are kept; `None` = for ever.
    pub retention: Option<Duration>,
    /// Bytes of text kept of each room; 0 = not limited.
    pub retention_bytes: u64,
}

/// The store on disk.
#[derive(Debug)]
pub struct DiskStore {
    node: NodeId,
    secret_key: Vec<u8>,
    requests: Arc<Requests>,
    reader: Reader,
    /// The numbers of the rooms in the file, in the order of the settings.
    numbers: Vec<i64>,
    /// Memberships from before this process, until they are continued or too old.
    earlier: Arc<Mutex<HashMap<UserId, (usize, MemberId)>>>,
    resume_grace: Duration,
    has_retention: bool,
    /// Until the store starts.
    start: Mutex<Option<Start>>,
    failure: Mutex<Option<oneshot::Receiver<DiskError>>>,
    // Last, so that the folder is free when everything else is closed.
    _directory: Directory,
}

/// What the store starts with.
#[derive(Debug)]
struct Start {
    opened: Opened,
    restored: Restored,
    settings: DiskSettings,
    ledger: LedgerSettings,
    queue: queue::Receiver,
    failed: oneshot::Sender<DiskError>,
    metrics: Arc<Metrics>,
    file: PathBuf,
}

impl DiskStore {
    /// Takes the folder, and reads what rooms begin with. Blocks for a few milliseconds.
    ///
    /// # Errors
    /// [`DiskError`]; nothing has been changed on disk then.
    pub fn open(settings: DiskSettings, metrics: &Arc<Metrics>) -> Result<Self, DiskError> {
        let directory = Directory::take(&settings.folder)?;
        let file = directory.database();
        let opened = Opened::open(&directory, &settings.rooms)?;
        let ledger = LedgerSettings {
            rooms: settings.rooms.clone(),
            node: opened.node,
            unique_names: settings.unique_names,
            notice_limit: settings.notice_limit,
        };
        let restored = Restored::read(&opened.db, &file, &opened.epoch, &ledger, settings.log)?;
        let (requests, queue) = queue::queue();
        let (failed, failure) = oneshot::channel();
        Ok(Self {
            node: opened.node,
            secret_key: opened.secret_key.clone(),
            requests: Arc::new(requests),
            reader: Reader::new(file.clone(), Arc::clone(&opened.epoch)),
            numbers: restored.numbers(),
            earlier: Arc::new(Mutex::new(restored.memberships(opened.node))),
            resume_grace: settings.resume_grace,
            has_retention: Retention::new(settings.retention, settings.retention_bytes)
                .is_limited(),
            start: Mutex::new(Some(Start {
                opened,
                restored,
                settings,
                ledger,
                queue,
                failed,
                metrics: Arc::clone(metrics),
                file,
            })),
            failure: Mutex::new(Some(failure)),
            _directory: directory,
        })
    }

    /// The signing key that was made with the file, for a service that was given none.
    #[must_use]
    pub fn secret_key(&self) -> &[u8] {
        &self.secret_key
    }
}

impl Start {
    /// Puts what was read into the rooms, and starts the writer.
    fn run(self, rooms: &Rooms) -> Result<(), DiskError> {
        let decisions = Arc::clone(rooms.decisions());
        let names = self.settings.rooms.iter();
        let rooms: Vec<_> = names.filter_map(|name| rooms.get(name).cloned()).collect();
        debug_assert_eq!(rooms.len(), self.settings.rooms.len(), "the same settings");
        let Opened {
            db, epoch, node, ..
        } = self.opened;
        let writer = Writer {
            ledger: self.restored.put_into(&rooms, &decisions, &epoch, node),
            others: Others::new(&db).map_err(|source| DiskError::of(&self.file, source))?,
            db,
            file: self.file,
            epoch,
            rooms,
            decisions,
            settings: self.ledger,
            bounds: self.settings.log,
            retention: Retention::new(self.settings.retention, self.settings.retention_bytes),
            queue: self.queue,
            metrics: self.metrics,
            failed: Some(self.failed),
            is_failing: false,
            is_stale: false,
            unwritten: Vec::new(),
        };
        std::thread::Builder::new()
            .name("hubbub-disk".to_owned())
            .spawn(move || writer.run())
            .map(drop)
            .map_err(DiskError::Thread)
    }
}

impl Store for DiskStore {
    fn append(&self, changes: Changes<'_>, draft: Draft<'_>) -> Publishing {
        if draft
            .member_id
            .is_some_and(|id| changes.member(id).is_none())
        {
            return Answer::Done(Err(RequestError::not_in_room()));
        }
        let room = changes.room().index();
        let (outcome, publishing) = draft.pending();
        let request = Request::Append {
            room,
            id: draft.member_id,
            author: draft.author,
            proposal: draft.proposal,
        };
        self.requests.ask(request, Reply::Message(outcome));
        publishing
    }

    fn earlier_membership(&self, room: &Room, user_id: &UserId) -> Option<MemberId> {
        let (index, id) = *self.earlier.lock().get(user_id)?;
        (index == room.index()).then_some(id)
    }

    fn join(&self, room: &Arc<Room>, arrival: Arrival<'_>) -> Answer<Arrived> {
        self.earlier.lock().remove(&arrival.member.user_id);
        let (sender, answer) = oneshot::channel();
        // What it replaces, the ledger knows.
        let request = Request::Join {
            room: room.index(),
            id: arrival.id,
            member: arrival.member,
        };
        self.requests.ask(request, Reply::Join(sender));
        Answer::Pending(answer)
    }

    fn rename(&self, changes: Changes<'_>, id: MemberId, username: &Username) -> Answer<()> {
        let (sender, answer) = oneshot::channel();
        let request = Request::Rename {
            room: changes.room().index(),
            id,
            username: username.clone(),
        };
        self.requests.ask(request, Reply::Done(sender));
        Answer::Pending(answer)
    }

    fn leave(&self, mut changes: Changes<'_>, id: MemberId, departure: Departure) {
        changes.remove(id);
        let room = changes.room().index();
        let request = Request::Leave {
            room,
            id,
            departure,
        };
        self.requests.ask_in_order(request);
    }

    fn hold(&self, room: &Room, id: MemberId) {
        let room = room.index();
        self.requests.ask_in_order(Request::Hold { room, id });
    }

    fn has_archive(&self) -> bool {
        true
    }

    fn read_archive<'a>(&'a self, room: &'a Arc<Room>, range: Range) -> Reading<'a> {
        let number = self.numbers[room.index()];
        Box::pin(self.reader.page(room, number, range))
    }

    fn search<'a>(&'a self, room: &'a Arc<Room>, search: &'a Search) -> Searching<'a> {
        let number = self.numbers[room.index()];
        Box::pin(self.reader.search(room, number, search))
    }

    fn decide(&self, _decisions: &Arc<Decisions>, change: DecisionChange) -> Answer<()> {
        let (sender, answer) = oneshot::channel();
        let request = Request::Decide(Box::new(change));
        self.requests.ask(request, Reply::Done(sender));
        Answer::Pending(answer)
    }

    fn read_audit(&self, before: Option<u64>, max: usize) -> ReadingAudit<'_> {
        Box::pin(self.reader.audit(before, max))
    }

    fn node(&self) -> NodeId {
        self.node
    }

    fn start(self: Arc<Self>, rooms: &Arc<Rooms>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let Some(start) = self.start.lock().take() else {
            return tasks;
        };
        if let Err(error) = start.run(rooms) {
            let (sender, failure) = oneshot::channel();
            drop(sender.send(error));
            *self.failure.lock() = Some(failure);
            return tasks;
        }
        let (grace, requests) = (self.resume_grace, Arc::clone(&self.requests));
        let earlier = Arc::clone(&self.earlier);
        tasks.spawn(async move {
            tokio::time::sleep(grace).await;
            earlier.lock().clear();
            requests.ask_in_order(Request::EndRestored);
        });
        if self.has_retention {
            let requests = Arc::clone(&self.requests);
            tasks.spawn(async move {
                loop {
                    requests.ask_in_order(Request::Discard);
                    tokio::time::sleep(RETENTION_INTERVAL).await;
                }
            });
        }
        tasks
    }

    fn failed(&self) -> StoreFuture<'_, StoreError> {
        let failure = self.failure.lock().take();
        Box::pin(async {
            match failure {
                Some(failure) => match failure.await {
                    Ok(error) => StoreError::new(error),
                    // The writer has ended as it should.
                    Err(_) => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        })
    }

    fn finish(&self) -> StoreFuture<'_, ()> {
        Box::pin(async {
            self.reader.close();
            let done = self.requests.finish();
            match tokio::time::timeout(END_TIMEOUT, done).await {
                Ok(_) => {}
                Err(_) => tracing::warn!("the disk does not answer: ending without it"),
            }
        })
    }
}
