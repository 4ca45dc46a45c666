//! What people in charge have decided: bans, mutes, how rooms are run, tokens that are revoked, webhooks.
//! Every process has all of it in memory, and the store keeps it.
//!
//! A decision is a small value under a [`DecisionKey`]; the newest one counts. Each change is made with
//! a line of the audit log ([`AuditLine`]), both or neither.

mod audit;
mod integration;
mod key;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

pub use self::audit::{AUDIT_PAGE_MAX, AuditLine, AuditPage};
pub use self::integration::{
    Hook, Integration, LogCursor, Paused, Secret, Webhook, WebhookProgress,
};
pub use self::key::DecisionKey;
use crate::clock;
use crate::domain::RoomName;

/// Decisions that are kept at most.
pub const DECISIONS_MAX: usize = 100_000;
/// Bytes of the longest value that is read from a store.
const VALUE_BYTES_MAX: usize = 16 * 1024;

/// What was decided. Which fields mean something depends on the key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The `user_id` of the one who decided.
    pub by: String,
    /// Until when it holds, in milliseconds since the Unix epoch; `None` = until it is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The name of the user it is about, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Of a banned network: the banned user. Of a held message: the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Of a kick and of a held message: the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// Of a kick: the membership that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Of a topic and of a held message: its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Of a held message: the message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// Of a held message: its idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Of slow mode: the time between two messages of one user, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
    /// Of a ban: the networks that the user connects from are banned too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_network: bool,
    /// Of a webhook: its settings, or how far it is. Boxed, because most decisions have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration: Option<Box<Integration>>,
}

impl Decision {
    /// A decision of this moment.
    #[must_use]
    pub fn now(by: &str) -> Self {
        Self {
            at_ms: clock::unix_ms(),
            by: by.to_owned(),
            ..Self::default()
        }
    }

    /// Whether it holds at this time.
    #[must_use]
    pub fn holds_at(&self, now_ms: i64) -> bool {
        self.until_ms.is_none_or(|until_ms| now_ms < until_ms)
    }

    /// The value as a store keeps it.
    #[must_use]
    pub fn to_json(&self) -> String {
        crate::json::raw(self).get().to_owned()
    }

    /// Reads what [`Self::to_json`] wrote; `None` if it is nothing of the kind.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        if json.len() > VALUE_BYTES_MAX {
            return None;
        }
        serde_json::from_str(json).ok()
    }
}

/// Decisions that are made together.
#[derive(Debug, Clone, Default)]
pub struct DecisionChange {
    /// The new decision under each key; `None` takes the one before back.
    pub set: Vec<(DecisionKey, Option<Decision>)>,
    /// What the audit log says of it; `None` if only time has passed.
    pub line: Option<AuditLine>,
    /// Lines of the audit log from before this time need not be kept; milliseconds since the Unix epoch.
    pub audit_from_ms: i64,
}

/// Called with each decision that has changed, and what it is now.
type Watcher = Box<dyn Fn(&DecisionKey, Option<&Decision>) + Send + Sync>;

/// The decisions as this process knows them.
#[derive(Default)]
pub struct Decisions {
    by_key: RwLock<BTreeMap<DecisionKey, Arc<Decision>>>,
    /// How many of them restrict who may write.
    restrictions: AtomicUsize,
    watchers: Mutex<Vec<Arc<Watcher>>>,
}

impl std::fmt::Debug for Decisions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decisions")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

impl Decisions {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_key.read().len()
    }

    /// The decision under a key, if there is one that holds at this moment.
    #[must_use]
    pub fn get(&self, key: &DecisionKey) -> Option<Arc<Decision>> {
        let found = self.by_key.read().get(key).cloned()?;
        found.holds_at(clock::unix_ms()).then_some(found)
    }

    /// Whether any decision may keep a user from writing. If not, none needs to be looked up.
    #[must_use]
    pub fn restrict_writing(&self) -> bool {
        self.restrictions.load(Ordering::Acquire) > 0
    }

    /// At most `max` decisions that hold, with keys after `after`, of the kinds that `wanted` says, in the
    /// order of their keys.
    #[must_use]
    pub fn list(
        &self,
        after: Option<&DecisionKey>,
        max: usize,
        wanted: impl Fn(&DecisionKey) -> bool,
    ) -> Vec<(DecisionKey, Arc<Decision>)> {
        use std::ops::Bound;
        let now_ms = clock::unix_ms();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let by_key = self.by_key.read();
        let rest = by_key.range::<DecisionKey, _>((start, Bound::Unbounded));
        rest.filter(|(key, decision)| wanted(key) && decision.holds_at(now_ms))
            .take(max)
            .map(|(key, decision)| (key.clone(), Arc::clone(decision)))
            .collect()
    }

    /// Ids of the pinned messages of a room, in their order.
    #[must_use]
    pub fn pins(&self, room: &RoomName) -> Vec<u64> {
        let pin = |id| DecisionKey::Pin(room.clone(), id);
        let by_key = self.by_key.read();
        let pins = by_key.range(pin(0)..=pin(u64::MAX));
        pins.filter_map(|(key, _)| match key {
            DecisionKey::Pin(_, id) => Some(*id),
            _ => None,
        })
        .collect()
    }

    /// The keys of those that held once and do not hold at this time any more.
    #[must_use]
    pub fn expired(&self, now_ms: i64, max: usize) -> Vec<DecisionKey> {
        let by_key = self.by_key.read();
        let expired = by_key.iter().filter(|(_, d)| !d.holds_at(now_ms));
        expired.take(max).map(|(key, _)| key.clone()).collect()
    }

    /// Sets what is called with each change. The change has been made by then.
    pub fn watch(&self, watcher: impl Fn(&DecisionKey, Option<&Decision>) + Send + Sync + 'static) {
        self.watchers.lock().push(Arc::new(Box::new(watcher)));
    }
}

