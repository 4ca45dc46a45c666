//! What the program does instead of serving: work on the rooms in DATA_DIR, and tokens.

use std::path::PathBuf;

use clap::Subcommand;

use super::token::TokenRequest;
use crate::domain::RoomName;

/// Work on the rooms in DATA_DIR, also while a server has them; make a token for a user.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Tool {
    /// Copy the whole database into a new file
    Backup {
        /// The copy; it must not exist yet
        file: PathBuf,
    },
    /// Write the messages of a room to standard output, one JSON object a line, oldest first
    Export {
        /// The room
        #[arg(long, value_name = "NAME", value_parser = RoomName::parse)]
        room: RoomName,
        /// Also deleted messages, without text, and the edits and deletions
        #[arg(long)]
        log: bool,
    },
    /// Read messages as `export` writes them; those that are there already are left out
    Import {
        /// The file; - for standard input
        file: PathBuf,
    },
    /// Delete the messages of a user, and the user's names, for ever
    Erase {
        /// The user's `user_id`
        #[arg(long, value_name = "ID")]
        user: String,
    },
    /// Check the whole file, and show how much is in it
    Check,
    /// Make a token with which a user connects, signed with SECRET_KEY or the key kept in DATA_DIR
    Token(TokenRequest),
}
