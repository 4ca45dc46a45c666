//! Checks every call before its handler: headers, limits of the connection, the token and its role,
//! the caller's rate limit.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::PATH;
use super::auth;
use super::caller::Caller;
use super::error::{ApiError, Refused};
use super::state::Api;
use crate::domain::{RequestError, Role};
use crate::http::{client_address, headers};
use crate::metrics::RefusalContext;
use crate::peer::{AdmissionError, ClientAddress, network_of};
use crate::session::budget::Class;

/// What the checks of a group of calls need.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The API.
    pub api: Arc<Api>,
    /// The least role that may use these calls.
    pub least: Role,
}

/// Lets a request pass to its handler.
pub async fn check(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    match guard.caller_of(&request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

/// The headers that every answer has, and the count of refusals.
pub async fn mark(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let metrics = &api.parts.shared.metrics;
    let refused = headers::doubled(request.headers())
        .map(|name| ApiError::invalid(format!("the header {name} is there twice; send it once")));
    let refused = refused.or_else(|| {
        let error = request.extensions().get::<AdmissionError>();
        error.map(|error| ApiError::from(*error))
    });
    let network = client_address::network_behind(&request, &api.parts.trusted_proxies);
    let path = request.extensions().get::<MatchedPath>().cloned();
    let mut answer = match refused {
        Some(error) => error.into_response(),
        None => next.run(request).await,
    };
    if let Some(Refused { reason, text }) = answer.extensions().get() {
        let context = RefusalContext {
            // As the router has it, with `{room}` and no name of one.
            what: path.as_ref().map_or(PATH, MatchedPath::as_str),
            text,
            network,
        };
        metrics.reject_with(reason, &context);
    }
    let no_store = HeaderValue::from_static("no-store");
    answer.headers_mut().insert(header::CACHE_CONTROL, no_store);
    headers::forbid_sniffing(&mut answer);
    answer
}

impl Guard {
    fn caller_of(&self, request: &Request) -> Result<Caller, ApiError> {
        let api = &*self.api;
        let actor = auth::authorize(&api.parts.shared.identities, request.headers(), self.least)?;
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let client = peer.map(|ConnectInfo(peer)| {
            let trusted = &api.parts.trusted_proxies;
            ClientAddress(client_address::client_of(
                peer.ip(),
                request.headers(),
                trusted,
            ))
        });
        let network = client.map(|ClientAddress(address)| network_of(address));
        let moderation = &api.parts.shared.moderation;
        if moderation
            .ban_of(&actor.user_id, network, actor.role)
            .is_some()
        {
            return Err(RequestError::banned(None).into());
        }
        let account = api.parts.shared.budgets.account(&actor.user_id, network);
        account.take(Class::Request)?;
        account.check_answers()?;
        Ok(Caller {
            actor,
            account: Arc::new(account),
            client,
        })
    }
}
