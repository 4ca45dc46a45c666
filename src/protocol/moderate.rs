//! `moderate`: what people in charge of rooms do.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ClientRequest;
use super::inbound::{USER_ID_BYTES_MAX, required};
use crate::domain::{MessageText, RequestError, TextLimits};

/// The longest time that a mute or a ban with an end lasts: ten years.
const TIME_MAX_S: u64 = 10 * 366 * 24 * 3600;
/// The longest slow mode: six hours.
const SLOW_MODE_MAX_S: u32 = 6 * 3600;
/// How long a topic or a reason may be.
const NOTE_LIMITS: TextLimits = TextLimits {
    chars_max: 300,
    bytes_max: 2048,
};

/// `moderate`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModerateRequest {
    /// A message is deleted.
    Delete {
        /// The message.
        id: u64,
    },
    /// All messages of a user in the room are deleted.
    Clear {
        /// Who.
        user_id: Arc<str>,
    },
    /// The user may not write for this long.
    Mute {
        /// Who.
        user_id: Arc<str>,
        /// How long; `None` = until `unmute`.
        time: Option<Duration>,
        /// Why.
        reason: Option<Box<str>>,
    },
    /// The user may write again.
    Unmute {
        /// Who.
        user_id: Arc<str>,
    },
    /// The user leaves the room, and may come back.
    Kick {
        /// Who.
        user_id: Arc<str>,
        /// Why.
        reason: Option<Box<str>>,
    },
    /// The user leaves the service, and may not come back.
    Ban {
        /// Who.
        user_id: Arc<str>,
        /// How long; `None` = until `unban`.
        time: Option<Duration>,
        /// The networks that the user connects from, too.
        with_network: bool,
        /// Why.
        reason: Option<Box<str>>,
    },
    /// The user, and the networks banned with them, may come back.
    Unban {
        /// Who.
        user_id: Arc<str>,
    },
    /// Each user may write this often in the room.
    SlowMode {
        /// Seconds between two messages; 0 = not limited.
        seconds: u32,
    },
    /// Only moderators may write in the room, or all again.
    Lock {
        /// Which of the two.
        locked: bool,
    },
    /// What the room is about.
    Topic {
        /// The text; `None` = no topic.
        text: Option<Box<str>>,
    },
    /// A message is shown to all who come, or no longer.
    Pin {
        /// The message.
        id: u64,
        /// Which of the two.
        on: bool,
    },
}

impl ModerateRequest {
    /// The action's name on the wire and in the audit log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Delete { .. } => "delete",
            Self::Clear { .. } => "clear",
            Self::Mute { .. } => "mute",
            Self::Unmute { .. } => "unmute",
            Self::Kick { .. } => "kick",
            Self::Ban { .. } => "ban",
            Self::Unban { .. } => "unban",
            Self::SlowMode { .. } => "slow_mode",
            Self::Lock { .. } => "lock",
            Self::Topic { .. } => "topic",
            Self::Pin { .. } => "pin",
        }
    }

    /// The user it is about.
    #[must_use]
    pub const fn user_id(&self) -> Option<&Arc<str>> {
        match self {
            Self::Mute { user_id, .. }
            | Self::Unmute { user_id }
            | Self::Kick { user_id, .. }
            | Self::Ban { user_id, .. }
            | Self::Unban { user_id }
            | Self::Clear { user_id } => Some(user_id),
            _ => None,
        }
    }

    /// Whether it holds in every room.
    #[must_use]
    pub const fn is_for_all_rooms(&self) -> bool {
        matches!(
            self,
            Self::Mute { .. } | Self::Unmute { .. } | Self::Ban { .. } | Self::Unban { .. }
        )
    }
}

impl ClientRequest for ModerateRequest {
    const EVENT: &'static str = "moderate";

    fn decode(payload: Option<&str>, _limits: &TextLimits) -> Result<Self, RequestError> {
        let wire: ModerateWire<'_> = required(Self::EVENT, payload)?;
        wire.read()
    }

    fn held_bytes(&self) -> usize {
        let note = match self {
            Self::Mute { reason, .. } | Self::Kick { reason, .. } | Self::Ban { reason, .. } => {
                reason
            }
            Self::Topic { text } => text,
            _ => &None,
        };
        self.user_id().map_or(0, |id| id.len()) + note.as_ref().map_or(0, |note| note.len())
    }
}

