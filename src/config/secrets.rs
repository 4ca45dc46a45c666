//! Values that are never printed.

use super::{RedisUrlError, SecretKeyError};

/// The key for signatures. Never printed.
#[derive(Clone)]
pub struct SecretKey {
    bytes: Vec<u8>,
    source: KeySource,
}

/// Where a [`SecretKey`] came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// The operator gave it.
    Given,
    /// The operator gave it, and it is shorter than 32 bytes.
    GivenShort,
    /// It was made with the rooms, and is kept with them.
    Kept,
    /// It was generated: signatures are not valid after a restart.
    Random,
}

impl SecretKey {
    /// Bytes below which a given key draws a warning: HMAC-SHA256 keys should not be shorter than
    /// the hash (RFC 2104, section 3).
    const SHORT: usize = 32;
    /// Bytes below which a given key is refused: one token is enough to try every shorter key.
    pub(super) const LEAST: usize = 16;

    /// A key of at least 16 bytes, better 32.
    ///
    /// # Errors
    /// [`SecretKeyError`] if it has fewer than 16 bytes.
    pub fn new(key: impl Into<Vec<u8>>) -> Result<Self, SecretKeyError> {
        let bytes = key.into();
        let source = match bytes.len() {
            0..Self::LEAST => return Err(SecretKeyError),
            Self::LEAST..Self::SHORT => KeySource::GivenShort,
            _ => KeySource::Given,
        };
        Ok(Self { bytes, source })
    }

    /// A new random key: identities end with this process.
    #[must_use]
    pub fn random() -> Self {
        Self {
            bytes: crate::random::bytes::<32>().to_vec(),
            source: KeySource::Random,
        }
    }

    /// A key that the store keeps.
    #[must_use]
    pub fn kept(key: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: key.into(),
            source: KeySource::Kept,
        }
    }

    /// The key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where it came from.
    #[must_use]
    pub const fn source(&self) -> KeySource {
        self.source
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// The address of Redis, which may contain a password. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// An address like `redis://user:password@host:6379`, or `rediss://…` for TLS. Whether the rest
    /// of it can be used is known once the server is built.
    ///
    /// # Errors
    /// [`RedisUrlError`], which does not show the address.
    pub fn parse(url: &str) -> Result<Self, RedisUrlError> {
        if !cfg!(feature = "cluster") {
            return Err(RedisUrlError::NotBuiltIn);
        }
        if !url.starts_with("redis://") && !url.starts_with("rediss://") {
            return Err(RedisUrlError::Scheme);
        }
        Ok(Self(url.to_owned()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisUrl").finish_non_exhaustive()
    }
}
