//! Keys of JWTs, each with the one algorithm that it is for.

use jsonwebtoken::errors::Error;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Header};

/// Bytes of the shortest secret: as many as the hash has (RFC 7518, section 3.2).
pub const SECRET_BYTES_MIN: usize = 32;
/// Bytes of the shortest modulus of RSA: 2048 bits (RFC 7518, section 3.3). A key in DER is longer.
const MODULUS_BYTES_MIN: usize = 256;
/// Bytes of a point of P-256, uncompressed, and of a key of Ed25519.
const P256_BYTES: usize = 65;
const ED25519_BYTES: usize = 32;

/// Why a key for JWTs cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtKeyError {
    /// A secret is too short.
    #[error(
        "it has fewer than {SECRET_BYTES_MIN} bytes and can be guessed; give at least that many"
    )]
    ShortSecret,
    /// A private key was given.
    #[error(
        "it is a private key, which only the service that makes the tokens may have; give the public one"
    )]
    Private,
    /// It is neither PEM nor a JWK set.
    #[error("it is neither a public key as PEM nor a JWK set as JSON")]
    Unreadable,
    /// There is no key in it that can be used.
    #[error("it has no key for RS256 (2048 bits or more), ES256 (P-256) or EdDSA (Ed25519)")]
    NoneUsable,
}

/// A key, and what it verifies.
#[derive(Clone)]
pub struct JwtKey {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl JwtKey {
    pub(super) fn secret(secret: &[u8]) -> Result<Self, JwtKeyError> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(JwtKeyError::ShortSecret);
        }
        Ok(Self {
            id: None,
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret),
        })
    }

    pub(super) fn public(text: &str) -> Result<Vec<Self>, JwtKeyError> {
        let text = text.trim();
        if text.contains("PRIVATE KEY-----") {
            return Err(JwtKeyError::Private);
        }
        let keys: Vec<Self> = if text.starts_with('{') {
            let set: JwkSet = serde_json::from_str(text).map_err(|_| JwtKeyError::Unreadable)?;
            set.keys.iter().filter_map(Self::of_jwk).collect()
        } else {
            Self::of_pem(text.as_bytes())?.into_iter().collect()
        };
        if keys.is_empty() {
            return Err(JwtKeyError::NoneUsable);
        }
        Ok(keys)
    }

    fn of_pem(pem: &[u8]) -> Result<Option<Self>, JwtKeyError> {
        type Read = fn(&[u8]) -> Result<DecodingKey, Error>;
        let kinds: [(Algorithm, Read); 3] = [
            (Algorithm::RS256, DecodingKey::from_rsa_pem),
            (Algorithm::ES256, DecodingKey::from_ec_pem),
            (Algorithm::EdDSA, DecodingKey::from_ed_pem),
        ];
        let read = |(algorithm, read): (Algorithm, Read)| Some((algorithm, read(pem).ok()?));
        let (algorithm, key) = kinds
            .into_iter()
            .find_map(read)
            .ok_or(JwtKeyError::Unreadable)?;
        Ok(Self::usable(None, algorithm, key))
    }

    /// A key of a set, if it is one that tokens are signed with. Sets may have others.
    fn of_jwk(jwk: &Jwk) -> Option<Self> {
        let (algorithm, named) = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
            AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(ed) if ed.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            _ => return None,
        };
        let common = &jwk.common;
        let signs = |usage: &PublicKeyUse| *usage == PublicKeyUse::Signature;
        let is_for_another = common.key_algorithm.is_some_and(|other| other != named);
        if is_for_another || !common.public_key_use.as_ref().is_none_or(signs) {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Self::usable(common.key_id.clone(), algorithm, key)
    }

    fn usable(id: Option<String>, algorithm: Algorithm, key: DecodingKey) -> Option<Self> {
        let fits = match (algorithm, key.kind()) {
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, .. }) => {
                n.len() >= MODULUS_BYTES_MIN
            }
            (Algorithm::RS256, DecodingKeyKind::SecretOrDer(der)) => der.len() > MODULUS_BYTES_MIN,
            (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) => point.len() == P256_BYTES,
            (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(key)) => key.len() == ED25519_BYTES,
            _ => false,
        };
        fits.then_some(Self { id, algorithm, key })
    }

    /// Whether a token's header leaves this key possible. It names the algorithm, and the key if it
    /// has more than one.
    pub(super) fn may_have_signed(&self, header: &Header) -> bool {
        let is_named = match (&self.id, &header.kid) {
            (Some(id), Some(named)) => id == named,
            _ => true,
        };
        self.algorithm == header.alg && is_named
    }
}
