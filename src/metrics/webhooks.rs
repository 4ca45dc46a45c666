//! Metrics of outgoing webhooks.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Metrics;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

/// Counts deliveries, and how many webhooks are in which state.
#[derive(Debug, Default)]
pub struct WebhookMetrics {
    deliveries: Family<Outcome, Counter>,
    states: Family<State, Gauge>,
}

impl WebhookMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "webhook_deliveries",
            "Attempts of this process to deliver to a webhook, by outcome",
            self.deliveries.clone(),
        );
        registry.register(
            "webhooks",
            "Outgoing webhooks of the service, by state",
            self.states.clone(),
        );
    }
}

impl Metrics {
    /// Counts an attempt to deliver to a webhook: `delivered` or `failed`.
    pub fn webhook_delivery(&self, outcome: &'static str) {
        let deliveries = &self.webhooks.deliveries;
        deliveries.get_or_create(&Outcome { outcome }).inc();
    }

    /// Notes how many webhooks are active, retrying and paused.
    pub fn set_webhooks(&self, counts: [i64; 3]) {
        for (state, count) in ["active", "retrying", "paused"].into_iter().zip(counts) {
            self.webhooks
                .states
                .get_or_create(&State { state })
                .set(count);
        }
    }
}
