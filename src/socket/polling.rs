//! Requests of a session that polls (Engine.IO 4, "HTTP long-polling"). They are passed on to the
//! library. What it gets wrong is corrected here:
//!
//! - It handles events that follow CONNECT in one body before the session exists. So a body is cut
//!   behind CONNECT, and the rest waits until the session exists.
//! - It answers polls with an empty packet while an upgrade lasts. So it sees an upgrade only when
//!   that is certain (see `probe`). Until then, the poll that the client has to finish is answered
//!   here.
//! - It ends a session with the packet `1`, after which some clients do not reconnect. Only a client
//!   that polls twice simultaneously receives it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header, response};
use axum::response::{IntoResponse, Response};
use socketioxide::socket::Sid;

use super::body::{self, BodyError, SEPARATOR, UNCONNECTED_PACKET_MAX, packets_of};
use super::context::ConnectionContext;
use super::endings::ClosePolling;
use super::endpoint::{Endpoint, unknown_session};
use super::packet::{is_connect, is_counted};
use super::polling_session::{PollGuard, PollingSession};
use crate::memory::MemoryCharge;
use crate::peer::AdmissionError;
use crate::protocol::ConnectErrorPacket;

/// Longest time between reading a CONNECT and the session's start.
const SESSION_START_TIMEOUT: Duration = Duration::from_secs(10);
/// Engine.IO's packets for "no operation" and "close".
const NOOP: &str = "6";
const CLOSE: &[u8] = b"1";
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");

impl Endpoint {
    /// `GET` that waits for packets: once they are in the answer, the transport has taken them.
    ///
    /// A client that hangs up on its poll may have lost the packets in the answer. Stock clients drop
    /// the session then, so it is ended, and they reconnect and resume. Continuing it would lose
    /// packets unnoticed.
    pub(super) fn poll(
        self: Arc<Self>,
        sid: Option<Sid>,
        request: Request,
    ) -> impl Future<Output = Response> + Send + use<> {
        let context = sid.and_then(|sid| self.polling().get(sid));
        let answer = self.packets(request);
        async move {
            let Some((context, polling)) = context.as_ref().and_then(|t| Some((t, t.polling()?)))
            else {
                let (head, body) = answer.await;
                return Response::from_parts(head, Body::from(body));
            };
            let hung_up = ClosePolling::unless_answered(&self, polling.sid());
            let _under_way = PollGuard::begin(polling);
            // The library takes packets out and answers in one step, so dropping a call that still
            // waits loses none.
            let answer = tokio::select! {
                biased;
                answer = answer => Some(answer),
                () = polling.released() => None,
            };
            hung_up.disarm();
            match answer {
                Some((head, body)) => self.answer_poll(context, polling, head, body).await,
                None => ([(header::CONTENT_TYPE, TEXT)], NOOP).into_response(),
            }
        }
    }

    /// What a client receives of the library's answer to its poll.
    async fn answer_poll(
        &self,
        context: &Arc<ConnectionContext>,
        polling: &PollingSession,
        mut head: response::Parts,
        body: Bytes,
    ) -> Response {
        if !head.status.is_success() {
            Box::pin(self.release_if_ended(context)).await;
            return Response::from_parts(head, Body::from(body));
        }
        let packets = packets_of(&body);
        let taken = packets.filter(|packet| is_counted(packet)).count();
        context.flow().take(taken as u64);
        let body = match context.flow().connect_error() {
            Some(refused) => {
                head.headers.remove(header::CONTENT_LENGTH);
                with_code(refused, &body)
            }
            None => body,
        };
        let body = ChargedBody::of(context, body);
        if polling.has_overlapped() {
            return Response::from_parts(head, Body::from(body));
        }
        without_close(head, body)
    }

    /// `POST` with packets.
    pub(super) async fn post(self: &Arc<Self>, sid: Option<Sid>, request: Request) -> Response {
        let context = sid.and_then(|sid| self.polling().get(sid));
        let Some((context, polling)) = context.as_ref().and_then(|t| Some((t, t.polling()?)))
        else {
            return self.call(request).await;
        };
        tokio::select! {
            biased;
            () = polling.closed().cancelled() => unknown_session(),
            answer = self.receive(context, polling, request) => answer,
        }
    }

