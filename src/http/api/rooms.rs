//! `rooms`: the rooms and what each has.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::extract::{ApiQuery, RoomOfPath, page_size};
use super::state::Api;
use crate::domain::RoomName;
use crate::room::Room;

/// Rooms on one page.
const ROOMS_MAX: usize = 200;

/// Which rooms are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RoomsQuery {
    /// Only rooms that are listed after this one.
    #[param(max_length = 64)]
    after: Option<String>,
    /// How many at most; 200 if it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomInfo {
    /// Its name.
    name: String,
    /// Members now.
    members: u64,
    /// Which incarnation of the room's log ids belong to.
    epoch: String,
    /// Id of its newest entry; 0 if there is none.
    last_id: u64,
    /// Entries after this id can all be read. Before it, some are gone.
    readable_after: u64,
    /// How many entries the slowest connection is behind.
    lag: u64,
    /// What it is about; empty if it has no topic.
    topic: String,
    /// Seconds between two messages of one user; 0 = not limited.
    slow_mode_s: u32,
    /// Only moderators may write.
    locked: bool,
    /// Ids of the pinned messages, oldest first.
    pinned: Vec<u64>,
}

impl RoomInfo {
    fn of(room: &Room) -> Self {
        let readable = room.resumable();
        let profile = room.profile().value();
        Self {
            name: room.name().as_str().to_owned(),
            members: room.member_count(),
            epoch: room.epoch().to_string(),
            last_id: *readable.end(),
            readable_after: *readable.start(),
            lag: room.lag(),
            topic: profile.topic,
            slow_mode_s: profile.slow_mode_s,
            locked: profile.locked,
            pinned: profile.pinned,
        }
    }
}

/// A page of rooms.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomsPage {
    /// In the order in which clients list them.
    rooms: Vec<RoomInfo>,
    /// Whether there are more after these.
    more: bool,
}

/// All rooms
#[utoipa::path(get, path = "/rooms", tag = "rooms", operation_id = "listRooms",
    params(RoomsQuery), responses((status = 200, description = "A page of rooms", body = RoomsPage),
        (status = 404, description = "There is no room that `after` names", body = ErrorBody)))]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    ApiQuery(query): ApiQuery<RoomsQuery>,
) -> Result<Response, ApiError> {
    let limit = page_size(query.limit, ROOMS_MAX, ROOMS_MAX)?;
    let rooms = &api.parts.shared.rooms;
    let first = match query.after {
        None => 0,
        Some(name) => {
            let name = RoomName::parse(&name).map_err(|_| ApiError::unknown_room())?;
            rooms.get(&name).ok_or_else(ApiError::unknown_room)?.index() + 1
        }
    };
    let mut listed: Vec<_> = rooms.all().filter(|room| room.index() >= first).collect();
    listed.sort_unstable_by_key(|room| room.index());
    let more = listed.len() > limit;
    listed.truncate(limit);
    let rooms = listed.into_iter().map(|room| RoomInfo::of(room)).collect();
    api.answer(&caller, &RoomsPage { rooms, more })
}

/// One room
#[utoipa::path(get, path = "/rooms/{room}", tag = "rooms", operation_id = "getRoom",
    params(("room" = String, Path, description = "Name of the room")),
    responses((status = 200, description = "The room", body = RoomInfo)))]
pub async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    RoomOfPath(room): RoomOfPath,
) -> Result<Response, ApiError> {
    api.answer(&caller, &RoomInfo::of(&room))
}
