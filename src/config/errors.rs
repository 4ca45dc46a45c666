//! What can be wrong with a configuration.

use std::fmt;

use super::SecretKey;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line is wrong, or asks for help or the version. Boxed: it is large.
    #[error(transparent)]
    Usage(Box<clap::Error>),
    /// Some settings have values that cannot be used.
    #[error(transparent)]
    Settings(#[from] ConfigErrors),
}

/// Every setting that cannot be used, one line each; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<SettingError>);

impl ConfigErrors {
    /// `Ok` if the list is empty.
    pub(super) fn check(errors: Vec<SettingError>) -> Result<(), Self> {
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Self(errors))
        }
    }

    /// The settings, and what is wrong with each.
    pub fn iter(&self) -> impl Iterator<Item = &SettingError> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct SettingError {
    /// The name of its environment variable; of two that do not fit together, both.
    pub setting: &'static str,
    /// What is wrong with its value, and which value to give.
    pub problem: String,
}

/// A key for signatures is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has fewer than {} bytes and can be guessed; make one with `openssl rand -hex 32`",
    SecretKey::LEAST
)]
pub struct SecretKeyError;

/// The address of Redis cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// The library was built without the feature `cluster`.
    #[error("this binary was built without the feature `cluster`; leave it out or build with it")]
    NotBuiltIn,
    /// It is not the address of a Redis.
    #[error("it must begin with redis:// or, for TLS, rediss://; give one like redis://host:6379")]
    Scheme,
}
