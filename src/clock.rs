//! The time of day in timestamps: the machine's clock, as far as it can be trusted.
//!
//! A machine's clock can be set to anything at any moment, and timestamps never go back. If they had
//! followed a clock a day ahead, they would stay there for a day. So [`TrustedClock`] compares the
//! clock with the monotonic one, and follows a jump only after it has lasted for a while.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use parking_lot::Mutex;

/// By how much the machine's clock may differ from what is expected and be followed immediately.
const SLACK_MS: i64 = 2_000;
/// How long a jump ahead must last to be trusted. A clock that is wrong for a shorter time is never shown.
const AHEAD_MS: i64 = 15_000;
/// How long a jump back must last to be trusted. Waiting does no harm: timestamps wait for the clock meanwhile.
const BACK_MS: i64 = 2_000;
/// Time between two readings of the machine's clock if no caller asks for the time.
const OBSERVE_INTERVAL: Duration = Duration::from_secs(1);
/// Times that a correct clock can show: the years 2020 to 2199.
const PLAUSIBLE_MS: std::ops::Range<i64> = 1_577_836_800_000..7_258_118_400_000;
/// What a timestamp of four digits for the year can show.
const SHOWN_MS: std::ops::RangeInclusive<i64> = 0..=253_402_207_200_000;

/// A wall clock that ignores short jumps. All times are milliseconds: `mono` of the monotonic clock,
/// `wall` since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedClock {
    /// By how much the clock is ahead of the monotonic one; `None` until it shows a plausible time.
    offset: Option<i64>,
    /// The offset before the last jump: the clock may return to it immediately.
    before: Option<i64>,
    jump: Option<Jump>,
}

/// A jump of the clock that has not lasted long enough to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Jump {
    offset: i64,
    since: i64,
}

impl TrustedClock {
    /// Notes what the clock shows, and returns the trusted time.
    pub fn observe(&mut self, mono: i64, wall: i64) -> i64 {
        let seen = wall.saturating_sub(mono);
        match self.offset {
            Some(offset) if !PLAUSIBLE_MS.contains(&wall) => {
                self.jump = None;
                return shown(mono.saturating_add(offset));
            }
            None if !PLAUSIBLE_MS.contains(&wall) => return shown(wall),
            None => self.offset = Some(seen),
            Some(offset) if is_near(seen, offset) => {
                self.offset = Some(seen);
                self.jump = None;
            }
            Some(_) if self.before.is_some_and(|before| is_near(seen, before)) => {
                *self = Self {
                    offset: Some(seen),
                    ..Self::default()
                };
            }
            Some(offset) => self.weigh(mono, seen, offset),
        }
        shown(mono.saturating_add(self.offset.unwrap_or(seen)))
    }

    fn weigh(&mut self, mono: i64, seen: i64, offset: i64) {
        let jump = self.jump.filter(|jump| is_near(jump.offset, seen));
        let jump = jump.unwrap_or(Jump {
            offset: seen,
            since: mono,
        });
        let must_last = if seen > offset { AHEAD_MS } else { BACK_MS };
        if mono.saturating_sub(jump.since) >= must_last {
            self.before = Some(offset);
            self.offset = Some(seen);
            self.jump = None;
        } else {
            self.jump = Some(jump);
        }
    }

    /// Whether the clock differs from the trusted time.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        self.jump.is_some()
    }
}

fn is_near(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= SLACK_MS.unsigned_abs()
}

fn shown(unix_ms: i64) -> i64 {
    unix_ms.clamp(*SHOWN_MS.start(), *SHOWN_MS.end())
}

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
static TRUSTED: LazyLock<Mutex<TrustedClock>> = LazyLock::new(Mutex::default);

/// Milliseconds since the Unix epoch. Another thread may get an earlier or later time, by
/// however much the clock was corrected in between.
#[must_use]
pub fn unix_ms() -> i64 {
    TRUSTED.lock().observe(mono_ms(), wall_ms())
}

/// Milliseconds since this process began, by the monotonic clock.
#[must_use]
pub fn mono_ms() -> i64 {
    i64::try_from(STARTED.elapsed().as_millis()).unwrap_or(i64::MAX)
}

