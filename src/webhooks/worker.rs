//! One webhook's task: claims it, follows its rooms, and delivers one entry after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::attempt::Attempt;
use super::claim::{claim, keep_claim};
use super::parts::{Parts, decision};
use super::payload::{Outgoing, type_of};
use super::position::Position;
use super::schedule;
use crate::clock;
use crate::decisions::{DecisionChange, DecisionKey, Integration, Paused, Webhook};
use crate::domain::RequestError;
use crate::idle::Occupant;
use crate::memory::{MemoryCharge, Owner};
use crate::room::{
    Batch, Entry, Next, Notifier, Offered, Signals, Subscriber, Subscription, read_on,
};

/// Entries of one room before the next room's come.
const BATCH: usize = 16;
/// Pause before the store is asked again.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// How long the end of a task waits for the answer of a receiver.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// Wakes a task when one of its rooms has more.
#[derive(Debug, Default)]
struct Waker(Notifier);

impl Subscriber for Waker {
    fn notify(&self, signals: Signals) {
        if signals.has(Signals::ENTRIES) {
            self.0.notify(Signals::ENTRIES);
        }
    }

    fn offer(&self, _: &Batch) -> Offered {
        Offered::Behind
    }

    // A webhook that is behind has figures of its own, and is no slow reader of the room.
    fn position(&self) -> u64 {
        u64::MAX
    }

    fn check_progress(&self, _: Instant, _: Duration) {}
}

impl Owner for Waker {
    // What a webhook holds is bounded, and given back with the next answer.
    fn close_for_memory(&self) {}
}

/// Why deliveries have ended.
enum End {
    /// The task is to end.
    Stopped,
    /// The webhook is paused.
    Paused,
}

/// The task of one webhook, until it is stopped or the webhook is paused.
pub async fn run(parts: Arc<Parts>, id: Arc<str>, stop: CancellationToken) {
    let task = format!("webhook:{id}");
    loop {
        let claimed = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            claimed = claim(&parts, &task) => claimed,
        };
        let Some((_, webhook)) = parts.webhook(&id) else {
            parts.store.release(&task);
            return;
        };
        tracing::debug!(webhook = &*id, "delivering");
        let mut delivering = Delivering::begin(&parts, &id, webhook, stop.clone());
        tokio::select! {
            biased;
            () = keep_claim(&parts, &task, claimed) => {
                // Another process goes on from what was kept.
                tracing::warn!(webhook = &*id, "deliveries wait: the claim was not renewed");
            }
            _end = delivering.run() => {
                if let Err(error) = delivering.position.keep().await {
                    tracing::warn!(webhook = &*id, "the position is not kept: {error}");
                }
                parts.store.release(&task);
                return;
            }
        }
    }
}

/// A webhook whose entries this process delivers.
struct Delivering {
    parts: Arc<Parts>,
    id: Arc<str>,
    webhook: Webhook,
    stop: CancellationToken,
    position: Position,
    waker: Arc<Waker>,
    _subscriptions: Vec<Subscription>,
    charge: MemoryCharge,
    /// Keeps the service awake while there is something to deliver.
    busy: Option<Occupant>,
}

impl Delivering {
    fn begin(parts: &Arc<Parts>, id: &Arc<str>, webhook: Webhook, stop: CancellationToken) -> Self {
        let waker = Arc::<Waker>::default();
        let position = Position::load(parts, id, &webhook);
        let subscribe = |room: &Arc<crate::room::Room>| {
            let waker = Arc::clone(&waker) as Arc<dyn Subscriber>;
            room.fanout.subscribe(waker)
        };
        let rooms = position.rooms.iter();
        let owner = Arc::downgrade(&waker);
        Self {
            _subscriptions: rooms.map(|room| subscribe(&room.room)).collect(),
            charge: parts.budget.open(owner).charge(),
            parts: Arc::clone(parts),
            id: Arc::clone(id),
            webhook,
            stop,
            position,
            waker,
            busy: None,
        }
    }

