//! What the program does instead of serving: work on the rooms in DATA_DIR, tokens, and what it asks of
//! a running server.

use std::path::PathBuf;

use clap::Subcommand;

use super::ctl::CtlArgs;
use super::doctor::DoctorArgs;
use super::token::{RevokeArgs, TokenAction, TokenArgs};
use crate::domain::RoomName;

/// Work on the rooms in DATA_DIR, also while a server has them; make a token for a user; use a running
/// server.
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
    #[command(
        override_usage = "hubbub token --role <ROLE> --name <NAME> [OPTIONS]\n       \
        hubbub token revoke <--id <ID>|--user <ID>|--before <TIME>>"
    )]
    Token(TokenArgs),
    /// Use a running server over its HTTP API: rooms, messages, moderation
    Ctl(CtlArgs),
    /// Check a deployment from outside, and say how to repair it
    Doctor(DoctorArgs),
}

/// What is asked of a running server.
#[derive(Debug, Clone, Copy)]
pub enum Remote<'a> {
    /// `hubbub ctl`
    Ctl(&'a CtlArgs),
    /// `hubbub doctor`
    Doctor(&'a DoctorArgs),
    /// `hubbub token revoke`
    Revoke(&'a RevokeArgs),
}

impl Tool {
    /// What is asked of a running server, if it is that.
    #[must_use]
    pub const fn remote(&self) -> Option<Remote<'_>> {
        match self {
            Self::Ctl(args) => Some(Remote::Ctl(args)),
            Self::Doctor(args) => Some(Remote::Doctor(args)),
            Self::Token(TokenArgs {
                action: Some(TokenAction::Revoke(args)),
                ..
            }) => Some(Remote::Revoke(args)),
            _ => None,
        }
    }
}
