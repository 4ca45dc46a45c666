//! Which store keeps the rooms, by the configuration.

use std::sync::Arc;

use crate::config::Config;
use crate::metrics::Metrics;
use crate::room::{Store, StoreError};
use crate::store::MemoryStore;
#[cfg(feature = "cluster")]
use crate::store::redis::{ClusterSettings, RedisStore};

/// The store that the configuration asks for, which has not started.
///
/// # Errors
/// [`StoreError`] if REDIS_URL cannot be used.
#[cfg_attr(
    not(feature = "cluster"),
    expect(
        unused_variables,
        clippy::unnecessary_wraps,
        reason = "the same shape as with the feature"
    )
)]
pub fn open(config: &Config, metrics: &Arc<Metrics>) -> Result<Arc<dyn Store>, StoreError> {
    #[cfg(feature = "cluster")]
    if let Some(url) = &config.redis_url {
        let settings = ClusterSettings {
            url: url.as_str().to_owned(),
            prefix: config.redis_prefix.clone(),
            secret_key: config.secret_key.as_bytes().to_vec(),
            rooms: config.rooms.clone(),
            log: super::log_bounds(config),
            notice_limit: config.notice_limit,
            unique_names: config.unique_names,
            resume_grace: config.resume_grace,
        };
        let store = RedisStore::new(settings, metrics).map_err(StoreError::new)?;
        return Ok(Arc::new(store));
    }
    Ok(Arc::new(MemoryStore::new(config.unique_names)))
}
