//! What is not kept for ever: the oldest messages are deleted, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::ledger::{Ledger, RoomLedger};
use super::schema::{id_of, key};
use super::search;
use crate::clock;
use crate::room::Room;

/// Messages that are deleted in one transaction at most: as fast as a message is written, about.
const STEP: usize = 256;

/// How long messages are kept, and how many bytes of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retention {
    /// `None` = for ever.
    pub time: Option<Duration>,
    /// Bytes of text of each room; 0 = not limited.
    pub bytes_max: u64,
    is_under_way: bool,
}

impl Retention {
    pub const fn new(time: Option<Duration>, bytes_max: u64) -> Self {
        Self {
            time,
            bytes_max,
            is_under_way: false,
        }
    }

    /// Whether anything is deleted at all.
    pub const fn is_limited(&self) -> bool {
        self.time.is_some() || self.bytes_max > 0
    }

    /// Begins to delete.
    pub const fn begin(&mut self) {
        self.is_under_way = self.is_limited();
    }

    /// Whether there may be more to delete now.
    pub const fn is_under_way(&self) -> bool {
        self.is_under_way
    }

    /// Leaves the rest for later.
    pub const fn pause(&mut self) {
        self.is_under_way = false;
    }

    /// Deletes a few messages of the first room that has too many.
    ///
    /// # Errors
    /// What SQLite answers. What was not deleted may be missing for readers all the same, until the next
    /// step or start.
    pub fn step(
        &mut self,
        db: &Connection,
        ledger: &mut Ledger,
        rooms: &[Arc<Room>],
    ) -> rusqlite::Result<()> {
        for (index, room) in ledger.rooms.iter_mut().enumerate() {
            if let Some(surplus) = self.surplus(db, room)? {
                return surplus.delete(db, room, &rooms[index]);
            }
        }
        self.is_under_way = false;
        Ok(())
    }

    /// The oldest messages of a room that are too many, up to [`STEP`] of them.
    fn surplus(&self, db: &Connection, room: &RoomLedger) -> rusqlite::Result<Option<Surplus>> {
        let kept_from_ms = self.time.map(|time| {
            let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            clock::unix_ms().saturating_sub_unsigned(ms)
        });
        let mut select = db.prepare_cached(
            "SELECT key, at_ms, coalesce(octet_length(text), 0) FROM messages WHERE key > ? AND key < ?
             ORDER BY key LIMIT ?",
        )?;
        let all = (key(room.number, 0), key(room.number + 1, 0), STEP);
        let mut rows = select.query(all)?;
        let mut surplus: Option<Surplus> = None;
        while let Some(row) = rows.next()? {
            let (id, at_ms, bytes) = (
                id_of(row.get(0)?),
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
            );
            let gone = surplus.as_ref().map_or(0, |surplus| surplus.bytes);
            let is_old = kept_from_ms.is_some_and(|from_ms| at_ms < from_ms);
            let is_much =
                self.bytes_max > 0 && (room.bytes - gone).max(0).cast_unsigned() > self.bytes_max;
            if !is_old && !is_much {
                break;
            }
            surplus = Some(Surplus {
                upto: id,
                bytes: gone + bytes,
            });
        }
        Ok(surplus)
    }
}

/// Messages that are too many.
#[derive(Debug)]
struct Surplus {
    /// Id of the last of them.
    upto: u64,
    /// Bytes of their texts.
    bytes: i64,
}

impl Surplus {
    fn delete(
        &self,
        db: &Connection,
        room: &mut RoomLedger,
        replica: &Room,
    ) -> rusqlite::Result<()> {
        // First here, so that no reader takes what is missing for nothing.
        replica.changes().discard_until(self.upto);
        let change = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
        search::delete_until(&change, room.number, self.upto)?;
        change
            .prepare_cached("DELETE FROM messages WHERE key > ? AND key <= ?")?
            .execute((key(room.number, 0), key(room.number, self.upto)))?;
        change
            .prepare_cached("DELETE FROM reactions WHERE message > ? AND message <= ?")?
            .execute((key(room.number, 0), key(room.number, self.upto)))?;
        // The changes to those messages, which may come much later.
        change
            .prepare_cached("DELETE FROM messages WHERE of > ? AND of <= ?")?
            .execute((key(room.number, 0), key(room.number, self.upto)))?;
        change
            .prepare_cached("UPDATE rooms SET discarded = ?, bytes = bytes - ? WHERE number = ?")?
            .execute((self.upto, self.bytes, room.number))?;
        change.commit()?;
        room.discarded = self.upto;
        room.bytes -= self.bytes;
        Ok(())
    }
}
