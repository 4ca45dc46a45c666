//! The claim of a webhook: of the processes that share a store, the one that has it delivers.

use std::time::{Duration, Instant};

use super::parts::Parts;
use crate::room::CLAIM;

/// Time between two renewals of a claim, and between two tries to get one.
const CLAIM_INTERVAL: Duration = Duration::from_millis(1500);
/// A claim counts as over this long before it is, for what is under way by then.
const CLAIM_MARGIN: Duration = Duration::from_secs(1);

/// Waits until this process may deliver. Returns when that began.
pub async fn claim(parts: &Parts, task: &str) -> Instant {
    loop {
        if let Some(mut availability) = parts.store.availability() {
            // Before the store is in step, the logs here are not those of the cursors. If it has
            // gone, the service ends.
            let _gone = availability.wait_for(|is| *is).await.is_err();
        }
        let asked = Instant::now();
        match parts.store.claim(task).get().await {
            Ok(true) => return asked,
            Ok(false) => {}
            Err(error) => tracing::debug!("a claim was not answered: {error}"),
        }
        tokio::time::sleep(CLAIM_INTERVAL).await;
    }
}

/// Renews a claim. Returns when it is lost, or nearly over.
pub async fn keep_claim(parts: &Parts, task: &str, mut since: Instant) {
    loop {
        let over = tokio::time::Instant::from_std(since + CLAIM - CLAIM_MARGIN);
        let renewing = async {
            tokio::time::sleep(CLAIM_INTERVAL).await;
            let asked = Instant::now();
            (asked, parts.store.claim(task).get().await)
        };
        match tokio::time::timeout_at(over, renewing).await {
            Err(_) | Ok((_, Ok(false))) => return,
            Ok((asked, Ok(true))) => since = asked,
            Ok((_, Err(error))) => tracing::debug!("a claim was not renewed yet: {error}"),
        }
    }
}
