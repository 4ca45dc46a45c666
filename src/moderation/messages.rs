//! Deleting messages of others, and what the log says of pins.

use std::sync::Arc;

use serde::Deserialize;

use super::Moderation;
use super::act::Author;
use crate::domain::{RequestError, RequestErrorCode};
use crate::protocol::{HISTORY_PAGE_MAX, ModerateRequest as Action};
use crate::room::{Entry, EntryKind, MessageChange, Publishing, Range, Room, read_messages};

/// Whose a message is.
#[derive(Deserialize)]
struct Sender<'a> {
    #[serde(borrow)]
    user_id: std::borrow::Cow<'a, str>,
}

impl Moderation {
    /// Deletes the messages that an action is about, if it is about any.
    pub(super) async fn change_messages(
        &self,
        author: &Author<'_>,
        room: Option<&Arc<Room>>,
        action: &Action,
    ) -> Result<(), RequestError> {
        let in_room = || room.ok_or_else(RequestError::not_in_room);
        match action {
            Action::Delete { id } => {
                let deleting = self.delete(author, in_room()?, *id);
                deleting.get().await.map(drop)
            }
            Action::Clear { user_id } => self.clear(author, in_room()?, user_id).await,
            _ => Ok(()),
        }
    }

    fn delete(&self, author: &Author<'_>, room: &Room, id: u64) -> Publishing {
        let change = MessageChange::Deleted;
        room.change_message(&*self.store, author.member(), true, id, change)
    }

    /// Puts into the log that a message was pinned, or taken down.
    pub(super) async fn announce_pin(
        &self,
        author: &Author<'_>,
        room: &Room,
        action: &Action,
    ) -> Result<(), RequestError> {
        let Action::Pin { id, on } = action else {
            return Ok(());
        };
        let change = MessageChange::Pinned { on: *on };
        let announced = room.change_message(&*self.store, author.member(), true, *id, change);
        match announced.get().await {
            // Deleted, or no longer kept: no user is shown it.
            Err(error) if error.code == RequestErrorCode::NotFound => Ok(()),
            announced => announced.map(drop),
        }
    }

    /// Deletes all messages of a user, the newest first. What was deleted stays so if the rest fails, and
    /// asking again goes on.
    async fn clear(
        &self,
        author: &Author<'_>,
        room: &Arc<Room>,
        user_id: &str,
    ) -> Result<(), RequestError> {
        let mut before = None;
        loop {
            let range = Range::before(before, HISTORY_PAGE_MAX);
            let page = read_messages(&*self.store, room, range).await?;
            let theirs = page.entries.iter().filter(|entry| is_of(entry, user_id));
            // All of a page together, so that a store on disk writes them in one transaction.
            let deleting: Vec<_> = theirs
                .map(|entry| self.delete(author, room, entry.id))
                .collect();
            for deleted in deleting {
                match deleted.get().await {
                    // Its user has deleted it meanwhile, or the log does not have it any more.
                    Err(error) if error.code == RequestErrorCode::NotFound => {}
                    deleted => drop(deleted?),
                }
            }
            match page.entries.first() {
                Some(oldest) if page.more => before = Some(oldest.id),
                _ => return Ok(()),
            }
        }
    }
}

fn is_of(entry: &Entry, user_id: &str) -> bool {
    let sender = (entry.kind == EntryKind::Message)
        .then(|| serde_json::from_str::<Sender<'_>>(entry.payload.get()));
    matches!(sender, Some(Ok(sender)) if sender.user_id == user_id)
}
