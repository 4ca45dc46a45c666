//! The task that delivers what a room publishes: it follows the log with a cursor of its own and
//! offers all new entries, framed once, to every subscriber.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::fanout::Batch;
use super::log::Read;
use super::notifier::Signals;
use super::room::Room;

/// Entries in one batch at most.
const BATCH_ENTRIES: usize = 128;

impl Room {
    /// Delivers what is published after the position `delivered` to the subscribers, for as long as it
    /// is polled.
    ///
    /// Spends no time waiting, so the runtime's budget for such tasks must not stop its writes.
    pub async fn deliver(&self, mut delivered: u64) {
        tokio::task::unconstrained(async {
            let mut last_took = Duration::ZERO;
            loop {
                self.fanout.woken().await;
                // Let those go first who are about to publish more: it all leaves in one write then.
                tokio::task::yield_now().await;
                self.comes_more(last_took).await;
                let begun = Instant::now();
                while let Some(batch) = self.next_batch(&mut delivered) {
                    let mut index = Some(0);
                    while let Some(from) = index {
                        let (taken, next) = self.fanout.offer(&batch, from);
                        self.metrics.deliveries.inc_by(taken);
                        index = next;
                        if index.is_some() {
                            tokio::task::yield_now().await;
                        }
                    }
                }
                last_took = begun.elapsed();
            }
        })
        .await;
    }

    /// If the store is about to add messages, waits for them, but no longer than a delivery takes. On a
    /// busy disk messages would otherwise leave in half as many at a time, at twice the cost.
    async fn comes_more(&self, limit: Duration) {
        let mut moved = std::pin::pin!(self.moved.notified());
        moved.as_mut().enable();
        if self.pending.load(Ordering::Acquire) > 0 {
            // Either way it goes on.
            drop(tokio::time::timeout(limit, moved).await);
        }
    }

    /// The entries past `delivered`, which is moved on; `None` if there are none.
    pub(crate) fn next_batch(&self, delivered: &mut u64) -> Option<Batch> {
        let after = *delivered;
        let mut entries = Vec::new();
        match self.read_after(after, BATCH_ENTRIES, &mut entries) {
            Read::Entries { upto } if entries.is_empty() => {
                *delivered = upto;
                None
            }
            Read::Entries { upto } => {
                let batch = Batch::new(after, upto, entries);
                *delivered = batch.upto;
                Some(batch)
            }
            // The log went on faster than it can be delivered. Each session finds out for itself.
            Read::Gap { to, .. } | Read::Archived { upto: to } => {
                *delivered = to;
                self.fanout.notify(Signals::ENTRIES);
                self.next_batch(delivered)
            }
        }
    }
}
