//! This process's part in a cluster of several, where it has one: without the feature `cluster`, or
//! without REDIS_URL, it has none.

use std::sync::Arc;

use super::ServerError;
#[cfg(feature = "cluster")]
use crate::cluster::{Cluster, ClusterSettings, Node};
use crate::config::Config;
use crate::http::Readiness;
use crate::metrics::Metrics;
use crate::room::backplane::Backplane;
use crate::room::members::NodeId;
use crate::session::Shared;

/// A part that has not begun.
#[derive(Debug)]
pub(super) struct Prepared {
    #[cfg(feature = "cluster")]
    node: Option<Node>,
}

/// A part that has.
#[derive(Debug)]
pub(super) struct Working {
    #[cfg(feature = "cluster")]
    cluster: Option<Cluster>,
}

#[cfg(feature = "cluster")]
impl Prepared {
    /// What the configuration asks for.
    ///
    /// # Errors
    /// [`ServerError::Cluster`] if REDIS_URL cannot be used.
    pub fn new(config: &Config, metrics: &Arc<Metrics>) -> Result<Self, ServerError> {
        let Some(url) = &config.redis_url else {
            return Ok(Self { node: None });
        };
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
        let node = Some(Node::new(settings, metrics)?);
        Ok(Self { node })
    }

    /// The node's name; 0 where there is none.
    pub fn id(&self) -> NodeId {
        self.node.as_ref().map_or(0, Node::id)
    }

    /// What joins its rooms to those of other nodes.
    pub fn backplane(&self) -> Option<Arc<dyn Backplane>> {
        self.node.as_ref().map(Node::backplane)
    }

    /// Begins. Readiness is red for as long as the node is out of step.
    pub fn start(self, shared: &Arc<Shared>, readiness: &Readiness) -> Working {
        let cluster = self.node.map(|node| node.start(shared));
        if let Some(cluster) = &cluster {
            readiness.follow(cluster.up());
        }
        Working { cluster }
    }
}

#[cfg(feature = "cluster")]
impl Working {
    /// Waits a while for the node to be in step with the others.
    ///
    /// # Errors
    /// [`ServerError::Cluster`] if Redis refuses it.
    pub async fn wait_for_start(&self) -> Result<(), ServerError> {
        match &self.cluster {
            Some(cluster) => Ok(cluster.wait_for_start().await?),
            None => Ok(()),
        }
    }

    /// The sessions have ended: tells the other nodes.
    pub async fn finish(&self) {
        if let Some(cluster) = &self.cluster {
            cluster.finish().await;
        }
    }
}

#[cfg(not(feature = "cluster"))]
#[expect(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self,
    reason = "the same shape as with the feature"
)]
mod without {
    use super::*;

    impl Prepared {
        pub fn new(_: &Config, _: &Arc<Metrics>) -> Result<Self, ServerError> {
            Ok(Self {})
        }

        pub const fn id(&self) -> NodeId {
            0
        }

        pub fn backplane(&self) -> Option<Arc<dyn Backplane>> {
            None
        }

        pub fn start(self, _: &Arc<Shared>, _: &Readiness) -> Working {
            Working {}
        }
    }

    impl Working {
        pub async fn wait_for_start(&self) -> Result<(), ServerError> {
            Ok(())
        }

        pub async fn finish(&self) {}
    }
}
