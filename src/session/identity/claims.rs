//! Who a client is, by what it presents with CONNECT.

use std::net::IpAddr;

use super::actor::{Actor, TokenError, TokenSource};
use super::fixed_names::FixedNameUse;
use super::{AuthMode, Identities};
use crate::clock;
use crate::domain::{RequestError, ReservedNames, Role, RoomName, Username};
use crate::protocol::Auth;
use crate::room::UserId;

/// Why a CONNECT is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// A valid token is required, and none was presented.
    #[error("This service requires a token: sign in and connect with it")]
    Unauthorized,
    /// The token was valid once.
    #[error("Your token has expired: sign in again")]
    Expired,
    /// The user or the network is banned.
    #[error("You are banned from this service")]
    Banned {
        /// Until when, in milliseconds since the Unix epoch; `None` if it has no end.
        until_ms: Option<i64>,
    },
}

impl ConnectError {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Expired => "expired",
            Self::Banned { .. } => "banned",
        }
    }

    /// When the client may come back (RFC 3339), if that is known.
    #[must_use]
    pub fn until(self) -> Option<String> {
        match self {
            Self::Banned { until_ms } => until_ms.map(clock::rfc3339),
            Self::Unauthorized | Self::Expired => None,
        }
    }
}

/// Who a client is, by the token it presented.
#[derive(Debug)]
pub struct Identity {
    pub(in crate::session) user_id: UserId,
    /// The network it connects from, if that is known.
    pub(in crate::session) network: Option<IpAddr>,
    /// The server has just made this identity up.
    pub(in crate::session) is_new: bool,
    /// The client says that it can resume.
    pub(in crate::session) resumes: bool,
    /// Why the presented token is not accepted.
    pub(in crate::session) token_error: Option<TokenError>,
    /// What the token says beside the user, if it says more. Boxed, because few do.
    pub(in crate::session) claims: Option<Box<Claims>>,
}

/// What a token says that the server did not issue by itself.
#[derive(Debug)]
pub(in crate::session) struct Claims {
    pub(in crate::session) actor: Actor,
    /// The token itself, until it is sent back.
    pub(in crate::session) token: Box<str>,
    _name_use: Option<FixedNameUse>,
}

impl Identity {
    /// Recognises a client.
    ///
    /// # Errors
    /// [`ConnectError`] if a token is required, and the client has no valid one. A token that the
    /// server once issued by itself is none: it went to anyone who asked.
    pub(in crate::session) fn new(
        identities: &Identities,
        auth: &Auth,
        network: Option<IpAddr>,
    ) -> Result<Self, ConnectError> {
        let presented = auth.token.as_ref().and_then(|token| token.as_deref());
        let verified = presented.map(|token| (token, identities.actor_of(token)));
        let mut identity = Self {
            user_id: Identities::fresh(),
            network,
            is_new: true,
            resumes: auth.token.is_some(),
            token_error: None,
            claims: None,
        };
        let is_required = identities.auth_mode() == AuthMode::Required;
        match verified {
            Some((_, Ok(actor))) if actor.source == TokenSource::Issued && !is_required => {
                identity.user_id = actor.user_id;
                identity.is_new = false;
            }
            Some((token, Ok(actor))) if actor.source != TokenSource::Issued => {
                identity.user_id = actor.user_id.clone();
                identity.is_new = false;
                let name = actor.name.as_ref();
                identity.claims = Some(Box::new(Claims {
                    _name_use: name.map(|name| identities.names.begin(name)),
                    token: token.into(),
                    actor,
                }));
            }
            Some((_, Err(TokenError::Expired))) if is_required => {
                return Err(ConnectError::Expired);
            }
            _ if is_required => return Err(ConnectError::Unauthorized),
            Some((_, Err(error))) => identity.token_error = Some(error),
            Some((_, Ok(_))) | None => {}
        }
        Ok(identity)
    }

    /// What the user may do to others.
    #[must_use]
    pub fn role(&self) -> Role {
        self.claims
            .as_ref()
            .map_or(Role::Member, |claims| claims.actor.role)
    }

    /// The only rooms that the token is for; `None` = all.
    #[must_use]
    pub fn rooms(&self) -> Option<&[RoomName]> {
        self.claims.as_ref()?.actor.rooms.as_deref()
    }

    /// Whether the token allows a room.
    ///
    /// # Errors
    /// `forbidden`.
    pub(in crate::session) fn check_room(&self, room: &RoomName) -> Result<(), RequestError> {
        let mut claims = self.claims.iter();
        if claims.all(|claims| claims.actor.may_enter(room)) {
            return Ok(());
        }
        let allowed = "Your token does not allow this room: join one that it names";
        Err(RequestError::forbidden(allowed))
    }

    /// The name under which the user enters a room.
    pub(in crate::session) fn name_for(
        &self,
        room: &RoomName,
        asked: &Username,
        identities: &Identities,
        reserved: &ReservedNames,
    ) -> Result<Username, RequestError> {
        self.check_room(room)?;
        if let Some(claims) = &self.claims
            && let Some(name) = &claims.actor.name
        {
            // Who gives no name gets the token's.
            return if asked == name || *asked == Username::anonymous() {
                Ok(name.clone())
            } else {
                let fixed = "Your token fixes your name: use that one";
                Err(RequestError::forbidden(fixed))
            };
        }
        reserved.check(asked)?;
        if *asked != Username::anonymous() && identities.names.is_taken(asked) {
            return Err(RequestError::username_taken());
        }
        Ok(asked.clone())
    }
}