    async fn run(&mut self) -> End {
        loop {
            match self.deliver_all().await {
                Ok(()) => {}
                Err(end) => return end,
            }
            self.busy = None;
            let waker = Arc::clone(&self.waker);
            let news = waker.0.wait();
            if let Err(end) = self.wait(news).await {
                return end;
            }
        }
    }

    /// Delivers everything past the cursors.
    async fn deliver_all(&mut self) -> Result<(), End> {
        loop {
            let mut is_done = true;
            for index in 0..self.position.rooms.len() {
                is_done &= self.deliver_some(index).await?;
            }
            if is_done {
                return Ok(());
            }
        }
    }

    /// Delivers the next entries of a room. Returns whether there were none.
    async fn deliver_some(&mut self, index: usize) -> Result<bool, End> {
        let place = &self.position.rooms[index];
        let (room, after) = (Arc::clone(&place.room), place.cursor.id);
        if place.lost {
            let to = after;
            self.send_gap(index, 1, to, Some(room.epoch())).await?;
            return Ok(false);
        }
        if after >= room.head() {
            return Ok(true);
        }
        if self.busy.is_none() {
            self.busy = Some(self.parts.occupancy.enter());
        }
        match read_on(&*self.parts.store, &room, after, BATCH).await {
            Err(error) => {
                tracing::warn!(webhook = &*self.id, "the log cannot be read now: {error}");
                self.wait(tokio::time::sleep(STORE_RETRY)).await?;
            }
            Ok(Next::Gap { from, to, epoch }) => self.send_gap(index, from, to, epoch).await?,
            Ok(Next::Entries { entries, upto }) => {
                let sizes = entries.iter().map(|entry| entry.payload.get().len());
                self.charge.set(sizes.sum());
                for entry in &entries {
                    self.send_entry(index, entry).await?;
                }
                self.charge.set(0);
                self.position.rooms[index].advance(upto);
                self.keep_if_due().await;
            }
        }
        Ok(false)
    }

    async fn send_entry(&mut self, index: usize, entry: &Entry) -> Result<(), End> {
        let kind = type_of(entry.kind);
        if self.webhook.events.iter().any(|wanted| wanted == kind) {
            let place = &self.position.rooms[index];
            let (room, epoch) = (place.room.name().as_str(), &place.cursor.epoch);
            let outgoing = Outgoing::entry(&self.id, room, epoch, entry);
            self.deliver(&outgoing).await?;
        }
        self.position.rooms[index].advance(entry.id);
        self.keep_if_due().await;
        Ok(())
    }

    async fn send_gap(
        &mut self,
        index: usize,
        from: u64,
        to: u64,
        epoch: Option<Arc<str>>,
    ) -> Result<(), End> {
        let place = &self.position.rooms[index];
        let epoch = epoch.unwrap_or_else(|| place.cursor.epoch.as_str().into());
        let outgoing = Outgoing::gap(&self.id, place.room.name().as_str(), &epoch, from, to);
        self.deliver(&outgoing).await?;
        self.position.rooms[index].advance_in(epoch, to);
        Ok(())
    }

    /// Sends a payload until the receiver accepts it, or the webhook is paused.
    async fn deliver(&mut self, outgoing: &Outgoing) -> Result<(), End> {
        loop {
            if self.stop.is_cancelled() {
                return Err(End::Stopped);
            }
            let attempt = Attempt::make(&self.parts.client, &self.webhook, outgoing);
            let stopped = async {
                self.stop.cancelled().await;
                tokio::time::sleep(END_TIMEOUT).await;
            };
            let attempt = tokio::select! {
                attempt = attempt => attempt,
                () = stopped => return Err(End::Stopped),
            };
            let Some(error) = attempt.error.clone() else {
                self.accepted();
                return Ok(());
            };
            self.parts.metrics.webhook_delivery("failed");
            let pause = self.failed(&error, &attempt);
            match pause {
                Some(pause) => {
                    self.busy = None;
                    self.wait(tokio::time::sleep(pause)).await?;
                }
                None => return self.pause(error).await,
            }
        }
    }

