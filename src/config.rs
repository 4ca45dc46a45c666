//! Every setting once: flag, environment variable, default, unit and check.
//!
//! Values are read as text first and checked together, so that a wrong configuration is reported
//! whole, before a port is bound. The table in `README.md` is generated from this file.

mod checks;
mod table;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser};

pub use checks::Mistakes;
pub use table::markdown as settings_table;

use crate::domain::RoomName;
use crate::telemetry::LogFormat;

/// Hubbub: a real-time chatroom service. Every flag can also be given as the environment variable
/// that its help names; a flag wins. 0 turns a limit off. SECRET_KEY is read from the environment
/// only.
#[derive(Debug, Parser)]
#[command(name = "hubbub", version, disable_help_subcommand = true)]
struct Raw {
    /// Address to listen on
    #[arg(long, env = "HOST", default_value = "0.0.0.0", value_name = "ADDRESS")]
    host: String,

    /// Port to listen on; 0 takes a free one
    #[arg(long, env = "PORT", default_value = "5000", value_name = "PORT")]
    port: String,

    /// Rooms, in the order they are listed, separated by commas
    #[arg(
        long,
        env = "ROOMS",
        default_value = "general,tech,sports,music,gaming",
        value_name = "NAMES"
    )]
    rooms: String,

    /// Messages of each room that are kept
    #[arg(
        long,
        env = "HISTORY_MESSAGES",
        default_value = "1000",
        value_name = "MESSAGES"
    )]
    history_messages: String,

    /// Bytes of each room's messages that are kept at most
    #[arg(
        long,
        env = "HISTORY_BYTES",
        default_value = "8388608",
        value_name = "BYTES"
    )]
    history_bytes: String,

    /// Characters a message may have
    #[arg(
        long,
        env = "MESSAGE_MAX_CHARS",
        default_value = "2000",
        value_name = "CHARS"
    )]
    message_max_chars: String,

    /// Messages a second that one connection may send, on average
    #[arg(
        long,
        env = "MESSAGE_RATE",
        default_value = "5",
        value_name = "PER SECOND"
    )]
    message_rate: String,

    /// Messages that one connection may send at once
    #[arg(
        long,
        env = "MESSAGE_BURST",
        default_value = "50",
        value_name = "MESSAGES"
    )]
    message_burst: String,

    /// Requests of one connection that may wait before more are refused as `busy`; at least 1
    #[arg(long, env = "MAILBOX", default_value = "1024", value_name = "REQUESTS")]
    mailbox: String,

    /// Connections at once
    #[arg(
        long,
        env = "MAX_CONNECTIONS",
        default_value = "20000",
        value_name = "CONNECTIONS"
    )]
    max_connections: String,

    /// Time between heartbeats
    #[arg(
        long,
        env = "PING_INTERVAL",
        default_value = "25s",
        value_name = "TIME"
    )]
    ping_interval: String,

    /// Time a client has to answer a heartbeat
    #[arg(long, env = "PING_TIMEOUT", default_value = "20s", value_name = "TIME")]
    ping_timeout: String,

    /// Time between a transport's opening and the client's Socket.IO CONNECT
    #[arg(
        long,
        env = "CONNECT_TIMEOUT",
        default_value = "10s",
        value_name = "TIME"
    )]
    connect_timeout: String,

    /// Shortest time between two `room_update` events, or two `typing` events of a room
    #[arg(
        long,
        env = "COUNTS_INTERVAL",
        default_value = "50ms",
        value_name = "TIME"
    )]
    counts_interval: String,

    /// Members above which a room is not told of joins, leaves and renames
    #[arg(
        long,
        env = "NOTICE_LIMIT",
        default_value = "200",
        value_name = "MEMBERS"
    )]
    notice_limit: String,

    /// A connection that takes nothing for this long is closed, so that it comes back
    #[arg(long, env = "SLOW_TIMEOUT", default_value = "10s", value_name = "TIME")]
    slow_timeout: String,

    /// Time the place of somebody whose connection is lost is kept, and the room not told; 0 tells
    /// it at once
    #[arg(long, env = "RESUME_GRACE", default_value = "10s", value_name = "TIME")]
    resume_grace: String,

    /// Longest time a shutdown waits for connections to end; 0 ends them at once
    #[arg(
        long,
        env = "DRAIN_TIMEOUT",
        default_value = "20s",
        value_name = "TIME"
    )]
    drain_timeout: String,

    /// Folder of a web client to serve instead of the built-in one; read once, at start
    #[arg(long, env = "WEB_DIR", value_name = "FOLDER")]
    web_dir: Option<String>,

    /// How log lines look: `text` or `json`
    #[arg(
        long,
        env = "LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    log_format: String,

    /// What is logged, as `tracing` filter directives
    #[arg(
        long = "log",
        env = "RUST_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    log: String,

    /// Ask the server on PORT of this machine whether it lives, and exit with 0 if it does
    #[arg(long)]
    healthcheck: bool,
}

