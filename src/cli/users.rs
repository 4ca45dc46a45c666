//! Which user a command means: a `user_id`, or a name that exactly one user has.

use serde_json::Value;

use super::api::Api;
use super::error::CliError;
use super::output::plain;
use crate::domain::RoomName;

/// What makes any text a `user_id`.
const ID_PREFIX: &str = "id:";
/// What the ids of users of JWTs begin with.
const JWT_PREFIX: &str = "jwt:";
/// Characters of the ids that servers make.
const ID_CHARS: usize = 32;
/// Users of a room that are looked at.
const USERS_MAX: usize = 100_000;
/// Users on one page, and bans.
const PAGE: usize = 1000;
/// Bans and mutes that are looked at: all there can be.
const BANS_MAX: usize = 100_000;
/// How often a list is read from the start because its last item has gone.
const RESTARTS_MAX: usize = 10;
/// Users that an error lists.
const LISTED_MAX: usize = 10;

/// A user who may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    user_id: String,
    name: String,
    place: String,
}

/// The `user_id` of a user in this room, or in any.
///
/// # Errors
/// There is no such user, there are several, or the server does not answer.
pub async fn in_rooms(api: &Api, room: Option<&RoomName>, text: &str) -> Result<String, CliError> {
    if let Some(id) = as_id(text) {
        return Ok(id);
    }
    let rooms = match room {
        Some(room) => vec![room.as_str().to_owned()],
        None => names(&rooms(api).await?),
    };
    let mut found = Vec::new();
    for room in rooms {
        for user in of_room(api, &room).await? {
            found.extend(candidate(&user, text, &room));
        }
    }
    let where_looked = room.map_or("any room".to_owned(), |room| format!("room {room}"));
    only(found, text, &where_looked)
}

/// The `user_id` of a user whom a ban or a mute keeps out.
///
/// # Errors
/// There is no such user, there are several, or the server does not answer.
pub async fn in_bans(api: &Api, kind: &str, text: &str) -> Result<String, CliError> {
    if let Some(id) = as_id(text) {
        return Ok(id);
    }
    let bans = bans(api).await?;
    let of_kind = bans.iter().filter(|ban| ban["kind"] == kind);
    let found = of_kind.filter_map(|ban| candidate(ban, text, "bans"));
    only(found.collect(), text, "the bans and mutes that hold")
}

/// All rooms.
///
/// # Errors
/// The server does not answer, or refuses.
pub async fn rooms(api: &Api) -> Result<Vec<Value>, CliError> {
    all(api, &["rooms"], "rooms", "name", 200, BANS_MAX).await
}

/// The users of a room, in order of joining.
///
/// # Errors
/// The server does not answer, or refuses.
pub async fn of_room(api: &Api, room: &str) -> Result<Vec<Value>, CliError> {
    let path = ["rooms", room, "users"];
    all(api, &path, "users", "user_id", PAGE, USERS_MAX).await
}

/// The bans and mutes that hold.
///
/// # Errors
/// The server does not answer, or refuses.
pub async fn bans(api: &Api) -> Result<Vec<Value>, CliError> {
    all(api, &["bans"], "bans", "key", 200, BANS_MAX).await
}

/// All pages of a list whose next page comes `after` a field of its last item.
async fn all(
    api: &Api,
    path: &[&str],
    list: &str,
    key: &str,
    page: usize,
    most: usize,
) -> Result<Vec<Value>, CliError> {
    let mut items: Vec<Value> = Vec::new();
    let mut restarts = 0;
    loop {
        let mut query = vec![("limit", page.to_string())];
        let last = items.last().and_then(|item| item[key].as_str());
        query.extend(last.map(|last| ("after", last.to_owned())));
        let mut answer = match api.get(path, &query).await {
            Err(CliError::Refused { code, .. })
                if code == "not_found" && !items.is_empty() && restarts < RESTARTS_MAX =>
            {
                // The last one has gone meanwhile.
                items.clear();
                restarts += 1;
                continue;
            }
            answer => answer?,
        };
        let Value::Array(found) = answer[list].take() else {
            return Ok(items);
        };
        let is_last = found.is_empty() || answer["more"] != true;
        items.extend(found);
        if is_last || items.len() >= most {
            return Ok(items);
        }
    }
}

fn names(rooms: &[Value]) -> Vec<String> {
    let name = |room: &Value| room["name"].as_str().map(str::to_owned);
    rooms.iter().filter_map(name).collect()
}

/// Whether a text can only be a `user_id`.
fn as_id(text: &str) -> Option<String> {
    if let Some(id) = text.strip_prefix(ID_PREFIX) {
        return Some(id.to_owned());
    }
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_made = text.len() == ID_CHARS && text.bytes().all(is_hex);
    (is_made || text.starts_with(JWT_PREFIX)).then(|| text.to_owned())
}

fn candidate(item: &Value, text: &str, place: &str) -> Option<Candidate> {
    let user_id = item["user_id"].as_str()?;
    let name = item["username"].as_str().unwrap_or_default();
    (user_id == text || name == text).then(|| Candidate {
        user_id: user_id.to_owned(),
        name: plain(name, " "),
        place: place.to_owned(),
    })
}

/// The one user who is meant.
fn only(found: Vec<Candidate>, text: &str, place: &str) -> Result<String, CliError> {
    let Some(first) = found.first() else {
        return Err(CliError::User(format!(
            "no user of {place} has the name or user_id {:?}; `hubbub ctl users ROOM` and `messages \
             ROOM` show user_ids, and {ID_PREFIX} in front makes a text one",
            plain(text, " ")
        )));
    };
    if found.iter().all(|other| other.user_id == first.user_id) {
        return Ok(first.user_id.clone());
    }
    let shown = found.iter().take(LISTED_MAX);
    let shown: Vec<String> = shown
        .map(|user| {
            format!(
                "{ID_PREFIX}{} ({}, {})",
                user.user_id, user.name, user.place
            )
        })
        .collect();
    let others = found.len().saturating_sub(LISTED_MAX);
    let others = if others > 0 {
        format!(" and {others} others")
    } else {
        String::new()
    };
    Err(CliError::User(format!(
        "{:?} is not one user; give one of these instead: {}{others}",
        plain(text, " "),
        shown.join(", ")
    )))
}
