//! `moderation`, `bans` and `audit`: what moderators do, and what they have done.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::error::{ApiError, ApiErrorCode};
use super::extract::{ApiQuery, JsonText, page_size};
use super::state::Api;
use crate::clock;
use crate::decisions::{AUDIT_PAGE_MAX, AuditLine, Decision, DecisionKey};
use crate::domain::{RoomName, TextLimits};
use crate::protocol::{ClientRequest, ModerateRequest};
use crate::room::ID_MAX;

/// Bans on one page.
const BANS_MAX: usize = 200;
/// Lines on one page of the audit log, if the caller does not say.
const AUDIT_LINES: usize = 50;

/// What a moderator does: the fields of the event `moderate`, and the room for what is about one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what the protocol decodes")]
pub enum ModerationBody {
    /// Deletes a message.
    Delete { room: String, id: u64 },
    /// Deletes all messages of a user in the room.
    Clear {
        room: String,
        #[schema(min_length = 1, max_length = 128)]
        user_id: String,
    },
    /// The user may not write, for so many seconds or until `unmute`.
    Mute {
        #[schema(min_length = 1, max_length = 128)]
        user_id: String,
        #[schema(minimum = 1, maximum = 316_224_000)]
        for_s: Option<u64>,
        #[schema(max_length = 300)]
        reason: Option<String>,
    },
    /// The user may write again.
    Unmute {
        #[schema(min_length = 1, max_length = 128)]
        user_id: String,
    },
    /// The user leaves the room, and may come back.
    Kick {
        room: String,
        #[schema(min_length = 1, max_length = 128)]
        user_id: String,
        #[schema(max_length = 300)]
        reason: Option<String>,
    },
    /// The user may not connect, for so many seconds or until `unban`; with `address`, neither may
    /// others from the networks that the user connects from.
    Ban {
        #[schema(min_length = 1, max_length = 128)]
        user_id: String,
        #[schema(minimum = 1, maximum = 316_224_000)]
        for_s: Option<u64>,
        #[serde(default)]
        address: bool,
        #[schema(max_length = 300)]
        reason: Option<String>,
    },
    /// The user, and the networks that were banned with them, may come back.
    Unban {
        #[schema(min_length = 1, max_length = 128)]
        user_id: String,
    },
    /// Seconds between two messages of one user; 0 = not limited.
    SlowMode {
        room: String,
        #[schema(minimum = 0, maximum = 21600)]
        seconds: u32,
    },
    /// Only moderators may write, or all again.
    Lock { room: String, locked: bool },
    /// What the room is about; empty = no topic.
    Topic {
        room: String,
        #[schema(max_length = 300)]
        text: String,
    },
    /// A message is shown to all who come, or no longer.
    Pin { room: String, id: u64, on: bool },
}

#[derive(Deserialize)]
struct RoomOfBody {
    #[serde(default)]
    room: Option<String>,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {
    /// Always true.
    ok: bool,
}

/// Deletes messages, and does mutes, kicks, bans, slow mode, locks, topics and pins
#[utoipa::path(post, path = "/moderation", tag = "moderation", operation_id = "moderate",
    request_body = ModerationBody,
    responses((status = 200, description = "It is done, and in the audit log", body = Done)))]
pub async fn act(
    State(api): State<Arc<Api>>,
    caller: Caller,
    JsonText(body): JsonText,
) -> Result<Response, ApiError> {
    let named: RoomOfBody = serde_json::from_str(&body).map_err(|_| {
        ApiError::invalid("the body must be a JSON object with an action and, if needed, a room")
    })?;
    // Texts of moderation have limits of their own.
    let limits = TextLimits {
        chars_max: 0,
        bytes_max: 0,
    };
    let action = ModerateRequest::decode(Some(&body), &limits)?;
    let shared = &api.parts.shared;
    let room = match &named.room {
        None => None,
        Some(name) => {
            let name = RoomName::parse(name).map_err(|_| ApiError::unknown_room())?;
            Some(shared.rooms.get(&name).ok_or_else(ApiError::unknown_room)?)
        }
    };
    if room.is_none() && !action.is_for_all_rooms() {
        return Err(ApiError::invalid("this action needs a room"));
    }
    shared
        .moderation
        .act(caller.author(), room, &action)
        .await?;
    api.answer(&caller, &Done { ok: true })
}

/// Which bans and mutes are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BansQuery {
    /// Only those after this one: the `key` of the last one of the page before.
    #[param(max_length = 256)]
    after: Option<String>,
    /// How many at most; 200 if it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
}

