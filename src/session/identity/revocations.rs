//! Tokens that were taken back before they expire.

use std::collections::{HashMap, HashSet};

use parking_lot::RwLock;

use super::actor::{Actor, TokenSource};
use crate::room::UserId;

/// What was taken back. Nothing here outlasts the process: the owner of the list adds it again.
#[derive(Debug, Default)]
pub struct Revocations(RwLock<Revoked>);

#[derive(Debug, Default)]
struct Revoked {
    tokens: HashSet<Box<str>>,
    /// For each user, the time before which their tokens were made.
    users: HashMap<UserId, i64>,
    /// The same for all users.
    issued_before_s: Option<i64>,
}

impl Revocations {
    /// Takes back the token with this id.
    pub fn revoke_token(&self, token_id: &str) {
        self.0.write().tokens.insert(token_id.into());
    }

    /// Takes back every token of a user that was made before this time (seconds since the Unix epoch).
    pub fn revoke_user(&self, user_id: &str, issued_before_s: i64) {
        let mut revoked = self.0.write();
        let before = revoked.users.entry(user_id.into()).or_insert(i64::MIN);
        *before = issued_before_s.max(*before);
    }

    /// Takes back every token that was made before this time.
    pub fn revoke_issued_before(&self, issued_before_s: i64) {
        let before = &mut self.0.write().issued_before_s;
        *before = Some(before.map_or(issued_before_s, |known| known.max(issued_before_s)));
    }

    /// Whether the token of this actor was taken back. One that does not say when it was made counts
    /// as old. ADMIN_TOKEN is taken back by changing the setting.
    #[must_use]
    pub fn is_revoked(&self, actor: &Actor) -> bool {
        if actor.source == TokenSource::Root {
            return false;
        }
        let revoked = self.0.read();
        let by_user = revoked.users.get(&actor.user_id).copied();
        let is_old = |before: Option<i64>| before.is_some_and(|before| actor.issued_s < before);
        let by_id = actor.token_id.as_ref();
        by_id.is_some_and(|id| revoked.tokens.contains(id))
            || is_old(by_user)
            || is_old(revoked.issued_before_s)
    }
}
