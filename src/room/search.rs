//! Searching a room's messages, newest first. One search looks at a part of them: the next goes on where
//! it ended.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::entry::Entry;
use super::reactions::ReactionsById;
use super::room::Room;
use crate::domain::SearchQuery;
use crate::protocol::HISTORY_PAGE_BYTES_MAX;

/// Bytes of messages that one search looks at: about 10 ms of work.
const EXAMINED_BYTES_MAX: usize = 1024 * 1024;
/// Messages that are looked at before other work comes.
const CHUNK: usize = 32;

/// What is searched for.
#[derive(Debug, Clone)]
pub struct Search {
    /// What messages must have.
    pub query: SearchQuery,
    /// Only those with ids below this.
    pub before: u64,
    /// At most so many.
    pub max: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Newest first.
    pub entries: Vec<Arc<Entry>>,
    /// The reactions to them.
    pub reactions: ReactionsById,
    /// Messages with ids below this were not looked at; `None` = all were.
    pub before: Option<u64>,
    /// Bytes of the messages that were looked at.
    pub examined_bytes: usize,
}

/// Looks at one message after the other, newest first, until enough is found.
#[derive(Debug)]
pub struct Finder<'a> {
    search: &'a Search,
    found: Found,
    found_bytes: usize,
    last_id: u64,
}

impl<'a> Finder<'a> {
    /// Nothing was looked at yet.
    #[must_use]
    pub fn new(search: &'a Search) -> Self {
        Self {
            search,
            found: Found::default(),
            found_bytes: 0,
            last_id: search.before,
        }
    }

    /// Looks at the next message. Returns false, and does not look, if that is enough for one search.
    pub fn look(&mut self, id: u64, text: &str, entry: impl FnOnce() -> Arc<Entry>) -> bool {
        let found = &mut self.found;
        if found.entries.len() == self.search.max
            || self.found_bytes > HISTORY_PAGE_BYTES_MAX
            || found.examined_bytes > EXAMINED_BYTES_MAX
        {
            found.before = Some(self.last_id);
            return false;
        }
        self.last_id = id;
        found.examined_bytes += text.len();
        if self.search.query.matches(text) {
            let entry = entry();
            self.found_bytes += entry.payload.get().len();
            found.entries.push(entry);
        }
        true
    }

    /// What was found.
    #[must_use]
    pub fn finish(mut self) -> Found {
        let Found {
            entries, reactions, ..
        } = &mut self.found;
        reactions.retain(|id, _| entries.iter().any(|entry| entry.id == *id));
        self.found
    }
}

impl Room {
    /// Searches the messages in memory.
    pub async fn search_in_memory(&self, search: &Search) -> Found {
        let mut finder = Finder::new(search);
        let mut before = search.before;
        loop {
            let page = {
                let state = self.state.lock();
                state.log.messages_before(before, CHUNK, usize::MAX)
            };
            for entry in page.entries.iter().rev() {
                // A deleted message has no text.
                let payload: Result<Text<'_>, _> = serde_json::from_str(entry.payload.get());
                let text = payload.map(|payload| payload.text).unwrap_or_default();
                let found = finder.look(entry.id, &text, || Arc::clone(entry));
                if let Some(reactions) = page.reactions.get(&entry.id) {
                    finder
                        .found
                        .reactions
                        .insert(entry.id, Arc::clone(reactions));
                }
                if !found {
                    return finder.finish();
                }
                before = entry.id;
            }
            if !page.more {
                return finder.finish();
            }
            tokio::task::yield_now().await;
        }
    }
}

/// The text in a message's payload.
#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}