/// A ban or a mute that holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ban {
    /// Its name in this list.
    key: String,
    /// `ban`, `banned_network` or `mute`.
    kind: &'static str,
    /// The user; of a banned network, the one whose ban it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The name that the user went by.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The network: an IPv4 address, or an IPv6 /64.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    /// Who decided.
    by: String,
    /// When (RFC 3339).
    at: String,
    /// Until when (RFC 3339); absent if it has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Ban {
    fn of(key: &DecisionKey, decision: &Decision) -> Option<Self> {
        let (kind, user_id, network) = match key {
            DecisionKey::Ban(user_id) => ("ban", Some(user_id.to_string()), None),
            DecisionKey::Mute(user_id) => ("mute", Some(user_id.to_string()), None),
            DecisionKey::BannedNetwork(network) => (
                "banned_network",
                decision.user_id.clone(),
                Some(network.to_string()),
            ),
            _ => return None,
        };
        Some(Self {
            key: key.to_string(),
            kind,
            user_id,
            username: decision.username.clone(),
            network,
            by: decision.by.clone(),
            at: clock::rfc3339(decision.at_ms),
            until: decision.until_ms.map(clock::rfc3339),
            reason: decision.reason.clone(),
        })
    }
}

/// A page of bans and mutes.
#[derive(Debug, Serialize, ToSchema)]
pub struct BansPage {
    /// Those that hold now.
    bans: Vec<Ban>,
    /// Whether there are more after these.
    more: bool,
}

/// Bans and mutes that hold
#[utoipa::path(get, path = "/bans", tag = "moderation", operation_id = "listBans",
    params(BansQuery), responses((status = 200, description = "A page of them", body = BansPage)))]
pub async fn bans(
    State(api): State<Arc<Api>>,
    caller: Caller,
    ApiQuery(query): ApiQuery<BansQuery>,
) -> Result<Response, ApiError> {
    let (bans, more) = page_of_bans(&api, query, |key| {
        matches!(
            key,
            DecisionKey::Ban(_) | DecisionKey::BannedNetwork(_) | DecisionKey::Mute(_)
        )
    })?;
    api.answer(&caller, &BansPage { bans, more })
}

/// A page of mutes.
#[derive(Debug, Serialize, ToSchema)]
pub struct MutesPage {
    /// Those that hold now.
    mutes: Vec<Ban>,
    /// Whether there are more after these.
    more: bool,
}

/// Mutes that hold
#[utoipa::path(get, path = "/mutes", tag = "moderation", operation_id = "listMutes",
    params(BansQuery), responses((status = 200, description = "A page of them", body = MutesPage)))]
pub async fn mutes(
    State(api): State<Arc<Api>>,
    caller: Caller,
    ApiQuery(query): ApiQuery<BansQuery>,
) -> Result<Response, ApiError> {
    let is_mute = |key: &DecisionKey| matches!(key, DecisionKey::Mute(_));
    let (mutes, more) = page_of_bans(&api, query, is_mute)?;
    api.answer(&caller, &MutesPage { mutes, more })
}

/// A page of the decisions that `includes` chooses, and whether there are more after it.
fn page_of_bans(
    api: &Api,
    query: BansQuery,
    includes: impl Fn(&DecisionKey) -> bool,
) -> Result<(Vec<Ban>, bool), ApiError> {
    let limit = page_size(query.limit, BANS_MAX, BANS_MAX)?;
    let after = query.after.map(|key| key.parse::<DecisionKey>());
    let after = after
        .transpose()
        .map_err(|_| ApiError::new(ApiErrorCode::NotFound, "after is no key of this list"))?;
    let decisions = api.parts.shared.rooms.decisions();
    let listed = decisions.list(after.as_ref(), limit + 1, includes);
    let bans = listed.iter().take(limit);
    let bans = bans.filter_map(|(key, decision)| Ban::of(key, decision));
    Ok((bans.collect(), listed.len() > limit))
}

/// Which lines of the audit log are read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only lines before this one.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    before: Option<u64>,
    /// How many at most; 50 if it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
}

/// A line of the audit log: who did what to whom, when, why, and from where.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    /// When (RFC 3339).
    at: String,
    /// Until when (RFC 3339), if it has an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// The line.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    line: AuditLine,
}

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntries {
    /// Newest first.
    lines: Vec<AuditEntry>,
    /// Whether there are older ones.
    more: bool,
}

/// The audit log
#[utoipa::path(get, path = "/audit", tag = "moderation", operation_id = "listAudit",
    params(AuditQuery), responses((status = 200, description = "A page of it", body = AuditEntries)))]
pub async fn audit(
    State(api): State<Arc<Api>>,
    caller: Caller,
    ApiQuery(query): ApiQuery<AuditQuery>,
) -> Result<Response, ApiError> {
    let limit = page_size(query.limit, AUDIT_LINES, AUDIT_PAGE_MAX)?;
    if query.before.is_some_and(|id| id > ID_MAX) {
        return Err(ApiError::invalid("no id is greater than 9007199254740991"));
    }
    let moderation = &api.parts.shared.moderation;
    let page = moderation.audit(query.before, limit).await?;
    let entry = |line: AuditLine| AuditEntry {
        at: clock::rfc3339(line.at_ms),
        until: line.until_ms.map(clock::rfc3339),
        line,
    };
    let entries = AuditEntries {
        lines: page.lines.into_iter().map(entry).collect(),
        more: page.more,
    };
    api.answer(&caller, &entries)
}
