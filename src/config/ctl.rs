//! What `hubbub ctl` is asked for.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::remote::ServerArgs;
use crate::domain::RoomName;

/// Most messages or lines of the audit log that one command lists.
const LISTED_MAX: i64 = 10_000;
/// Most messages with which `tail` begins: one page of the API.
const TAIL_LINES_MAX: i64 = 200;

/// Something to do with a running server.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CtlArgs {
    /// Which server, and as whom.
    #[command(flatten)]
    pub server: ServerArgs,
    /// What to do.
    #[command(subcommand)]
    pub action: CtlAction,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum CtlAction {
    /// List the rooms
    Rooms,
    /// List the users of a room
    Users(RoomArg),
    /// Post a message
    Say {
        /// The room
        #[arg(value_name = "ROOM", value_parser = RoomName::parse)]
        room: RoomName,
        /// The message; - for standard input
        text: String,
        /// The name that the message is sent under
        #[arg(long = "as", value_name = "NAME", default_value = "Operator")]
        sender: String,
    },
    /// List messages of a room, the newest ones in the order of their ids
    Messages {
        /// The room
        #[arg(value_name = "ROOM", value_parser = RoomName::parse)]
        room: RoomName,
        /// How many
        #[arg(long, value_name = "N", default_value = "50", value_parser = listed())]
        limit: u64,
        /// Only messages before this one
        #[arg(long, value_name = "ID")]
        before: Option<u64>,
    },
    /// List the bans and mutes that hold
    Bans,
    /// Something about a user.
    #[command(flatten)]
    User(UserAction),
    /// Something about a room or one of its messages.
    #[command(flatten)]
    Room(RoomAction),
    /// List the audit log, newest first
    Audit {
        /// How many lines
        #[arg(long, value_name = "N", default_value = "50", value_parser = listed())]
        limit: u64,
        /// Only lines before this one
        #[arg(long, value_name = "ID")]
        before: Option<u64>,
    },
    /// Follow a room: its newest messages, then everything that happens, until Ctrl-C
    Tail {
        /// The room
        #[arg(value_name = "ROOM", value_parser = RoomName::parse)]
        room: RoomName,
        /// How many messages to begin with
        #[arg(short = 'n', long, value_name = "N", default_value = "10",
            value_parser = clap::value_parser!(u64).range(0..=TAIL_LINES_MAX as u64))]
        lines: u64,
        /// Begin after this message instead
        #[arg(long, value_name = "ID", conflicts_with = "lines")]
        after: Option<u64>,
    },
    /// Show figures of the service
    Stats,
    /// Show whose the token is
    Whoami,
}

/// What is done to users. USER is a `user_id`, or a name that exactly one user has; `id:` in front makes
/// any text a `user_id`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum UserAction {
    /// Delete all messages of a user in a room
    Clear(RoomUserArgs),
    /// Remove a user from a room; they may come back
    Kick {
        /// The room and the user.
        #[command(flatten)]
        who: RoomUserArgs,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Let a user read but not write, in all rooms
    Mute(RestrictArgs),
    /// Let a muted user write again
    Unmute(UserArg),
    /// Remove a user from the service, and keep them out
    Ban {
        /// Whom, for how long and why.
        #[command(flatten)]
        restriction: RestrictArgs,
        /// The networks that the user connects from, too
        #[arg(long)]
        address: bool,
    },
    /// Let a banned user, and the networks that were banned with them, come back
    Unban(UserArg),
}

/// How a room is run, and its messages.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum RoomAction {
    /// Delete a message
    Delete(MessageArgs),
    /// Set the time between two messages of one user in a room; 0 = not limited
    Slow {
        /// The room
        #[arg(value_name = "ROOM", value_parser = RoomName::parse)]
        room: RoomName,
        /// The time, like 30 or 30s
        #[arg(value_name = "SECONDS", value_parser = seconds)]
        seconds: u64,
    },
    /// Let only moderators write in a room
    Lock {
        /// The room
        #[arg(value_name = "ROOM", value_parser = RoomName::parse)]
        room: RoomName,
        /// Let all write again
        #[arg(long)]
        off: bool,
    },
    /// Set the topic of a room; an empty text removes it
    Topic {
        /// The room
        #[arg(value_name = "ROOM", value_parser = RoomName::parse)]
        room: RoomName,
        /// The topic
        text: String,
    },
    /// Show a message to all who come
    Pin {
        /// The room and the message.
        #[command(flatten)]
        message: MessageArgs,
        /// Do so no longer
        #[arg(long)]
        off: bool,
    },
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RoomArg {
    /// The room
    #[arg(value_name = "ROOM", value_parser = RoomName::parse)]
    pub room: RoomName,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct MessageArgs {
    /// The room
    #[arg(value_name = "ROOM", value_parser = RoomName::parse)]
    pub room: RoomName,
    /// The message
    pub id: u64,
}

/// A user in a room.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RoomUserArgs {
    /// The room
    #[arg(value_name = "ROOM", value_parser = RoomName::parse)]
    pub room: RoomName,
    /// The user: a `user_id`, or a name that exactly one user in the room has
    pub user: String,
}

/// A user who is banned or muted.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UserArg {
    /// The user: a `user_id`, or a name that exactly one of those has whom `bans` lists
    pub user: String,
}

/// What keeps a user from doing something.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RestrictArgs {
    /// The user: a `user_id`, or a name that exactly one user has
    pub user: String,
    /// For how long, like 10m or 7d; without it until it is undone
    #[arg(long = "for", value_name = "TIME", value_parser = restriction)]
    pub time: Option<Duration>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The room in which the name is looked for; without it all rooms
    #[arg(long, value_name = "ROOM", value_parser = RoomName::parse)]
    pub room: Option<RoomName>,
}

fn listed() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=LISTED_MAX as u64)
}

/// A text is no time that a command can take.
#[derive(Debug, thiserror::Error)]
enum TimeError {
    #[error("{0}; give one like 10m or 7d")]
    Unreadable(#[from] humantime::DurationError),
    #[error("give at least one second")]
    Short,
}

fn restriction(text: &str) -> Result<Duration, TimeError> {
    let time = humantime::parse_duration(text)?;
    if time.as_secs() == 0 {
        return Err(TimeError::Short);
    }
    Ok(time)
}

/// Whole seconds, with or without a unit.
fn seconds(text: &str) -> Result<u64, TimeError> {
    match text.parse() {
        Ok(seconds) => Ok(seconds),
        Err(_) => Ok(humantime::parse_duration(text)?.as_secs()),
    }
}
