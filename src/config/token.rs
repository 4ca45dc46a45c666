//! What `hubbub token` is asked for: to make a token, or to revoke some.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::remote::ServerArgs;
use crate::clock;
use crate::domain::{Role, RoomName, Username};
use crate::session::identity::actor::{UserIdError, parse_user_id};

/// Longest time that a token is made for: what is lost should not be valid for ever.
const LIFETIME_MAX: Duration = Duration::from_secs(3660 * 24 * 3600);

/// A token to be made, or tokens to be revoked: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct TokenArgs {
    /// The token to be made.
    #[command(flatten)]
    pub request: Option<TokenRequest>,
    /// What to do with tokens that there are.
    #[command(subcommand)]
    pub action: Option<TokenAction>,
}

/// What is done with tokens that there are.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum TokenAction {
    /// Revoke tokens: a running server accepts them no longer, and closes their connections
    Revoke(RevokeArgs),
}

/// Tokens to be revoked.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RevokeArgs {
    /// Which.
    #[command(flatten)]
    pub which: RevokedArgs,
    /// Where, and as whom.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Which tokens are revoked: one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[group(required = true, multiple = false)]
pub struct RevokedArgs {
    /// One token: its id, as `hubbub token` shows it, or a JWT's `jti`
    #[arg(long = "id", value_name = "ID")]
    pub token_id: Option<String>,
    /// All tokens that this user was given until now: the `user_id`
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// All tokens that were made before this time: `now`, or one like 2026-11-26 or
    /// 2026-11-26T20:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time_s)]
    pub before: Option<i64>,
}

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

/// A text is no point in time.
#[derive(Debug, thiserror::Error)]
#[error("give now, or a time like 2026-11-26 or 2026-11-26T20:00:00Z")]
struct TimeError;

/// Seconds since the Unix epoch. A date alone is its beginning in UTC.
fn time_s(text: &str) -> Result<i64, TimeError> {
    if text == "now" {
        return Ok(clock::unix_ms() / 1000);
    }
    let at = clock::parse_rfc3339(text);
    let at = at.or_else(|| clock::parse_rfc3339(&format!("{text}T00:00:00Z")));
    let at = at.filter(|at| *at >= 0).ok_or(TimeError)?;
    Ok(at / 1000)
}

fn user_id(text: &str) -> Result<String, UserIdError> {
    parse_user_id(text).map(str::to_owned)
}
