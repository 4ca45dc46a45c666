//! The wire payloads of a room's entries.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::log::EntryKind;
use super::members::{Member, UserId};
use super::record::{Content, Record};
use super::room::Room;
use crate::domain::Username;
use crate::protocol::{NoticeKind, ReceiveMessage, SystemMessage};
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
            Content::Message { text, client_id } => {
                let client_id = client_id.as_deref();
                let payload = self.message(record.id, &record.member, text, &at, client_id);
                (EntryKind::Message, payload)
            }
            Content::Joined => notice(NoticeKind::Joined, None),
            Content::Left => notice(NoticeKind::Left, None),
            Content::Removed => notice(NoticeKind::Removed, None),
            Content::Renamed { before } => notice(NoticeKind::Renamed, Some(before)),
        }
    }

    pub(super) fn message(
        &self,
        id: u64,
        sender: &Member,
        text: &str,
        timestamp: &str,
        client_id: Option<&str>,
    ) -> Box<RawValue> {
        json::raw(&ReceiveMessage {
            sender: sender.username.as_str(),
            text,
            timestamp,
            room: self.name.as_str(),
            id,
            user_id: &sender.user_id,
            client_id,
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
