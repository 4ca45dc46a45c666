//! Token buckets: how much of something may be taken on average, and how much in a burst.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// What a bucket gains each second, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens gained each second.
    pub per_second: NonZeroU32,
    /// Tokens a full bucket holds.
    pub burst: NonZeroU32,
}

impl Rate {
    /// A rate; `None`, which never limits, if either number is 0.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Option<Self> {
        Some(Self {
            per_second: NonZeroU32::new(per_second)?,
            burst: NonZeroU32::new(burst)?,
        })
    }

    /// The rate of `users` together.
    #[must_use]
    pub const fn times(self, users: NonZeroU32) -> Self {
        Self {
            per_second: self.per_second.saturating_mul(users),
            burst: self.burst.saturating_mul(users),
        }
    }

    /// Tokens a full bucket holds.
    #[must_use]
    pub fn capacity(self) -> f64 {
        f64::from(self.burst.get())
    }
}

/// One token bucket. Its rate is the caller's to keep, so that many buckets of one rate stay small.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    /// Negative while more has been spent than there was.
    tokens: f64,
    at: Instant,
    /// When the last of those who were refused may come again.
    promised: Instant,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn full(rate: Rate, now: Instant) -> Self {
        Self {
            tokens: rate.capacity(),
            at: now,
            promised: now,
        }
    }

    /// How many tokens there are.
    pub fn tokens(&mut self, rate: Rate, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        let gained = elapsed * f64::from(rate.per_second.get());
        self.tokens = (self.tokens + gained).min(rate.capacity());
        self.at = self.at.max(now);
        self.tokens
    }

    /// Takes one token if there are at least `needed` (and one).
    ///
    /// # Errors
    /// The time until there are that many, and one for each caller that was refused before: if fifty
    /// callers retry after the times they were given, each finds a token. No later than a full bucket.
    pub fn take(&mut self, rate: Rate, needed: f64, now: Instant) -> Result<(), Duration> {
        let needed = needed.max(1.0);
        if self.tokens(rate, now) >= needed {
            self.tokens -= 1.0;
            Ok(())
        } else {
            let earliest = now + self.time_until(rate, needed);
            let each = Duration::from_secs(1) / rate.per_second.get();
            let full = now + each * rate.burst.get();
            self.promised = (self.promised + each).min(full).max(earliest);
            Err(self.promised - now)
        }
    }

    /// Gives one token back.
    pub fn give_back(&mut self) {
        self.tokens += 1.0;
    }

    /// Spends tokens, whether they are there or not: more may be owed afterwards, but never more
    /// than a burst.
    pub fn spend(&mut self, rate: Rate, amount: f64, now: Instant) {
        let tokens = self.tokens(rate, now) - amount;
        self.tokens = tokens.max(-rate.capacity());
    }

    /// Spends all there is.
    pub const fn empty(&mut self) {
        self.tokens = self.tokens.min(0.0);
    }

    /// The time until there are `wanted` tokens; at least a millisecond, because "try again in 0 ms"
    /// would be refused again.
    #[must_use]
    pub fn time_until(&self, rate: Rate, wanted: f64) -> Duration {
        let missing = (wanted - self.tokens).max(0.0);
        let seconds = missing / f64::from(rate.per_second.get());
        Duration::from_secs_f64(seconds).max(Duration::from_millis(1))
    }

    /// The time until it is full; zero if it is.
    pub fn time_until_full(&mut self, rate: Rate, now: Instant) -> Duration {
        let missing = rate.capacity() - self.tokens(rate, now);
        Duration::from_secs_f64(missing.max(0.0) / f64::from(rate.per_second.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rate(per_second: u32, burst: u32) -> Rate {
        Rate::new(per_second, burst).unwrap_or_else(|| panic!("no rate"))
    }

    #[test]
    fn a_burst_passes_and_what_follows_is_told_when_to_come_again() {
        let (rate, now) = (rate(2, 50), Instant::now());
        let mut bucket = Bucket::full(rate, now);
        for _ in 0..50 {
            assert_eq!(bucket.take(rate, 1.0, now), Ok(()));
        }
        assert_eq!(bucket.take(rate, 1.0, now), Err(SECOND / 2));
        assert_eq!(bucket.take(rate, 1.0, now + SECOND / 2), Ok(()));
        assert!(bucket.take(rate, 1.0, now + SECOND / 2).is_err());
    }

    #[test]
    fn of_many_who_are_refused_each_finds_a_token_when_told_to_come_again() {
        let (rate, now) = (rate(5, 50), Instant::now());
        let mut bucket = Bucket::full(rate, now);
        let waits: Vec<_> = (0..100)
            .filter_map(|_| bucket.take(rate, 1.0, now).err())
            .collect();
        assert_eq!(waits.len(), 50);
        assert!(waits.iter().all(|wait| *wait <= SECOND * 10), "{waits:?}");
        for wait in waits {
            let tick = Duration::from_millis(1);
            assert_eq!(
                bucket.take(rate, 1.0, now + wait + tick),
                Ok(()),
                "{wait:?}"
            );
        }
        for _ in 0..10_000 {
            let wait = bucket.take(rate, 1.0, now + SECOND * 11).err();
            assert!(wait.is_none_or(|wait| wait <= SECOND * 10), "{wait:?}");
        }
    }

    #[test]
    fn a_bucket_holds_no_more_than_a_burst_however_long_it_rests() {
        let (rate, now) = (rate(5, 10), Instant::now());
        let mut bucket = Bucket::full(rate, now);
        let later = now + SECOND * 3600;
        let taken = (0..100).filter(|_| bucket.take(rate, 1.0, later).is_ok());
        assert_eq!(taken.count(), 10);
        assert_eq!(bucket.time_until_full(rate, later), SECOND * 2);
        assert_eq!(
            bucket.time_until_full(rate, later + SECOND * 2),
            Duration::ZERO
        );
    }

    #[test]
    fn what_is_owed_is_paid_back_first_and_never_exceeds_a_burst() {
        let (rate, now) = (rate(10, 100), Instant::now());
        let mut bucket = Bucket::full(rate, now);
        bucket.spend(rate, 1e9, now);
        assert_eq!(bucket.time_until(rate, 0.0), SECOND * 10);
        assert!(bucket.take(rate, 1.0, now + SECOND * 10).is_err());
        assert!(bucket.take(rate, 1.0, now + SECOND * 11).is_ok());
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_nothing() {
        let (rate, now) = (rate(1, 1), Instant::now());
        let mut bucket = Bucket::full(rate, now + SECOND);
        assert!(bucket.take(rate, 1.0, now).is_ok());
        assert!(bucket.take(rate, 1.0, now).is_err());
        assert!(bucket.take(rate, 1.0, now + SECOND).is_err());
    }
}
