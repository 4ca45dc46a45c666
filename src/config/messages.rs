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

    /// Messages per second a new user may send, on average, in their first minute; 0 = as everybody
    #[arg(
        long,
        help_heading = "Messages and rates",
        env = "NEWCOMER_RATE",
        default_value = "1",
        value_name = "PER SECOND"
    )]
    pub(super) newcomer_rate: String,

    /// File with words that messages must not have; empty = none. Read again on SIGHUP
    #[arg(
        long,
        help_heading = "Messages and rates",
        env = "WORD_FILTER",
        default_value = "",
        value_name = "FILE"
    )]
    pub(super) word_filter: String,

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
