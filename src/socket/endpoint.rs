//! Requests in front of the library. The WebSocket handshake is answered here, so that the stream
//! below it can be controlled. Requests of sessions that poll are in `polling`.
//!
//! The library keeps the request that opened a connection, and with it hyper's 16 KiB read buffer,
//! which its headers point into. So the library gets slim copies of those requests (6 KiB less for
//! each connection, measured).

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri, response};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http_body_util::Full;
use hyper::service::Service;
use serde::Deserialize;
use socketioxide::SocketIo;
use socketioxide::service::SocketIoService;
use socketioxide::socket::Sid;

use super::PATH;
use super::admission::{Admission, ConnectionSlot};
use super::body::read_whole;
use super::context::{ConnectionContext, Library, PollingContexts};
use super::errors;
use super::unclaimed::Unclaimed;
use crate::memory::MemoryBudget;
use crate::metrics::{Metrics, RefusalContext};
use crate::peer::{AdmissionError, ClientAddress, network_of};

/// The Socket.IO endpoint.
pub struct Endpoint {
    service: SocketIoService<Nothing>,
    // Held so that the library's namespaces live as long as the endpoint.
    _io: SocketIo,
    polling: PollingContexts,
    admission: Arc<Admission>,
    unclaimed: Unclaimed,
    budget: Arc<MemoryBudget>,
    metrics: Arc<Metrics>,
    connect_timeout: Duration,
    payload_max: usize,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

impl Endpoint {
    pub(super) fn new(
        service: SocketIoService<Nothing>,
        io: SocketIo,
        admission: Arc<Admission>,
        budget: Arc<MemoryBudget>,
        metrics: Arc<Metrics>,
        connect_timeout: Duration,
        payload_max: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            service,
            _io: io,
            polling: PollingContexts::default(),
            admission,
            unclaimed: Unclaimed::default(),
            budget,
            metrics,
            connect_timeout,
            payload_max,
        })
    }

    /// Bytes in one packet, or one body, from a client.
    pub(super) const fn payload_max(&self) -> usize {
        self.payload_max
    }

    pub(super) const fn service(&self) -> &SocketIoService<Nothing> {
        &self.service
    }

    pub(super) const fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// Whether the service has as many sessions as it may.
    pub fn is_full(&self) -> bool {
        self.admission.is_full()
    }

    /// Reserves a slot for a connection that receives a room's log without Socket.IO. It counts like
    /// any other.
    ///
    /// # Errors
    /// [`AdmissionError`].
    pub fn reserve(&self, client: Option<ClientAddress>) -> Result<ConnectionSlot, AdmissionError> {
        self.admission.reserve(client)
    }

    /// The context of a new connection in this slot.
    pub(super) fn new_context(self: &Arc<Self>, slot: ConnectionSlot) -> Arc<ConnectionContext> {
        let library = Arc::downgrade(self) as Weak<dyn Library>;
        ConnectionContext::new(library, &self.budget, slot)
    }

    /// Adds a connection whose client has not sent CONNECT yet.
    pub(super) fn add_unclaimed(&self, context: &Arc<ConnectionContext>) {
        self.unclaimed.add(context, &self.metrics);
    }

    pub(super) const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub(super) const fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    pub(super) const fn polling(&self) -> &PollingContexts {
        &self.polling
    }

    /// Closes an Engine.IO session that polls, with the packet with which its client would close it.
    /// Its transport counts as closed then, so the client reconnects. Does nothing to a session that
    /// is gone or uses a WebSocket.
    pub(super) async fn close_polling(&self, sid: Sid) {
        self.post_for_client(sid, "1").await;
    }

    /// Connects a session that polls, with the packet with which its client would connect it.
    pub(super) async fn connect_polling(&self, sid: Sid) {
        self.post_for_client(sid, "40").await;
    }

    /// Whether the library has this session, and it polls.
    pub(super) async fn is_polling(&self, sid: Sid) -> bool {
        self.post_for_client(sid, "3").await
    }

    /// Posts a packet as the session's client would. Returns whether the session accepted it.
    async fn post_for_client(&self, sid: Sid, packet: &'static str) -> bool {
        let uri = format!("{PATH}?EIO=4&transport=polling&sid={sid}");
        match Request::post(uri).body(Body::from(packet)) {
            Ok(request) => self.call(request).await.status().is_success(),
            Err(_) => false,
        }
    }

    pub(super) async fn call(&self, request: Request) -> Response {
        match Service::call(&self.service, request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }

    /// The library's answer to a poll. Does not hold the request while it waits.
    pub(super) fn packets(
        &self,
        request: Request,
    ) -> impl Future<Output = (response::Parts, Bytes)> + Send + use<> {
        let answer = Service::call(&self.service, request);
        async move {
            match answer.await {
                Ok(response) => read_whole(response).await,
                Err(never) => match never {},
            }
        }
    }

    /// Serves a request under [`PATH`].
    pub fn respond(
        self: &Arc<Self>,
        request: Request,
    ) -> impl Future<Output = Response> + Send + use<> {
        let endpoint = Arc::clone(self);
        let client = client_of(&request);
        let answer = Arc::clone(self).dispatch(request);
        async move {
            let response = answer.await;
            match response.status() {
                StatusCode::BAD_REQUEST
                | StatusCode::UPGRADE_REQUIRED
                | StatusCode::PAYLOAD_TOO_LARGE => {
                    Box::pin(endpoint.refuse(response, client)).await
                }
                _ => response,
            }
        }
    }

    /// Gives a refusal its number, and counts it.
    async fn refuse(
        self: Arc<Self>,
        response: Response,
        client: Option<ClientAddress>,
    ) -> Response {
        let (response, code) = errors::numbered(response).await;
        let reason = match (response.status(), code) {
            (StatusCode::PAYLOAD_TOO_LARGE, _) => "payload_too_large",
            // Also what an honest client gets that was away for too long.
            (_, Some(errors::UNKNOWN_SESSION)) => "unknown_session",
            // Clients of Socket.IO 2 and older.
            (_, Some(errors::UNSUPPORTED_VERSION)) => "unsupported_version",
            _ => "bad_request",
        };
        let context = RefusalContext {
            what: PATH,
            text: "",
            network: client.map(|ClientAddress(address)| network_of(address)),
        };
        self.metrics.reject_with(reason, &context);
        response
    }

    /// The answer to a request. Each kind has a box of its own size, because polls are frequent and all
    /// other kinds have larger futures.
    fn dispatch(self: Arc<Self>, request: Request) -> BoxFuture<'static, Response> {
        let query = Query::of(request.uri());
        match (request.method(), query.transport) {
            (&Method::GET, Some("websocket")) if query.eio == Some("4") => {
                let sid = query.sid.map(str::to_owned);
                Box::pin(ready(self.upgrade(sid.as_deref(), request)))
            }
            (&Method::GET, Some("polling")) => match query.sid.map(str::parse) {
                None => Box::pin(async move { self.open_polling(request).await }),
                Some(sid) => Box::pin(self.poll(sid.ok(), request)),
            },
            (&Method::POST, _) => {
                let sid = query.sid.and_then(|sid| sid.parse().ok());
                Box::pin(async move { self.post(sid, request).await })
            }
            // The library answers requests that are not valid.
            _ => Box::pin(async move { self.call(request).await }),
        }
    }

    /// `GET` that opens a session with polling.
    async fn open_polling(self: &Arc<Self>, request: Request) -> Response {
        let slot = match self.admission.reserve(client_of(&request)) {
            Ok(slot) => slot,
            Err(refused) => return refused.into_response(),
        };
        let context = self.new_context(slot);
        let Some(mut request) = slim(request.uri(), Body::empty()) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        request.extensions_mut().insert(Arc::clone(&context));
        let (head, body) = read_whole(self.call(request).await).await;
        if let Some(sid) = opened_sid(&body) {
            self.polling.insert(sid, &context);
            self.add_unclaimed(&context);
        }
        Response::from_parts(head, Body::from(body))
    }

    pub(super) fn polling_context(&self, sid: &str) -> Option<Arc<ConnectionContext>> {
        self.polling.get(sid.parse().ok()?)
    }
}

