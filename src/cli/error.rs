//! What can go wrong between the command line and a server: one line, with what to do.

use std::io;
use std::path::PathBuf;

use url::Url;

/// What was asked for is not possible, or was refused.
const EXIT_REFUSED: u8 = 1;
/// The command line cannot be used (EX_USAGE of sysexits.h).
const EXIT_USAGE: u8 = 64;
/// The server cannot be used now, or not from here (EX_UNAVAILABLE of sysexits.h).
const EXIT_UNAVAILABLE: u8 = 69;

/// Why a command has failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A file that the command line names cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A file has no certificate.
    #[error("{} has no certificate; give a file in PEM form, which begins with -----BEGIN", .0.display())]
    NoCertificate(PathBuf),
    /// There is no token, or none that a header can carry.
    #[error(
        "{0}; put the token into HUBBUB_TOKEN, ADMIN_TOKEN or a file that --token-file names (`hubbub \
         token --role moderator --name NAME` makes one)"
    )]
    Token(&'static str),
    /// The server was not reached.
    #[error("{url}: {problem}; {remedy}")]
    Unreachable {
        /// Its address.
        url: Box<Url>,
        /// What happened.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// What answers is no hubbub, or another path of one.
    #[error("{url} answered {seen}, as hubbub does not; {remedy}")]
    NotHubbub {
        /// What was asked for.
        url: Box<Url>,
        /// The answer.
        seen: String,
        /// What to do.
        remedy: String,
    },
    /// The server refused it.
    #[error("{message} ({code})")]
    Refused {
        /// For programs.
        code: String,
        /// For people.
        message: String,
    },
    /// The server cannot do it now.
    #[error("{url}: {message}; try again later")]
    Unavailable {
        /// Its address.
        url: Box<Url>,
        /// What it answered.
        message: String,
    },
    /// A user is not named well enough.
    #[error("{0}")]
    User(String),
    /// The input of a command cannot be used.
    #[error("{0}")]
    Input(String),
    /// Some checks have failed.
    #[error("{failed} of {all} checks failed")]
    Checks {
        /// Those that failed.
        failed: usize,
        /// All that were made.
        all: usize,
    },
    /// The result cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// The system does not let this program work.
    #[error("cannot start: {0}")]
    System(String),
}

impl CliError {
    /// The exit code of the process.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::File { .. } | Self::NoCertificate(_) | Self::Token(_) | Self::Input(_) => {
                EXIT_USAGE
            }
            Self::Unreachable { .. } | Self::NotHubbub { .. } | Self::Unavailable { .. } => {
                EXIT_UNAVAILABLE
            }
            Self::Refused { .. }
            | Self::User(_)
            | Self::Checks { .. }
            | Self::Output(_)
            | Self::System(_) => EXIT_REFUSED,
        }
    }

    /// Whether the reader of standard output has gone, as `head` does when it has enough.
    #[must_use]
    pub fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
