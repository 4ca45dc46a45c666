//! `rooms/{room}/events`: a room's log, live.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use futures_util::stream;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

use super::caller::Caller;
use super::error::ApiError;
use super::event_stream::EventStream;
use super::extract::{ApiQuery, RoomOfPath};
use super::server_sent::Position;
use super::state::Api;
use crate::peer::StreamedAnswer;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Asks nginx not to hold parts of an answer back.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Where the stream begins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// The id of an event, or of a message: the stream begins after it. Without it, and without
    /// `Last-Event-ID`, the stream has only what comes from now on.
    #[param(pattern = r"^([0-9A-Za-z-]{1,64}:)?[0-9]{1,15}$")]
    after: Option<String>,
}

/// A room's log, live, as Server-Sent Events
///
/// Every entry after the given position, in order, and everything that follows: `receive_message` and
/// `system_message` as on Socket.IO. `gap` names entries that are gone. `shutdown` is the last event
/// of a service that shuts down. The id of each event is a position to continue from, as browsers and
/// other clients do with `Last-Event-ID`.
#[utoipa::path(get, path = "/rooms/{room}/events", tag = "rooms", operation_id = "streamEvents",
    params(
        ("room" = String, Path, description = "Name of the room"),
        EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "As `after`, which it overrides"),
    ),
    responses((status = 200, description = "The events, until the connection ends", body = String,
        content_type = "text/event-stream")))]
pub async fn stream(
    State(api): State<Arc<Api>>,
    caller: Caller,
    RoomOfPath(room): RoomOfPath,
    ApiQuery(query): ApiQuery<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let after = match headers.get(LAST_EVENT_ID) {
        // A lone space or nothing is what some clients send before their first event.
        Some(last) if !last.as_bytes().trim_ascii().is_empty() => {
            let last = last.to_str().unwrap_or_default().trim();
            Some(Position::parse(last)?)
        }
        _ => query.after.as_deref().map(Position::parse).transpose()?,
    };
    let slot = api.parts.endpoint.reserve(caller.client)?;
    let cut = CancellationToken::new();
    let (events, receiver) = EventStream::open(&api, room, caller, after, cut.clone());
    // The stream has subscribed: a drain that begins later reaches it.
    if let Some(why) = api.parts.readiness.not_ready() {
        return Err(ApiError::unavailable(why.trim_end()));
    }
    api.parts.tasks.spawn(events.run(slot));
    let body = stream::unfold(receiver, async |mut receiver| {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, Infallible>(chunk), receiver))
    });
    let mut answer = Response::new(Body::from_stream(body));
    let kind = HeaderValue::from_static("text/event-stream");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    let unbuffered = HeaderValue::from_static("no");
    answer.headers_mut().insert(UNBUFFERED, unbuffered);
    answer.extensions_mut().insert(StreamedAnswer(cut));
    Ok(answer)
}
