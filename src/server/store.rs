//! Which store keeps the rooms, by the configuration.

use std::sync::Arc;

#[cfg(feature = "disk")]
use crate::config::KeySource;
use crate::config::{Config, SecretKey};
use crate::metrics::Metrics;
use crate::room::{Store, StoreError};
use crate::store::MemoryStore;
#[cfg(feature = "disk")]
use crate::store::disk::{DiskSettings, DiskStore};
#[cfg(feature = "cluster")]
use crate::store::redis::{ClusterSettings, RedisStore};

/// A store that has not started.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The signing key that it keeps, if none was given.
    pub secret_key: Option<SecretKey>,
}

impl From<Arc<dyn Store>> for Opened {
    /// A store that keeps no key.
    fn from(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            secret_key: None,
        }
    }
}

/// The store that the configuration asks for.
///
/// # Errors
/// [`StoreError`] if REDIS_URL or DATA_DIR cannot be used.
#[cfg_attr(
    not(any(feature = "cluster", feature = "disk")),
    expect(
        unused_variables,
        clippy::unnecessary_wraps,
        reason = "the same shape as with the features"
    )
)]
pub fn open(config: &Config, metrics: &Arc<Metrics>) -> Result<Opened, StoreError> {
    #[cfg(feature = "cluster")]
    if let Some(url) = &config.redis_url {
        let settings = ClusterSettings {
            url: url.as_str().to_owned(),
            prefix: config.redis_prefix.clone(),
            secret_key: config.secret_key.as_bytes().to_vec(),
            rooms: config.rooms.clone(),
            log: super::log_bounds(config, false),
            notice_limit: config.notice_limit,
            unique_names: config.unique_names,
            resume_grace: config.resume_grace,
        };
        let store = RedisStore::new(settings, metrics).map_err(StoreError::new)?;
        let store: Arc<dyn Store> = Arc::new(store);
        return Ok(store.into());
    }
    #[cfg(feature = "disk")]
    if let Some(folder) = &config.data_dir {
        let settings = DiskSettings {
            folder: folder.clone(),
            rooms: config.rooms.clone(),
            log: super::log_bounds(config, true),
            notice_limit: config.notice_limit,
            unique_names: config.unique_names,
            resume_grace: config.resume_grace,
            retention: config.retention,
            retention_bytes: config.retention_bytes,
        };
        let store = DiskStore::open(settings, metrics).map_err(StoreError::new)?;
        let is_given = config.secret_key.source() != KeySource::Random;
        return Ok(Opened {
            secret_key: (!is_given).then(|| SecretKey::kept(store.secret_key())),
            store: Arc::new(store),
        });
    }
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(config.unique_names));
    Ok(store.into())
}
