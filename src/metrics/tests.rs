//! What is counted is in the text for Prometheus.

use super::*;

#[test]
fn what_is_counted_is_shown() {
    let metrics = Metrics::default();
    metrics.messages.inc();
    metrics.set_room("tech", 3, 1);
    metrics.reject("rate_limited");
    metrics.reject("rate_limited");
    let text = metrics.render();
    for line in [
        "hubbub_messages_total 1",
        "hubbub_members{room=\"tech\"} 3",
        "hubbub_lag_entries{room=\"tech\"} 1",
        "hubbub_rejected_total{reason=\"rate_limited\"} 2",
        "hubbub_slow_readers_closed_total 0",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
}
