//! What a room's log in Redis is, as `open.lua` answers.

use std::sync::Arc;

use redis::Value;

use super::connection::{RedisError, RedisResult, read};
use crate::room::{ID_MAX, Room};

/// What a log is.
pub struct Opened {
    pub epoch: Arc<str>,
    pub head: u64,
    pub floor: u64,
    pub newest_message: Option<u64>,
    /// Its stream's last id.
    pub position: String,
}

pub fn opened(room: &Room, answer: Value) -> RedisResult<Opened> {
    let (epoch, head, floor, newest, position): (String, u64, u64, String, String) = read(answer)?;
    if head > ID_MAX || floor > head {
        let what = format!("room {} ends at {head} and jumped at {floor}", room.name());
        return Err(RedisError::Unexpected(what));
    }
    Ok(Opened {
        epoch: epoch.into(),
        head,
        floor,
        newest_message: newest.parse().ok(),
        position,
    })
}
