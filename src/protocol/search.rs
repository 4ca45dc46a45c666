//! `search`: messages of the current room by what they say.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::inbound::{ClientRequest, page_size, required};
use crate::domain::{RequestError, SearchQuery, TextLimits};

/// `search`: messages that have all the words of a text, newest first.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// What they must have.
    pub query: SearchQuery,
    /// Only messages with a smaller id.
    pub before: Option<u64>,
    /// How many at most, 1 to [`HISTORY_PAGE_MAX`](super::HISTORY_PAGE_MAX).
    pub limit: usize,
}

impl ClientRequest for SearchRequest {
    const EVENT: &'static str = "search";

    fn decode(payload: Option<&str>, _limits: &TextLimits) -> Result<Self, RequestError> {
        let wire: SearchWire<'_> = required(Self::EVENT, payload)?;
        if wire.limit == 0 {
            return Err(RequestError::invalid_payload(
                "search: limit must be at least 1",
            ));
        }
        Ok(Self {
            query: SearchQuery::parse(&wire.text)?,
            before: wire.before,
            limit: page_size(wire.limit),
        })
    }

    fn held_bytes(&self) -> usize {
        self.query.held_bytes()
    }
}

#[derive(Deserialize, ToSchema)]
pub(super) struct SearchWire<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(default)]
    before: Option<u64>,
    limit: u64,
}

/// Body of `search`'s acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchBody<'a> {
    /// Newest first, as `receive_message` payloads.
    #[schema(value_type = Vec<super::ReceiveMessage>)]
    pub messages: Vec<Cow<'a, RawValue>>,
    /// Whether older messages have not been looked at. One request looks at a part of them only, so there may be
    /// more even without any message here.
    pub more: bool,
    /// Where the next request goes on, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}
