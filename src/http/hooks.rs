//! `POST /hooks/{room}/{key}`: a message by a program that has a key and no token.
//!
//! The key is looked up before anything else of the request is read. Answers are plain text, as
//! programs that post to Slack expect them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use ipnet::IpNet;

use super::client_address;
use super::slack::SlackMessage;
use crate::domain::{MessageText, RequestError, RequestErrorCode, Role, RoomName, Username};
use crate::peer::network_of;
use crate::room::{Member, Proposal, Room};
use crate::session::Shared;
use crate::session::budget::Class;
use crate::webhooks::Webhooks;
use crate::webhooks::hooks::KnownHook;

/// JSON may escape one byte of text as six.
const ESCAPED_BYTES_PER_BYTE: usize = 6;
/// The rest of a body beside its text.
const BODY_BYTES: usize = 16 * 1024;

/// What hooks need.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The rooms, the store, budgets and metrics.
    pub shared: Arc<Shared>,
    /// Knows the keys.
    pub webhooks: Arc<Webhooks>,
    /// Proxies whose `X-Forwarded-For` is used.
    pub trusted_proxies: Arc<[IpNet]>,
}

/// The path of all hooks.
pub fn router(parts: Parts) -> Router {
    Router::new()
        .route("/hooks/{room}/{key}", post(receive))
        .layer(middleware::map_response(uncached))
        .with_state(parts)
}

/// An answer about a key belongs into no cache.
async fn uncached(mut answer: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    answer.headers_mut().insert(header::CACHE_CONTROL, no_store);
    answer
}

/// Why a message is not posted.
#[derive(Debug, thiserror::Error)]
enum HookError {
    #[error("there is no such room and key; an administrator makes keys: POST /api/v1/hooks")]
    Unknown,
    #[error("the body has over {0} bytes, or is not whole")]
    TooLarge(usize),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Forbidden(String),
    #[error("{}", .0.message)]
    Request(RequestError),
}

impl From<RequestError> for HookError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl HookError {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Request(error) => match error.code {
                RequestErrorCode::RateLimited | RequestErrorCode::SlowMode => {
                    StatusCode::TOO_MANY_REQUESTS
                }
                RequestErrorCode::Busy | RequestErrorCode::Unavailable => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                RequestErrorCode::Muted
                | RequestErrorCode::Banned
                | RequestErrorCode::Locked
                | RequestErrorCode::Forbidden => StatusCode::FORBIDDEN,
                // It is taken, and waits for a moderator.
                RequestErrorCode::Held => StatusCode::ACCEPTED,
                _ => StatusCode::BAD_REQUEST,
            },
        }
    }

    /// The reason under which it is counted.
    const fn reason(&self) -> &'static str {
        match self.status() {
            StatusCode::NOT_FOUND => "hook_unknown",
            StatusCode::PAYLOAD_TOO_LARGE => "hook_too_large",
            StatusCode::FORBIDDEN => "hook_forbidden",
            StatusCode::ACCEPTED => "hook_held",
            StatusCode::TOO_MANY_REQUESTS => "hook_rate_limited",
            StatusCode::SERVICE_UNAVAILABLE => "hook_unavailable",
            _ => "hook_invalid",
        }
    }
}

async fn receive(
    State(parts): State<Parts>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| *peer);
    let posted = match path {
        Ok(Path((room, key))) => parts.post((&room, &key), peer, &head.headers, body).await,
        Err(_) => Err(HookError::Unknown),
    };
    match posted {
        Ok(()) => "ok".into_response(),
        Err(error) => {
            parts.shared.metrics.reject(error.reason());
            let mut answer = (error.status(), format!("{error}\n")).into_response();
            let retry_after = match &error {
                HookError::Request(error) => error.retry_after,
                _ => None,
            };
            if let Some(wait) = retry_after {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                let value = HeaderValue::from(seconds.max(1));
                answer.headers_mut().insert(header::RETRY_AFTER, value);
            }
            answer
        }
    }
}

impl Parts {
    async fn post(
        &self,
        (room, key): (&str, &str),
        peer: Option<SocketAddr>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(), HookError> {
        let known = self.webhooks.hook_of(room, key);
        let known = known.ok_or(HookError::Unknown)?;
        let name = RoomName::parse(room).map_err(|_| HookError::Unknown)?;
        let room = self.shared.rooms.get(&name).ok_or(HookError::Unknown)?;
        let client = peer
            .map(|peer| client_address::client_of(peer.ip(), headers, &self.trusted_proxies))
            .map(network_of);
        let user_id = known.user_id();
        let moderation = &self.shared.moderation;
        if moderation.ban_of(&user_id, client, Role::Member).is_some() {
            return Err(RequestError::banned(None).into());
        }
        let account = self.shared.budgets.account(&user_id, client);
        account.take(Class::Message)?;
        let limits = &self.shared.settings.text;
        let most = limits
            .bytes_max
            .saturating_mul(ESCAPED_BYTES_PER_BYTE)
            .saturating_add(BODY_BYTES);
        let body = axum::body::to_bytes(body, most).await;
        let body = body.map_err(|_| HookError::TooLarge(most))?;
        let message =
            SlackMessage::parse(&body).map_err(|error| HookError::Invalid(error.to_string()))?;
        let text = MessageText::parse(&message.text(), limits);
        let text = text.map_err(|error| HookError::Request(error.into()))?;
        let username = self.name_of(&known, &message)?;
        moderation.check_writing(room, &user_id, Role::Member)?;
        self.publish(room, Member { user_id, username }, text).await
    }

    /// The name in a message, which no other user may seem to have, or that of the hook.
    fn name_of(&self, known: &KnownHook, message: &SlackMessage) -> Result<Username, HookError> {
        let asked = message.username.as_deref().map(str::trim);
        let Some(asked) = asked.filter(|name| !name.is_empty() && *name != known.hook.username)
        else {
            let own = Username::parse(&known.hook.username);
            return Ok(own.unwrap_or_else(|_| Username::anonymous()));
        };
        let name = Username::parse(asked).map_err(|error| HookError::Request(error.into()))?;
        let reserved = self.shared.settings.reserved_names.check(&name);
        reserved.map_err(|error| HookError::Forbidden(error.to_string()))?;
        if self.shared.identities.is_name_fixed(&name) {
            let message = "username is that of a user, whose token fixes it; choose another";
            return Err(HookError::Forbidden(message.to_owned()));
        }
        self.shared.moderation.check_name(&name, Role::Member)?;
        Ok(name)
    }

    async fn publish(
        &self,
        room: &Room,
        author: Member,
        text: MessageText,
    ) -> Result<(), HookError> {
        let Shared {
            moderation,
            settings,
            store,
            ..
        } = &*self.shared;
        let checked = moderation.filter_message(&text, Role::Member, &settings.text);
        let message = Proposal::Message {
            text: checked.text.clone(),
            client_id: None,
            reply_to: None,
        };
        if let Some(found) = &checked.held_for {
            let answer = moderation.hold(room.name(), &author, &message, found);
            return Err(answer.await.into());
        }
        checked.check()?;
        room.publish_for(&**store, author, message).get().await?;
        Ok(())
    }
}
