//! Messages as one reader is shown them. All readers share a message's payload; its reactions, of which
//! some are the reader's own, and whether it is pinned are added when an answer is made.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::entry::{Entry, EntryKind};
use super::reactions::{Reactions, ReactionsById};
use super::ring::Page;
use super::room::Room;
use super::search::Found;
use crate::json;
use crate::protocol::ReactionCount;

/// Who is shown messages of a room.
#[derive(Debug, Default)]
pub struct Viewer<'a> {
    user_id: Option<&'a str>,
    pinned: Vec<u64>,
}

impl Room {
    /// A reader of the room's messages, who is a user or not.
    #[must_use]
    pub fn viewer<'a>(&self, user_id: Option<&'a str>) -> Viewer<'a> {
        Viewer {
            user_id,
            pinned: self.profile().pinned(),
        }
    }
}

impl Page {
    /// The messages as a reader is shown them, oldest first.
    #[must_use]
    pub fn payloads(&self, viewer: &Viewer<'_>) -> Vec<Cow<'_, RawValue>> {
        viewer.all(&self.entries, &self.reactions)
    }
}

impl Found {
    /// The messages as a reader is shown them, newest first.
    #[must_use]
    pub fn payloads(&self, viewer: &Viewer<'_>) -> Vec<Cow<'_, RawValue>> {
        viewer.all(&self.entries, &self.reactions)
    }
}

/// What is added to a message's payload.
#[derive(Serialize)]
struct Additions<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<ReactionCount<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pinned: bool,
}

impl Viewer<'_> {
    fn all<'a>(
        &self,
        entries: &'a [Arc<Entry>],
        reactions: &ReactionsById,
    ) -> Vec<Cow<'a, RawValue>> {
        let shown = entries
            .iter()
            .map(|entry| self.one(entry, reactions.get(&entry.id)));
        shown.collect()
    }

    fn one<'a>(&self, entry: &'a Entry, reactions: Option<&Arc<Reactions>>) -> Cow<'a, RawValue> {
        let additions = Additions {
            reactions: reactions.map_or_else(Vec::new, |reactions| reactions.counts(self.user_id)),
            pinned: self.pinned.contains(&entry.id),
        };
        let is_plain = additions.reactions.is_empty() && !additions.pinned;
        if entry.kind != EntryKind::Message || is_plain {
            return Cow::Borrowed(&entry.payload);
        }
        let additions = json::raw(&additions);
        // Both are objects with fields.
        let joined = entry
            .payload
            .get()
            .strip_suffix('}')
            .zip(additions.get().strip_prefix('{'));
        let joined = joined.map(|(message, additions)| format!("{message},{additions}"));
        match joined.map(RawValue::from_string) {
            Some(Ok(payload)) => Cow::Owned(payload),
            _ => Cow::Borrowed(&entry.payload),
        }
    }
}
