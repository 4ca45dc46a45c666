//! What every webhook's task uses.

use std::sync::Arc;
use std::time::Duration;

use super::client::WebhookClient;
use crate::clock;
use crate::decisions::{Decision, DecisionKey, Decisions, Integration, Webhook};
use crate::idle::Occupancy;
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use crate::moderation::Moderation;
use crate::random;
use crate::room::{Rooms, Store};

/// What every webhook's task uses.
#[derive(Debug)]
pub struct Parts {
    /// The rooms whose entries are sent.
    pub rooms: Arc<Rooms>,
    /// What keeps them, and webhooks.
    pub store: Arc<dyn Store>,
    /// Keeps what administrators change, with a line of the audit log.
    pub moderation: Arc<Moderation>,
    /// Metrics of the service.
    pub metrics: Arc<Metrics>,
    /// Memory that all connections together may hold.
    pub budget: Arc<MemoryBudget>,
    /// Whether the service is in use.
    pub occupancy: Arc<Occupancy>,
    /// The way out.
    pub client: WebhookClient,
    /// How long one delivery is tried before its webhook is paused.
    pub retry_for: Duration,
}

impl Parts {
    /// What people in charge have decided.
    #[must_use]
    pub fn decisions(&self) -> &Arc<Decisions> {
        self.rooms.decisions()
    }

    /// A webhook as it is now.
    #[must_use]
    pub fn webhook(&self, id: &Arc<str>) -> Option<(Arc<Decision>, Webhook)> {
        let decision = self
            .decisions()
            .get(&DecisionKey::Webhook(Arc::clone(id)))?;
        let webhook = webhook_of(&decision)?.clone();
        Some((decision, webhook))
    }
}

/// The webhook that a decision is about.
#[must_use]
pub fn webhook_of(decision: &Decision) -> Option<&Webhook> {
    match decision.integration.as_deref() {
        Some(Integration::Webhook(webhook)) => Some(webhook),
        _ => None,
    }
}

/// A decision that keeps something of webhooks.
#[must_use]
pub fn decision(by: &str, integration: Integration) -> Decision {
    Decision {
        integration: Some(Box::new(integration)),
        ..Decision::now(by)
    }
}

/// A new id. Later ones are greater, so lists are in the order of making.
#[must_use]
pub fn new_id() -> Arc<str> {
    let at_ms = clock::unix_ms().max(0);
    format!("{at_ms:012x}{}", random::hex(&random::bytes::<4>())).into()
}
