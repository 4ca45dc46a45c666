//! WebSockets, from the handshake to the stream that the library speaks over.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::service::Service;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::context::ConnectionContext;
use super::endings::{ClosePolling, TransportEnd};
use super::endpoint::{Endpoint, bad_request, client_of, slim, unknown_session};
use super::fragments::Fragmented;
use super::handshake::handshake_key;
use super::io::Linked;
use super::polling_session::PollingSession;
use super::probe::{self, ProbeError, ProbeSlot};

impl Endpoint {
    /// Answers a WebSocket handshake and gives the library the stream behind it.
    pub(super) fn upgrade(self: &Arc<Self>, sid: Option<&str>, mut request: Request) -> Response {
        let key = match handshake_key(&request) {
            Ok(key) => key,
            Err(refused) => return *refused,
        };
        let Some(mut opening) = slim(request.uri(), ()) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let context = match sid.map(|sid| self.polling_context(sid)) {
            Some(None) => return unknown_session(),
            Some(Some(context)) if !context.polling().is_some_and(PollingSession::begin_probe) => {
                return bad_request();
            }
            Some(Some(context)) => context,
            None => match self.admission().reserve(client_of(&request)) {
                Ok(slot) => self.new_context(slot),
                Err(refused) => return refused.into_response(),
            },
        };
        let on_upgrade = hyper::upgrade::on(&mut request);
        let endpoint = Arc::clone(self);
        if sid.is_some() {
            let slot = ProbeSlot::new(&context);
            tokio::spawn(async move {
                if let Some(stream) = upgraded(on_upgrade).await {
                    endpoint.take_over(stream, context, slot, opening).await;
                }
            });
        } else {
            tokio::spawn(async move {
                if let Some(stream) = upgraded(on_upgrade).await {
                    opening.extensions_mut().insert(Arc::clone(&context));
                    let end = TransportEnd::new(&endpoint, &context, true);
                    endpoint.add_unclaimed(&context);
                    let stream = endpoint.fragmented(stream, &context);
                    let stream = Linked::new(stream, Arc::clone(context.flow()), end);
                    endpoint.serve(stream, opening).await;
                }
            });
        }
        (
            StatusCode::SWITCHING_PROTOCOLS,
            [
                (header::CONNECTION, "upgrade".to_owned()),
                (header::UPGRADE, "websocket".to_owned()),
                (header::SEC_WEBSOCKET_ACCEPT, key),
            ],
        )
            .into_response()
    }

    /// Serves a session over a WebSocket that replaces polling, once its client has decided for it. The
    /// session polls until then, and continues to if the client never does.
    async fn take_over(
        self: Arc<Self>,
        stream: Upgraded,
        context: Arc<ConnectionContext>,
        slot: ProbeSlot,
        opening: axum::http::Request<()>,
    ) {
        // The session does not wait for the end of the probe.
        let waiting = Arc::downgrade(&context);
        drop(context);
        let stream = match probe::probe(stream, &waiting).await {
            Ok(stream) => stream,
            Err(error) => {
                if matches!(error, ProbeError::Unexpected | ProbeError::TimedOut) {
                    self.metrics().reject("upgrade");
                }
                tracing::debug!(%error, "a WebSocket did not take over");
                return;
            }
        };
        drop(slot);
        let Some(context) = waiting.upgrade() else {
            return;
        };
        let Some(polling) = context.polling() else {
            return;
        };
        if !polling.upgrade().await {
            return;
        }
        let closing = ClosePolling::unless_upgraded(&self, polling.sid());
        let end = TransportEnd::new(&self, &context, false);
        let guard = (closing, end);
        let stream = self.fragmented(stream, &context);
        let stream = Linked::taking_over(stream, Arc::clone(context.flow()), guard);
        self.serve(stream, opening).await;
    }

    fn fragmented<S>(&self, stream: S, context: &Arc<ConnectionContext>) -> Fragmented<S> {
        Fragmented::new(stream, context, self.payload_max(), self.metrics())
    }

    /// Gives the library a stream to speak over.
    async fn serve<S>(&self, stream: S, opening: axum::http::Request<()>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Boxed, because the library's futures move it and would have room for it several times.
        let stream = Box::new(stream);
        if Service::call(self.service(), (stream, opening))
            .await
            .is_err()
        {
            tracing::debug!("a handshake was not one of Engine.IO's");
        }
    }
}

type Upgraded = TokioIo<hyper::upgrade::Upgraded>;

async fn upgraded(on_upgrade: OnUpgrade) -> Option<Upgraded> {
    match on_upgrade.await {
        Ok(upgraded) => Some(TokioIo::new(upgraded)),
        Err(error) => {
            tracing::debug!(%error, "a connection went away in its upgrade");
            None
        }
    }
}
