//! The HTTP API under `/api/v1`: JSON, bearer tokens, one form of errors.
//!
//! Each resource has a file, and each call is a handler with a `#[utoipa::path]`, which describes it
//! in `openapi.json`. A line in [`router`] adds it. Before a handler runs, `guard` has checked the
//! token and its role, and the caller's rate limit. The handler's answer is made by
//! [`state::Api::answer`], which charges it to the caller.
//!
//! In reading order: this file, [`state`] (what all calls use), `guard`, `caller` and [`auth`] (who
//! calls), [`error`], `extract` (what calls take out of a request), the resources, `event_stream` and
//! `server_sent` (a room's log as Server-Sent Events), and the two descriptions, `openapi` and
//! `asyncapi`.

mod asyncapi;
pub mod auth;
mod caller;
pub mod error;
mod event_stream;
mod events;
mod extract;
mod guard;
mod messages;
mod moderation;
mod openapi;
mod rooms;
mod server_sent;
pub mod state;
mod stats;
mod tokens;
mod users;
mod whoami;

use std::sync::Arc;
use std::time::Instant;

use axum::{Router, middleware};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::error::{ApiError, ApiErrorCode};
use self::guard::Guard;
use self::state::{Api, Parts};
use crate::domain::Role;

/// Where the API is.
pub const PATH: &str = "/api/v1";
/// The path that nesting there leaves out.
pub const ROOT: &str = "/api/v1/";

/// All calls. Paths begin behind [`PATH`].
pub fn router(parts: Parts) -> Router {
    let moderators = OpenApiRouter::new()
        .routes(routes!(rooms::list))
        .routes(routes!(rooms::get))
        .routes(routes!(users::list))
        .routes(routes!(messages::list, messages::post))
        .routes(routes!(events::stream))
        .routes(routes!(stats::get))
        .routes(routes!(whoami::get))
        .routes(routes!(moderation::act))
        .routes(routes!(moderation::bans))
        .routes(routes!(openapi::get))
        .routes(routes!(asyncapi::get));
    let admins = OpenApiRouter::new()
        .routes(routes!(moderation::audit))
        .routes(routes!(tokens::revoke));
    let (moderators, mut described) = moderators.split_for_parts();
    let (admins, of_admins) = admins.split_for_parts();
    described.merge(of_admins);
    let api = Arc::new(Api {
        openapi: openapi::document(described),
        asyncapi: asyncapi::document(),
        began: Instant::now(),
        parts,
    });
    let guard = |least| {
        let guard = Guard {
            api: Arc::clone(&api),
            least,
        };
        middleware::from_fn_with_state(guard, guard::check)
    };
    // Paths and methods that do not exist need a token too, but of any role.
    let others = Router::new()
        .fallback(async || ApiError::new(ApiErrorCode::NotFound, "there is no such path"))
        .layer(guard(Role::Member));
    let wrong_method = async || {
        let message = "there is no such method for this path; the header Allow names those";
        ApiError::new(ApiErrorCode::MethodNotAllowed, message)
    };
    let admins = admins
        .method_not_allowed_fallback(wrong_method)
        .layer(guard(Role::Admin));
    moderators
        .method_not_allowed_fallback(wrong_method)
        .layer(guard(Role::Moderator))
        .merge(admins)
        .fallback_service(others)
        .with_state(Arc::clone(&api))
        .layer(middleware::from_fn_with_state(api, guard::mark))
}
