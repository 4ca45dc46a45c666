//! What a client is sent of the rooms that it looks into.

use std::fmt::Debug;
use std::sync::Arc;

use super::client::{BATCH, Client};
use super::connection::{CloseReason, Connection};
use crate::json;
use crate::protocol::{Gap, event};
use crate::room::{Entry, Range, Read, Room, read_messages};

impl<C: Connection + Debug> Client<C> {
    /// Sends what is new in the watched rooms.
    pub(super) async fn send_watched(&mut self) -> Result<(), CloseReason> {
        for index in 0..self.participant.watched.len() {
            self.send_watched_entries(index).await?;
            let Some(watched) = self.participant.watched.get_mut(index) else {
                return Ok(());
            };
            let profile = watched.room.profile().now();
            if profile.version > watched.profile_version {
                watched.profile_version = profile.version;
                self.out.emit(event::ROOM_CHANGED, &profile.payload).await?;
            }
        }
        Ok(())
    }

    async fn send_watched_entries(&mut self, index: usize) -> Result<(), CloseReason> {
        let mut batch = Vec::new();
        while let Some(watched) = self.participant.watched.get(index)
            && watched.cursor() < watched.room.head()
        {
            let (room, cursor) = (Arc::clone(&watched.room), watched.cursor());
            let upto = match room.read_after(cursor, BATCH, &mut batch) {
                Read::Entries { upto } => upto,
                Read::Archived { upto } => {
                    self.read_watched(&room, cursor, upto, &mut batch).await?
                }
                Read::Gap { from, to } => {
                    let epoch = room.epoch_after(from);
                    let gap = json::raw(&Gap {
                        room: room.name().as_str(),
                        from,
                        to,
                        epoch: epoch.as_deref(),
                    });
                    self.out.emit(event::GAP, &gap).await?;
                    to
                }
            };
            let metrics = &self.participant.shared.metrics;
            metrics.deliveries.inc_by(batch.len() as u64);
            for entry in batch.drain(..) {
                self.out.emit(entry.kind.event(), &entry.payload).await?;
            }
            if let Some(watched) = self.participant.watched.get(index) {
                watched.move_to(upto);
            }
        }
        Ok(())
    }

    /// Reads the next of the messages up to `upto`, which only the store has. Returns the position after
    /// them.
    async fn read_watched(
        &self,
        room: &Arc<Room>,
        cursor: u64,
        upto: u64,
        batch: &mut Vec<Arc<Entry>>,
    ) -> Result<u64, CloseReason> {
        let range = Range {
            before: upto + 1,
            changes: true,
            ..Range::after(cursor, BATCH)
        };
        let store = Arc::clone(&self.participant.shared.store);
        let page = tokio::select! {
            biased;
            page = read_messages(&*store, room, range) => page,
            reason = self.out.closed() => return Err(reason),
        };
        let page = page.map_err(|_| CloseReason::Unreadable)?;
        if *room.resumable().start() > cursor {
            // Some of it has been discarded meanwhile: the next reading says that it is a gap.
            return Ok(cursor);
        }
        let last = page.entries.last().map_or(upto, |entry| entry.id);
        *batch = page.entries;
        Ok(if page.more { last } else { upto })
    }
}
