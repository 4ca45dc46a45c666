//! What `hubbub token` is asked for.

use std::time::Duration;

use clap::Args;

use crate::domain::{Role, RoomName, Username};
use crate::session::identity::actor::{UserIdError, parse_user_id};

/// Longest time that a token is made for: what is lost should not be valid for ever.
const LIFETIME_MAX: Duration = Duration::from_secs(3660 * 24 * 3600);

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TokenRequest {
    /// What its user may do: member, moderator or admin
    #[arg(long, value_name = "ROLE", value_parser = Role::parse)]
    pub role: Role,
    /// The name that its user goes by; others cannot take it
    #[arg(long, value_name = "NAME", value_parser = Username::parse)]
    pub name: Username,
    /// The user's `user_id`; a new one if left out
    #[arg(long, value_name = "ID", value_parser = user_id)]
    pub user: Option<String>,
    /// The only rooms that its user may enter, separated by commas; all if left out
    #[arg(long = "rooms", id = "token_rooms", value_name = "NAMES", value_delimiter = ',', value_parser = RoomName::parse)]
    pub rooms: Vec<RoomName>,
    /// How long it is valid
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = lifetime)]
    pub expires: Duration,
    /// Write one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// A time cannot be that of a token.
#[derive(Debug, thiserror::Error)]
enum LifetimeError {
    #[error("{0}; give one like 30d or 12h")]
    Unreadable(#[from] humantime::DurationError),
    #[error("give at least 1s and at most 3660d")]
    Bounds,
}

fn lifetime(text: &str) -> Result<Duration, LifetimeError> {
    let time = humantime::parse_duration(text)?;
    if (Duration::from_secs(1)..=LIFETIME_MAX).contains(&time) {
        Ok(time)
    } else {
        Err(LifetimeError::Bounds)
    }
}

fn user_id(text: &str) -> Result<String, UserIdError> {
    parse_user_id(text).map(str::to_owned)
}