#[derive(Deserialize, ToSchema)]
pub(super) struct ModerateWire<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow, default)]
    user_id: Option<Cow<'a, str>>,
    #[serde(default)]
    for_s: Option<u64>,
    #[serde(default)]
    address: bool,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
    #[serde(default)]
    seconds: Option<u32>,
    #[serde(default)]
    locked: Option<bool>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(default)]
    id: Option<u64>,
    #[serde(default)]
    on: Option<bool>,
}

impl ModerateWire<'_> {
    fn read(self) -> Result<ModerateRequest, RequestError> {
        Ok(match &*self.action {
            "delete" => ModerateRequest::Delete {
                id: needed(self.id, "id")?,
            },
            "clear" => ModerateRequest::Clear {
                user_id: self.user()?,
            },
            "mute" => ModerateRequest::Mute {
                user_id: self.user()?,
                time: self.time()?,
                reason: self.reason()?,
            },
            "unmute" => ModerateRequest::Unmute {
                user_id: self.user()?,
            },
            "kick" => ModerateRequest::Kick {
                user_id: self.user()?,
                reason: self.reason()?,
            },
            "ban" => ModerateRequest::Ban {
                user_id: self.user()?,
                time: self.time()?,
                with_network: self.address,
                reason: self.reason()?,
            },
            "unban" => ModerateRequest::Unban {
                user_id: self.user()?,
            },
            "slow_mode" => ModerateRequest::SlowMode {
                seconds: within(needed(self.seconds, "seconds")?)?,
            },
            "lock" => ModerateRequest::Lock {
                locked: needed(self.locked, "locked")?,
            },
            "topic" => ModerateRequest::Topic {
                text: note(Some(&*needed(self.text, "text")?))?,
            },
            "pin" => ModerateRequest::Pin {
                id: needed(self.id, "id")?,
                on: needed(self.on, "on")?,
            },
            _ => {
                return Err(RequestError::invalid_payload(
                    "moderate: action must be delete, clear, mute, unmute, kick, ban, unban, slow_mode, \
                     lock, topic or pin",
                ));
            }
        })
    }

    fn user(&self) -> Result<Arc<str>, RequestError> {
        let user_id = needed(self.user_id.as_deref(), "user_id")?;
        let fits = (1..=USER_ID_BYTES_MAX).contains(&user_id.len());
        if !fits || user_id.chars().any(char::is_control) {
            return Err(RequestError::invalid_payload(
                "moderate: user_id is no user's id",
            ));
        }
        Ok(user_id.into())
    }

    fn time(&self) -> Result<Option<Duration>, RequestError> {
        match self.for_s {
            None => Ok(None),
            Some(seconds @ 1..=TIME_MAX_S) => Ok(Some(Duration::from_secs(seconds))),
            Some(_) => Err(RequestError::invalid_payload(
                "moderate: for_s must be from 1 to 316224000; leave it out for no end",
            )),
        }
    }

    fn reason(&self) -> Result<Option<Box<str>>, RequestError> {
        note(self.reason.as_deref())
    }
}

/// A topic or a reason; blank is none.
fn note(text: Option<&str>) -> Result<Option<Box<str>>, RequestError> {
    match text.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => {
            let text = MessageText::parse(text, &NOTE_LIMITS)?;
            Ok(Some(text.as_str().into()))
        }
    }
}

fn within(seconds: u32) -> Result<u32, RequestError> {
    (seconds <= SLOW_MODE_MAX_S)
        .then_some(seconds)
        .ok_or_else(|| RequestError::invalid_payload("moderate: seconds must be at most 21600"))
}

fn needed<T>(value: Option<T>, field: &str) -> Result<T, RequestError> {
    value.ok_or_else(|| {
        RequestError::invalid_payload(format!("moderate: this action needs `{field}`"))
    })
}

/// `room_changed`: how a room is run; the newest state counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomChanged<'a> {
    /// The room.
    pub room: &'a str,
    /// What it is about; empty if it has no topic.
    pub topic: &'a str,
    /// Seconds between two messages of one user; 0 = not limited.
    pub slow_mode_s: u32,
    /// Only moderators may write.
    pub locked: bool,
    /// Ids of the pinned messages, oldest first.
    pub pinned: &'a [u64],
}
