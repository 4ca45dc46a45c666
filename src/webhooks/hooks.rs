//! Incoming webhooks: keys with which programs post to a room.
//!
//! A key is an id, a dash and a secret part. Of the key only its SHA-256 is kept, so that what a
//! store or a backup has opens nothing.

use std::sync::Arc;

use ring::digest;

use super::manage::{WebhookError, Webhooks};
use super::parts::{decision, new_id};
use super::supervisor::first_key;
use crate::decisions::{AuditLine, Decision, DecisionKey, Hook, Integration};
use crate::domain::{RoomName, Username};
use crate::moderation::Author;
use crate::protocol::BOT_USERS;
use crate::random;
use crate::room::UserId;

/// Incoming webhooks that there may be.
pub const HOOKS_MAX: usize = 1000;
/// Random bytes of a key.
const KEY_BYTES: usize = 24;
/// Bytes of the longest key that is looked at.
const KEY_LENGTH_MAX: usize = 128;

/// An incoming webhook, and when and by whom it was made.
#[derive(Debug, Clone)]
pub struct KnownHook {
    /// Its id.
    pub id: Arc<str>,
    /// When it was made, and by whom.
    pub decision: Arc<Decision>,
    /// Its settings.
    pub hook: Hook,
}

impl KnownHook {
    /// The user that its messages are from.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        format!("{BOT_USERS}hook:{}", self.id).into()
    }
}

impl Webhooks {
    /// At most `max` incoming webhooks after the one with the id `after`, oldest first.
    #[must_use]
    pub fn list_hooks(&self, after: Option<&str>, max: usize) -> Vec<KnownHook> {
        let after = after.map_or_else(first_key, |id| DecisionKey::Hook(id.into()));
        let listed = self
            .parts
            .decisions()
            .list(Some(&after), max, |key| matches!(key, DecisionKey::Hook(_)));
        let known = listed.into_iter().filter_map(|(key, decision)| match key {
            DecisionKey::Hook(id) => known(id, decision),
            _ => None,
        });
        known.collect()
    }

    /// Makes an incoming webhook. Returns its key too, which is known to no one else.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn add_hook(
        &self,
        author: Author<'_>,
        room: &RoomName,
        username: &Username,
    ) -> Result<(KnownHook, String), WebhookError> {
        if self.list_hooks(None, HOOKS_MAX).len() >= HOOKS_MAX {
            return Err(WebhookError::TooMany(HOOKS_MAX));
        }
        let id = new_id();
        let key = format!("{id}-{}", random::hex(&random::bytes::<KEY_BYTES>()));
        let hook = Hook {
            room: room.as_str().to_owned(),
            username: username.as_str().to_owned(),
            key_sha256: digest_of(&key),
        };
        let made = decision(author.user_id, Integration::Hook(hook.clone()));
        let set = vec![(DecisionKey::Hook(Arc::clone(&id)), Some(made.clone()))];
        let line = line_of(&id, &hook);
        let moderation = &self.parts.moderation;
        moderation
            .set_webhooks(author, "hook_added", set, line)
            .await?;
        let known = KnownHook {
            id,
            decision: Arc::new(made),
            hook,
        };
        Ok((known, key))
    }

    /// Removes an incoming webhook: its key opens nothing any more.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn remove_hook(&self, author: Author<'_>, id: &str) -> Result<(), WebhookError> {
        let key = DecisionKey::Hook(id.into());
        let found = self.parts.decisions().get(&key);
        let found = found.and_then(|decision| known(id.into(), decision));
        let line = line_of(id, &found.ok_or(WebhookError::NotFound)?.hook);
        let moderation = &self.parts.moderation;
        moderation
            .set_webhooks(author, "hook_removed", vec![(key, None)], line)
            .await?;
        Ok(())
    }

    /// The incoming webhook of this room that a key opens. Takes as long whether there is one or
    /// not.
    #[must_use]
    pub fn hook_of(&self, room: &str, key: &str) -> Option<KnownHook> {
        if key.len() > KEY_LENGTH_MAX {
            return None;
        }
        let given = digest_of(key);
        let (id, _) = key.split_once('-').unwrap_or((key, ""));
        let found = self.parts.decisions().get(&DecisionKey::Hook(id.into()));
        let found = found.and_then(|decision| known(id.into(), decision));
        let kept = match &found {
            Some(known) => known.hook.key_sha256.clone(),
            // Of no key.
            None => digest_of(&given),
        };
        let is_key = is_same(kept.as_bytes(), given.as_bytes());
        found.filter(|known| is_key && known.hook.room == room)
    }
}

fn known(id: Arc<str>, decision: Arc<Decision>) -> Option<KnownHook> {
    let Some(Integration::Hook(hook)) = decision.integration.as_deref() else {
        return None;
    };
    Some(KnownHook {
        id,
        hook: hook.clone(),
        decision,
    })
}

fn digest_of(key: &str) -> String {
    let digest = digest::digest(&digest::SHA256, key.as_bytes());
    random::hex(digest.as_ref())
}

/// Compares digests in a time that does not depend on where they differ.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differences) == 0
}

fn line_of(id: &str, hook: &Hook) -> AuditLine {
    AuditLine {
        room: Some(hook.room.clone()),
        username: Some(hook.username.clone()),
        value: Some(id.to_owned()),
        ..AuditLine::default()
    }
}
