//! Changes to messages: `edit_message`, `delete_message`, `react`, and what the room receives of them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::inbound::{ClientRequest, message_text, required};
use crate::domain::{ClientId, Emoji, MessageText, RequestError, TextLimits};

/// `edit_message`: replaces the text of one of the user's own messages.
#[derive(Debug, Clone)]
pub struct EditRequest {
    /// Id of the message.
    pub id: u64,
    /// Its new text.
    pub text: MessageText,
    /// The idempotency key.
    pub client_id: Option<ClientId>,
}

impl ClientRequest for EditRequest {
    const EVENT: &'static str = "edit_message";
    // As for `send_message`.
    const EVENT_BYTES_MAX: usize = usize::MAX;

    fn decode(payload: Option<&str>, limits: &TextLimits) -> Result<Self, RequestError> {
        let wire: EditWire<'_> = required(Self::EVENT, payload)?;
        let client_id = wire.client_id.map(|id| ClientId::parse(&id)).transpose()?;
        Ok(Self {
            id: wire.id,
            text: message_text(Self::EVENT, wire.text, limits)?,
            client_id,
        })
    }

    fn held_bytes(&self) -> usize {
        let client_id = self.client_id.as_ref();
        self.text.as_str().len() + client_id.map_or(0, |id| id.as_str().len())
    }
}

/// `delete_message`: deletes one of the user's own messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteRequest {
    /// Id of the message.
    pub id: u64,
}

impl ClientRequest for DeleteRequest {
    const EVENT: &'static str = "delete_message";

    fn decode(payload: Option<&str>, _limits: &TextLimits) -> Result<Self, RequestError> {
        let DeleteWire { id } = required(Self::EVENT, payload)?;
        Ok(Self { id })
    }
}

/// `react`: reacts to a message with an emoji, or takes that back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReactRequest {
    /// Id of the message.
    pub id: u64,
    /// The emoji.
    pub emoji: Emoji,
    /// Whether the user reacts, or takes it back.
    pub on: bool,
}

impl ClientRequest for ReactRequest {
    const EVENT: &'static str = "react";

    fn decode(payload: Option<&str>, _limits: &TextLimits) -> Result<Self, RequestError> {
        let wire: ReactWire<'_> = required(Self::EVENT, payload)?;
        Ok(Self {
            id: wire.id,
            emoji: Emoji::parse(&wire.emoji)?,
            on: wire.on,
        })
    }

    fn held_bytes(&self) -> usize {
        self.emoji.as_str().len()
    }
}

/// What a `message_changed` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The message has another text.
    Edited,
    /// The message is deleted.
    Deleted,
    /// A user has reacted to the message.
    Reacted,
    /// A user has taken a reaction back.
    Unreacted,
    /// A moderator has pinned the message.
    Pinned,
    /// A moderator has taken the message down.
    Unpinned,
}

/// `message_changed`
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageChanged<'a> {
    /// The room.
    pub room: &'a str,
    /// Position of the change in the room.
    pub id: u64,
    /// Id of the message.
    pub of: u64,
    /// What has changed.
    pub kind: ChangeKind,
    /// Who changed it.
    pub user_id: &'a str,
    /// Who changed it.
    pub username: &'a str,
    /// RFC 3339, UTC, milliseconds.
    pub timestamp: &'a str,
    /// The new text of an edited message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    /// The emoji of a reaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<&'a str>,
    /// How many users have reacted with the emoji now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// One emoji in a message's `reactions`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReactionCount<'a> {
    /// The emoji.
    pub emoji: &'a str,
    /// How many users have reacted with it.
    pub count: u64,
    /// Whether the reader has; absent if the reader is no user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mine: Option<bool>,
}

/// A deleted message in `history`, `get_history` and exports.
#[derive(Debug, Serialize)]
pub struct DeletedMessage<'a> {
    /// Position in the room.
    pub id: u64,
    /// Always true.
    pub deleted: bool,
    /// The room.
    pub room: &'a str,
    /// When the message was accepted: RFC 3339, UTC, milliseconds.
    pub timestamp: &'a str,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct EditWire<'a> {
    id: u64,
    #[serde(borrow)]
    #[schema(value_type = String)]
    text: &'a RawValue,
    #[serde(default, borrow)]
    client_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct ReactWire<'a> {
    id: u64,
    #[serde(borrow)]
    emoji: Cow<'a, str>,
    on: bool,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct DeleteWire {
    id: u64,
}
