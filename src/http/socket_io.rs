//! Requests to the Socket.IO endpoint: the checks before them, and the headers of their answers.
//!
//! A client that polls sends a request for every answer. So this is one service and not a layer for
//! each check: every layer of the router allocates and moves a future of its own.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use ipnet::IpNet;
use tower_service::Service;

use super::readiness::Readiness;
use super::{client_address, headers, origin, overflow};
use crate::domain::AllowedOrigins;
use crate::metrics::{Metrics, RefusalContext};
use crate::peer::ClientAddress;
use crate::socket::{self, Endpoint};

/// What the checks need.
#[derive(Debug)]
pub struct Checks {
    /// Socket.IO.
    pub endpoint: Arc<Endpoint>,
    /// Whether new sessions are accepted.
    pub readiness: Readiness,
    /// Origins whose pages may connect.
    pub allowed_origins: AllowedOrigins,
    /// Proxies whose `X-Forwarded-For` is used.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Counts what is refused.
    pub metrics: Arc<Metrics>,
}

/// The endpoint behind its checks.
#[derive(Debug, Clone)]
pub struct SocketIo(Arc<Checks>);

impl SocketIo {
    /// The endpoint behind these checks.
    #[must_use]
    pub fn new(checks: Checks) -> Self {
        Self(Arc::new(checks))
    }
}

impl Service<Request> for SocketIo {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let checks = &*self.0;
        if let Some(refusal) = checks.refuse_headers(&request) {
            return Box::pin(std::future::ready(Ok(mark(refusal))));
        }
        let origin = request.headers().get(header::ORIGIN).cloned();
        if request.method() == Method::OPTIONS {
            let answer = origin::preflight(request.headers());
            return Box::pin(std::future::ready(Ok(mark(grant(answer, origin)))));
        }
        let answer = checks.pass(request);
        Box::pin(async move { Ok(mark(grant(answer.await, origin))) })
    }
}

impl Checks {
    /// The refusal of a request whose headers are not valid or whose page may not connect.
    fn refuse_headers(&self, request: &Request) -> Option<Response> {
        let doubled = headers::refusal(request.headers());
        let (reason, text, refusal) = match doubled {
            Some(refusal) => (headers::DOUBLED, "", refusal),
            None => {
                let refusal = origin::refusal(&self.allowed_origins, request.headers())?;
                ("origin", origin::REFUSED, refusal)
            }
        };
        let context = RefusalContext {
            what: socket::PATH,
            text,
            network: client_address::network_behind(request, &self.trusted_proxies),
        };
        self.metrics.reject_with(reason, &context);
        Some(refusal)
    }

    /// Passes a request on to the endpoint, unless the service is full or not ready.
    fn pass(&self, mut request: Request) -> impl Future<Output = Response> + Send + use<> {
        if let Some(refusal) = overflow::refusal(&self.metrics, &request) {
            return Either::Right(std::future::ready(refusal));
        }
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        if let Some(&ConnectInfo(peer)) = peer {
            let trusted = &self.trusted_proxies;
            let client = client_address::client_of(peer.ip(), request.headers(), trusted);
            request.extensions_mut().insert(ClientAddress(client));
        }
        match self.refuse_new_session(&request) {
            None => Either::Left(self.endpoint.respond(request)),
            Some(refusal) => Either::Right(std::future::ready(refusal)),
        }
    }

    /// The refusal of a new session while the service is not ready. Requests of existing sessions pass:
    /// a client that polls needs new requests, and often new connections, until its session ends.
    fn refuse_new_session(&self, request: &Request) -> Option<Response> {
        let why = self.readiness.not_ready()?;
        let query = request.uri().query().unwrap_or_default();
        let has_session = query.split('&').any(|pair| pair.starts_with("sid="));
        let retry = [(header::RETRY_AFTER, "1")];
        let refusal = (StatusCode::SERVICE_UNAVAILABLE, retry, why);
        (!has_session).then(|| refusal.into_response())
    }
}

/// Lets the page of an origin that passed the checks read the answer.
fn grant(mut answer: Response, origin: Option<HeaderValue>) -> Response {
    origin::grant(answer.headers_mut(), origin);
    answer
}

/// The headers that every answer has.
fn mark(mut answer: Response) -> Response {
    headers::forbid_caching(&mut answer);
    headers::forbid_sniffing(&mut answer);
    answer
}
