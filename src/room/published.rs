//! State that clients receive: member counts, who is typing, the newest messages. Only the newest
//! state matters, so sending it is paced: the first change after a quiet spell is sent immediately,
//! later ones together after a pause.
//!
//! A publisher changes the source and wakes one task; it waits for nothing. The task renders the
//! payload once and notifies the sessions, and each session sends the newest payload that it has not
//! sent yet.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::fanout::Fanout;
use super::notifier::Signals;

/// Where a published state comes from, and what it looks like.
pub trait StateSource: Debug {
    /// The state at one time.
    type Value: Debug + PartialEq;

    /// What sessions are notified of.
    const SIGNAL: Signals;

    /// The state now.
    fn read(&self) -> Self::Value;

    /// The wire payload of a state.
    fn render(&self, value: &Self::Value) -> Box<RawValue>;

    /// When the state changes by itself; `None` = it does not.
    fn next_expiry(&self) -> Option<Instant> {
        None
    }
}

/// A state as clients receive it.
#[derive(Debug)]
pub struct Snapshot {
    /// Grows with every change: a greater version is newer.
    pub version: u64,
    /// The wire payload.
    pub payload: Box<RawValue>,
}

/// A state with its newest payload, the connections that receive it, and how often they do.
#[derive(Debug)]
pub struct PublishedState<S: StateSource> {
    pub(super) source: S,
    audience: Arc<Fanout>,
    pace: Pace,
    changed: Notify,
    newest: Mutex<Newest<S::Value>>,
}

#[derive(Debug)]
struct Newest<V> {
    value: V,
    snapshot: Arc<Snapshot>,
}

impl<S: StateSource> PublishedState<S> {
    /// The state of `source`. Version 0 is for a state that no client needs before it changes,
    /// because that is the version of a client that was sent nothing.
    pub(super) fn starting_at(version: u64, source: S, audience: Arc<Fanout>, pace: Pace) -> Self {
        let value = source.read();
        let payload = source.render(&value);
        Self {
            source,
            audience,
            pace,
            changed: Notify::new(),
            newest: Mutex::new(Newest {
                value,
                snapshot: Arc::new(Snapshot { version, payload }),
            }),
        }
    }

    /// The source has changed. An atomic step, unless the task waits for it.
    pub(super) fn mark_changed(&self) {
        self.changed.notify_one();
    }

    /// The newest state that was published.
    #[must_use]
    pub fn published(&self) -> Arc<Snapshot> {
        Arc::clone(&self.newest.lock().snapshot)
    }

    /// Publishes the state as it is at this moment, without notifying any session, and returns it.
    pub fn now(&self) -> Arc<Snapshot> {
        // Read under the lock, so that versions are in the order of what is in them.
        let mut newest = self.newest.lock();
        let value = self.source.read();
        if value != newest.value {
            let snapshot = Snapshot {
                version: newest.snapshot.version + 1,
                payload: self.source.render(&value),
            };
            *newest = Newest {
                value,
                snapshot: Arc::new(snapshot),
            };
        }
        Arc::clone(&newest.snapshot)
    }

    /// The connections that receive the state.
    #[must_use]
    pub const fn audience(&self) -> &Arc<Fanout> {
        &self.audience
    }

    /// Publishes changes and notifies the audience for as long as it is polled.
    pub async fn publish_changes(&self) {
        let mut pace = self.pace.clone();
        let mut notified = 0;
        loop {
            self.next_change().await;
            let version = self.now().version;
            // `now` may have published it before for one session; the others do not know of it.
            if version > notified {
                notified = version;
                self.audience.notify(S::SIGNAL);
            }
            tokio::time::sleep(pace.pause_after(Instant::now())).await;
        }
    }

    async fn next_change(&self) {
        let changed = self.changed.notified();
        match self.source.next_expiry() {
            Some(at) => {
                tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(at) => {}
                }
            }
            None => changed.await,
        }
    }
}

/// How long to be quiet after an update.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    interval: Duration,
    growth_max: u32,
    streak: u32,
    quiet_from: Option<Instant>,
}

impl Pace {
    /// The same pause after each update.
    pub(super) const fn steady(interval: Duration) -> Self {
        Self::growing(interval, 1)
    }

    /// Pauses that grow to `growth_max` intervals while changes keep coming.
    pub(super) const fn growing(interval: Duration, growth_max: u32) -> Self {
        Self {
            interval,
            growth_max,
            streak: 0,
            quiet_from: None,
        }
    }

    /// The pause that an update at `now` must be followed by. It grows by one interval for each
    /// update that came right after the last pause, and starts over after a quiet spell.
    fn pause_after(&mut self, now: Instant) -> Duration {
        let storm = self.quiet_from.is_some_and(|end| now < end + self.interval);
        self.streak = if storm {
            (self.streak + 1).min(self.growth_max)
        } else {
            1
        };
        let pause = self.interval * self.streak;
        self.quiet_from = Some(now + pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(50);
    const GROWTH_MAX: u32 = 10;

    #[test]
    fn pauses_grow_while_changes_keep_coming_and_are_bounded() {
        let mut pace = Pace::growing(INTERVAL, GROWTH_MAX);
        let mut now = Instant::now();
        let mut updates = 0;
        let start = now;
        while now - start < Duration::from_secs(10) {
            now += pace.pause_after(now);
            updates += 1;
        }
        assert!(updates <= 26, "{updates} updates in ten seconds of storm");
        assert!(pace.pause_after(now) == INTERVAL * GROWTH_MAX);
    }

    #[test]
    fn a_steady_pace_never_grows() {
        let mut pace = Pace::steady(INTERVAL);
        let start = Instant::now();
        assert_eq!(pace.pause_after(start), INTERVAL);
        assert_eq!(pace.pause_after(start + INTERVAL), INTERVAL);
    }

    #[test]
    fn a_quiet_spell_starts_over() {
        let mut pace = Pace::growing(INTERVAL, GROWTH_MAX);
        let start = Instant::now();
        let first = pace.pause_after(start);
        let second = pace.pause_after(start + first);
        assert_eq!((first, second), (INTERVAL, INTERVAL * 2));
        assert_eq!(pace.pause_after(start + Duration::from_secs(60)), INTERVAL);
    }

    #[test]
    fn an_interval_of_zero_never_pauses() {
        let mut pace = Pace::growing(Duration::ZERO, GROWTH_MAX);
        assert_eq!(pace.pause_after(Instant::now()), Duration::ZERO);
    }
}
