//! What a client is sent of the rooms that it looks into.

use std::fmt::Debug;
use std::sync::Arc;

use super::client::{BATCH, Client};
use super::connection::{CloseReason, Connection};
use crate::json;
use crate::protocol::{Gap, event};
use crate::room::Read;

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
                    self.read_archived(&room, cursor, upto, &mut batch).await?
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
}
