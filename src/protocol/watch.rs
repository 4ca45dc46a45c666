//! Looking into rooms without being a member: `watch_room` and `unwatch_room`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::inbound::{ClientRequest, page_size, required};
use crate::domain::{RequestError, RoomName, TextLimits};

/// `watch_room`: receives what a room's members receive of its log, without being one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRequest {
    /// The room.
    pub room: RoomName,
    /// How many of the newest messages to answer with, at most
    /// [`HISTORY_PAGE_MAX`](super::HISTORY_PAGE_MAX).
    pub history: Option<usize>,
}

impl ClientRequest for WatchRequest {
    const EVENT: &'static str = "watch_room";

    fn decode(payload: Option<&str>, _limits: &TextLimits) -> Result<Self, RequestError> {
        let wire: WatchWire<'_> = required(Self::EVENT, payload)?;
        Ok(Self {
            room: RoomName::parse(&wire.room_name)?,
            history: wire.history.map(page_size),
        })
    }

    fn held_bytes(&self) -> usize {
        self.room.as_str().len()
    }
}

/// `unwatch_room`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnwatchRequest {
    /// The room.
    pub room: RoomName,
}

impl ClientRequest for UnwatchRequest {
    const EVENT: &'static str = "unwatch_room";

    fn decode(payload: Option<&str>, _limits: &TextLimits) -> Result<Self, RequestError> {
        let wire: UnwatchWire<'_> = required(Self::EVENT, payload)?;
        let room = RoomName::parse(&wire.room_name)?;
        Ok(Self { room })
    }

    fn held_bytes(&self) -> usize {
        self.room.as_str().len()
    }
}

#[derive(Deserialize, ToSchema)]
pub(super) struct WatchWire<'a> {
    #[serde(borrow)]
    room_name: Cow<'a, str>,
    #[serde(default)]
    history: Option<u64>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct UnwatchWire<'a> {
    #[serde(borrow)]
    room_name: Cow<'a, str>,
}

/// Body of `watch_room`'s acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
pub struct WatchBody<'a> {
    /// The room.
    pub room: &'a str,
    /// Which incarnation of the room's log ids belong to.
    pub epoch: &'a str,
    /// The last id before what follows live.
    pub last_id: u64,
    /// The newest messages, oldest first; present where asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<super::ReceiveMessage>>)]
    pub history: Option<Vec<Cow<'a, RawValue>>>,
}
