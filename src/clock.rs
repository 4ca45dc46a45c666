//! Wall-clock time as the wire shows it.

use jiff::Timestamp;

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn unix_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// RFC 3339 in UTC with milliseconds and `Z`, as in `2026-01-16T09:30:00.123Z`.
#[must_use]
pub fn rfc3339(unix_ms: i64) -> String {
    // Out of range only for years no clock shows; the Unix epoch then says as much.
    let at = Timestamp::from_millisecond(unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn timestamps_have_three_digits_and_z() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_768_555_800_120), "2026-01-16T09:30:00.120Z");
    }
}
