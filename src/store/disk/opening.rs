//! What is read from the file at the start.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::directory::Directory;
use super::error::DiskError;
use super::ledger::{Ledger, LedgerSettings};
use super::schema::{self, ROOM_MAX, set_fact};
use super::{decisions, messages, reactions};
use crate::decisions::{Decision, DecisionKey, Decisions};
use crate::domain::RoomName;
use crate::random;
use crate::room::{
    Content, LogBounds, MemberId, NodeId, Range, Reactions, ReactionsById, Record, Room, UserId,
};

/// Bytes of a message's payload beside its text, about.
const PAYLOAD_BYTES: usize = 200;
/// Bytes of the signing key.
const KEY_BYTES: usize = 32;

/// A database as it was found, or made.
#[derive(Debug)]
pub struct Opened {
    pub db: Connection,
    pub epoch: Arc<str>,
    pub node: NodeId,
    pub secret_key: Vec<u8>,
}

impl Opened {
    /// Opens the database in a folder.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open(directory: &Directory, rooms: &[RoomName]) -> Result<Self, DiskError> {
        let file = directory.database();
        let db = schema::open(&file)?;
        let noted = directory.epoch();
        let opened = Self::begin(db, noted.as_deref(), rooms);
        let opened = opened.map_err(|source| DiskError::of(&file, source))?;
        if noted.as_deref() != Some(&opened.epoch) {
            directory.note_epoch(&opened.epoch)?;
        }
        Ok(opened)
    }

    /// Notes that another process begins, and reads the facts. `noted` is the epoch beside the database.
    fn begin(db: Connection, noted: Option<&str>, rooms: &[RoomName]) -> rusqlite::Result<Self> {
        let change = db.unchecked_transaction()?;
        let epoch: Option<String> = schema::fact(&change, "epoch")?;
        // A copy from another time would assign ids again.
        let epoch = epoch.filter(|epoch| noted == Some(epoch));
        let epoch = epoch.unwrap_or_else(random::id);
        set_fact(&change, "epoch", &epoch)?;
        let key: Option<Vec<u8>> = schema::fact(&change, "secret_key")?;
        let secret_key = key.unwrap_or_else(|| random::bytes::<KEY_BYTES>().to_vec());
        set_fact(&change, "secret_key", &secret_key)?;
        let starts: Option<i64> = schema::fact(&change, "starts")?;
        let starts = starts.unwrap_or(0) + 1;
        set_fact(&change, "starts", starts)?;
        for name in rooms {
            add_room(&change, name)?;
        }
        change.commit()?;
        Ok(Self {
            db,
            epoch: epoch.into(),
            // 0 is for processes that share their rooms with no other, also not with earlier ones.
            node: starts.cast_unsigned().max(1),
            secret_key,
        })
    }
}

/// Numbers a room that is new.
///
/// # Errors
/// What SQLite answers.
pub fn add_room(db: &Connection, name: &RoomName) -> rusqlite::Result<()> {
    let select = "SELECT number FROM rooms WHERE name = ?";
    let known: Option<i64> = db
        .query_row(select, [name.as_str()], |row| row.get(0))
        .optional()?;
    if known.is_none() {
        let next: i64 = db.query_row(
            "SELECT coalesce(max(number), 0) + 1 FROM rooms",
            [],
            |row| row.get(0),
        )?;
        if next > ROOM_MAX {
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, next));
        }
        db.execute(
            "INSERT INTO rooms (number, name) VALUES (?, ?)",
            (next, name.as_str()),
        )?;
    }
    Ok(())
}

/// What rooms have in memory at the start.
#[derive(Debug)]
pub struct Restored {
    pub ledger: Ledger,
    /// In the order of the rooms.
    newest: Vec<Newest>,
    decisions: Vec<(DecisionKey, Decision)>,
}

/// The newest messages of a room.
#[derive(Debug, Default)]
struct Newest {
    /// Newest first, as many as the room may have in memory.
    records: Vec<Record>,
    /// Id of the message before them; 0 if there is none.
    before: u64,
    /// The reactions to them.
    reactions: ReactionsById,
}