    fn accepted(&mut self) {
        self.parts.metrics.webhook_delivery("delivered");
        let progress = self.position.progress_mut();
        if progress.failing_since_ms.take().is_some() {
            tracing::info!(webhook = &*self.id, "deliveries succeed again");
        }
        progress.delivered += 1;
        progress.attempts = 0;
        progress.last_error = None;
        progress.next_attempt_ms = None;
    }

    /// Notes a failure. Returns the time until the next attempt, if there is one.
    fn failed(&mut self, error: &str, attempt: &Attempt) -> Option<Duration> {
        let now_ms = clock::unix_ms();
        let retry_for_ms = i64::try_from(self.parts.retry_for.as_millis()).unwrap_or(i64::MAX);
        let progress = self.position.progress_mut();
        if progress.failing_since_ms.is_none() {
            tracing::warn!(webhook = &*self.id, "a delivery failed: {error}");
        }
        let since_ms = *progress.failing_since_ms.get_or_insert(now_ms);
        progress.attempts = progress.attempts.saturating_add(1);
        progress.last_error = Some(error.to_owned());
        let left_ms = since_ms.saturating_add(retry_for_ms).saturating_sub(now_ms);
        let left_ms = u64::try_from(left_ms).ok().filter(|left_ms| *left_ms > 0);
        let left = Duration::from_millis(left_ms.filter(|_| !attempt.is_gone())?);
        let pause = schedule::pause_after(progress.attempts, attempt.retry_after).min(left);
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        progress.next_attempt_ms = Some(now_ms.saturating_add_unsigned(pause_ms));
        Some(pause)
    }

    /// Pauses the webhook until an administrator resumes it.
    async fn pause(&mut self, error: String) -> Result<(), End> {
        tracing::warn!(webhook = &*self.id, "paused, until it is resumed: {error}");
        self.position.progress_mut().next_attempt_ms = None;
        let paused = Paused {
            at_ms: clock::unix_ms(),
            reason: error,
        };
        loop {
            let Some((before, _)) = self.parts.webhook(&self.id) else {
                return Err(End::Stopped);
            };
            let webhook = Integration::Webhook(Webhook {
                paused: Some(paused.clone()),
                ..self.webhook.clone()
            });
            let mut after = decision(&before.by, webhook);
            after.at_ms = before.at_ms;
            let change = DecisionChange {
                set: vec![(DecisionKey::Webhook(Arc::clone(&self.id)), Some(after))],
                ..DecisionChange::default()
            };
            let store = &self.parts.store;
            match store.decide(self.parts.decisions(), change).get().await {
                Ok(()) => return Err(End::Paused),
                Err(error) => tracing::debug!("the pause is not kept yet: {error}"),
            }
            self.wait(tokio::time::sleep(STORE_RETRY)).await?;
        }
    }

    /// Waits for something, and keeps the position meanwhile.
    async fn wait<T>(&mut self, event: impl Future<Output = T>) -> Result<(), End> {
        let mut event = std::pin::pin!(event);
        loop {
            let keep = async {
                match self.position.keep_at() {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(End::Stopped),
                _ = &mut event => return Ok(()),
                () = keep => {}
            }
            self.keep().await;
        }
    }

    async fn keep_if_due(&mut self) {
        if self
            .position
            .keep_at()
            .is_some_and(|at| at <= Instant::now())
        {
            self.keep().await;
        }
    }

    async fn keep(&mut self) {
        let kept: Result<(), RequestError> = self.position.keep().await;
        if let Err(error) = kept {
            tracing::debug!(webhook = &*self.id, "the position is kept later: {error}");
        }
    }
}
