//! Reading on in a room's log from a position, whether it is in memory or in the store's archive.

use std::sync::Arc;

use super::entry::Entry;
use super::log::Read;
use super::past::read_messages;
use super::range::Range;
use super::room::Room;
use super::store::Store;
use crate::domain::RequestError;

/// What comes next in a log.
#[derive(Debug)]
pub enum Next {
    /// Entries, perhaps none.
    Entries {
        /// Oldest first.
        entries: Vec<Arc<Entry>>,
        /// The reader has read everything up to this id.
        upto: u64,
    },
    /// Ids `from` to `to`, both included, are gone. The reader goes on after `to`.
    Gap {
        /// First id missing.
        from: u64,
        /// Last id missing.
        to: u64,
        /// The log's new incarnation, if that is why.
        epoch: Option<Arc<str>>,
    },
}

/// What comes after a position: at most `max` entries, or a gap.
///
/// # Errors
/// `unavailable` if the archive cannot be read.
pub async fn read_on(
    store: &dyn Store,
    room: &Arc<Room>,
    after: u64,
    max: usize,
) -> Result<Next, RequestError> {
    loop {
        let mut entries = Vec::new();
        match room.read_after(after, max, &mut entries) {
            Read::Entries { upto } => return Ok(Next::Entries { entries, upto }),
            Read::Gap { from, to } => {
                let epoch = room.epoch_after(from);
                return Ok(Next::Gap { from, to, epoch });
            }
            Read::Archived { upto } => {
                let range = Range {
                    before: upto + 1,
                    changes: true,
                    ..Range::after(after, max)
                };
                let page = read_messages(store, room, range).await?;
                if *room.resumable().start() > after {
                    // Some of it has been discarded meanwhile: that is a gap.
                    continue;
                }
                let last = page.entries.last().map_or(upto, |entry| entry.id);
                return Ok(Next::Entries {
                    upto: if page.more { last } else { upto },
                    entries: page.entries,
                });
            }
        }
    }
}