impl Restored {
    /// Reads it.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn read(
        db: &Connection,
        file: &Path,
        epoch: &Arc<str>,
        settings: &LedgerSettings,
        bounds: LogBounds,
    ) -> Result<Self, DiskError> {
        let ledger = Ledger::load(db, file, settings)?;
        let mut newest = Vec::new();
        for room in &ledger.rooms {
            let records = newest_messages(db, epoch, room.number, bounds);
            newest.push(records.map_err(|source| DiskError::of(file, source))?);
        }
        let decisions = decisions::read(db).map_err(|source| DiskError::of(file, source))?;
        Ok(Self {
            ledger,
            newest,
            decisions,
        })
    }

    /// The numbers of the rooms, in their order.
    pub fn numbers(&self) -> Vec<i64> {
        self.ledger.rooms.iter().map(|room| room.number).collect()
    }

    /// The memberships from before the process `node`, each with its room.
    pub fn memberships(&self, node: NodeId) -> HashMap<UserId, (usize, MemberId)> {
        let restored = self.ledger.restored(node).into_iter();
        let of_user = restored.filter_map(|(room, id)| {
            let member = self.ledger.member(room, id)?;
            Some((member.user_id.clone(), (room, id)))
        });
        of_user.collect()
    }

    /// Puts it into the rooms, which are in the order of the settings. Returns the ledger.
    pub fn put_into(
        self,
        rooms: &[Arc<Room>],
        decisions: &Decisions,
        epoch: &Arc<str>,
        node: NodeId,
    ) -> Ledger {
        let ledger = self.put_logs_into(rooms, decisions, epoch);
        for (index, id) in ledger.restored(node) {
            if let Some(member) = ledger.member(index, id) {
                rooms[index].changes().set_remote(id, member.clone());
            }
        }
        ledger
    }

    /// The same without the members, for rooms that have them.
    pub fn put_logs_into(
        mut self,
        rooms: &[Arc<Room>],
        decisions: &Decisions,
        epoch: &Arc<str>,
    ) -> Ledger {
        decisions.restore(self.decisions);
        for ((room, ledger), newest) in rooms.iter().zip(&self.ledger.rooms).zip(&mut self.newest) {
            let reactions = std::mem::take(&mut newest.reactions);
            let records = &mut newest.records;
            let mut previous = newest.before;
            let is_change = |record: &Record| matches!(record.content, Content::Changed { .. });
            let newest = records.iter().find(|record| !is_change(record));
            let newest = newest.map_or(0, |record| record.id);
            let mut restoring = room.restore(Arc::clone(epoch), ledger.head, 0);
            restoring.begin_after(previous);
            for record in records.iter_mut().rev() {
                if !is_change(record) {
                    record.previous = Some(previous);
                    previous = record.id;
                }
                let added = restoring.add(record);
                debug_assert!(added, "the file has them in order");
            }
            for (id, reactions) in reactions {
                restoring.set_reactions(id, Reactions::clone(&reactions));
            }
            restoring.finish(Some(newest));
            room.changes().discard_until(ledger.discarded);
        }
        self.ledger
    }
}

/// The newest messages of a room that it may have in memory: at least one, if there is one, and those
/// that were young when the last process ended. Their senders may send them again.
fn newest_messages(
    db: &Connection,
    epoch: &Arc<str>,
    room: i64,
    bounds: LogBounds,
) -> rusqlite::Result<Newest> {
    let mut newest = Newest::default();
    let (mut bytes, mut messages) = (0, 0);
    let keep_for_ms = u64::try_from(bounds.keep_for.as_millis()).unwrap_or(u64::MAX);
    let all = Range {
        changes: true,
        ..Range::before(None, 0)
    };
    messages::read(db, epoch, room, all, |record| {
        let is_reaction = matches!(
            &record.content,
            Content::Changed { change, .. } if change.reaction().is_some()
        );
        if !is_reaction {
            bytes += PAYLOAD_BYTES + record.text_bytes();
        }
        let count = messages;
        let newest_ms = newest
            .records
            .first()
            .map_or(record.at_ms, |first| first.at_ms);
        let is_young = record.at_ms.saturating_add_unsigned(keep_for_ms) > newest_ms;
        let is_full = (bounds.messages_max > 0 && count >= bounds.messages_max && !is_young)
            || (bounds.bytes_max > 0 && bytes > bounds.bytes_max);
        if is_full && count > 0 {
            newest.before = record.id;
            return false;
        }
        messages += usize::from(!matches!(record.content, Content::Changed { .. }));
        newest.records.push(record);
        true
    })?;
    newest.reactions = reactions::read(db, room, newest.before + 1, u64::MAX)?;
    Ok(newest)
}
