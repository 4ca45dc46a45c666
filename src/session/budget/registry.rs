//! All budgets by user or address: those in use, and those that are not full again yet.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::{Buckets, Budget, Rates};

/// Most budgets of users who are not connected.
pub(super) const UNUSED_MAX: usize = 65_536;
/// Number of budgets below which unused ones are not looked for.
pub(super) const PRUNE_FROM: usize = 256;

/// Budgets by user or address.
#[derive(Debug)]
pub(super) struct Registry<K> {
    rates: Arc<Rates>,
    known: Mutex<Known<K>>,
}

#[derive(Debug)]
struct Known<K> {
    by_key: HashMap<K, Arc<Mutex<Buckets>>>,
    /// Number of budgets at which unused ones are looked for.
    prune_at: usize,
}

impl<K: Hash + Eq + Clone> Registry<K> {
    pub(super) fn new(rates: Rates) -> Self {
        Self {
            rates: Arc::new(rates),
            known: Mutex::new(Known {
                by_key: HashMap::new(),
                prune_at: PRUNE_FROM,
            }),
        }
    }

    pub(super) fn get(&self, key: &K) -> Budget {
        let now = Instant::now();
        let mut known = self.known.lock();
        if known.by_key.len() >= known.prune_at && !known.by_key.contains_key(key) {
            known.prune(&self.rates, now);
        }
        let buckets = known
            .by_key
            .entry(key.clone())
            .or_insert_with(|| Arc::new(Mutex::new(Buckets::full(&self.rates, now))));
        Budget {
            rates: Arc::clone(&self.rates),
            buckets: Arc::clone(buckets),
        }
    }
}

impl<K> Registry<K> {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.lock().by_key.len()
    }
}

impl<K: Hash + Eq + Clone> Known<K> {
    /// Drops budgets that are unused and full again. If too many are left, also drops the unused ones
    /// that would be full first.
    fn prune(&mut self, rates: &Rates, now: Instant) {
        let mut unused = Vec::new();
        self.by_key.retain(|key, buckets| {
            if Arc::strong_count(buckets) > 1 {
                return true;
            }
            let time = buckets.lock().time_until_full(rates, now);
            let is_kept = !time.is_zero();
            if is_kept {
                unused.push((time, key.clone()));
            }
            is_kept
        });
        if unused.len() > UNUSED_MAX {
            let surplus = unused.len() - UNUSED_MAX / 2;
            unused.select_nth_unstable_by_key(surplus - 1, |(time, _)| *time);
            for (_, key) in &unused[..surplus] {
                self.by_key.remove(key);
            }
        }
        self.by_key.shrink_to(self.by_key.len() * 2);
        self.prune_at = (self.by_key.len() * 2).max(PRUNE_FROM);
    }
}
