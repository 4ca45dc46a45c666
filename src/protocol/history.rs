//! `get_history`: a page of the current room's messages.

use serde::Deserialize;
use utoipa::ToSchema;

use super::inbound::{ClientRequest, page_size, required};
use crate::domain::{RequestError, TextLimits};

/// `get_history`: messages older than `before`, newer than `after`, or on both sides of `around`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryRequest {
    /// Only messages with a smaller id; the newest of those.
    pub before: Option<u64>,
    /// Only messages with a greater id; the oldest of those.
    pub after: Option<u64>,
    /// Messages before and after this id, and its own.
    pub around: Option<u64>,
    /// How many at most, 1 to [`HISTORY_PAGE_MAX`](super::HISTORY_PAGE_MAX).
    pub limit: usize,
}

impl ClientRequest for HistoryRequest {
    const EVENT: &'static str = "get_history";

    fn decode(payload: Option<&str>, _limits: &TextLimits) -> Result<Self, RequestError> {
        let wire: HistoryWire = required(Self::EVENT, payload)?;
        let given = [wire.before, wire.after, wire.around];
        if given.iter().flatten().count() > 1 {
            return Err(RequestError::invalid_payload(
                "get_history: give one of before, after and around",
            ));
        }
        if wire.limit == 0 {
            return Err(RequestError::invalid_payload(
                "get_history: limit must be at least 1",
            ));
        }
        Ok(Self {
            before: wire.before,
            after: wire.after,
            around: wire.around,
            limit: page_size(wire.limit),
        })
    }
}

#[derive(Deserialize, ToSchema)]
pub(super) struct HistoryWire {
    #[serde(default)]
    before: Option<u64>,
    #[serde(default)]
    after: Option<u64>,
    #[serde(default)]
    around: Option<u64>,
    limit: u64,
}
