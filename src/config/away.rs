//! The settings of users who are away or disconnected, as they are given.

use clap::Args;

/// A part of [`Raw`](super::raw::Raw).
#[derive(Debug, Args)]
pub(super) struct AwayRaw {
    /// How long a disconnected user stays a member before the room sees them leave; 0 =
    /// immediately
    #[arg(
        long,
        help_heading = "Connections",
        env = "RESUME_GRACE",
        default_value = "10s",
        value_name = "TIME"
    )]
    pub(super) resume_grace: String,

    /// How long a page is hidden before it closes its connection, until it is shown again; 0 = it
    /// never does
    #[arg(
        long,
        help_heading = "Connections",
        env = "PARK_AFTER",
        default_value = "0",
        value_name = "TIME"
    )]
    pub(super) park_after: String,

    /// How long a user who is away stays a member before the room sees them leave; 0 = immediately
    #[arg(
        long,
        help_heading = "Connections",
        env = "AWAY_GRACE",
        default_value = "15m",
        value_name = "TIME"
    )]
    pub(super) away_grace: String,
}
