//! The settings of how long what is kept, as they are given.

use clap::Args;

/// A part of [`Raw`](super::raw::Raw).
#[derive(Debug, Args)]
pub(super) struct KeepingRaw {
    /// How long messages are kept in DATA_DIR, like `30d`; empty = for ever
    #[arg(
        long,
        help_heading = "Disk",
        env = "RETENTION",
        default_value = "",
        value_name = "TIME"
    )]
    pub(super) retention: String,

    /// Bytes of text that each room keeps in DATA_DIR; 0 = not limited
    #[arg(
        long,
        help_heading = "Disk",
        env = "RETENTION_BYTES",
        default_value = "0",
        value_name = "BYTES"
    )]
    pub(super) retention_bytes: String,

    /// How long the audit log is kept, like 90d or 12h; empty = for ever
    #[arg(
        long,
        help_heading = "Disk",
        env = "AUDIT_RETENTION",
        default_value = "90d",
        value_name = "TIME"
    )]
    pub(super) audit_retention: String,
}
