//! `hubbub ctl`: rooms, messages and moderation from the command line.

use std::io::{self, Read};

use serde_json::{Value, json};

use super::api::Api;
use super::error::CliError;
use super::moderation::{self, Moderation};
use super::output::{Column, Output, plain};
use super::{tail, users};
use crate::config::Config;
use crate::config::ctl::{CtlAction, CtlArgs};
use crate::domain::RoomName;
use crate::random;

/// Messages or lines of the audit log on one page.
const PAGE: u64 = 200;
/// Bytes of the longest message from standard input: more than any server takes.
const INPUT_BYTES_MAX: u64 = 64 * 1024;

const ROOMS: [Column; 7] = [
    Column::new("ROOM", &["name"]),
    Column::new("MEMBERS", &["members"]),
    Column::new("LAST-ID", &["last_id"]),
    Column::new("SLOW", &["slow_mode_s"]),
    Column::new("LOCKED", &["locked"]),
    Column::new("PINNED", &["pinned"]),
    Column::new("TOPIC", &["topic"]),
];
const USERS: [Column; 3] = [
    Column::new("USER-ID", &["user_id"]),
    Column::new("AWAY", &["away"]),
    Column::new("NAME", &["username"]),
];
const MESSAGES: [Column; 5] = [
    Column::new("ID", &["id"]),
    Column::new("TIME", &["timestamp"]),
    Column::new("USER-ID", &["user_id"]),
    Column::new("NAME", &["sender"]),
    Column::new("TEXT", &["text"]),
];
const BANS: [Column; 6] = [
    Column::new("KIND", &["kind"]),
    Column::new("USER-ID", &["user_id"]),
    Column::new("NETWORK", &["network"]),
    Column::new("UNTIL", &["until"]),
    Column::new("NAME", &["username"]),
    Column::new("REASON", &["reason"]),
];
const AUDIT: [Column; 9] = [
    Column::new("ID", &["id"]),
    Column::new("TIME", &["at"]),
    Column::new("ACTOR", &["actor_name", "actor"]),
    Column::new("ADDRESS", &["address"]),
    Column::new("ACTION", &["action"]),
    Column::new("ROOM", &["room"]),
    Column::new("USER", &["username", "user_id"]),
    Column::new("VALUE", &["value", "message", "until"]),
    Column::new("REASON", &["reason"]),
];

/// One command with a server.
struct Ctl {
    api: Api,
    output: Output,
}

/// Does one command.
///
/// # Errors
/// The server is not reached or refuses, or the command names nothing that there is.
pub async fn run(config: &Config, args: &CtlArgs) -> Result<(), CliError> {
    let ctl = Ctl {
        api: Api::new(config, &args.server)?,
        output: Output::new(args.server.access.json),
    };
    match &args.action {
        CtlAction::Rooms => ctl.output.list(&users::rooms(&ctl.api).await?, &ROOMS),
        CtlAction::Users(args) => {
            let users = users::of_room(&ctl.api, args.room.as_str()).await?;
            ctl.output.list(&users, &USERS)
        }
        CtlAction::Messages {
            room,
            limit,
            before,
        } => ctl.messages(room, *limit, *before).await,
        CtlAction::Bans => ctl.output.list(&users::bans(&ctl.api).await?, &BANS),
        CtlAction::Audit { limit, before } => ctl.audit(*limit, *before).await,
        CtlAction::Tail { room, lines, after } => {
            tail::run(&ctl.api, ctl.output, room, *lines, *after).await
        }
        CtlAction::Stats => ctl.show(&["stats"]).await,
        CtlAction::Whoami => ctl.show(&["me"]).await,
        CtlAction::Say { room, text, sender } => ctl.say(room, text, sender).await,
        CtlAction::User(action) => {
            ctl.moderate(moderation::of_user(&ctl.api, action).await?)
                .await
        }
        CtlAction::Room(action) => ctl.moderate(moderation::of_room(action)).await,
    }
}

