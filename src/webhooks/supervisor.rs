//! Which webhooks have a task: all that are not paused, in every process. Of those only the one
//! that has the claim delivers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::parts::{Parts, webhook_of};
use super::position::kept_progress;
use super::worker;
use crate::decisions::{DECISIONS_MAX, DecisionChange, DecisionKey};

/// Time between two looks for what is left of webhooks that were removed.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// Pause before a task that has panicked begins again.
const PANIC_PAUSE: Duration = Duration::from_secs(1);

/// The tasks that run.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    by_id: HashMap<Arc<str>, (AbortHandle, CancellationToken)>,
}

/// Runs the tasks of all webhooks until `stop`, and then until they have ended.
pub async fn run(parts: Arc<Parts>, stop: CancellationToken) {
    let changed = Arc::new(Notify::new());
    let notify = Arc::downgrade(&changed);
    parts.decisions().watch(move |key, _| {
        let is_ours = matches!(
            key,
            DecisionKey::Webhook(_) | DecisionKey::WebhookProgress(_)
        );
        if is_ours && let Some(changed) = notify.upgrade() {
            changed.notify_one();
        }
    });
    let mut running = Running::default();
    let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        running.adapt(&parts, &stop);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = changed.notified() => {}
            _ = sweep.tick() => sweep_removed(&parts).await,
            Some(ended) = running.tasks.join_next() => {
                if ended.is_err_and(|error| error.is_panic()) {
                    tokio::time::sleep(PANIC_PAUSE).await;
                }
            }
        }
    }
    // Each has the token too.
    while running.tasks.join_next().await.is_some() {}
}

impl Running {
    /// Starts and stops tasks, so that those run that should.
    fn adapt(&mut self, parts: &Arc<Parts>, stop: &CancellationToken) {
        let (mut active, mut retrying, mut paused) = (Vec::new(), 0, 0);
        let webhooks = parts
            .decisions()
            .list(Some(&first_key()), DECISIONS_MAX, |key| {
                matches!(key, DecisionKey::Webhook(_))
            });
        for (key, decision) in webhooks {
            let DecisionKey::Webhook(id) = key else {
                continue;
            };
            match webhook_of(&decision) {
                Some(webhook) if webhook.paused.is_some() => paused += 1,
                Some(_) => {
                    retrying += i64::from(kept_progress(parts, &id).failing_since_ms.is_some());
                    active.push(id);
                }
                None => {}
            }
        }
        let all = i64::try_from(active.len()).unwrap_or(i64::MAX);
        parts
            .metrics
            .set_webhooks([all - retrying, retrying, paused]);
        self.by_id.retain(|id, (task, stop)| {
            if !active.contains(id) {
                stop.cancel();
            }
            !task.is_finished()
        });
        for id in active {
            if let Entry::Vacant(free) = self.by_id.entry(Arc::clone(&id)) {
                let stop = stop.child_token();
                let task = worker::run(Arc::clone(parts), id, stop.clone());
                free.insert((self.tasks.spawn(task), stop));
            }
        }
    }
}

/// A key before those of webhooks.
pub const fn first_key() -> DecisionKey {
    DecisionKey::RevokedAll
}

/// Removes what is left of webhooks that were removed while their task kept its position.
async fn sweep_removed(parts: &Parts) {
    let decisions = parts.decisions();
    let left = decisions.list(Some(&first_key()), DECISIONS_MAX, |key| {
        matches!(
            key,
            DecisionKey::WebhookCursor(..) | DecisionKey::WebhookProgress(_)
        )
    });
    let left = left
        .into_iter()
        .map(|(key, _)| key)
        .filter(|key| match key {
            DecisionKey::WebhookCursor(id, _) | DecisionKey::WebhookProgress(id) => decisions
                .get(&DecisionKey::Webhook(Arc::clone(id)))
                .is_none(),
            _ => false,
        });
    let set: Vec<_> = left.map(|key| (key, None)).collect();
    if set.is_empty() {
        return;
    }
    let change = DecisionChange {
        set,
        ..DecisionChange::default()
    };
    if let Err(error) = parts.store.decide(decisions, change).get().await {
        tracing::debug!("what is left of removed webhooks is removed later: {error}");
    }
}
