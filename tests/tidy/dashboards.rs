//! The alerts and the dashboard in `deploy/` name metrics that the service has.

use std::collections::BTreeSet;
use std::path::Path;

use hubbub::metrics::Metrics;

use super::docs::check;

const FILES: [&str; 2] = ["deploy/prometheus/alerts.yml", "deploy/grafana/hubbub.json"];

/// All metrics, as Prometheus names them.
fn metrics() -> BTreeSet<String> {
    let metrics = Metrics::default();
    metrics.set_room("tech", 1, 0);
    metrics.reject("busy");
    metrics.moderated("ban");
    metrics.filtered("held");
    metrics.set_limit("MAX_CONNECTIONS", 1);
    metrics.set_store("memory");
    metrics.set_mismatch("ROOMS", 1);
    metrics.skip_entry("foreign");
    metrics.webhook_delivery("failed");
    metrics.set_webhooks([0, 0, 0]);
    let text = metrics.render();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let name = |line: &str| line.split(['{', ' ']).next().unwrap().to_owned();
    samples.map(name).collect()
}

#[test]
fn alerts_and_dashboards_name_metrics_that_there_are() {
    let known = metrics();
    let mut wrong = Vec::new();
    for file in FILES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let named: BTreeSet<_> = words.filter(|word| word.starts_with("hubbub_")).collect();
        assert!(named.len() > 5, "{file} names {named:?}");
        let missing = named.into_iter().filter(|name| !known.contains(*name));
        wrong.extend(missing.map(|name| format!("{file} names {name}")));
    }
    check(&wrong, "there is no such metric");
}
