//! A user as commands see them: who they are, what they may still ask for, and the room they are in.
//! Nothing here knows how the user is connected.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::budget::Account;
use super::identity::{Identity, TokenError};
use super::registry::HoldReason;
use super::shared::Shared;
use super::watched::WatchedRoom;
use crate::domain::RequestError;
use crate::json;
use crate::protocol::{FEATURES, ServerInfo, SessionInfo};
use crate::room::{Membership, Room, Subscriber, Viewer};

/// A user who may execute commands.
#[derive(Debug)]
pub(crate) struct Participant {
    pub(super) shared: Arc<Shared>,
    pub(super) identity: Identity,
    pub(super) account: Arc<Account>,
    /// Receives what the joined room publishes.
    pub(super) subscriber: Arc<dyn Subscriber>,
    pub(super) joined: Option<JoinedRoom>,
    /// Rooms that the user looks into.
    pub(super) watched: Vec<WatchedRoom>,
}

impl Participant {
    /// Who this user is and what applies to them, for `session`. A token that the user presented is
    /// sent back as it is, so that none outlives it or says less.
    pub(super) fn session_info(&mut self) -> Box<RawValue> {
        let Self {
            shared, identity, ..
        } = self;
        let role = identity.role();
        let claims = identity.claims.as_mut();
        let presented = claims.map(|claims| std::mem::take(&mut claims.token));
        let token = presented.unwrap_or_else(|| shared.identities.issue(&identity.user_id).into());
        let claims = identity.claims.as_ref();
        json::raw(&SessionInfo {
            token: &token,
            user_id: &identity.user_id,
            code: identity.token_error.map(TokenError::as_str),
            limits: &shared.settings.limits,
            server: ServerInfo {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
                features: FEATURES,
            },
            role: role.as_str(),
            auth: shared.identities.auth_mode().as_str(),
            name: claims.and_then(|claims| Some(claims.actor.name.as_ref()?.as_str())),
        })
    }

    /// The user as a reader of the joined room's messages.
    pub(super) fn viewer(&self) -> Viewer<'_> {
        let user_id = Some(&*self.identity.user_id);
        match &self.joined {
            Some(joined) => joined.room().viewer(user_id),
            None => Viewer::default(),
        }
    }

    /// The joined room.
    pub(super) fn joined(&self) -> Result<&JoinedRoom, RequestError> {
        self.joined.as_ref().ok_or_else(RequestError::not_in_room)
    }

    /// The joined room.
    pub(super) fn joined_mut(&mut self) -> Result<&mut JoinedRoom, RequestError> {
        self.joined.as_mut().ok_or_else(RequestError::not_in_room)
    }

    /// Whether another process has taken over the membership in the joined room.
    pub(super) fn is_taken_over(&self) -> bool {
        let joined = self.joined.as_ref();
        joined.is_some_and(|joined| !joined.membership.is_current())
    }
}

/// The room that a user has joined, and how far they have received its log.
#[derive(Debug)]
pub(crate) struct JoinedRoom {
    pub(super) membership: Membership,
    /// Id of the last log entry sent to this connection, or deliberately skipped.
    pub(super) cursor: u64,
    /// While replaying up to this id, messages are sent and notices skipped.
    pub(super) resuming_until: u64,
    /// Id of the newest message of this connection that was acknowledged. If other processes share
    /// the room, the acknowledgement may come before the message is in the log here.
    pub(super) last_acked_id: u64,
    /// What the membership is held for if the client has said that it is about to close the
    /// connection.
    pub(super) closing: Option<HoldReason>,
}

impl JoinedRoom {
    pub(super) const fn new(membership: Membership, cursor: u64) -> Self {
        Self {
            membership,
            cursor,
            resuming_until: 0,
            last_acked_id: 0,
            closing: None,
        }
    }

    pub(super) const fn room(&self) -> &Arc<Room> {
        self.membership.room()
    }
}
