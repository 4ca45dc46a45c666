//! `refusals`: the newest refusals of connections and requests.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::error::ApiError;
use super::extract::{ApiQuery, page_size};
use super::state::Api;
use crate::clock;
use crate::metrics::Refusal;

/// As many as are kept.
const REFUSALS_MAX: usize = 200;

/// Which refusals are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RefusalsQuery {
    /// How many at most; 200 if it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
}

/// Equal refusals: of one kind, from one network.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusalInfo {
    /// The reason, as in `rejected` of `stats`.
    code: &'static str,
    /// What was refused: an event, a path, or `connection`.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<String>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The network: an IPv4 address, or an IPv6 /64.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    /// How often, since `first`.
    count: u64,
    /// When for the first time (RFC 3339).
    first: String,
    /// When for the last time (RFC 3339).
    last: String,
}

impl From<Refusal> for RefusalInfo {
    fn from(refusal: Refusal) -> Self {
        let given = |text: Box<str>| Some(text.into_string()).filter(|text| !text.is_empty());
        Self {
            code: refusal.reason,
            what: given(refusal.what),
            message: given(refusal.text),
            network: refusal.network.map(|network| network.to_string()),
            count: refusal.count,
            first: rfc3339(refusal.first),
            last: rfc3339(refusal.last),
        }
    }
}

fn rfc3339(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    clock::rfc3339(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The newest refusals.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refusals {
    /// Newest first.
    refusals: Vec<RefusalInfo>,
}

/// The newest refusals of this process
#[utoipa::path(get, path = "/refusals", tag = "service", operation_id = "listRefusals",
    params(RefusalsQuery), responses((status = 200, description = "The newest", body = Refusals)))]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    ApiQuery(query): ApiQuery<RefusalsQuery>,
) -> Result<Response, ApiError> {
    let limit = page_size(query.limit, REFUSALS_MAX, REFUSALS_MAX)?;
    let newest = api.parts.shared.metrics.newest_refusals(limit);
    let refusals = newest.into_iter().map(RefusalInfo::from).collect();
    api.answer(&caller, &Refusals { refusals })
}
