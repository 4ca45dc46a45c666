//! Identities: tokens that clients present, and what the service knows by them.
//!
//! In reading order: [`actor`] (who a token names, and what it allows), [`signed`] (tokens that the
//! server signs), [`jwt`] (tokens of another service), [`revocations`] (tokens that were taken back),
//! `fixed_names` (names that tokens fix), `claims` (who a client is, by what it presents).

pub mod actor;
mod claims;
mod fixed_names;
pub mod jwt;
pub mod revocations;
pub mod signed;

use std::sync::Arc;

pub use self::actor::{Actor, ROOT_USER, TokenError, TokenSource};
pub use self::claims::{ConnectError, Identity};
use self::fixed_names::FixedNames;
use self::jwt::JwtKeys;
use self::revocations::Revocations;
use self::signed::{ISSUED, RootMac, SIGNED, Signer, TokenClaims};
use crate::decisions::Decisions;
use crate::domain::Username;
use crate::room::UserId;
use crate::{clock, random};

pub use self::signed::TOKEN_LIFETIME;

/// Bytes of the longest token that is read.
pub const TOKEN_BYTES_MAX: usize = 4096;

/// Whether a client needs a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuthMode {
    /// A client without a token gets an identity.
    #[default]
    Open,
    /// A client without a token of a known user is refused.
    Required,
}

impl AuthMode {
    /// The name, as it is on the wire and in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Required => "required",
        }
    }
}

/// Signs and verifies tokens.
#[derive(Clone)]
pub struct Identities {
    signer: Signer,
    root: Option<RootMac>,
    jwt: Arc<JwtKeys>,
    auth: AuthMode,
    revocations: Arc<Revocations>,
    names: Arc<FixedNames>,
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identities").finish_non_exhaustive()
    }
}

impl Identities {
    /// Signs and verifies with this key. Other tokens are not accepted.
    #[must_use]
    pub fn new(secret_key: &[u8]) -> Self {
        Self {
            signer: Signer::new(secret_key),
            root: None,
            jwt: Arc::default(),
            auth: AuthMode::Open,
            revocations: Arc::default(),
            names: Arc::default(),
        }
    }

    /// Accepts this token as that of the first administrator, for ever.
    #[must_use]
    pub fn with_admin_token(mut self, admin_token: &str) -> Self {
        self.root = Some(self.signer.root_mac(admin_token));
        self
    }

    /// Accepts JWTs that these keys verify.
    #[must_use]
    pub fn with_jwt(mut self, keys: JwtKeys) -> Self {
        self.jwt = Arc::new(keys);
        self
    }

    /// Takes the tokens back that these decisions say.
    #[must_use]
    pub fn with_decisions(mut self, decisions: Arc<Decisions>) -> Self {
        self.revocations = Arc::new(Revocations::new(decisions));
        self
    }

    /// Whether clients need a token.
    #[must_use]
    pub const fn with_auth(mut self, auth: AuthMode) -> Self {
        self.auth = auth;
        self
    }

    /// Whether clients need a token.
    #[must_use]
    pub const fn auth_mode(&self) -> AuthMode {
        self.auth
    }

    /// Tokens that were taken back.
    #[must_use]
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// Whether a name looks like one that a token has fixed for its user.
    #[must_use]
    pub fn is_name_fixed(&self, name: &Username) -> bool {
        self.names.is_taken(name)
    }

    /// A new and unique identity.
    #[must_use]
    pub fn fresh() -> UserId {
        random::id().into()
    }

    /// A token that names the member `user_id`, for as long as a client may be absent.
    #[must_use]
    pub fn issue(&self, user_id: &str) -> String {
        let expires_s = now_s().saturating_add(signed::lifetime_s());
        self.signer.issue(user_id, expires_s)
    }

    /// A token that says more than who.
    #[must_use]
    pub fn sign(&self, claims: &TokenClaims) -> String {
        self.signer.with_claims(claims)
    }

    /// Who a token names and what it allows, whichever kind it is.
    ///
    /// # Errors
    /// [`TokenError`], which says nothing about what the token names.
    pub fn actor_of(&self, token: &str) -> Result<Actor, TokenError> {
        self.actor_at(token, now_s())
    }

    fn actor_at(&self, token: &str, now_s: i64) -> Result<Actor, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let root = self.root.as_ref();
        if root.is_some_and(|root| self.signer.is_root(token, root)) {
            return Ok(Actor::root());
        }
        let actor = match token.split_once('.') {
            Some((ISSUED | SIGNED, _)) => self.signer.verify(token, now_s)?,
            Some(_) if !self.jwt.is_empty() => self.jwt.verify(token, now_s)?,
            _ => return Err(TokenError::Invalid),
        };
        if self.revocations.is_revoked(&actor) {
            return Err(TokenError::Revoked);
        }
        Ok(actor)
    }
}

/// The time that tokens are compared with, in seconds since the Unix epoch.
#[must_use]
pub fn now_s() -> i64 {
    clock::unix_ms().div_euclid(1000)
}

#[cfg(test)]
mod tests;
