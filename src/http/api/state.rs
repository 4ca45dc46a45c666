//! What all calls of the API use.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use ipnet::IpNet;
use serde::Serialize;
use tokio_util::task::TaskTracker;
use utoipa::ToSchema;

use super::caller::Caller;
use super::error::ApiError;
use crate::http::readiness::Readiness;
use crate::json;
use crate::memory::{MemoryCharge, Owner};
use crate::session::Shared;
use crate::socket::Endpoint;
use crate::webhooks::Webhooks;

/// What the API needs.
#[derive(Debug)]
pub struct Parts {
    /// The rooms, the store, budgets and metrics.
    pub shared: Arc<Shared>,
    /// Counts event streams among the connections.
    pub endpoint: Arc<Endpoint>,
    /// Whether new connections are accepted.
    pub readiness: Readiness,
    /// Proxies whose `X-Forwarded-For` is used.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Where event streams run. A drain waits for them.
    pub tasks: TaskTracker,
    /// Webhooks, in both directions.
    pub webhooks: Arc<Webhooks>,
    /// Longest time in which an event stream sends nothing.
    pub heartbeat: Duration,
    /// How long a client may take nothing of an event stream; `None` = for ever.
    pub slow_timeout: Option<Duration>,
    /// The settings in force, as admins see them.
    pub settings: Arc<[Setting]>,
    /// The most connections; 0 = not limited.
    pub connections_max: usize,
    /// The most bytes that connections may hold; 0 = not limited.
    pub memory_budget: usize,
    /// What keeps the rooms.
    pub store_name: &'static str,
}

/// A setting in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct Setting {
    /// The environment variable.
    pub name: String,
    /// The group of settings that it belongs to.
    pub group: String,
    /// Its value; empty if it is not set. Of a secret `set` or `not set`.
    pub value: String,
    /// Whether the value is hidden.
    pub secret: bool,
    /// Where the value comes from: `default`, `environment`, `flag`, or `host` for what was adapted to
    /// the hosting platform.
    pub source: &'static str,
    /// What it is for.
    pub help: String,
}

/// What every call may use.
#[derive(Debug)]
pub struct Api {
    /// What it was made of.
    pub parts: Parts,
    /// When the service began.
    pub began: Instant,
    /// Describes the calls.
    pub openapi: Bytes,
    /// Describes the events of Socket.IO.
    pub asyncapi: Bytes,
}

impl Api {
    /// An answer, charged to the caller's budget, and to that of memory until it is written.
    ///
    /// # Errors
    /// `unavailable` if there is no memory for it.
    pub fn answer(
        &self,
        caller: &Caller,
        body: &(impl Serialize + Sync),
    ) -> Result<Response, ApiError> {
        let body = String::from(Box::<str>::from(json::raw(body)));
        self.answer_json(caller, body.into())
    }

    /// The same for JSON that is there already.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn answer_json(&self, caller: &Caller, body: Bytes) -> Result<Response, ApiError> {
        caller.account.charge_answer(body.len());
        let memory = self.parts.shared.budget.open(Weak::<Unowned>::new());
        let charge = memory
            .try_charge(body.len())
            .ok_or_else(ApiError::no_memory)?;
        let body = charged(body, charge);
        let mut answer = Response::new(Body::from(body));
        let json = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(header::CONTENT_TYPE, json);
        Ok(answer)
    }
}

/// Bytes that stay charged until they are written.
pub fn charged(bytes: Bytes, charge: MemoryCharge) -> Bytes {
    struct Charged {
        bytes: Bytes,
        _charge: MemoryCharge,
    }
    impl AsRef<[u8]> for Charged {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    Bytes::from_owner(Charged {
        bytes,
        _charge: charge,
    })
}

/// Answers are short-lived, so none is closed for the memory it holds.
struct Unowned;

impl Owner for Unowned {
    fn close_for_memory(&self) {}
}
