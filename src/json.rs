//! Payloads are serialised once, to raw JSON, and shared from then on.

use serde::Serialize;
use serde_json::value::RawValue;

/// Serialises a payload of ours.
///
/// # Panics
/// Never for the types of `protocol`: serde_json fails only on map keys that are no strings and on
/// types whose own `Serialize` fails, and there are none of either.
#[must_use]
pub fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    #[expect(clippy::expect_used, reason = "see `# Panics`")]
    serde_json::value::to_raw_value(value).expect("wire types always serialise")
}