impl Library for Endpoint {
    fn close(self: Arc<Self>, sid: Sid) {
        tokio::spawn(async move { self.close_polling(sid).await });
    }

    fn connect(self: Arc<Self>, sid: Sid) {
        tokio::spawn(async move { self.connect_polling(sid).await });
    }

    fn release_if_gone(self: Arc<Self>, context: Arc<ConnectionContext>) {
        tokio::spawn(async move { self.release_if_ended(&context).await });
    }

    /// Counts a session that ended while polling, if its client never sent CONNECT.
    fn forget(&self, sid: Sid, context: &ConnectionContext) {
        self.polling.remove(sid);
        if !context.is_claimed()
            && let Some(reason @ "connect_timeout") = context.fault(self.connect_timeout)
        {
            self.metrics.reject(reason);
        }
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

/// The part of an Engine.IO query that is read here. As in the library, the first of several equal
/// keys counts and nothing is percent-decoded: no valid value needs it.
struct Query<'a> {
    eio: Option<&'a str>,
    transport: Option<&'a str>,
    sid: Option<&'a str>,
}

impl<'a> Query<'a> {
    fn of(uri: &'a Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let value = |key: &str| {
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
        };
        Self {
            eio: value("EIO"),
            transport: value("transport"),
            sid: value("sid"),
        }
    }
}

pub(super) fn client_of<B>(request: &axum::http::Request<B>) -> Option<ClientAddress> {
    request.extensions().get().copied()
}

/// A request with the same target and nothing else of the original.
pub(super) fn slim<B>(uri: &Uri, body: B) -> Option<axum::http::Request<B>> {
    let target = uri.path_and_query()?.as_str().to_owned();
    axum::http::Request::get(target).body(body).ok()
}

/// The session id in an open packet, `0{"sid":"…",…}`.
fn opened_sid(body: &[u8]) -> Option<Sid> {
    #[derive(Deserialize)]
    struct Open<'a> {
        sid: &'a str,
    }
    let open: Open<'_> = serde_json::from_slice(body.strip_prefix(b"0")?).ok()?;
    open.sid.parse().ok()
}

/// The library's answer to requests for unknown sessions.
pub(super) fn unknown_session() -> Response {
    let code = errors::UNKNOWN_SESSION;
    errors::answer(StatusCode::BAD_REQUEST, code, "Session ID unknown")
}

/// The library's answer to requests over the wrong transport.
pub(super) fn bad_request() -> Response {
    let code = errors::BAD_REQUEST;
    errors::answer(StatusCode::BAD_REQUEST, code, "Bad request")
}

/// The service behind the library's, for paths that are not Socket.IO's. It answers 404.
#[derive(Debug, Clone)]
pub struct Nothing;

impl Service<Request> for Nothing {
    type Response = axum::http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn call(&self, _: Request) -> Self::Future {
        let mut nothing = axum::http::Response::default();
        *nothing.status_mut() = StatusCode::NOT_FOUND;
        ready(Ok(nothing))
    }
}