impl Ctl {
    async fn say(&self, room: &RoomName, text: &str, sender: &str) -> Result<(), CliError> {
        let text = if text == "-" {
            input()?
        } else {
            text.to_owned()
        };
        // So that another try after a lost answer posts nothing twice.
        let body = json!({ "sender": sender, "text": text, "client_id": random::id() });
        let path = ["rooms", room.as_str(), "messages"];
        let answer = self.api.post(&path, &body).await?;
        let sentence = format!("message {} is in room {room}", answer["id"]);
        self.output.done(&answer, &sentence)
    }

    async fn messages(
        &self,
        room: &RoomName,
        limit: u64,
        before: Option<u64>,
    ) -> Result<(), CliError> {
        let path = ["rooms", room.as_str(), "messages"];
        // Pages come with the newest one first, and have the oldest message first.
        let mut messages = Vec::new();
        let (mut before, mut left) = (before, limit);
        while left > 0 {
            let mut page = self.page(&path, left, before).await?;
            let Value::Array(mut older) = page["messages"].take() else {
                break;
            };
            left = left.saturating_sub(older.len() as u64);
            before = older.first().and_then(|message| message["id"].as_u64());
            older.append(&mut messages);
            messages = older;
            if page["more"] != true || before.is_none() {
                break;
            }
        }
        if !self.output.is_json() {
            for message in &mut messages {
                if message["deleted"] == true {
                    message["text"] = json!("(deleted)");
                }
            }
        }
        self.output.list(&messages, &MESSAGES)
    }

    async fn audit(&self, limit: u64, before: Option<u64>) -> Result<(), CliError> {
        let mut lines = Vec::new();
        let (mut before, mut left) = (before, limit);
        while left > 0 {
            let mut page = self.page(&["audit"], left, before).await?;
            let Value::Array(older) = page["lines"].take() else {
                break;
            };
            left = left.saturating_sub(older.len() as u64);
            before = older.last().and_then(|line| line["id"].as_u64());
            lines.extend(older);
            if page["more"] != true || before.is_none() {
                break;
            }
        }
        self.output.list(&lines, &AUDIT)
    }

    async fn page(
        &self,
        path: &[&str],
        limit: u64,
        before: Option<u64>,
    ) -> Result<Value, CliError> {
        let mut query = vec![("limit", limit.min(PAGE).to_string())];
        query.extend(before.map(|id| ("before", id.to_string())));
        self.api.get(path, &query).await
    }

    async fn moderate(&self, moderation: Moderation) -> Result<(), CliError> {
        let answer = self.api.post(&["moderation"], &moderation.body).await?;
        self.output.done(&answer, &moderation.sentence)
    }

    /// Shows the fields of an object, one a line.
    async fn show(&self, path: &[&str]) -> Result<(), CliError> {
        let answer = self.api.get(path, &[]).await?;
        let Some(fields) = answer.as_object().filter(|_| !self.output.is_json()) else {
            return self.output.line(&answer.to_string());
        };
        let mut shown = Vec::new();
        for (name, value) in fields {
            match value {
                Value::Object(parts) => {
                    shown.extend(
                        parts
                            .iter()
                            .map(|(part, value)| (format!("{name} {part}"), value)),
                    );
                }
                value => shown.push((name.clone(), value)),
            }
        }
        let width = shown.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in shown {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            self.output
                .line(&format!("{name:width$}  {}", plain(&value, " ")))?;
        }
        Ok(())
    }
}

/// The whole standard input, without the line break at its end.
fn input() -> Result<String, CliError> {
    let mut text = String::new();
    let read = io::stdin()
        .take(INPUT_BYTES_MAX + 1)
        .read_to_string(&mut text);
    match read {
        Ok(bytes) if bytes as u64 <= INPUT_BYTES_MAX => Ok(text.trim_end().to_owned()),
        Ok(_) => Err(CliError::Input(format!(
            "standard input has over {INPUT_BYTES_MAX} bytes; send it in parts"
        ))),
        Err(error) => Err(CliError::Input(format!(
            "cannot read standard input: {error}"
        ))),
    }
}
