//! What a decision is about.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use crate::domain::RoomName;

/// Bytes of the longest user id or token id in a key.
const ID_BYTES_MAX: usize = 128;

/// What a decision is about. As text, in a store: `ban/<user_id>`, `pin/<room>/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DecisionKey {
    /// The user may not connect.
    Ban(Arc<str>),
    /// No user may connect from this network: an IPv4 address, or an IPv6 /64.
    BannedNetwork(IpAddr),
    /// The user may not write.
    Mute(Arc<str>),
    /// The user was removed from a room a moment ago.
    Kick(Arc<str>),
    /// What a room is about.
    Topic(RoomName),
    /// How often one user may write in a room.
    SlowMode(RoomName),
    /// Only moderators may write in the room.
    Lock(RoomName),
    /// A message of a room is shown to all who come.
    Pin(RoomName, u64),
    /// The token with this id is not accepted.
    RevokedToken(Arc<str>),
    /// Tokens of this user from before the decision are not accepted.
    RevokedUser(Arc<str>),
    /// No token from before the decision is accepted.
    RevokedAll,
    /// A message waits for a moderator.
    Held(Arc<str>),
    /// An incoming webhook, which posts to a room.
    Hook(Arc<str>),
    /// An outgoing webhook, which receives entries of rooms.
    Webhook(Arc<str>),
    /// Up to which entry of a room an outgoing webhook has received them.
    WebhookCursor(Arc<str>, RoomName),
    /// How deliveries to an outgoing webhook go.
    WebhookProgress(Arc<str>),
}

impl DecisionKey {
    /// The room it is about, if it is about one.
    #[must_use]
    pub const fn room(&self) -> Option<&RoomName> {
        match self {
            Self::Topic(room) | Self::SlowMode(room) | Self::Lock(room) | Self::Pin(room, _) => {
                Some(room)
            }
            _ => None,
        }
    }

    /// Whether it may keep users from writing.
    #[must_use]
    pub const fn restricts_writing(&self) -> bool {
        matches!(self, Self::Mute(_) | Self::SlowMode(_) | Self::Lock(_))
    }
}

impl fmt::Display for DecisionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ban(user_id) => write!(f, "ban/{user_id}"),
            Self::BannedNetwork(network) => write!(f, "banned-network/{network}"),
            Self::Mute(user_id) => write!(f, "mute/{user_id}"),
            Self::Kick(user_id) => write!(f, "kick/{user_id}"),
            Self::Topic(room) => write!(f, "topic/{}", room.as_str()),
            Self::SlowMode(room) => write!(f, "slow-mode/{}", room.as_str()),
            Self::Lock(room) => write!(f, "lock/{}", room.as_str()),
            Self::Pin(room, id) => write!(f, "pin/{id}/{}", room.as_str()),
            Self::RevokedToken(id) => write!(f, "revoked-token/{id}"),
            Self::RevokedUser(user_id) => write!(f, "revoked-user/{user_id}"),
            Self::RevokedAll => write!(f, "revoked-all/"),
            Self::Held(id) => write!(f, "held/{id}"),
            Self::Hook(id) => write!(f, "hook/{id}"),
            Self::Webhook(id) => write!(f, "webhook/{id}"),
            Self::WebhookCursor(id, room) => {
                write!(f, "webhook-cursor/{id}/{}", room.as_str())
            }
            Self::WebhookProgress(id) => write!(f, "webhook-progress/{id}"),
        }
    }
}

/// A text is no [`DecisionKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no key of a decision")]
pub struct NoDecisionKey;

impl FromStr for DecisionKey {
    type Err = NoDecisionKey;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, NoDecisionKey> {
        let (kind, rest) = text.split_once('/').ok_or(NoDecisionKey)?;
        let room = |text| RoomName::parse(text).map_err(|_| NoDecisionKey);
        // Ids that this program makes: plain, so that more can follow after a slash.
        let part = |id: &str| {
            let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let fits = (1..=ID_BYTES_MAX).contains(&id.len());
            (is_plain && fits).then(|| id.into()).ok_or(NoDecisionKey)
        };
        let id = || {
            let fits = (1..=ID_BYTES_MAX).contains(&rest.len());
            let is_id = fits && !rest.chars().any(char::is_control);
            is_id.then(|| rest.into()).ok_or(NoDecisionKey)
        };
        Ok(match kind {
            "ban" => Self::Ban(id()?),
            "banned-network" => Self::BannedNetwork(rest.parse().map_err(|_| NoDecisionKey)?),
            "mute" => Self::Mute(id()?),
            "kick" => Self::Kick(id()?),
            "topic" => Self::Topic(room(rest)?),
            "slow-mode" => Self::SlowMode(room(rest)?),
            "lock" => Self::Lock(room(rest)?),
            "pin" => {
                let (message, name) = rest.split_once('/').ok_or(NoDecisionKey)?;
                let message = message.parse().map_err(|_| NoDecisionKey)?;
                Self::Pin(room(name)?, message)
            }
            "revoked-token" => Self::RevokedToken(id()?),
            "revoked-user" => Self::RevokedUser(id()?),
            "revoked-all" if rest.is_empty() => Self::RevokedAll,
            "held" => Self::Held(id()?),
            "hook" => Self::Hook(part(rest)?),
            "webhook" => Self::Webhook(part(rest)?),
            "webhook-cursor" => {
                let (id, name) = rest.split_once('/').ok_or(NoDecisionKey)?;
                Self::WebhookCursor(part(id)?, room(name)?)
            }
            "webhook-progress" => Self::WebhookProgress(part(rest)?),
            _ => return Err(NoDecisionKey),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_key_is_read_as_it_was_written() {
        let room = || RoomName::parse("general").unwrap_or_else(|e| panic!("{e}"));
        let user: Arc<str> = "u/1 ü".into();
        let keys = [
            DecisionKey::Ban(Arc::clone(&user)),
            DecisionKey::BannedNetwork([10, 0, 0, 1].into()),
            DecisionKey::BannedNetwork("2001:db8::".parse().unwrap_or_else(|e| panic!("{e}"))),
            DecisionKey::Mute(Arc::clone(&user)),
            DecisionKey::Kick(Arc::clone(&user)),
            DecisionKey::Topic(room()),
            DecisionKey::SlowMode(room()),
            DecisionKey::Lock(room()),
            DecisionKey::Pin(room(), 7),
            DecisionKey::RevokedToken(Arc::clone(&user)),
            DecisionKey::RevokedUser(Arc::clone(&user)),
            DecisionKey::Held(user),
            DecisionKey::RevokedAll,
            DecisionKey::Hook("0a".into()),
            DecisionKey::Webhook("0a".into()),
            DecisionKey::WebhookCursor("0a".into(), room()),
            DecisionKey::WebhookProgress("0a".into()),
        ];
        for key in keys {
            assert_eq!(key.to_string().parse(), Ok(key.clone()), "{key}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_panics(text in "(ban|mute|pin|topic|revoked-all|hook|webhook-cursor|x)?/?.{0,40}") {
            if let Ok(key) = text.parse::<DecisionKey>() {
                prop_assert_eq!(key.to_string().parse::<DecisionKey>(), Ok(key));
            }
        }
    }
}