    async fn receive(
        &self,
        context: &ConnectionContext,
        polling: &PollingSession,
        request: Request,
    ) -> Response {
        let mut charge = context.account().charge();
        let (head, body) = request.into_parts();
        let body = if context.account().has_room(announced_bytes(&head.headers)) {
            let sent_connect = context.has_sent_connect();
            let max = self.payload_max();
            body::read(body, max, sent_connect, &mut charge, self.metrics()).await
        } else {
            Err(BodyError::NoMemory)
        };
        let mut rest = match body {
            Ok(body) => body,
            Err(error) => {
                self.metrics().reject(match error {
                    BodyError::NoMemory => "memory_full",
                    _ => "packet",
                });
                // Stock clients drop a session whose post failed.
                self.close_polling(polling.sid()).await;
                context.release_slot();
                return refuse_body(&error);
            }
        };
        let _posting = polling.begin_post().await;
        loop {
            if !self.may_read(context).await {
                self.close_polling(polling.sid()).await;
                return unknown_session();
            }
            let now = cut_behind_connect(&mut rest);
            if packets_of(&now).any(is_connect) {
                context.note_connect();
                context.flow().begin_connect();
            }
            let says_goodbye = packets_of(&now).any(|p| p == CLOSE);
            if says_goodbye {
                context.flow().note_hang_up();
            }
            let request = Request::from_parts(head.clone(), Body::from(now));
            let answer = self.call(request).await;
            if says_goodbye || !answer.status().is_success() {
                self.release_if_ended(context).await;
                return answer;
            }
            if rest.is_empty() {
                return answer;
            }
        }
    }

    /// Waits until the session accepts more. Returns whether it does.
    async fn may_read(&self, context: &ConnectionContext) -> bool {
        let flow = context.flow();
        let may_read = std::future::poll_fn(|cx| flow.poll_may_read(cx));
        let waited = tokio::time::timeout(SESSION_START_TIMEOUT, may_read).await;
        waited.is_ok() && !flow.is_closed()
    }

    /// Frees the slot of a session that the library has ended. If the client never sent CONNECT, the
    /// library runs no handler.
    pub(super) async fn release_if_ended(&self, context: &ConnectionContext) {
        let Some(polling) = context.polling() else {
            return;
        };
        if !self.is_polling(polling.sid()).await && !polling.is_upgraded() {
            context.release_slot();
        }
    }
}

/// Splits off the packets up to CONNECT, or all if there is none.
fn cut_behind_connect(body: &mut Bytes) -> Bytes {
    let mut end = 0;
    for packet in body.split(|&byte| byte == SEPARATOR) {
        end += packet.len();
        if is_connect(packet) && end < body.len() {
            let now = body.split_to(end);
            // The separator.
            drop(body.split_to(1));
            return now;
        }
        end += 1;
    }
    std::mem::take(body)
}

/// The body of an answer, charged to its connection until all of it has been written.
struct ChargedBody {
    body: Bytes,
    _charge: MemoryCharge,
}

impl ChargedBody {
    fn of(context: &ConnectionContext, body: Bytes) -> Bytes {
        let mut charge = context.account().charge();
        charge.set(body.len());
        Bytes::from_owner(Self {
            body,
            _charge: charge,
        })
    }
}

impl AsRef<[u8]> for ChargedBody {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// An answer in which the library's CONNECT_ERROR has a code for programs.
fn with_code(refused: &ConnectErrorPacket, body: &Bytes) -> Bytes {
    let packets = body.split(|&byte| byte == SEPARATOR);
    let replaced = packets.map(|packet| {
        if packet == refused.plain().as_bytes() {
            refused.full().as_bytes()
        } else {
            packet
        }
    });
    replaced.collect::<Vec<_>>().join(&SEPARATOR).into()
}

/// An answer without the packet that closes a session. The next poll finds no session, which makes
/// every client reconnect.
fn without_close(head: response::Parts, body: Bytes) -> Response {
    let packets = || packets_of(&body);
    if !packets().any(|packet| packet == CLOSE) {
        return Response::from_parts(head, Body::from(body));
    }
    let others: Vec<&[u8]> = packets().filter(|packet| *packet != CLOSE).collect();
    if others.is_empty() {
        return unknown_session();
    }
    let body = others.join(&SEPARATOR);
    ([(header::CONTENT_TYPE, TEXT)], body).into_response()
}

/// Bytes that a body announces, or the most it may have before CONNECT if it announces none.
fn announced_bytes(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH);
    length
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .unwrap_or(UNCONNECTED_PACKET_MAX)
}

fn refuse_body(error: &BodyError) -> Response {
    match error {
        BodyError::NoMemory => return AdmissionError::NoMemory.into_response(),
        BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::TooManyPackets | BodyError::TooSlow | BodyError::Lost(_) => {
            StatusCode::BAD_REQUEST
        }
    }
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_behind_connect_and_nowhere_else() {
        for (body, now, rest) in [
            ("40", "40", ""),
            ("42[\"a\"]", "42[\"a\"]", ""),
            ("40\x1e42[1]\x1e3", "40", "42[1]\x1e3"),
            ("3\x1e40{}\x1e42[1]", "3\x1e40{}", "42[1]"),
            ("40/x,\x1e40/,{}\x1e40", "40/x,\x1e40/,{}", "40"),
            ("40/x,\x1e42[1]", "40/x,\x1e42[1]", ""),
            ("40\x1e", "40", ""),
        ] {
            let mut left = Bytes::from_static(body.as_bytes());
            assert_eq!(cut_behind_connect(&mut left), now, "{body:?}");
            assert_eq!(left, rest, "{body:?}");
        }
    }
}
