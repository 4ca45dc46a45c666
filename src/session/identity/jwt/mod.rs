//! JSON Web Tokens (RFC 7519) of another service that knows the users.
//!
//! A token names its algorithm and perhaps its key. Only keys that the operator has given are tried,
//! each with the one algorithm that it is for, so a token can choose neither: `none` is refused, and so
//! is a public key that is used as the secret of an HMAC.

mod keys;
mod verifier;

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use self::keys::JwtKey;
pub use self::keys::{JwtKeyError, SECRET_BYTES_MIN};
use super::actor::{self, Actor, JWT_USERS, TokenError, TokenSource, parse_user_id};
use crate::domain::Role;

/// How far the clock of the service that makes the tokens may be ahead (`nbf`).
const LEEWAY_S: u64 = 60;

/// The keys of the service that makes the tokens, and what its tokens must say.
#[derive(Clone, Default)]
pub struct JwtKeys {
    keys: Vec<JwtKey>,
    audience: Option<String>,
    issuer: Option<String>,
}

impl std::fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the keys: one of them may be a secret.
        f.debug_struct("JwtKeys")
            .field("keys", &self.keys.len())
            .field("audience", &self.audience)
            .field("issuer", &self.issuer)
            .finish()
    }
}

/// What is read of a token. Everything else is ignored.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    name: Option<String>,
    // Other services have roles of their own under this name, of any type.
    #[serde(default)]
    role: Value,
    #[serde(default)]
    rooms: Option<Vec<String>>,
}

impl JwtKeys {
    /// Accepts tokens that this secret has signed (HS256).
    ///
    /// # Errors
    /// [`JwtKeyError`] if it is too short.
    pub fn add_secret(&mut self, secret: &[u8]) -> Result<(), JwtKeyError> {
        self.keys.push(JwtKey::secret(secret)?);
        Ok(())
    }

    /// Accepts tokens that belong to these public keys (RS256, ES256, EdDSA): one as PEM, or a JWK set.
    ///
    /// # Errors
    /// [`JwtKeyError`] if there is no key in the text that can be used.
    pub fn add_public(&mut self, text: &str) -> Result<(), JwtKeyError> {
        self.keys.extend(JwtKey::public(text)?);
        Ok(())
    }

    /// Accepts only tokens for this audience. Without one, only tokens that name none are accepted.
    pub fn require_audience(&mut self, audience: String) {
        self.audience = Some(audience);
    }

    /// Accepts only tokens of this issuer.
    pub fn require_issuer(&mut self, issuer: String) {
        self.issuer = Some(issuer);
    }

    /// Whether no JWT can be accepted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Who a token names.
    pub(super) fn verify(&self, token: &str, now_s: i64) -> Result<Actor, TokenError> {
        let refused = |error: Error| {
            tracing::debug!(%error, "a JWT was refused");
            match error.kind() {
                ErrorKind::ExpiredSignature => TokenError::Expired,
                _ => TokenError::Invalid,
            }
        };
        let header = decode_header(token).map_err(refused)?;
        if header.crit.is_some() {
            // It names what must be understood, and none of that is.
            return Err(TokenError::Invalid);
        }
        let claims = self.claims_of(token, &header).map_err(refused)?;
        actor_of(claims, now_s)
    }

    fn claims_of(&self, token: &str, header: &Header) -> Result<Claims, Error> {
        verifier::install();
        let mut refused = Error::from(ErrorKind::InvalidAlgorithm);
        for key in self.keys.iter().filter(|key| key.may_have_signed(header)) {
            match decode(token, &key.key, &self.validation(key)) {
                Ok(token) => return Ok(token.claims),
                Err(error) if *error.kind() == ErrorKind::InvalidSignature => refused = error,
                Err(error) => return Err(error),
            }
        }
        Err(refused)
    }

    fn validation(&self, key: &JwtKey) -> Validation {
        let mut validation = Validation::new(key.algorithm);
        let mut required = vec!["exp", "sub"];
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        if let Some(audience) = &self.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}

fn actor_of(claims: Claims, now_s: i64) -> Result<Actor, TokenError> {
    // Seconds may have a fraction (RFC 7519, section 2). The cast saturates.
    #[expect(clippy::cast_possible_truncation, reason = "a fraction is dropped")]
    let seconds = |number: f64| number.floor() as i64;
    let expires_s = seconds(claims.exp);
    if expires_s <= now_s {
        // The leeway is for `nbf` only: a session could not be given a time that is over.
        return Err(TokenError::Expired);
    }
    let subject = parse_user_id(&claims.sub).map_err(|error| {
        tracing::debug!(%error, "a JWT has a `sub` that cannot be a user_id");
        TokenError::Invalid
    })?;
    let role = claims.role.as_str().and_then(|role| Role::parse(role).ok());
    Ok(Actor {
        user_id: format!("{JWT_USERS}{subject}").into(),
        role: role.unwrap_or_default(),
        name: actor::name_of(claims.name.as_deref())?,
        rooms: actor::rooms_of(claims.rooms),
        token_id: actor::token_id_of(claims.jti)?,
        issued_s: claims.iat.map_or(0, seconds),
        expires_s: Some(expires_s),
        source: TokenSource::Jwt,
    })
}

#[cfg(test)]
mod tests;