/// What stores do: they apply what they have kept, in its order.
impl Decisions {
    /// Applies one change.
    pub fn apply(&self, key: DecisionKey, decision: Option<Decision>) {
        if self.put(&key, decision.clone()) {
            self.notify(&key, decision.as_ref());
        }
    }

    /// Applies what was decided together.
    pub fn apply_all(&self, set: Vec<(DecisionKey, Option<Decision>)>) {
        for (key, decision) in set {
            self.apply(key, decision);
        }
    }

    /// Replaces everything by what a store has.
    pub fn restore(&self, all: Vec<(DecisionKey, Decision)>) {
        let mut next: BTreeMap<_, _> = all.into_iter().collect();
        let known: Vec<_> = self.by_key.read().keys().cloned().collect();
        for key in known {
            let decision = next.remove(&key);
            self.apply(key, decision);
        }
        for (key, decision) in next {
            self.apply(key, Some(decision));
        }
    }

    /// Returns whether that is a change.
    fn put(&self, key: &DecisionKey, decision: Option<Decision>) -> bool {
        let mut by_key = self.by_key.write();
        let had = by_key.len();
        let changed = match (by_key.entry(key.clone()), decision) {
            (Entry::Occupied(known), None) => {
                known.remove();
                true
            }
            (Entry::Occupied(mut known), Some(decision)) => {
                let is_new = **known.get() != decision;
                if is_new {
                    known.insert(Arc::new(decision));
                }
                is_new
            }
            (Entry::Vacant(_), None) => false,
            (Entry::Vacant(free), Some(decision)) => {
                free.insert(Arc::new(decision));
                true
            }
        };
        if key.restricts_writing() {
            // Under the lock, so that the count is that of what is there.
            match by_key.len().cmp(&had) {
                std::cmp::Ordering::Greater => self.restrictions.fetch_add(1, Ordering::AcqRel),
                std::cmp::Ordering::Less => self.restrictions.fetch_sub(1, Ordering::AcqRel),
                std::cmp::Ordering::Equal => 0,
            };
        }
        changed
    }

    fn notify(&self, key: &DecisionKey, decision: Option<&Decision>) {
        // Called without the lock, because watchers look decisions up.
        let watchers = self.watchers.lock().clone();
        for watcher in watchers {
            watcher(key, decision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mute(user: &str) -> DecisionKey {
        DecisionKey::Mute(user.into())
    }

    #[test]
    fn the_newest_decision_counts_and_watchers_learn_of_each_change() {
        let decisions = Decisions::default();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        decisions.watch(move |key, now| sink.lock().push((key.clone(), now.is_some())));
        decisions.apply(mute("u1"), Some(Decision::now("m")));
        assert!(decisions.restrict_writing());
        decisions.apply(mute("u1"), decisions.get(&mute("u1")).map(|d| (*d).clone()));
        decisions.apply(mute("u2"), None);
        decisions.apply(mute("u1"), None);
        assert!(!decisions.restrict_writing());
        assert_eq!(*seen.lock(), [(mute("u1"), true), (mute("u1"), false)]);
    }

    #[test]
    fn restoring_replaces_everything() {
        let decisions = Decisions::default();
        let decision = Decision::now("m");
        decisions.apply(mute("u1"), Some(decision.clone()));
        decisions.apply(mute("u2"), Some(decision.clone()));
        let ban = DecisionKey::Ban("u3".into());
        decisions.restore(vec![
            (mute("u2"), decision.clone()),
            (ban.clone(), decision),
        ]);
        let keys = decisions.list(None, 10, |_| true);
        let keys: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [ban, mute("u2")]);
        assert!(decisions.restrict_writing());
        decisions.restore(Vec::new());
        assert!(!decisions.restrict_writing());
    }

    #[test]
    fn what_has_expired_does_not_hold_and_is_found() {
        let decisions = Decisions::default();
        let past = Decision {
            until_ms: Some(clock::unix_ms() - 1),
            ..Decision::now("m")
        };
        decisions.apply(mute("u1"), Some(past));
        assert_eq!(decisions.get(&mute("u1")), None);
        assert!(decisions.list(None, 10, |_| true).is_empty());
        assert_eq!(decisions.expired(clock::unix_ms(), 10), [mute("u1")]);
    }

    #[test]
    fn a_value_survives_being_kept() {
        let decision = Decision {
            until_ms: Some(5),
            reason: Some("spam \"quoted\"\n".to_owned()),
            with_network: true,
            ..Decision::now("m")
        };
        assert_eq!(Decision::from_json(&decision.to_json()), Some(decision));
        assert_eq!(Decision::from_json("[]"), None);
        assert_eq!(Decision::from_json(&" ".repeat(VALUE_BYTES_MAX + 1)), None);
    }
}
