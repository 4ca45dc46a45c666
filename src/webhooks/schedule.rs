//! When a delivery is tried again.

use std::time::Duration;

use jiff::fmt::rfc2822;

use crate::random;

/// Bound of the first pause. It doubles with each attempt, up to the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(600);
/// Longest pause that a receiver may ask for.
const ASKED_MAX: Duration = Duration::from_secs(3600);

/// The pause after an attempt, the first of which has the number 1: anything from nothing to a
/// bound, so that many senders do not come back together. `asked` is what the receiver asked for.
#[must_use]
pub fn pause_after(attempt: u32, asked: Option<Duration>) -> Duration {
    let bound = bound(attempt);
    let jitter = random::up_to(u64::try_from(bound.as_millis()).unwrap_or(u64::MAX));
    let pause = Duration::from_millis(jitter);
    pause.max(asked.unwrap_or_default().min(ASKED_MAX))
}

fn bound(attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    (FIRST * 2_u32.pow(doublings)).min(LONGEST)
}

/// The pause that a `Retry-After` asks for: seconds, or a date.
#[must_use]
pub fn asked_pause(retry_after: &str, now_ms: i64) -> Option<Duration> {
    let text = retry_after.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::parse(text).ok()?.timestamp();
    let left_ms = date.as_millisecond().saturating_sub(now_ms);
    Some(Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_spread() {
        assert_eq!(bound(1), FIRST);
        assert_eq!(bound(2), FIRST * 2);
        assert_eq!(bound(12), LONGEST);
        assert_eq!(bound(u32::MAX), LONGEST);
        for attempt in [1, 5, 40] {
            assert!(pause_after(attempt, None) <= bound(attempt));
        }
        let minute = Duration::from_secs(60);
        assert!(pause_after(1, Some(minute)) >= minute);
        assert!(pause_after(1, Some(Duration::MAX)) <= ASKED_MAX);
    }

    #[test]
    fn a_receiver_asks_in_seconds_or_for_a_date() {
        let seconds = |s| Some(Duration::from_secs(s));
        assert_eq!(asked_pause(" 120", 0), seconds(120));
        let date = "Wed, 21 Oct 2015 07:28:00 GMT";
        let at_ms = 1_445_412_480_000;
        assert_eq!(asked_pause(date, at_ms - 5000), seconds(5));
        assert_eq!(asked_pause(date, at_ms + 5000), seconds(0));
        for text in ["", "soon", "-1", "1.5"] {
            assert_eq!(asked_pause(text, 0), None, "{text}");
        }
    }
}
