//! How many messages a room accepts each second, from all users together.
//!
//! Each user has a budget, but identities cost nothing, so a flood of new ones is bounded here. While
//! the room's bucket is more than half full, every member may send. Below that, a member needs more
//! tokens to be left, the more those who joined earlier ask for: the first member needs one token,
//! a member who comes after ROOM_RATE messages a second needs half a bucket. So a flood by
//! newcomers stops at half a bucket, and the other half is for members who joined earlier.
//!
//! If several processes share a room, each has a ceiling of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::members::MemberId;
use crate::domain::RequestError;
use crate::rate::{Bucket, Rate};

/// What members asked for is counted for this long.
const WINDOW: Duration = Duration::from_secs(1);
/// When those who are refused may come again: they would only be refused earlier.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Bounds the rate of a room's messages, in favour of members who joined earlier.
#[derive(Debug)]
pub(super) struct Ceiling {
    rate: Rate,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    /// Messages each member has asked for, since then.
    asked: BTreeMap<MemberId, u32>,
    since: Instant,
    /// The same, in the window before.
    asked_before: BTreeMap<MemberId, u32>,
}

impl State {
    fn turn(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= WINDOW {
            let asked = std::mem::take(&mut self.asked);
            self.asked_before = if elapsed < 2 * WINDOW {
                asked
            } else {
                BTreeMap::new()
            };
            self.since = now;
        }
    }

    /// Messages a second that members who joined before `member` ask for, as far as it matters.
    fn asked_by_older(&self, member: MemberId, enough: u32) -> u32 {
        let of = |asked: &BTreeMap<MemberId, u32>| {
            let mut sum: u32 = 0;
            for (_, asked) in asked.range(..member) {
                sum = sum.saturating_add(*asked);
                if sum >= enough {
                    break;
                }
            }
            sum.min(enough)
        };
        of(&self.asked).max(of(&self.asked_before))
    }
}

impl Ceiling {
    pub(super) fn new(rate: Rate) -> Self {
        let now = Instant::now();
        Self {
            rate,
            state: Mutex::new(State {
                bucket: Bucket::full(rate, now),
                asked: BTreeMap::new(),
                since: now,
                asked_before: BTreeMap::new(),
            }),
        }
    }

    /// Takes a message of a member who has been there since `since`.
    ///
    /// # Errors
    /// `rate_limited` if the room has enough.
    pub(super) fn admit(&self, since: MemberId, now: Instant) -> Result<(), RequestError> {
        let rate = self.rate;
        let half = rate.capacity() / 2.0;
        let mut state = self.state.lock();
        state.turn(now);
        let needed = if state.bucket.tokens(rate, now) > half {
            1.0
        } else {
            let enough = rate.per_second.get();
            let older = state.asked_by_older(since, enough);
            half * f64::from(older) / f64::from(enough)
        };
        *state.asked.entry(since).or_default() += 1;
        let taken = state.bucket.take(rate, needed, now);
        drop(state);
        taken.map_err(|wait| RequestError::rate_limited(wait.max(RETRY_AFTER)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::members::Members;
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn ceiling(per_second: u32, burst: u32) -> Ceiling {
        Ceiling::new(Rate::new(per_second, burst).unwrap_or_else(|| panic!("no rate")))
    }

    /// Members in the order of their joining.
    fn members(count: u64) -> Vec<MemberId> {
        let members = Members::at(1);
        (0..count).map(|n| members.new_id(n)).collect()
    }

    #[test]
    fn one_persons_burst_is_never_refused_in_a_quiet_room() {
        let ceiling = ceiling(200, 200);
        let now = Instant::now();
        for member in members(2) {
            assert!((0..50).all(|_| ceiling.admit(member, now).is_ok()));
        }
    }

    /// 300 newcomers each send ten messages a second for ten seconds; three who were there before
    /// them say something every second, and one of them pastes fifty messages.
    #[test]
    fn a_flood_of_newcomers_is_bounded_and_never_in_the_way_of_older_members() {
        let ceiling = ceiling(200, 200);
        let everybody = members(303);
        let (older, newer) = everybody.split_at(3);
        let start = Instant::now();
        let (mut accepted, mut refused) = (0, 0);
        for ms in 0..10_000 {
            let now = start + ms * MILLISECOND;
            for n in 0..3 {
                let of_newer = newer[(ms * 3 + n) as usize % newer.len()];
                match ceiling.admit(of_newer, now) {
                    Ok(()) => accepted += 1,
                    Err(_) => refused += 1,
                }
            }
            let said = if ms == 7700 {
                50
            } else {
                u32::from(ms % 1000 == 500)
            };
            for _ in 0..said {
                for member in &older[..if said > 1 { 1 } else { 3 }] {
                    assert!(ceiling.admit(*member, now).is_ok(), "at {ms} ms");
                    accepted += 1;
                }
            }
        }
        assert!(
            accepted <= 200 + 2000,
            "{accepted} accepted, {refused} refused"
        );
        assert!(
            accepted >= 2000,
            "{accepted} accepted: the room is not starved either"
        );
    }

    #[test]
    fn a_sudden_flood_leaves_half_a_bucket_to_those_before_it() {
        let ceiling = ceiling(200, 200);
        let everybody = members(1001);
        let now = Instant::now();
        let accepted = everybody[1..]
            .iter()
            .filter(|member| ceiling.admit(**member, now).is_ok());
        assert!(accepted.count() <= 160);
        let spoke = (0..40).filter(|_| ceiling.admit(everybody[0], now).is_ok());
        assert_eq!(spoke.count(), 40);
    }

    #[test]
    fn whoever_is_refused_is_told_when_to_come_again() {
        let ceiling = ceiling(1, 1);
        let member = members(1)[0];
        let now = Instant::now();
        assert!(ceiling.admit(member, now).is_ok());
        let wait = ceiling.admit(member, now).err().and_then(|r| r.retry_after);
        assert_eq!(wait, Some(RETRY_AFTER));
        assert!(ceiling.admit(member, now + RETRY_AFTER).is_ok());
    }

    #[test]
    fn what_was_asked_is_forgotten_when_the_room_has_been_quiet() {
        let ceiling = ceiling(200, 200);
        let now = Instant::now();
        for member in members(500) {
            drop(ceiling.admit(member, now));
        }
        assert!(ceiling.admit(members(1)[0], now + 3 * WINDOW).is_ok());
        let state = ceiling.state.lock();
        assert_eq!((state.asked.len(), state.asked_before.len()), (1, 0));
    }
}
