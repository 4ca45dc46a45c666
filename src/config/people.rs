//! The settings of people in charge, as they are given.

use clap::Args;

/// A part of [`Raw`](super::raw::Raw).
#[derive(Debug, Args)]
pub(super) struct PeopleRaw {
    /// How long the audit log is kept, like 90d or 12h; empty = for ever
    #[arg(
        long,
        help_heading = "People in charge",
        env = "AUDIT_RETENTION",
        default_value = "90d",
        value_name = "TIME"
    )]
    pub(super) audit_retention: String,
}
