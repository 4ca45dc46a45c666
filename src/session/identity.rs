//! Identities: tokens that the server signs and clients present again when they reconnect.
//!
//! A token is `1.<user_id>.<expires>.<mac>`: the version, the identity as it appears on the wire,
//! the time at which it expires (seconds since the Unix epoch), and the HMAC-SHA256
//! (RFC 2104) of all before the last dot under SECRET_KEY, in URL-safe base64 without padding.
//! Nothing of a token is used or looked up before its MAC has been verified.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::Role;
use crate::protocol::Auth;
use crate::room::UserId;
use crate::{clock, random};

/// Bytes of the longest token that is read.
pub const TOKEN_BYTES_MAX: usize = 512;
/// How long a token is valid. Every connection receives a new one, so this is the longest absence.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// The only version of tokens.
const VERSION: &str = "1";
/// Prefix of what is signed, so that nothing else signed with SECRET_KEY is accepted as a token.
const PURPOSE: &[u8] = b"hubbub identity token\0";

/// Signs and verifies tokens.
#[derive(Clone)]
pub struct Identities {
    keyed: Hmac<Sha256>,
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identities").finish_non_exhaustive()
    }
}

/// Why a token is not accepted, as clients receive it in `session.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// Forged, cut off, or made with another key or version.
    Invalid,
    /// It was valid once.
    Expired,
}

impl TokenError {
    /// The code on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "token_invalid",
            Self::Expired => "token_expired",
        }
    }
}

impl Identities {
    /// Signs and verifies with this key.
    #[must_use]
    pub fn new(secret_key: &[u8]) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "HMAC takes keys of any length (RFC 2104, section 3)"
        )]
        let mut keyed = Hmac::new_from_slice(secret_key).expect("a key of any length");
        keyed.update(PURPOSE);
        Self { keyed }
    }

    /// A new and unique identity.
    #[must_use]
    pub fn fresh() -> UserId {
        random::id().into()
    }

    /// A token that names `user_id`.
    #[must_use]
    pub fn issue(&self, user_id: &str) -> String {
        let lifetime_s = i64::try_from(TOKEN_LIFETIME.as_secs()).unwrap_or(i64::MAX);
        self.sign(user_id, now_s().saturating_add(lifetime_s))
    }

    fn sign(&self, user_id: &str, expires_s: i64) -> String {
        let mut token = format!("{VERSION}.{user_id}.{expires_s}");
        let mac = self.mac_of(&token).finalize().into_bytes();
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(mac, &mut token);
        token
    }

    /// The identity that a token names.
    ///
    /// # Errors
    /// [`TokenError`], which says nothing about what the token names.
    pub fn verify(&self, token: &str) -> Result<UserId, TokenError> {
        self.verify_at(token, now_s())
    }

    fn verify_at(&self, token: &str, now_s: i64) -> Result<UserId, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let (signed, mac) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
        let mac = URL_SAFE_NO_PAD
            .decode(mac)
            .map_err(|_| TokenError::Invalid)?;
        // Compares in constant time.
        self.mac_of(signed)
            .verify_slice(&mac)
            .map_err(|_| TokenError::Invalid)?;
        let mut fields = signed.split('.');
        match (fields.next(), fields.next(), fields.next(), fields.next()) {
            (Some(VERSION), Some(user_id), Some(expires_s), None) => {
                let expires_s: i64 = expires_s.parse().map_err(|_| TokenError::Invalid)?;
                if expires_s <= now_s {
                    return Err(TokenError::Expired);
                }
                Ok(user_id.into())
            }
            _ => Err(TokenError::Invalid),
        }
    }

    fn mac_of(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        mac.update(signed.as_bytes());
        mac
    }
}

fn now_s() -> i64 {
    clock::unix_ms().div_euclid(1000)
}

/// Who a client is, by the token it presented.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(super) user_id: UserId,
    /// What the user may do beside chatting.
    pub(super) role: Role,
    /// The network it connects from, if that is known.
    pub(super) network: Option<IpAddr>,
    /// The client says that it can resume.
    pub(super) resumes: bool,
    /// Why the presented token is not accepted.
    pub(super) token_error: Option<TokenError>,
}

impl Identity {
    pub(super) fn new(identities: &Identities, auth: &Auth, network: Option<IpAddr>) -> Self {
        let presented = auth.token.as_ref().and_then(|token| token.as_deref());
        let (user_id, token_error) = match presented.map(|token| identities.verify(token)) {
            Some(Ok(user_id)) => (user_id, None),
            Some(Err(error)) => (Identities::fresh(), Some(error)),
            None => (Identities::fresh(), None),
        };
        Self {
            user_id,
            role: Role::Member,
            network,
            resumes: auth.token.is_some(),
            token_error,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn identities() -> Identities {
        Identities::new(b"a key of this test, 32 bytes long")
    }

    #[test]
    fn a_token_names_whom_it_was_issued_for_until_it_expires() {
        let token = identities().sign("u1", 1000);
        assert_eq!(identities().verify_at(&token, 999).as_deref(), Ok("u1"));
        assert_eq!(
            identities().verify_at(&token, 1000),
            Err(TokenError::Expired)
        );
        let issued = identities().issue("u2");
        assert_eq!(identities().verify(&issued).as_deref(), Ok("u2"));
        assert!(issued.len() <= TOKEN_BYTES_MAX);
    }

    #[test]
    fn keys_of_any_length_sign() {
        for length in [0, 1, 31, 64, 65, 1000] {
            let identities = Identities::new(&vec![7; length]);
            let token = identities.issue("u1");
            assert_eq!(identities.verify(&token).as_deref(), Ok("u1"), "{length}");
        }
    }

    #[test]
    fn what_another_key_signed_is_not_ours() {
        let foreign = Identities::new(b"another key").sign("u1", i64::MAX);
        assert_eq!(identities().verify(&foreign), Err(TokenError::Invalid));
    }

    #[test]
    fn nothing_and_too_much_are_no_tokens() {
        let long = "a".repeat(1_000_000);
        for token in ["", ".", "...", "1.u1.99999999999.", "none", &long] {
            assert_eq!(identities().verify(token), Err(TokenError::Invalid));
        }
    }

    proptest! {
        #[test]
        fn a_token_that_was_cut_or_changed_anywhere_is_refused(at in 0usize..100, to in any::<char>()) {
            let token = identities().sign("0123456789abcdef0123456789abcdef", i64::MAX);
            let at = at % token.len();
            prop_assert_eq!(identities().verify(&token[..at]), Err(TokenError::Invalid));
            let changed: String =
                token.chars().enumerate().map(|(n, c)| if n == at { to } else { c }).collect();
            if changed != token {
                prop_assert_eq!(identities().verify(&changed), Err(TokenError::Invalid));
            }
        }
    }
}
