//! How far the deliveries of a webhook are: a cursor in each of its rooms, and how the last
//! attempts went. Kept by the store now and then, so that another process goes on from there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::parts::{Parts, decision};
use crate::decisions::{
    DecisionChange, DecisionKey, Integration, LogCursor, Webhook, WebhookProgress,
};
use crate::domain::RequestError;
use crate::room::Room;

/// Shortest time between two times that positions are kept. What was delivered in between is
/// delivered again if the process is killed.
const KEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Who keeps positions, as decisions name it.
const SERVICE: &str = "hubbub";

/// The cursor of a webhook in one room.
#[derive(Debug)]
pub struct RoomCursor {
    /// The room.
    pub room: Arc<Room>,
    /// Everything up to it is delivered.
    pub cursor: LogCursor,
    /// The cursor was of another log: ids up to its head, which are lost to the receiver.
    pub lost: bool,
    is_kept: bool,
}

impl RoomCursor {
    /// Moves on.
    pub fn advance(&mut self, id: u64) {
        self.cursor.id = id;
        self.is_kept = false;
    }

    /// Moves on in another incarnation of the log.
    pub fn advance_in(&mut self, epoch: Arc<str>, id: u64) {
        self.cursor.epoch = epoch.as_ref().to_owned();
        self.lost = false;
        self.advance(id);
    }
}

/// How far a webhook is.
#[derive(Debug)]
pub struct Position {
    parts: Arc<Parts>,
    id: Arc<str>,
    /// Its rooms.
    pub rooms: Vec<RoomCursor>,
    progress: WebhookProgress,
    is_progress_kept: bool,
    keep_from: Instant,
}

impl Position {
    /// The position that was kept last. A room without one begins at its log's head.
    pub fn load(parts: &Arc<Parts>, id: &Arc<str>, webhook: &Webhook) -> Self {
        let decisions = parts.decisions();
        let wanted = parts.rooms.all().filter(|room| {
            let name = room.name().as_str();
            let rooms = webhook.rooms.as_ref();
            rooms.is_none_or(|rooms| rooms.iter().any(|wanted| wanted == name))
        });
        let rooms = wanted.map(|room| {
            let key = DecisionKey::WebhookCursor(Arc::clone(id), room.name().clone());
            let kept = decisions.get(&key);
            let kept = kept.and_then(|kept| match kept.integration.as_deref() {
                Some(Integration::Cursor(cursor)) => Some(cursor.clone()),
                _ => None,
            });
            load_cursor(Arc::clone(room), kept)
        });
        Self {
            rooms: rooms.collect(),
            progress: kept_progress(parts, id),
            is_progress_kept: true,
            keep_from: Instant::now(),
            parts: Arc::clone(parts),
            id: Arc::clone(id),
        }
    }

    /// How the last attempts went, to be changed.
    pub const fn progress_mut(&mut self) -> &mut WebhookProgress {
        self.is_progress_kept = false;
        &mut self.progress
    }

    /// When it should be kept next, if it has changed.
    pub fn keep_at(&self) -> Option<Instant> {
        let is_kept = self.is_progress_kept && self.rooms.iter().all(|room| room.is_kept);
        (!is_kept).then_some(self.keep_from)
    }

    /// Keeps what has changed.
    ///
    /// # Errors
    /// `unavailable`; it can be kept later.
    pub async fn keep(&mut self) -> Result<(), RequestError> {
        self.keep_from = Instant::now() + KEEP_INTERVAL;
        let mut set = Vec::new();
        for RoomCursor { room, cursor, .. } in self.rooms.iter().filter(|room| !room.is_kept) {
            let key = DecisionKey::WebhookCursor(Arc::clone(&self.id), room.name().clone());
            let cursor = Integration::Cursor(cursor.clone());
            set.push((key, Some(decision(SERVICE, cursor))));
        }
        if !self.is_progress_kept {
            let key = DecisionKey::WebhookProgress(Arc::clone(&self.id));
            let progress = Integration::Progress(self.progress.clone());
            set.push((key, Some(decision(SERVICE, progress))));
        }
        // Nothing is kept of a webhook that was removed meanwhile.
        if set.is_empty() || self.parts.webhook(&self.id).is_none() {
            return Ok(());
        }
        let change = DecisionChange {
            set,
            ..DecisionChange::default()
        };
        let Parts { store, .. } = &*self.parts;
        store.decide(self.parts.decisions(), change).get().await?;
        self.is_progress_kept = true;
        for room in &mut self.rooms {
            room.is_kept = true;
        }
        Ok(())
    }
}

/// The cursor to go on from. In a store that processes share, the log of this one may be behind a
/// cursor that another one has kept.
fn load_cursor(room: Arc<Room>, kept: Option<LogCursor>) -> RoomCursor {
    let newest = room.position();
    let at_head = LogCursor {
        epoch: newest.epoch.as_ref().to_owned(),
        id: newest.head,
    };
    let (cursor, lost) = match kept {
        None => (at_head, false),
        Some(kept) if *kept.epoch != *newest.epoch => (at_head, newest.head > 0),
        Some(kept) => {
            return RoomCursor {
                room,
                cursor: kept,
                lost: false,
                is_kept: true,
            };
        }
    };
    RoomCursor {
        room,
        cursor,
        lost,
        is_kept: false,
    }
}

/// How the last attempts went, as it was kept last.
pub fn kept_progress(parts: &Parts, id: &Arc<str>) -> WebhookProgress {
    let key = DecisionKey::WebhookProgress(Arc::clone(id));
    let kept = parts.decisions().get(&key);
    match kept.as_ref().and_then(|kept| kept.integration.as_deref()) {
        Some(Integration::Progress(progress)) => progress.clone(),
        _ => WebhookProgress::default(),
    }
}
