//! What the commands that moderate send, and what they write when it is done.

use serde_json::{Value, json};

use super::api::Api;
use super::error::CliError;
use super::users;
use crate::config::ctl::{RestrictArgs, RoomAction, RoomUserArgs, UserAction};

/// A call that moderates.
#[derive(Debug)]
pub struct Moderation {
    /// Its body.
    pub body: Value,
    /// What is written when it is done.
    pub sentence: String,
}

impl Moderation {
    fn new(body: Value, sentence: String) -> Self {
        Self { body, sentence }
    }

    fn with_reason(mut self, reason: Option<&String>) -> Self {
        if let Some(reason) = reason {
            self.body["reason"] = json!(reason);
        }
        self
    }
}

/// What is done to a user, whom the server may have to name first.
///
/// # Errors
/// The user is not one user, or the server does not answer.
pub async fn of_user(api: &Api, action: &UserAction) -> Result<Moderation, CliError> {
    let in_room = async |who: &RoomUserArgs| users::in_rooms(api, Some(&who.room), &who.user).await;
    Ok(match action {
        UserAction::Clear(who) => {
            let (id, room) = (in_room(who).await?, who.room.as_str());
            Moderation::new(
                json!({ "action": "clear", "room": room, "user_id": id }),
                format!("all messages of {id} in {room} are deleted"),
            )
        }
        UserAction::Kick { who, reason } => {
            let (id, room) = (in_room(who).await?, who.room.as_str());
            Moderation::new(
                json!({ "action": "kick", "room": room, "user_id": id }),
                format!("{id} is out of {room}"),
            )
            .with_reason(reason.as_ref())
        }
        UserAction::Mute(args) => restriction(api, "mute", "muted", args).await?,
        UserAction::Ban {
            restriction: args,
            address,
        } => {
            let mut ban = restriction(api, "ban", "banned", args).await?;
            ban.body["address"] = json!(address);
            ban
        }
        UserAction::Unmute(args) => {
            let id = users::in_bans(api, "mute", &args.user).await?;
            let body = json!({ "action": "unmute", "user_id": id });
            Moderation::new(body, format!("{id} may write again"))
        }
        UserAction::Unban(args) => {
            let id = users::in_bans(api, "ban", &args.user).await?;
            let body = json!({ "action": "unban", "user_id": id });
            Moderation::new(body, format!("{id} may come back"))
        }
    })
}

/// A ban or a mute.
async fn restriction(
    api: &Api,
    action: &str,
    done: &str,
    args: &RestrictArgs,
) -> Result<Moderation, CliError> {
    let id = users::in_rooms(api, args.room.as_ref(), &args.user).await?;
    let mut body = json!({ "action": action, "user_id": id });
    let until = match args.time {
        None => format!("until un{action}"),
        Some(time) => {
            body["for_s"] = json!(time.as_secs());
            format!("for {}", humantime::format_duration(time))
        }
    };
    let moderation = Moderation::new(body, format!("{id} is {done} {until}"));
    Ok(moderation.with_reason(args.reason.as_ref()))
}

/// How a room is run from now on, or what becomes of a message.
#[must_use]
pub fn of_room(action: &RoomAction) -> Moderation {
    match action {
        RoomAction::Delete(args) => Moderation::new(
            json!({ "action": "delete", "room": args.room.as_str(), "id": args.id }),
            format!("message {} is deleted", args.id),
        ),
        RoomAction::Slow { room, seconds } => Moderation::new(
            json!({ "action": "slow_mode", "room": room.as_str(), "seconds": seconds }),
            match seconds {
                0 => format!("{room} has no slow mode"),
                seconds => format!("in {room} each user may write every {seconds} s"),
            },
        ),
        RoomAction::Lock { room, off } => Moderation::new(
            json!({ "action": "lock", "room": room.as_str(), "locked": !off }),
            match off {
                false => format!("{room} is locked: only moderators may write"),
                true => format!("{room} is open: all may write"),
            },
        ),
        RoomAction::Topic { room, text } => Moderation::new(
            json!({ "action": "topic", "room": room.as_str(), "text": text }),
            match text.trim() {
                "" => format!("{room} has no topic"),
                _ => format!("{room} has its topic"),
            },
        ),
        RoomAction::Pin { message, off } => {
            let (room, id) = (message.room.as_str(), message.id);
            let state = if *off { "no longer pinned" } else { "pinned" };
            Moderation::new(
                json!({ "action": "pin", "room": room, "id": id, "on": !off }),
                format!("message {id} is {state} in {room}"),
            )
        }
    }
}
