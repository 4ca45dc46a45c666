//! What the service counts, as Prometheus metrics, and the log lines about what it refuses.
//!
//! Labels are bounded: rooms are predefined, and reasons are written in this program.

mod process;
mod refusals;
mod webhooks;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use self::refusals::Refusals;
pub use self::refusals::{Refusal, RefusalContext};

/// At most one line is logged for each reason in this time.
const LOG_EVERY: Duration = Duration::from_secs(1);
/// The type of [`Metrics::render`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters and gauges of one service.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Socket.IO connections, claimed or not.
    pub connections: Gauge,
    /// Members of each room.
    members: Family<RoomLabel, Gauge>,
    /// How far the slowest reader of each room is behind.
    lag: Family<RoomLabel, Gauge>,
    /// Messages accepted.
    pub messages: Counter,
    /// Entries handed over to connections.
    pub deliveries: Counter,
    /// Connections closed because they took nothing for too long.
    pub slow_readers_closed: Counter,
    /// Tasks that panicked.
    pub panics: Counter,
    /// Bytes that all connections hold together.
    pub held_bytes: Gauge,
    /// Transactions on disk.
    pub disk_commits: Counter,
    /// Transactions that failed.
    pub disk_failures: Counter,
    /// Whether this node is in step with the others that share its rooms; 0 if there are none.
    pub cluster_up: Gauge,
    /// Times that a connection to Redis was lost.
    pub cluster_reconnects: Counter,
    /// Times that a log or the state was read again as a whole.
    pub cluster_reloads: Counter,
    /// Time in which the store answered messages that it did not answer immediately.
    pub store_answers: Histogram,
    webhooks: webhooks::WebhookMetrics,
    moderated: Family<ActionLabel, Counter>,
    filtered: Family<OutcomeLabel, Counter>,
    limits: Family<LimitLabel, Gauge>,
    builds: Family<BuildLabel, Gauge>,
    cluster_skipped: Family<Reason, Counter>,
    cluster_mismatch: Family<SettingLabel, Gauge>,
    rejected: Family<Reason, Counter>,
    logged: Mutex<HashMap<&'static str, Logged>>,
    refusals: Mutex<Refusals>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoomLabel {
    room: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SettingLabel {
    setting: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabel {
    action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabel {
    setting: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabel {
    version: &'static str,
    store: &'static str,
}

#[derive(Debug)]
struct Logged {
    at: Instant,
    unlogged: u64,
    all: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("hubbub");
        let mut metrics = Self {
            registry: Registry::default(),
            connections: Gauge::default(),
            members: Family::default(),
            lag: Family::default(),
            messages: Counter::default(),
            deliveries: Counter::default(),
            slow_readers_closed: Counter::default(),
            panics: Counter::default(),
            held_bytes: Gauge::default(),
            disk_commits: Counter::default(),
            disk_failures: Counter::default(),
            cluster_up: Gauge::default(),
            cluster_reconnects: Counter::default(),
            cluster_reloads: Counter::default(),
            store_answers: Histogram::new(exponential_buckets(0.001, 2.0, 13)),
            webhooks: webhooks::WebhookMetrics::default(),
            moderated: Family::default(),
            filtered: Family::default(),
            limits: Family::default(),
            builds: Family::default(),
            cluster_skipped: Family::default(),
            cluster_mismatch: Family::default(),
            rejected: Family::default(),
            logged: Mutex::default(),
            refusals: Mutex::default(),
        };
        registry.register(
            "connections",
            "Socket.IO connections and event streams now",
            metrics.connections.clone(),
        );
        registry.register(
            "members",
            "Members of each room now",
            metrics.members.clone(),
        );
        registry.register_with_unit(
            "lag",
            "How far the slowest reader of each room is behind its log now",
            Unit::Other("entries".to_owned()),
            metrics.lag.clone(),
        );
        registry.register("messages", "Messages accepted", metrics.messages.clone());
        registry.register(
            "deliveries",
            "Messages and notices handed over to connections",
            metrics.deliveries.clone(),
        );
        registry.register(
            "slow_readers_closed",
            "Connections closed because they took nothing for SLOW_TIMEOUT",
            metrics.slow_readers_closed.clone(),
        );
        registry.register_with_unit(
            "held",
            "Memory that counts towards MEMORY_BUDGET now",
            Unit::Bytes,
            metrics.held_bytes.clone(),
        );
        registry.register("panics", "Tasks that panicked", metrics.panics.clone());
        register_disk(&mut registry, &metrics);
        register_cluster(&mut registry, &metrics);
        registry.register(
            "rejected",
            "What was refused, by reason",
            metrics.rejected.clone(),
        );
        register_service(&mut registry, &metrics);
        metrics.registry = registry;
        metrics
    }
}

fn register_service(registry: &mut Registry, metrics: &Metrics) {
    registry.register_with_unit(
        "store_answer",
        "Time in which the store answered messages that it did not answer immediately",
        Unit::Seconds,
        metrics.store_answers.clone(),
    );
    registry.register(
        "moderation",
        "What moderators did, by action",
        metrics.moderated.clone(),
    );
    registry.register(
        "filtered",
        "Messages and edits that the word filter refused, held or masked",
        metrics.filtered.clone(),
    );
    registry.register(
        "limit",
        "Values of the settings that limit the whole service; 0 = not limited",
        metrics.limits.clone(),
    );
    registry.register(
        "build",
        "Always 1; the version, and the store that keeps the rooms",
        metrics.builds.clone(),
    );
    metrics.webhooks.register(registry);
    registry.register_collector(Box::new(process::Process));
}

fn register_disk(registry: &mut Registry, metrics: &Metrics) {
    registry.register(
        "disk_commits",
        "Transactions written to DATA_DIR",
        metrics.disk_commits.clone(),
    );
    registry.register(
        "disk_failures",
        "Transactions that DATA_DIR refused",
        metrics.disk_failures.clone(),
    );
}

fn register_cluster(registry: &mut Registry, metrics: &Metrics) {
    registry.register(
        "cluster_up",
        "Whether Redis answers and this node is in step with the others",
        metrics.cluster_up.clone(),
    );
    registry.register(
        "cluster_reconnects",
        "Times that a connection to Redis was lost",
        metrics.cluster_reconnects.clone(),
    );
    registry.register(
        "cluster_reloads",
        "Times that a log or the state was read again from Redis as a whole",
        metrics.cluster_reloads.clone(),
    );
    registry.register(
        "cluster_skipped",
        "Entries in Redis that are not ours or not in order, by reason",
        metrics.cluster_skipped.clone(),
    );
    registry.register(
        "cluster_mismatch",
        "Nodes that have another value of a setting that all must have in common",
        metrics.cluster_mismatch.clone(),
    );
}

impl Metrics {
    /// Counts an entry in Redis that was skipped.
    pub fn skip_entry(&self, reason: &'static str) {
        self.cluster_skipped.get_or_create(&Reason { reason }).inc();
        tracing::debug!(reason, "skipped an entry in Redis");
    }

    /// Counts what a moderator did.
    pub fn moderated(&self, action: &'static str) {
        self.moderated.get_or_create(&ActionLabel { action }).inc();
    }

    /// Counts what the word filter did with a message.
    pub fn filtered(&self, outcome: &'static str) {
        self.filtered.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// Notes the value of a setting that limits the whole service.
    pub fn set_limit(&self, setting: &'static str, value: usize) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.limits
            .get_or_create(&LimitLabel { setting })
            .set(value);
    }

    /// Notes which store keeps the rooms.
    pub fn set_store(&self, store: &'static str) {
        let version = env!("CARGO_PKG_VERSION");
        self.builds
            .get_or_create(&BuildLabel { version, store })
            .set(1);
    }

    /// Notes how many nodes have another value of a setting.
    pub fn set_mismatch(&self, setting: &str, nodes: usize) {
        let label = SettingLabel {
            setting: setting.to_owned(),
        };
        let nodes = i64::try_from(nodes).unwrap_or(i64::MAX);
        self.cluster_mismatch.get_or_create(&label).set(nodes);
    }

    /// Counts something refused, about which nothing else is known.
    pub fn reject(&self, reason: &'static str) {
        self.reject_with(reason, &RefusalContext::default());
    }

    /// Counts something refused, keeps it among the newest refusals, and logs it, at most one line a
    /// second for each reason. Nothing of what a user sent is kept or logged.
    pub fn reject_with(&self, reason: &'static str, context: &RefusalContext<'_>) {
        self.refusals.lock().add(reason, context);
        self.rejected.get_or_create(&Reason { reason }).inc();
        let now = Instant::now();
        let mut logged = self.logged.lock();
        let unlogged = match logged.entry(reason) {
            Entry::Vacant(entry) => {
                entry.insert(Logged {
                    at: now,
                    unlogged: 0,
                    all: 1,
                });
                0
            }
            Entry::Occupied(mut entry) => {
                let last = entry.get_mut();
                last.all += 1;
                if now.saturating_duration_since(last.at) < LOG_EVERY {
                    last.unlogged += 1;
                    return;
                }
                last.at = now;
                std::mem::take(&mut last.unlogged)
            }
        };
        drop(logged);
        tracing::info!(reason, before = unlogged, "rejected");
    }

    /// How often each reason was a refusal.
    #[must_use]
    pub fn rejections(&self) -> BTreeMap<&'static str, u64> {
        let logged = self.logged.lock();
        let counts = logged.iter().map(|(reason, logged)| (*reason, logged.all));
        counts.collect()
    }

    /// The newest refusals, newest first, at most `limit`.
    #[must_use]
    pub fn newest_refusals(&self, limit: usize) -> Vec<Refusal> {
        self.refusals.lock().newest(limit)
    }

    /// Memory of the process now in bytes, if the system says.
    #[must_use]
    pub fn resident_bytes(&self) -> Option<u64> {
        process::resident_bytes()
    }

    /// Sets a room's gauges.
    pub fn set_room(&self, room: &str, members: u64, lag: u64) {
        let label = RoomLabel {
            room: room.to_owned(),
        };
        let gauge = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.members.get_or_create(&label).set(gauge(members));
        self.lag.get_or_create(&label).set(gauge(lag));
    }

    /// All metrics in the OpenMetrics text format, which Prometheus reads.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            // A String takes everything, so this is for form's sake.
            text.clear();
            if writeln!(text, "# EOF").is_err() {
                tracing::error!("metrics could not be written");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests;
