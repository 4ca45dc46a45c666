//! Flow control on real threads; `tests/interleavings/` tries every order of its steps.

use std::sync::Arc;
use std::time::Duration;

use super::flow_control::FlowControl;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wake_up_is_lost_between_taking_and_waiting() {
    let flow = Arc::new(FlowControl::default());
    let transport = Arc::clone(&flow);
    let taking = tokio::spawn(async move {
        for _ in 0..50_000 {
            transport.take(1);
            tokio::task::yield_now().await;
        }
    });
    for wanted in (1..=50_000).step_by(7) {
        let woken = tokio::time::timeout(Duration::from_secs(20), flow.until_taken(wanted));
        assert!(
            woken.await.is_ok(),
            "stuck at {wanted}, taken {}",
            flow.taken()
        );
    }
    assert!(taking.await.is_ok());
}