fn wall_ms() -> i64 {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

/// Whether the machine's clock shows a time that HTTP has a date for.
#[must_use]
pub fn is_datable() -> bool {
    (0..253_402_300_800_000).contains(&wall_ms())
}

/// Reads the machine's clock regularly for as long as it is polled, so that a jump is timed from
/// when it happens, not from when a caller next asks for the time.
pub async fn watch() {
    loop {
        TRUSTED.lock().observe(mono_ms(), wall_ms());
        tokio::time::sleep(OBSERVE_INTERVAL).await;
    }
}

/// RFC 3339 in UTC with milliseconds and `Z`, as in `2026-01-16T09:30:00.123Z`. What four digits for
/// the year cannot show is shown as the nearest that they can.
#[must_use]
pub fn rfc3339(unix_ms: i64) -> String {
    let at = Timestamp::from_millisecond(shown(unix_ms)).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

/// The milliseconds since the Unix epoch of a timestamp that [`rfc3339`] wrote.
#[must_use]
pub fn parse_rfc3339(timestamp: &str) -> Option<i64> {
    let at: Timestamp = timestamp.parse().ok()?;
    Some(at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_768_555_800_000;
    const DAY: i64 = 24 * 3600 * 1000;
    const YEAR_10000: i64 = 253_402_300_800_000;

    #[test]
    fn timestamps_have_three_digits_and_z() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_768_555_800_120), "2026-01-16T09:30:00.120Z");
    }

    #[test]
    fn any_number_is_a_timestamp_of_one_length_in_order() {
        let numbers = [
            i64::MIN,
            -1,
            0,
            1,
            NOW,
            YEAR_10000 - 1,
            YEAR_10000,
            i64::MAX,
        ];
        let shown = numbers.map(rfc3339);
        assert!(shown.is_sorted(), "{shown:?}");
        assert!(shown.iter().all(|at| at.len() == 24), "{shown:?}");
    }

    /// The trusted offset in each second. Each pair is a number of seconds and the clock's offset in them.
    fn trusted(offs: &[(i64, i64)]) -> Vec<i64> {
        let mut clock = TrustedClock::default();
        let mut seen = Vec::new();
        let mut second = 0;
        for (seconds, off) in offs {
            for _ in 0..*seconds {
                let mono = second * 1000;
                let wall = NOW.saturating_add(mono).saturating_add(*off);
                seen.push(clock.observe(mono, wall) - NOW - mono);
                second += 1;
            }
        }
        seen
    }

    #[test]
    fn a_clock_that_is_wrong_for_a_moment_is_not_believed() {
        for off in [
            DAY,
            -DAY,
            366 * DAY,
            YEAR_10000,
            i64::MAX / 2,
            i64::MIN / 2,
            3_000,
        ] {
            let seen = trusted(&[(10, 0), (if off > 0 { 14 } else { 2 }, off), (20, 0)]);
            assert!(seen.iter().all(|off| *off == 0), "{off}: {seen:?}");
        }
    }

    #[test]
    fn a_clock_that_stays_where_it_leapt_to_is_believed_within_seconds() {
        for (off, seconds) in [(DAY, 15), (-DAY, 2), (3_000, 15), (1_000, 0), (-1_000, 0)] {
            let seen = trusted(&[(10, 0), (20, off)]);
            let first = seen.iter().position(|seen| *seen == off);
            assert_eq!(first, Some(10 + seconds), "{off}: {seen:?}");
        }
    }

    #[test]
    fn a_clock_that_comes_back_is_believed_at_once_however_long_it_was_wrong() {
        for off in [DAY, -DAY] {
            let seen = trusted(&[(10, 0), (100, off), (10, 0)]);
            assert_eq!((seen[109], seen[110]), (off, 0), "{seen:?}");
            // And the next moment of the same kind is one.
            let seen = trusted(&[(10, 0), (100, off), (10, 0), (2, off), (10, 0)]);
            assert_eq!(seen[120..], [0; 12], "{seen:?}");
        }
    }

    #[test]
    fn a_clock_that_cannot_be_right_is_followed_until_it_can() {
        for wrong in [-NOW, -NOW - DAY, YEAR_10000] {
            let seen = trusted(&[(5, wrong), (5, 0)]);
            assert_eq!(seen[5..], [0; 5], "{wrong}: {seen:?}");
        }
        let seen = trusted(&[(5, 0), (1000, YEAR_10000), (5, 0)]);
        assert!(seen.iter().all(|off| *off == 0), "{seen:?}");
    }

    proptest! {
        /// Whatever the clock shows: within its bounds, and right again soon after it is.
        #[test]
        fn whatever_the_clock_did_it_is_believed_soon_after_it_is_right(
            offs in prop::collection::vec((0..40_i64, prop_oneof![
                any::<i64>(), -DAY..DAY, Just(0), Just(DAY), Just(-DAY),
            ]), 0..20),
        ) {
            let seen = trusted(&[&offs[..], &[(20, 0)]].concat());
            prop_assert_eq!(seen[seen.len() - 1], 0);
            let mut clock = TrustedClock::default();
            for (mono, wall) in offs {
                let at = clock.observe(mono, wall);
                prop_assert!(SHOWN_MS.contains(&at));
            }
        }
    }
}
