//! Who calls.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::error::ApiError;
use crate::moderation::Author;
use crate::peer::{ClientAddress, network_of};
use crate::session::budget::Account;
use crate::session::identity::Actor;

/// Who calls, as handlers get it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The owner of the token.
    pub actor: Actor,
    /// The caller's rate limits.
    pub account: Arc<Account>,
    /// Where the caller connects from, if that is known.
    pub client: Option<ClientAddress>,
}

impl Caller {
    /// The caller as one who moderates.
    pub fn author(&self) -> Author<'_> {
        Author {
            user_id: &self.actor.user_id,
            name: self.actor.name.as_ref(),
            role: self.actor.role,
            network: self
                .client
                .map(|ClientAddress(address)| network_of(address)),
            rooms: self.actor.rooms.as_deref(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Every group of calls has a guard, which adds it.
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| ApiError::unavailable("this call is not guarded"))
    }
}
