//! The settings of messages themselves, as they are given.

use clap::Args;

/// A part of [`Raw`](super::raw::Raw).
#[derive(Debug, Args)]
pub(super) struct MessagesRaw {
    /// Characters a message may have
    #[arg(
        long,
        help_heading = "Messages and rates",
        env = "MESSAGE_MAX_CHARS",
        default_value = "2000",
        value_name = "CHARS"
    )]
    pub(super) message_max_chars: String,

    /// How old a message may be that its sender edits; 0 = none may be edited
    #[arg(
        long,
        help_heading = "Messages and rates",
        env = "EDIT_WINDOW",
        default_value = "24h",
        value_name = "TIME"
    )]
    pub(super) edit_window: String,
}
