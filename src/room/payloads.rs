//! The wire payloads of a room's entries.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::log::{Entry, EntryKind};
use super::members::{Member, UserId};
use super::record::{Content, MessageChange, Record};
use super::room::Room;
use crate::domain::{Emoji, Username};
use crate::protocol::{
    BOT_USERS, DeletedMessage, MessageChanged, NoticeKind, ReceiveMessage, SystemMessage,
};
use crate::{clock, json};

impl Room {
    /// The kind of a record and its wire payload.
    pub(super) fn render(&self, record: &Record) -> (EntryKind, Box<RawValue>) {
        let at = clock::rfc3339(record.at_ms);
        let notice = |kind, before: Option<&Username>| {
            let payload = self.notice(Some(record.id), kind, &record.member, before, &at);
            (EntryKind::Notice, payload)
        };
        match &record.content {
            Content::Message {
                text,
                client_id,
                edited_ms,
                reply_to,
            } => {
                let payload = json::raw(&ReceiveMessage {
                    sender: record.member.username.as_str(),
                    text,
                    timestamp: &at,
                    room: self.name.as_str(),
                    id: record.id,
                    user_id: &record.member.user_id,
                    client_id: client_id.as_deref(),
                    reply_to: *reply_to,
                    edited_at: edited_ms.map(clock::rfc3339).as_deref(),
                    bot: record.member.user_id.starts_with(BOT_USERS),
                    reactions: None,
                    pinned: false,
                });
                (EntryKind::Message, payload)
            }
            Content::Tombstone { .. } => (EntryKind::Tombstone, self.tombstone(record.id, &at)),
            Content::Changed { of, change } => {
                let what = change.kind();
                let payload = json::raw(&MessageChanged {
                    room: self.name.as_str(),
                    id: record.id,
                    of: *of,
                    kind: what,
                    user_id: &record.member.user_id,
                    username: record.member.username.as_str(),
                    timestamp: &at,
                    text: change.text(),
                    emoji: change.reaction().map(|reaction| reaction.emoji.as_str()),
                    count: change.reaction().map(|reaction| reaction.count),
                });
                let kind = match change.reaction() {
                    Some(reaction) => self.reaction_kind(*of, &reaction.emoji),
                    None => EntryKind::Change { of: *of, what },
                };
                (kind, payload)
            }
            Content::Joined => notice(NoticeKind::Joined, None),
            Content::Left => notice(NoticeKind::Left, None),
            Content::Removed => notice(NoticeKind::Removed, None),
            Content::Renamed { before } => notice(NoticeKind::Renamed, Some(before)),
        }
    }

    /// The kind of a reaction with an emoji to the message `of`.
    pub(super) fn reaction_kind(&self, of: u64, emoji: &Emoji) -> EntryKind {
        EntryKind::Reaction {
            of,
            emoji: self.hash_of(emoji.as_str()),
        }
    }

    /// The newest state of a message after a change at `at_ms`.
    pub(super) fn render_changed(
        &self,
        message: &Entry,
        change: &MessageChange,
        at_ms: i64,
    ) -> Option<(EntryKind, Box<RawValue>)> {
        let before = SentMessage::parse(&message.payload)?;
        Some(match change {
            MessageChange::Deleted => {
                let payload = self.tombstone(message.id, &before.timestamp);
                (EntryKind::Tombstone, payload)
            }
            MessageChange::Edited { text, .. } => {
                let payload = json::raw(&ReceiveMessage {
                    sender: &before.sender,
                    text,
                    timestamp: &before.timestamp,
                    room: self.name.as_str(),
                    id: message.id,
                    user_id: &before.user_id,
                    client_id: before.client_id.as_deref(),
                    reply_to: before.reply_to,
                    edited_at: Some(&clock::rfc3339(at_ms)),
                    bot: before.user_id.starts_with(BOT_USERS),
                    reactions: None,
                    pinned: false,
                });
                (EntryKind::Message, payload)
            }
            MessageChange::Reacted(_) | MessageChange::Pinned { .. } => return None,
        })
    }

    fn tombstone(&self, id: u64, timestamp: &str) -> Box<RawValue> {
        json::raw(&DeletedMessage {
            id,
            deleted: true,
            room: self.name.as_str(),
            timestamp,
        })
    }

    /// The notice of a user's joining, for that user alone.
    pub(super) fn own_notice(&self, member: &Member) -> Box<RawValue> {
        self.notice_for_one(NoticeKind::Joined, member)
    }

    /// The notice of a user's removal, for that user alone.
    #[must_use]
    pub fn own_notice_of_removal(&self, user_id: &UserId, username: Username) -> Box<RawValue> {
        let member = Member {
            user_id: Arc::clone(user_id),
            username,
        };
        self.notice_for_one(NoticeKind::Removed, &member)
    }

    fn notice_for_one(&self, kind: NoticeKind, member: &Member) -> Box<RawValue> {
        let at = clock::rfc3339(self.state.lock().now_ms());
        self.notice(None, kind, member, None, &at)
    }

    /// `before` is the name a member had who is renamed.
    pub(super) fn notice(
        &self,
        id: Option<u64>,
        kind: NoticeKind,
        member: &Member,
        before: Option<&Username>,
        timestamp: &str,
    ) -> Box<RawValue> {
        let name = member.username.as_str();
        let text = match (kind, before) {
            (NoticeKind::Left, _) => format!("{name} has left the room"),
            (NoticeKind::Removed, _) => format!("{name} was removed from the room"),
            (NoticeKind::Renamed, Some(before)) => {
                format!("{} is now known as {name}", before.as_str())
            }
            (NoticeKind::Joined | NoticeKind::Renamed, _) => format!("{name} has joined the room"),
        };
        json::raw(&SystemMessage {
            text: &text,
            timestamp,
            id,
            kind,
            username: name,
            user_id: &member.user_id,
            room: self.name.as_str(),
        })
    }
}

/// What is read back from a payload of `receive_message` or `message_changed`.
#[derive(Deserialize)]
pub(super) struct SentMessage<'a> {
    #[serde(default, borrow)]
    sender: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) user_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) timestamp: Cow<'a, str>,
    #[serde(default, borrow)]
    client_id: Option<Cow<'a, str>>,
    #[serde(default)]
    reply_to: Option<u64>,
}

impl<'a> SentMessage<'a> {
    /// `None` for any other payload.
    pub(super) fn parse(payload: &'a RawValue) -> Option<Self> {
        serde_json::from_str(payload.get()).ok()
    }
}
