//! Tokens that the server signs.
//!
//! The first version is `1.<user_id>.<expires>.<mac>`: an identity and the time at which it expires
//! (seconds since the Unix epoch). Every connection that presents no other token gets one of these.
//! The second is `2.<claims>.<mac>`: claims as JSON in URL-safe base64 without padding. `hubbub token`
//! makes those. The MAC is the HMAC-SHA256 (RFC 2104) of all before the last dot under SECRET_KEY, in
//! the same base64. Nothing of a token is used or looked up before its MAC has been verified.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::actor::{self, Actor, TokenError, TokenSource, parse_user_id};
use crate::domain::{Role, RoomName, Username};
use crate::room::UserId;
use crate::{json, random};

/// How long an issued token is valid. Every connection receives a new one, so this is the longest
/// absence.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// The version of tokens that name a member and nothing else.
pub(super) const ISSUED: &str = "1";
/// The version of tokens with claims.
pub(super) const SIGNED: &str = "2";
/// Prefix of what is signed, so that nothing else signed with SECRET_KEY is accepted as a token.
const PURPOSE: &[u8] = b"hubbub identity token\0";
/// What ADMIN_TOKEN is compared as. No token's version begins like this.
const ROOT: &str = "admin token\0";

/// What a token of `hubbub token` says.
#[derive(Debug, Clone)]
pub struct TokenClaims {
    /// Who.
    pub user_id: UserId,
    /// What they may do to others.
    pub role: Role,
    /// The only name that they may use.
    pub name: Option<Username>,
    /// The only rooms that they may enter.
    pub rooms: Option<Vec<RoomName>>,
    /// When it was made.
    pub issued_s: i64,
    /// When it expires.
    pub expires_s: i64,
    /// Its id.
    pub token_id: Box<str>,
}

#[derive(Serialize, Deserialize)]
struct ClaimsWire {
    sub: String,
    role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rooms: Option<Vec<String>>,
    iat: i64,
    exp: i64,
    jti: String,
}

/// Signs tokens, and recognises what it has signed.
#[derive(Clone)]
pub(super) struct Signer {
    keyed: Hmac<Sha256>,
}

/// The MAC of ADMIN_TOKEN: what is compared with it is compared in constant time.
#[derive(Clone)]
pub(super) struct RootMac(Box<[u8]>);

impl Signer {
    pub(super) fn new(secret_key: &[u8]) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "HMAC takes keys of any length (RFC 2104, section 3)"
        )]
        let mut keyed = Hmac::new_from_slice(secret_key).expect("a key of any length");
        keyed.update(PURPOSE);
        Self { keyed }
    }

    /// A token of the first version.
    pub(super) fn issue(&self, user_id: &str, expires_s: i64) -> String {
        self.sign(format!("{ISSUED}.{user_id}.{expires_s}"))
    }

    /// A token of the second version.
    pub(super) fn with_claims(&self, claims: &TokenClaims) -> String {
        let name = claims.name.as_ref();
        let rooms = claims.rooms.as_ref();
        let wire = ClaimsWire {
            sub: claims.user_id.to_string(),
            role: claims.role.as_str().to_owned(),
            name: name.map(|name| name.as_str().to_owned()),
            rooms: rooms.map(|rooms| rooms.iter().map(|r| r.as_str().to_owned()).collect()),
            iat: claims.issued_s,
            exp: claims.expires_s,
            jti: claims.token_id.to_string(),
        };
        let payload = URL_SAFE_NO_PAD.encode(json::raw(&wire).get());
        self.sign(format!("{SIGNED}.{payload}"))
    }

    pub(super) fn root_mac(&self, admin_token: &str) -> RootMac {
        let mac = self.mac_of(ROOT, admin_token).finalize();
        RootMac(mac.into_bytes().as_slice().into())
    }

    pub(super) fn is_root(&self, token: &str, root: &RootMac) -> bool {
        self.mac_of(ROOT, token).verify_slice(&root.0).is_ok()
    }

    /// Who a token of either version names.
    pub(super) fn verify(&self, token: &str, now_s: i64) -> Result<Actor, TokenError> {
        let signed = self.signed_part(token)?;
        let (version, rest) = signed.split_once('.').ok_or(TokenError::Invalid)?;
        let actor = match version {
            ISSUED => issued_actor(rest)?,
            SIGNED => signed_actor(rest)?,
            _ => return Err(TokenError::Invalid),
        };
        match actor.expires_s {
            Some(expires_s) if expires_s > now_s => Ok(actor),
            _ => Err(TokenError::Expired),
        }
    }

    /// All before the MAC, if that is ours.
    fn signed_part<'a>(&self, token: &'a str) -> Result<&'a str, TokenError> {
        let (signed, mac) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
        let mac = URL_SAFE_NO_PAD
            .decode(mac)
            .map_err(|_| TokenError::Invalid)?;
        // Compares in constant time.
        self.mac_of("", signed)
            .verify_slice(&mac)
            .map_err(|_| TokenError::Invalid)?;
        Ok(signed)
    }

    fn sign(&self, mut content: String) -> String {
        let mac = self.mac_of("", &content).finalize().into_bytes();
        content.push('.');
        URL_SAFE_NO_PAD.encode_string(mac, &mut content);
        content
    }

    fn mac_of(&self, kind: &str, signed: &str) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        mac.update(kind.as_bytes());
        mac.update(signed.as_bytes());
        mac
    }
}

/// A random id for a token.
#[must_use]
pub fn new_token_id() -> Box<str> {
    random::id().into()
}

/// How long issued tokens are valid, in seconds.
pub(super) fn lifetime_s() -> i64 {
    i64::try_from(TOKEN_LIFETIME.as_secs()).unwrap_or(i64::MAX)
}

fn issued_actor(fields: &str) -> Result<Actor, TokenError> {
    let mut fields = fields.split('.');
    let (Some(user_id), Some(expires_s), None) = (fields.next(), fields.next(), fields.next())
    else {
        return Err(TokenError::Invalid);
    };
    let expires_s: i64 = expires_s.parse().map_err(|_| TokenError::Invalid)?;
    Ok(Actor {
        user_id: user_id.into(),
        role: Role::Member,
        name: None,
        rooms: None,
        token_id: None,
        issued_s: expires_s.saturating_sub(lifetime_s()),
        expires_s: Some(expires_s),
        source: TokenSource::Issued,
    })
}

fn signed_actor(payload: &str) -> Result<Actor, TokenError> {
    let invalid = |_| TokenError::Invalid;
    let json = URL_SAFE_NO_PAD.decode(payload);
    let json = json.map_err(|_| TokenError::Invalid)?;
    let wire: ClaimsWire = serde_json::from_slice(&json).map_err(|_| TokenError::Invalid)?;
    Ok(Actor {
        user_id: parse_user_id(&wire.sub)
            .map_err(|_| TokenError::Invalid)?
            .into(),
        role: Role::parse(&wire.role).map_err(invalid)?,
        name: actor::name_of(wire.name.as_deref())?,
        rooms: actor::rooms_of(wire.rooms),
        token_id: actor::token_id_of(Some(wire.jti))?,
        issued_s: wire.iat,
        expires_s: Some(wire.exp),
        source: TokenSource::Signed,
    })
}
