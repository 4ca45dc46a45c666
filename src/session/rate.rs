//! How fast one connection may ask: a token bucket for each class of event.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::domain::Refusal;

/// So many a second on average, so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// On average.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// A rate; `None`, which never limits, where either number is 0.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Option<Self> {
        Some(Self {
            per_second: NonZeroU32::new(per_second)?,
            burst: NonZeroU32::new(burst)?,
        })
    }
}

/// Limits one class of events of one connection.
#[derive(Debug)]
pub struct Limiter {
    bucket: Option<(DefaultDirectRateLimiter, DefaultClock)>,
}

impl Limiter {
    /// A full bucket; `None` never limits.
    #[must_use]
    pub fn new(rate: Option<Rate>) -> Self {
        let bucket = rate.map(|rate| {
            let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
            (RateLimiter::direct(quota), DefaultClock::default())
        });
        Self { bucket }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// `rate_limited` with the time until there is one again.
    pub fn check(&self) -> Result<(), Refusal> {
        let Some((bucket, clock)) = &self.bucket else {
            return Ok(());
        };
        bucket.check().map_err(|early| {
            // At least a millisecond: "try again in 0 ms" would be refused again.
            let wait = early
                .wait_time_from(clock.now())
                .max(Duration::from_millis(1));
            Refusal::rate_limited(wait)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RefusalCode;

    #[test]
    fn a_burst_passes_and_what_follows_is_told_when_to_come_again() {
        let limiter = Limiter::new(Rate::new(1, 50));
        for _ in 0..50 {
            assert_eq!(limiter.check(), Ok(()));
        }
        let refused = limiter.check().err();
        assert_eq!(
            refused.as_ref().map(|r| r.code),
            Some(RefusalCode::RateLimited)
        );
        let wait = refused.and_then(|r| r.retry_after).unwrap_or_default();
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(1),
            "{wait:?}"
        );
    }

    #[test]
    fn no_rate_never_limits() {
        let limiter = Limiter::new(None);
        assert!((0..100_000).all(|_| limiter.check().is_ok()));
    }
}
