//! When each user wrote last in rooms with slow mode.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::domain::RequestError;
use crate::room::UserId;

/// Entries above which those that mean nothing any more are looked for.
const SWEEP_FROM: usize = 1024;

/// When each user may write again in rooms with slow mode. Kept by user, so that a new connection
/// changes nothing.
#[derive(Debug, Default)]
pub struct SlowMode {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    last: HashMap<(usize, UserId), (Instant, Duration)>,
    sweep_from: usize,
}

impl SlowMode {
    /// Lets a user write in a room, and notes that they did.
    ///
    /// # Errors
    /// `slow_mode`.
    pub fn admit(&self, room: usize, user_id: &UserId, seconds: u32) -> Result<(), RequestError> {
        self.admit_at(room, user_id, seconds, Instant::now())
    }

    fn admit_at(
        &self,
        room: usize,
        user_id: &UserId,
        seconds: u32,
        now: Instant,
    ) -> Result<(), RequestError> {
        let interval = Duration::from_secs(seconds.into());
        let mut inner = self.inner.lock();
        let key = (room, UserId::clone(user_id));
        if let Some((last, _)) = inner.last.get(&key) {
            let passed = now.saturating_duration_since(*last);
            if passed < interval {
                return Err(RequestError::slow_mode(interval - passed));
            }
        }
        inner.last.insert(key, (now, interval));
        if inner.last.len() > inner.sweep_from.max(SWEEP_FROM) {
            inner
                .last
                .retain(|_, (last, interval)| now.saturating_duration_since(*last) < *interval);
            // So that a sweep that finds little is not made again with each message.
            inner.sweep_from = inner.last.len() * 2;
        }
        drop(inner);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RequestErrorCode;

    #[test]
    fn each_user_waits_in_each_room() {
        let slow = SlowMode::default();
        let (ada, bo): (UserId, UserId) = ("ada".into(), "bo".into());
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(slow.admit_at(0, &ada, 10, start).is_ok());
        let Err(refusal) = slow.admit_at(0, &ada, 10, after(4)) else {
            panic!("too early");
        };
        assert_eq!(refusal.code, RequestErrorCode::SlowMode);
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(6)));
        assert!(slow.admit_at(1, &ada, 10, after(4)).is_ok());
        assert!(slow.admit_at(0, &bo, 10, after(4)).is_ok());
        assert!(slow.admit_at(0, &ada, 10, after(10)).is_ok());
    }

    #[test]
    fn users_who_may_write_again_take_no_memory() {
        let slow = SlowMode::default();
        let start = Instant::now();
        for n in 0..10_000u32 {
            let user: UserId = n.to_string().into();
            let now = start + Duration::from_millis(u64::from(n) * 100);
            assert!(slow.admit_at(0, &user, 10, now).is_ok());
        }
        assert!(slow.inner.lock().last.len() <= 2 * SWEEP_FROM);
    }
}
