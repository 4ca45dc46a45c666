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
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header, response};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use socketioxide::socket::Sid;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::body::{self, BodyError, SEPARATOR, UNCONNECTED_PACKET_MAX};
use super::context::ConnectionContext;
use super::endings::ClosePolling;
use super::endpoint::{Endpoint, unknown_session};
use super::packet::{is_connect, is_counted};
use crate::memory::MemoryCharge;
use crate::peer::AdmissionError;

/// WebSockets that may simultaneously try to take over one session. The first to finish does.
const PROBES_MAX: usize = 4;
/// Longest time between reading a CONNECT and the session's start.
const SESSION_START_TIMEOUT: Duration = Duration::from_secs(10);
/// Engine.IO's packets for "no operation" and "close".
const NOOP: &str = "6";
const CLOSE: &[u8] = b"1";
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");

/// State of a connection that began with polling.
#[derive(Debug)]
pub struct PollingSession {
    sid: Sid,
    /// Bodies are handled one after the other, and none while a WebSocket takes over.
    posting: tokio::sync::Mutex<()>,
    /// Ends the poll that waits.
    release: Notify,
    /// Polls under way, and whether two ever overlapped, for which the library ends a session.
    polls: AtomicUsize,
    overlapped: AtomicBool,
    /// Ends the WebSockets that try to take over: one has, or the session is gone.
    probes_over: CancellationToken,
    /// Ends the posts under way: the transport is being closed.
    closed: CancellationToken,
    probes: AtomicUsize,
    upgraded: AtomicBool,
}

impl PollingSession {
    /// A new session.
    pub fn new(sid: Sid) -> Self {
        Self {
            sid,
            posting: tokio::sync::Mutex::default(),
            release: Notify::new(),
            polls: AtomicUsize::new(0),
            overlapped: AtomicBool::new(false),
            probes_over: CancellationToken::new(),
            closed: CancellationToken::new(),
            probes: AtomicUsize::new(0),
            upgraded: AtomicBool::new(false),
        }
    }

    /// The Engine.IO session's id, a secret.
    pub const fn sid(&self) -> Sid {
        self.sid
    }

    /// Ends the posts under way and drops what has been read of their bodies.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// Answers the poll that waits, if one does, with a no-operation packet.
    pub fn release_poll(&self) {
        self.release.notify_waiters();
    }

    /// Cancelled once no WebSocket can take over any more.
    pub const fn probes_over(&self) -> &CancellationToken {
        &self.probes_over
    }

    /// Returns whether another WebSocket may try to take over. If so, [`Self::end_probe`] must follow.
    pub fn begin_probe(&self) -> bool {
        if self.upgraded.load(Ordering::Acquire) {
            return false;
        }
        let begins = self.probes.fetch_add(1, Ordering::AcqRel) < PROBES_MAX;
        if !begins {
            self.end_probe();
        }
        begins
    }

    /// Ends a WebSocket's try.
    pub fn end_probe(&self) {
        self.probes.fetch_sub(1, Ordering::AcqRel);
    }

    /// Hands the session over to a WebSocket once the bodies under way have been handled. Returns
    /// whether it is the first.
    pub async fn upgrade(&self) -> bool {
        let _posting = self.posting.lock().await;
        let first = !self.upgraded.swap(true, Ordering::AcqRel);
        self.probes_over.cancel();
        first
    }
}

impl Drop for PollingSession {
    fn drop(&mut self) {
        self.probes_over.cancel();
    }
}

impl Endpoint {
    /// `GET` that waits for packets: once they are in the answer, the transport has taken them.
    ///
    /// A client that hangs up on its poll may have lost the packets in the answer. Stock clients drop
    /// the session then, so it is ended, and they reconnect and resume. Continuing it would lose
    /// packets unnoticed.
    pub(super) async fn poll(self: &Arc<Self>, sid: Option<Sid>, request: Request) -> Response {
        let context = sid.and_then(|sid| self.polling().get(sid));
        let Some((context, polling)) = context.as_ref().and_then(|t| Some((t, t.polling()?)))
        else {
            return self.call(request).await;
        };
        let hung_up = ClosePolling::unless_answered(self, polling.sid());
        let _under_way = PollGuard::begin(polling);
        // The library takes packets out and answers in one step, so dropping a call that still waits
        // loses none.
        let answer = tokio::select! {
            biased;
            answer = async { read_whole(self.call(request).await).await } => Some(answer),
            () = polling.release.notified() => None,
        };
        hung_up.disarm();
        let Some((head, body)) = answer else {
            return ([(header::CONTENT_TYPE, TEXT)], NOOP).into_response();
        };
        if !head.status.is_success() {
            self.release_if_gone(context).await;
            return Response::from_parts(head, Body::from(body));
        }
        let packets = body.split(|&byte| byte == SEPARATOR);
        let taken = packets.filter(|packet| is_counted(packet)).count();
        context.flow().take(taken as u64);
        let body = ChargedBody::of(context, body);
        if polling.overlapped.load(Ordering::Acquire) {
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
            () = polling.closed.cancelled() => unknown_session(),
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
        let _posting = polling.posting.lock().await;
        loop {
            if !self.may_read(context).await {
                self.close_polling(polling.sid()).await;
                return unknown_session();
            }
            let now = cut_behind_connect(&mut rest);
            if now.split(|&byte| byte == SEPARATOR).any(is_connect) {
                context.note_connect();
                context.flow().begin_connect();
            }
            let says_goodbye = now.split(|&byte| byte == SEPARATOR).any(|p| p == CLOSE);
            if says_goodbye {
                context.flow().note_hang_up();
            }
            let request = Request::from_parts(head.clone(), Body::from(now));
            let answer = self.call(request).await;
            if says_goodbye || !answer.status().is_success() {
                self.release_if_gone(context).await;
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
    pub(super) async fn release_if_gone(&self, context: &ConnectionContext) {
        let Some(polling) = context.polling() else {
            return;
        };
        if !self.is_polling(polling.sid()).await && !polling.upgraded.load(Ordering::Acquire) {
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

/// A poll under way.
struct PollGuard<'a>(&'a PollingSession);

impl<'a> PollGuard<'a> {
    fn begin(polling: &'a PollingSession) -> Self {
        if polling.polls.fetch_add(1, Ordering::AcqRel) > 0 {
            polling.overlapped.store(true, Ordering::Release);
        }
        Self(polling)
    }
}

impl Drop for PollGuard<'_> {
    fn drop(&mut self) {
        self.0.polls.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An answer without the packet that closes a session. The next poll finds no session, which makes
/// every client reconnect.
fn without_close(head: response::Parts, body: Bytes) -> Response {
    let packets = || body.split(|&byte| byte == SEPARATOR);
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

/// Collects an answer of the library, whose bodies are in memory already.
pub async fn read_whole(response: Response) -> (response::Parts, Bytes) {
    let (head, body) = response.into_parts();
    let body = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) => {
            tracing::warn!(%error, "a polling answer could not be read");
            Bytes::new()
        }
    };
    (head, body)
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
