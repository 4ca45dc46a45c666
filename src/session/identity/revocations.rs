//! Tokens that were taken back before they expire.

use std::sync::Arc;

use super::actor::{Actor, TokenSource};
use crate::decisions::{DecisionKey, Decisions};

/// What was taken back: the decisions say so.
#[derive(Debug, Default)]
pub struct Revocations(Arc<Decisions>);

impl Revocations {
    /// Those in these decisions.
    #[must_use]
    pub const fn new(decisions: Arc<Decisions>) -> Self {
        Self(decisions)
    }

    /// Whether the token of this actor was taken back. One that does not say when it was made counts
    /// as old. ADMIN_TOKEN is taken back by changing the setting.
    #[must_use]
    pub fn is_revoked(&self, actor: &Actor) -> bool {
        if actor.source == TokenSource::Root {
            return false;
        }
        let token = actor.token_id.as_deref();
        let token = token.map(|id| DecisionKey::RevokedToken(id.into()));
        if token.is_some_and(|key| self.0.get(&key).is_some()) {
            return true;
        }
        let made_ms = actor.issued_s.saturating_mul(1000);
        let of_user = DecisionKey::RevokedUser(Arc::clone(&actor.user_id));
        let mut before = [of_user, DecisionKey::RevokedAll].into_iter();
        before.any(|key| self.0.get(&key).is_some_and(|since| made_ms < since.at_ms))
    }
}
