//! Requests of a session that polls (Engine.IO 4, "HTTP long-polling"). They pass through to the
//! library; what it gets wrong is put right here:
//!
//! - It hands events that follow CONNECT in one body to a session that does not exist yet. So a
//!   body is cut behind CONNECT, and the rest waits until the session exists.
//! - It answers polls with an empty packet while an upgrade lasts. So it learns of an upgrade only
//!   when that is certain (see `probe`), and until then the poll that a client has to finish is
//!   answered from here.
//! - It ends a session with the packet `1`, which some clients take as a wish that they stay away.
//!   Only who polls twice at once is told so.

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

use super::admission::no_memory;
use super::body::{self, BodyError, SEPARATOR, UNCONNECTED_PACKET_MAX};
use super::context::ConnectionContext;
use super::endings::ClosePolling;
use super::endpoint::{Endpoint, unknown_session};
use super::packet::{is_connect, is_counted};
use crate::memory::MemoryCharge;

/// WebSockets that may try to take over one session at once. Whichever gets there first does.
const PROBES_MAX: usize = 4;
/// Longest time a session takes to begin once its CONNECT has been read.
const SESSION_START_TIMEOUT: Duration = Duration::from_secs(10);
/// Engine.IO's packets that say nothing, and that the session is closed.
const NOOP: &str = "6";
const CLOSE: &[u8] = b"1";
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");

/// What belongs to a connection that began with polling.
#[derive(Debug)]
pub struct PollingSession {
    sid: Sid,
    /// Bodies are handled one after the other, and none while a WebSocket takes over.
    posting: tokio::sync::Mutex<()>,
    /// Ends the poll that waits.
    release: Notify,
    /// Polls under way, and whether there were two at once, which the library ends a session for.
    polls: AtomicUsize,
    overlapped: AtomicBool,
    /// Ends the WebSockets that try to take over: one has, or the session is gone.
    settled: CancellationToken,
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
            settled: CancellationToken::new(),
            closed: CancellationToken::new(),
            probes: AtomicUsize::new(0),
            upgraded: AtomicBool::new(false),
        }
    }

    /// The Engine.IO session's id, a secret.
    pub const fn sid(&self) -> Sid {
        self.sid
    }

    /// Ends the posts under way, and with them what has come of their bodies.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// Ends the poll that waits, if one does, with a packet that says nothing.
    pub fn release_poll(&self) {
        self.release.notify_waiters();
    }

    /// Cancelled once no WebSocket needs to try any more.
    pub const fn settled(&self) -> &CancellationToken {
        &self.settled
    }

    /// Whether another WebSocket may try to take over; [`Self::end_probe`] is owed then.
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

    /// A WebSocket tries no longer.
    pub fn end_probe(&self) {
        self.probes.fetch_sub(1, Ordering::AcqRel);
    }

    /// A WebSocket takes over, once the bodies under way have been handled. Whether it is the
    /// first.
    pub async fn upgrade(&self) -> bool {
        let _posting = self.posting.lock().await;
        let first = !self.upgraded.swap(true, Ordering::AcqRel);
        self.settled.cancel();
        first
    }
}

impl Drop for PollingSession {
    fn drop(&mut self) {
        self.settled.cancel();
    }
}

impl Endpoint {
    /// `GET` that waits for packets: once they are in the answer, the transport has taken them.
    ///
    /// A client that hangs up on its poll may have lost what was on its way to it. Stock clients
    /// give the session up then, so it ends, and they come back and resume; going on would lose
    /// packets in silence.
    pub(super) async fn poll(self: &Arc<Self>, sid: Option<Sid>, request: Request) -> Response {
        let context = sid.and_then(|sid| self.polling().get(sid));
        let Some((context, polling)) = context.as_ref().and_then(|t| Some((t, t.polling()?)))
        else {
            return self.call(request).await;
        };
        let hung_up = ClosePolling::unless_answered(self, polling.sid());
        let _under_way = UnderWay::begin(polling);
        // The library takes packets out and answers in one step, so a call that still waits may
        // be dropped.
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
        let body = Held::of(context, body);
        if polling.overlapped.load(Ordering::Acquire) {
            return Response::from_parts(head, Body::from(body));
        }
        without_close(head, body)
    }

    /// `POST` that brings packets.
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
            Err(unwelcome) => {
                self.metrics().reject(match unwelcome {
                    BodyError::NoMemory => "memory_full",
                    _ => "packet",
                });
                // Stock clients give a session up whose post failed.
                self.close_polling(polling.sid()).await;
                context.release_slot();
                return refuse_body(&unwelcome);
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

    /// Waits until the session takes more. Whether it does.
    async fn may_read(&self, context: &ConnectionContext) -> bool {
        let flow = context.flow();
        let may_read = std::future::poll_fn(|cx| flow.poll_may_read(cx));
        let waited = tokio::time::timeout(SESSION_START_TIMEOUT, may_read).await;
        waited.is_ok() && !flow.is_closed()
    }

    /// Frees the place of a session that the library has ended. Only where the client never sent
    /// CONNECT does nothing else say so.
    pub(super) async fn release_if_gone(&self, context: &ConnectionContext) {
        let Some(polling) = context.polling() else {
            return;
        };
        if !self.is_polling(polling.sid()).await && !polling.upgraded.load(Ordering::Acquire) {
            context.release_slot();
        }
    }
}

/// Takes off the packets up to CONNECT, or all where there is none.
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
struct Held {
    body: Bytes,
    _charge: MemoryCharge,
}

impl Held {
    fn of(context: &ConnectionContext, body: Bytes) -> Bytes {
        let mut charge = context.account().charge();
        charge.set(body.len());
        Bytes::from_owner(Self {
            body,
            _charge: charge,
        })
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// A poll under way.
struct UnderWay<'a>(&'a PollingSession);

impl<'a> UnderWay<'a> {
    fn begin(polling: &'a PollingSession) -> Self {
        if polling.polls.fetch_add(1, Ordering::AcqRel) > 0 {
            polling.overlapped.store(true, Ordering::Release);
        }
        Self(polling)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.polls.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An answer without the packet that ends a session. The next poll meets no session, which makes
/// every client connect again.
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

/// Bytes that a body will have, or is good for where it does not say.
fn announced_bytes(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH);
    length
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .unwrap_or(UNCONNECTED_PACKET_MAX)
}

fn refuse_body(unwelcome: &BodyError) -> Response {
    match unwelcome {
        BodyError::NoMemory => return no_memory(),
        BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::TooManyPackets | BodyError::TooSlow | BodyError::Lost(_) => {
            StatusCode::BAD_REQUEST
        }
    }
    .into_response()
}

/// The library's bodies are in memory already; this only takes them out.
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