/// A valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// Key for what the server signs.
    pub secret_key: SecretKey,
    /// The rooms: at least one, no two alike.
    pub rooms: Vec<RoomName>,
    /// Messages kept for each room; 0 = bounded by bytes alone.
    pub history_messages: usize,
    /// Bytes kept for each room; 0 = bounded by messages alone.
    pub history_bytes: usize,
    /// Graphemes in a message; 0 = bounded by bytes alone.
    pub message_max_chars: usize,
    /// Messages a second for each connection; 0 = not limited.
    pub message_rate: u32,
    /// Messages at once for each connection; at least 1.
    pub message_burst: u32,
    /// Requests in a mailbox; at least 1.
    pub mailbox: usize,
    /// Connections at once; 0 = not limited.
    pub max_connections: usize,
    /// Time between heartbeats.
    pub ping_interval: Duration,
    /// Time to answer one.
    pub ping_timeout: Duration,
    /// Time until the Socket.IO CONNECT.
    pub connect_timeout: Duration,
    /// Shortest time between two updates of counts or typing.
    pub counts_interval: Duration,
    /// Members above which notices stop; 0 = never.
    pub notice_limit: u64,
    /// When a slow reader is closed; `None` = never.
    pub slow_timeout: Option<Duration>,
    /// How long the place of somebody whose connection is lost is kept.
    pub resume_grace: Duration,
    /// Longest drain.
    pub drain_timeout: Duration,
    /// Folder of the web client; `None` = the built-in one.
    pub web_dir: Option<PathBuf>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_filter: String,
    /// Ask a running server instead of being one.
    pub healthcheck: bool,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// A host name or an address.
    pub host: String,
    /// A port; 0 = a free one.
    pub port: u16,
}

/// The key for what the server signs. Never printed.
#[derive(Clone)]
pub struct SecretKey {
    bytes: Vec<u8>,
    source: KeySource,
}

/// Where a [`SecretKey`] came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// The operator gave it.
    Given,
    /// The operator gave it, and it is shorter than 32 bytes.
    GivenShort,
    /// It was made up: what it signs is worth nothing after a restart.
    Random,
}

impl SecretKey {
    /// Bytes below which a given key draws a warning: HMAC-SHA256 keys should not be shorter than
    /// the hash (RFC 2104, section 3).
    const SHORT: usize = 32;

    fn new(given: Option<&str>) -> Self {
        match given {
            Some(key) if key.len() < Self::SHORT => Self {
                bytes: key.into(),
                source: KeySource::GivenShort,
            },
            Some(key) => Self {
                bytes: key.into(),
                source: KeySource::Given,
            },
            None => Self {
                bytes: crate::random::bytes::<32>().to_vec(),
                source: KeySource::Random,
            },
        }
    }

    /// The key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where it came from.
    #[must_use]
    pub const fn source(&self) -> KeySource {
        self.source
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum ConfigError {
    /// The command line is not one of ours, or asks for help or the version. Boxed: it is large.
    Usage(Box<clap::Error>),
    /// Values that cannot be used, all of them.
    Mistakes(Mistakes),
}

impl Config {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// [`ConfigError`]; nothing has happened yet then.
    pub fn from_command_line() -> Result<Self, ConfigError> {
        Self::from_args(
            std::env::args_os(),
            std::env::var("SECRET_KEY").ok().as_deref(),
        )
    }

    /// Reads settings by the names of their environment variables, as Shuttle's secrets give
    /// them; what is missing there is read from the environment. Unknown names are ignored: they
    /// are for somebody else.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`].
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ConfigError> {
        let mut secret_key = std::env::var("SECRET_KEY").ok();
        let mut args = vec!["hubbub".to_owned()];
        for (name, value) in pairs {
            if name == "SECRET_KEY" {
                secret_key = Some(value.to_owned());
            } else if let Some(flag) = table::flag_of(name) {
                args.push(format!("--{flag}={value}"));
            }
        }
        Self::from_args(args.into_iter().map(Into::into), secret_key.as_deref())
    }

    fn from_args(
        args: impl Iterator<Item = std::ffi::OsString>,
        secret_key: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let usage = |error| ConfigError::Usage(Box::new(error));
        let matches = Raw::command().try_get_matches_from(args).map_err(usage)?;
        let raw = Raw::from_arg_matches(&matches).map_err(usage)?;
        checks::check(raw, secret_key).map_err(ConfigError::Mistakes)
    }
}

impl Listen {
    /// The addresses the host name stands for.
    ///
    /// # Errors
    /// One clear line where it stands for none.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        let Self { host, port } = self;
        let unknown = |why: &dyn std::fmt::Display| {
            format!(
                "HOST: {host:?} is no address of this machine ({why}); try 0.0.0.0 or 127.0.0.1"
            )
        };
        let found = tokio::net::lookup_host((host.as_str(), *port)).await;
        let addresses: Vec<_> = found.map_err(|error| unknown(&error))?.collect();
        if addresses.is_empty() {
            Err(unknown(&"it has none"))
        } else {
            Ok(addresses)
        }
    }
}
