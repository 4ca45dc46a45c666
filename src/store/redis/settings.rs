//! What the nodes of one service must agree on, published to each other through Redis.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::ClusterSettings;
use crate::random;

/// Grows with every change of what is in Redis that nodes of an earlier version count or read
/// otherwise.
const FORMAT: u32 = 3;
/// What else SECRET_KEY signs must not pass for this digest, nor the other way round.
const PURPOSE: &[u8] = b"hubbub digest of SECRET_KEY\0";
/// Bytes of the digest that are published.
const DIGEST_BYTES: usize = 16;

/// The settings of one node. Never has a secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// One `NAME=value` a line.
    lines: String,
}

impl Settings {
    /// The settings of this node.
    pub fn of(settings: &ClusterSettings) -> Self {
        let rooms: Vec<_> = settings.rooms.iter().map(|room| room.as_str()).collect();
        let lines = [
            ("format", FORMAT.to_string()),
            ("SECRET_KEY", digest(&settings.secret_key)),
            ("ROOMS", rooms.join(",")),
            ("HISTORY_MESSAGES", settings.log.messages_max.to_string()),
            ("HISTORY_BYTES", settings.log.bytes_max.to_string()),
            ("NOTICE_LIMIT", settings.notice_limit.to_string()),
            ("UNIQUE_NAMES", settings.unique_names.to_string()),
        ];
        let lines = lines
            .map(|(name, value)| format!("{name}={value}\n"))
            .concat();
        Self { lines }
    }

    /// The settings as the other nodes read them.
    pub fn as_str(&self) -> &str {
        &self.lines
    }

    /// The names of what nodes must agree on.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.agreed().map(|(name, _)| name)
    }

    /// The names of the settings that differ from those that another node has published (`theirs`). Nodes
    /// of the first format publish none.
    pub fn differing(&self, theirs: &str) -> Vec<&str> {
        if theirs.is_empty() {
            return vec!["format"];
        }
        let differs = |(name, value): &(&str, &str)| {
            let line = theirs
                .lines()
                .find_map(|line| line.strip_prefix(*name)?.strip_prefix('='));
            line != Some(value)
        };
        self.agreed()
            .filter(differs)
            .map(|(name, _)| name)
            .collect()
    }

    fn agreed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.lines().filter_map(|line| line.split_once('='))
    }
}

/// Shows whether two keys are equal, and nothing else about them.
fn digest(key: &[u8]) -> String {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes keys of any length (RFC 2104, section 3)"
    )]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(PURPOSE);
    random::hex(&mac.finalize().into_bytes()[..DIGEST_BYTES])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::RoomName;
    use crate::room::LogBounds;

    fn settings(key: &str, rooms: &[&str], messages_max: usize) -> Settings {
        let room = |name: &&str| RoomName::parse(name).unwrap_or_else(|e| panic!("{e}"));
        Settings::of(&ClusterSettings {
            url: String::new(),
            prefix: String::new(),
            secret_key: key.into(),
            rooms: rooms.iter().map(room).collect(),
            log: LogBounds {
                messages_max,
                bytes_max: 0,
                notices_max: 1000,
                archived: false,
                keep_for: Duration::ZERO,
            },
            notice_limit: 0,
            unique_names: false,
            resume_grace: Duration::ZERO,
        })
    }

    #[test]
    fn what_differs_is_named_and_the_key_is_not_told() {
        let key = "a key that nobody must see, 32 bytes";
        let ours = settings(key, &["general", "tech"], 1000);
        let differing = |theirs: Settings| ours.differing(theirs.as_str()).join(" ");
        assert_eq!(differing(settings(key, &["general", "tech"], 1000)), "");
        assert_eq!(
            differing(settings(key, &["tech", "general"], 1000)),
            "ROOMS"
        );
        assert_eq!(
            differing(settings("another", &["general", "tech"], 100)),
            "SECRET_KEY HISTORY_MESSAGES"
        );
        assert_eq!(ours.differing(""), ["format"]);
        assert_eq!(
            ours.differing("format=1\nnonsense").len(),
            ours.names().count()
        );
        assert!(!ours.as_str().contains("nobody"), "{}", ours.as_str());
    }
}
